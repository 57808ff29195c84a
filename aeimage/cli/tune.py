"""
Search for the training options that suit your pictures. Needs pip install "aeimage[train,tune]".

Trains PRESET many times for --steps steps, each time with other values of the fields that --param
names, and compares what each reaches on held-out pictures. The fields are the preset's own
(learning_rate, batch_size, crop, and config.… for the sizes of its model). OUT gets trials.csv,
best first, and tuning.png. Interrupt it when you like: the same command goes on. What a short run
prefers need not be best in a long one: learning rates above all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aeimage.cli import options

EXAMPLES = [
    "aeimage tune codec-tiny --data photos --out runs/s --trials 2 --steps 2 --param crop=64",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("preset", metavar="PRESET", help="for example codec, photo or scan")
    parser.add_argument(
        "--data", metavar="DIR", nargs="+", required=True, type=Path, help="as of train"
    )
    parser.add_argument(
        "--validation-data", metavar="DIR", nargs="+", type=Path, help="as of train"
    )
    parser.add_argument("--out", metavar="DIR", required=True, type=Path, help="of the search")
    parser.add_argument(
        "--param",
        metavar="NAME=VALUES",
        action="append",
        required=True,
        help="what to try: LOW:HIGH, LOW:HIGH:log or A,B,C; may be given several times",
    )
    parser.add_argument(
        "--trials", metavar="N", type=options.positive, default=20, help="in all (default: 20)"
    )
    parser.add_argument("--steps", type=options.positive, help="of each trial (default: preset's)")
    parser.add_argument("--seed", type=int, default=0, help="of data and search (default: 0)")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    import importlib.util

    from aeimage.apps.training import require_training
    from aeimage.errors import MissingDependencyError

    require_training("Tuning")
    for package in ("optuna", "matplotlib"):
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError.for_package(package, "train,tune", "Tuning")
    from aeimage.apps.tuning import Field, table, tune
    from aeimage.training.request import TrainingRequest

    request = TrainingRequest(
        args.preset,
        args.data,
        args.out,
        steps=args.steps,
        seed=args.seed,
        validation_data=args.validation_data,
    )
    found = tune(request, [Field.parse(text) for text in args.param], trials=args.trials)
    if found.rows:
        print(table(found.rows))
    if not found.finished:
        print("Interrupted; the same command goes on from here.")
    return 0
