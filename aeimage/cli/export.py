"""
Make a model of a training run: a folder that compresses and decompresses without TensorFlow.

Fits the entropy coder's tables to the run's training pictures, converts the networks to LiteRT and
writes them with a model card and checksums. Use it by its path (--model ./MODEL, with a slash), or
put its parent folder into AEIMAGE_MODELS to have it found by name. Needs the train extra.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aeimage.cli import options

EXAMPLES = [
    "aeimage train codec-tiny --data photos --out runs/mine --steps 2",
    "aeimage export runs/mine -o models/mine --crops 2",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", metavar="RUN", type=Path, help="folder that `aeimage train` wrote")
    parser.add_argument(
        "-o", "--output", metavar="DIR", required=True, type=Path, help="folder of the model"
    )
    parser.add_argument("--name", help="of the model (default: the folder's name)")
    parser.add_argument("--data", metavar="DIR", nargs="+", type=Path, help="(default: the run's)")
    parser.add_argument(
        "--weights", metavar="FILE", type=Path, help="(default: RUN/best.weights.h5)"
    )
    parser.add_argument(
        "--crops",
        metavar="N",
        type=options.positive,
        default=48,
        help="pictures to fit the tables to (default: 48)",
    )
    parser.add_argument("--precision", choices=["float16", "float32"], default="float16")
    parser.add_argument("--force", action="store_true", help="replace an existing model")


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.training import require_training

    require_training("Exporting", backend="tensorflow")
    from aeimage.export.run import export_run

    manifest = export_run(
        args.run,
        args.output,
        name=args.name,
        data=args.data,
        weights=args.weights,
        crops=args.crops,
        precision=args.precision,
        overwrite=args.force,
    )
    print(f"{args.output}: model {manifest['name']} ({manifest['id']})")
    return 0
