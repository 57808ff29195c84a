"""Silence the units of a restorer that never fire, so that what is exported can do without them.

    python tools/silence_units.py runs/scan scan.weights.h5 -o quiet.weights.h5

A hidden unit of a residual block that stays at zero on every crop of many training batches gets
outgoing weights of zero; `aeimage export` and `tools/ship_restorer.py` leave such units out, which
makes the LiteRT file faster. Damage and crops are those of the run, from its data.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from aeimage.export.kinds import restorer
from aeimage.models.restorer import Restorer
from aeimage.training.presets import load_preset
from aeimage.training.request import TrainingRequest
from aeimage.training.run import RUN_FILE
from aeimage.training.weights import load_weights, save_weights


def peaks(model: Restorer, task, batches: Iterable) -> list[np.ndarray]:
    """Return the highest value of each hidden unit on the batches of a task, block by block."""
    found = [np.zeros(block.first.filters, np.float32) for block in model.blocks]
    calls = [block.first.call for block in model.blocks]

    def watched(call, highest):
        def run(inputs):
            outputs = call(inputs)
            np.maximum(highest, ops.convert_to_numpy(ops.max(outputs, (0, 1, 2))), out=highest)
            return outputs

        return run

    for block, call, highest in zip(model.blocks, calls, found, strict=True):
        block.first.call = watched(call, highest)
    try:
        for batch in batches:
            task.loss(model, batch, None)
    finally:
        for block, call in zip(model.blocks, calls, strict=True):
            block.first.call = call
    return found


def silence(model: Restorer, highest: Sequence[np.ndarray]) -> int:
    """Make the outgoing weights of units zero whose highest value is 0; return their number."""
    for block, peak in zip(model.blocks, highest, strict=True):
        kernel = block.second.kernel
        kernel.assign(kernel * (peak > 0).astype("float32")[:, None])
    return sum(int((peak <= 0).sum()) for peak in highest)


def main(argv: Sequence[str] | None = None) -> None:
    """Silences a model's units from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("run", type=Path, help="folder of the run")
    add("weights", type=Path, help="file ending in .weights.h5")
    add("-o", "--output", type=Path, required=True, help="file ending in .weights.h5")
    add("--batches", type=int, default=128, help="to watch (default: %(default)s)")
    args = parser.parse_args(argv)

    keras.config.set_dtype_policy("float32")
    record = json.loads((args.run / RUN_FILE).read_text(encoding="utf-8"))
    preset = load_preset(record["preset"])
    request = TrainingRequest(
        record["preset"],
        [Path(folder) for folder in record["data"]],
        args.run,
        **{name: record[name] for name in ("batch_size", "crop", "options")},
        seed=record["seed"] + 1,
    )
    task = preset.make_task(request)
    model = restorer.build(preset)
    load_weights(model, args.weights)
    batches = (task.batch(step) for step in range(args.batches))
    count = silence(model, peaks(model, task, batches))
    save_weights(model, args.output, precision="float32")
    total = sum(block.first.filters for block in model.blocks)
    print(f"{args.output}: {count} of {total} units silenced")


if __name__ == "__main__":
    main()
