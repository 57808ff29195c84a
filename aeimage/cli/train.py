"""
Train a model on your own pictures. Needs the train extra: pip install "aeimage[train]".

PRESET says what is trained: codec is the photo codec, codec-tiny a small one that learns in
seconds. The run's folder gets metrics.csv and validation.csv, TensorBoard curves and pictures
(tensorboard --logdir OUT), checkpoint.npz to resume from, and best.weights.h5. Interrupt it when
you like, also with kill: --resume goes on from the last checkpoint. `aeimage export` makes a model
of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aeimage.cli import options

EXAMPLES = [
    "aeimage train codec-tiny --data photos --out runs/tiny --steps 4",
    "aeimage train codec-tiny --data photos --out runs/tiny --steps 6 --resume",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("preset", metavar="PRESET", help="codec or codec-tiny")
    parser.add_argument(
        "--data", metavar="DIR", nargs="+", required=True, type=Path, help="folders of pictures"
    )
    parser.add_argument("--out", metavar="DIR", required=True, type=Path, help="the run's folder")
    parser.add_argument(
        "--validation-data",
        metavar="DIR",
        nargs="+",
        type=Path,
        help="held-out pictures (default: a fixed twentieth of the data)",
    )
    parser.add_argument("--steps", type=options.positive, help="(default: the preset's)")
    parser.add_argument("--batch-size", metavar="N", type=options.positive, help="crops a step")
    parser.add_argument("--crop", metavar="PIXELS", type=options.positive, help="side of a crop")
    parser.add_argument("--learning-rate", metavar="RATE", type=float, help="of Adam, at its peak")
    parser.add_argument("--seed", type=int, help="of everything random (default: 0)")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the last checkpoint, with the run's own settings where none are given",
    )
    parser.add_argument(
        "--init", metavar="WEIGHTS", type=Path, help="start from a .weights.h5 file"
    )
    for name, default in (("log", 100), ("save", 1000), ("validate", 2500)):
        parser.add_argument(
            f"--{name}-every",
            metavar="STEPS",
            type=options.positive,
            default=default,
            help=f"(default: {default})",
        )


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.training import require_training

    require_training("Training")
    from aeimage.training.request import TrainingRequest
    from aeimage.training.run import train

    request = TrainingRequest(**{k: v for k, v in vars(args).items() if v is not None})
    trainer = train(request)
    if trainer.stopping:
        print(f"Stopped at step {trainer.step}; --resume goes on from here.")
    else:
        print(f"Finished {trainer.step} steps. Next: aeimage export {args.out} -o MODEL")
    return 0
