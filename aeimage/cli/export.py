"""
Make a trained model usable elsewhere. Needs the train extra: pip install "aeimage[train]".

RUN is a folder that `aeimage train` wrote, or a model's folder that still has its weights
(*.weights.h5). --to bundle makes what aeimage itself opens, without TensorFlow: use it by its path
(--model ./MODEL, with a slash), or put its parent folder into AEIMAGE_MODELS to have it found by
name. --to saved_model is for TensorFlow and its servers, --to litert (or tflite, the same) for
phones and browsers, --to keras for Python. docs/export.md has the code that loads each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aeimage.cli import options

EXAMPLES = [
    "aeimage train codec-tiny --data photos --out runs/mine --steps 2",
    "aeimage export runs/mine -o models/mine --crops 2",
    "aeimage export runs/mine --to saved_model -o mine_saved_model",
    "aeimage export runs/mine --to litert -o mine.tflite",
    "aeimage export runs/mine --to litert --tile 128 -o mine_128.tflite",
    "aeimage export runs/mine --to keras --precision float32 -o mine.keras",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run, or of a model")
    parser.add_argument(
        "--to",
        choices=["bundle", "keras", "saved_model", "litert", "tflite"],
        default="bundle",
        help="what to make (default: bundle)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        type=Path,
        help="a folder for bundle and saved_model, else a file",
    )
    parser.add_argument(
        "--weights", metavar="FILE", type=Path, help="(default: RUN/best.weights.h5)"
    )
    parser.add_argument(
        "--precision",
        choices=["float16", "float32", "int8"],
        default="float16",
        help="of the stored weights (default: float16), computation is in float32; or int8: "
        "restorers as litert or bundle, up to twice as fast and nearly as good",
    )
    parser.add_argument(
        "--tile",
        metavar="PIXELS",
        type=options.positive,
        help="litert: fix the pictures' sides, as GPUs, NPUs and browsers want it",
    )
    parser.add_argument("--force", action="store_true", help="replace what exists")
    bundle = parser.add_argument_group("bundle")
    bundle.add_argument("--name", help="of the model (default: the folder's name)")
    bundle.add_argument(
        "--data",
        metavar="DIR",
        nargs="+",
        type=Path,
        help="codecs: pictures to fit the tables to (default: the run's)",
    )
    bundle.add_argument(
        "--crops", metavar="N", type=options.positive, help="codecs: so many pictures (default: 48)"
    )


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.training import require_training

    require_training("Exporting", backend="tensorflow")
    from aeimage.export.run import export_model, export_run

    common = {
        "weights": args.weights,
        "precision": args.precision,
        "overwrite": args.force,
    }
    bundle = {name: getattr(args, name) for name in ("name", "data", "crops")}
    bundle = {name: value for name, value in bundle.items() if value is not None}
    if args.to == "bundle":
        if args.tile:
            _refuse("tile", "litert")
        manifest = export_run(args.run, args.output, **bundle, **common)
        print(f"{args.output}: model {manifest['name']} ({manifest['id']})")
    else:
        if bundle:
            _refuse(next(iter(bundle)), "bundle")
        export_model(args.run, args.output, args.to, tile=args.tile, **common)
        print(f"{args.output}: written")
    return 0


def _refuse(option: str, to: str) -> None:
    from aeimage.errors import UsageError

    raise UsageError(f"--{option} goes with --to {to} only. Leave it out.")
