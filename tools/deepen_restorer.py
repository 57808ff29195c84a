"""Give a trained restorer more blocks, without changing what it does.

    python tools/deepen_restorer.py restorer.weights.h5 --preset photo \\
        --encoder-blocks 2 2 2 --decoder-blocks 2 2 -o deeper.weights.h5
    aeimage train photo --data PHOTOS --init deeper.weights.h5 --out runs/photo

The weights are those of a model with the given numbers of blocks; the preset's has at least as many
at each scale. A residual block whose last convolution is zero is the identity: what the preset has
more starts as that. Source: Goyal et al., "Accurate, Large Minibatch SGD", 2017 (residual branches
that start at zero).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aeimage.errors import UsageError
from aeimage.models.restorer import Restorer, RestorerConfig
from aeimage.training.presets import load_preset
from aeimage.training.weights import load_weights, save_weights


def deepen(shallow: Restorer, config: RestorerConfig) -> Restorer:
    """Return a model of `config` that does what `shallow` does.

    Raises:
        UsageError: `config` is narrower, wider or has fewer blocks at some scale.
    """
    deep = Restorer(config)
    deep.build()
    weights = {v.path.partition("/")[2]: v for v in deep.trainable_variables}
    for variable in shallow.trainable_variables:
        name = variable.path.partition("/")[2]
        target = weights.get(name)
        if target is None or target.shape != variable.shape:
            raise UsageError(
                f"The deeper model has no {name} of shape {tuple(variable.shape)}. Expected a "
                "preset of the same widths with at least as many blocks at each scale."
            )
        target.assign(variable)
    return deep


def main(argv: Sequence[str] | None = None) -> None:
    """Deepens a model from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("weights", type=Path, help="of the model with fewer blocks")
    add("--preset", default="photo", choices=("scan", "photo"), help="default: %(default)s")
    add("--encoder-blocks", type=int, nargs="+", required=True, help="of the weights, finest first")
    add("--decoder-blocks", type=int, nargs="+", required=True, help="of the weights, finest first")
    add("-o", "--output", type=Path, required=True, help="file ending in .weights.h5")
    args = parser.parse_args(argv)
    config = load_preset(args.preset).CONFIG
    blocks = {"encoder_blocks": args.encoder_blocks, "decoder_blocks": args.decoder_blocks}
    shallow = Restorer(replace(config, **{k: tuple(v) for k, v in blocks.items()}))
    shallow.build()
    load_weights(shallow, args.weights)
    deep = deepen(shallow, config)
    save_weights(deep, args.output, precision="float32")
    print(f"{args.output}: {shallow.count_params():,} parameters became {deep.count_params():,}")


if __name__ == "__main__":
    main()
