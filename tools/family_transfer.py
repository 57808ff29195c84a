"""A classifier from a few labels, with an autoencoder that was trained without any, on MNIST.

    python tools/family_transfer.py --mnist MNIST --out docs/benchmark/family

An autoencoder is trained on all 60,000 training pictures without their labels. Of these, 10, 100 or
1,000 are then labelled, evenly from all digits, drawn five times. `aeimage.apps.transfer` says what
is compared. Measured on the 10,000 test pictures. Writes `transfer.png`.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np
from family_encoder import described, latents_of, row, shared_encoder, splits, steps_of

from aeimage.apps.transfer import METHODS, Labelled, Trial, compare
from aeimage.apps.transfer_training import SCRATCH_STEPS, from_scratch

PART = "transfer"
COUNTS = (10, 100, 1000)
SEEDS = 5
COLOURS = {"latents": "#D55E00", "pixels": "#8C8C8C", "scratch": "#0072B2"}


def run(options: argparse.Namespace) -> list[dict]:
    """Train the autoencoder, draw labels, and measure.

    Args:
        options: `mnist`, the data (anything that `load_pictures` takes); `out`, folder for the
            picture; `share`, of the steps (1 for all).

    Returns:
        rows of part, data, method, measure, value.
    """
    train, test = splits(options)
    model = shared_encoder(options, train.pixels)
    known, asked = (
        Labelled(pictures.pixels, latents_of(model, pictures.pixels), pictures.labels)
        for pictures in (train, test)
    )
    full = getattr(options, "share", 1.0) >= 1
    trials = compare(
        known,
        asked,
        train.classes,
        [count for count in COUNTS if full or count <= 100],
        seeds=SEEDS if full else 2,
        scratch=from_scratch(
            model, classes=len(train.classes), steps=steps_of(options, SCRATCH_STEPS)
        ),
        report=lambda line: print(line, flush=True),
    )
    draw(trials, Path(options.out) / "transfer.png")
    data = described(test, options, "test")
    rows = []
    for method, count in dict.fromkeys((trial.method, trial.labels) for trial in trials):
        found = [t.accuracy for t in trials if (t.method, t.labels) == (method, count)]
        name = METHODS[method]
        rows.append(row(PART, data, name, f"accuracy, {count} labels", statistics.fmean(found)))
        spread = statistics.stdev(found) if len(found) > 1 else 0.0
        rows.append(row(PART, data, name, f"its deviation, {count} labels", spread))
    return rows


def draw(trials: list[Trial], path: Path) -> None:
    """Draw accuracy by number of labels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.8), layout="constrained")
    axis = figure.subplots()
    for method, name in METHODS.items():
        counts = sorted({t.labels for t in trials if t.method == method})
        found = [
            [100 * t.accuracy for t in trials if (t.method, t.labels) == (method, c)]
            for c in counts
        ]
        if not counts:
            continue
        means = [np.mean(values) for values in found]
        axis.errorbar(
            counts,
            means,
            [np.std(v) for v in found],
            marker="o",
            capsize=3,
            label=name,
            color=COLOURS[method],
        )
    axis.set(xscale="log", xlabel="labelled pictures in all", ylabel="accuracy on test pictures, %")
    axis.grid(alpha=0.3)
    axis.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", required=True, help="folder of the IDX files, or tfds:mnist")
    parser.add_argument("--out", type=Path, default=Path("build/family"))
    parser.add_argument("--share", type=float, default=1.0, help="of the training steps")
    for found in run(parser.parse_args()):
        print(f"{found['method']:46} {found['measure']:28} {found['value']:.4f}")


if __name__ == "__main__":
    main()
