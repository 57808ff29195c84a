"""
Draw pictures with a variational autoencoder, as a grid. No TensorFlow is needed.

MODEL is an installed model such as digits (handwritten digits, the default), or the folder of one
that you trained: aeimage train variational, then aeimage export. Other autoencoders cannot draw
pictures, but --between and --latents decode with any of them.
"""

from __future__ import annotations

import argparse

from aeimage.cli import options
from aeimage.cli.output import print_json, printable

EXAMPLES = [
    "aeimage generate -o grid.png",
    "aeimage generate digits -o hundred.png --count 100 --seed 7 --force",
    "aeimage generate digits -o ways.png --interpolate --count 6 --steps 12",
    "aeimage generate digits -o between.png --between photo.png photo.jpg --json",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "model", metavar="MODEL", nargs="?", default="digits", help="(default: digits)"
    )
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="picture file")
    parser.add_argument(
        "--count",
        metavar="N",
        type=options.positive,
        help="pictures to draw (default: 64); rows with --interpolate (default: 8)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--interpolate",
        action="store_true",
        help="rows that lead from one drawn picture to another",
    )
    what.add_argument(
        "--between", metavar=("A", "B"), nargs=2, help="one row that leads from picture A to B"
    )
    what.add_argument(
        "--latents",
        metavar="FILE",
        help="decode these: what aeimage features wrote, or an array in a .npy file",
    )
    parser.add_argument(
        "--steps", metavar="N", type=options.positive, default=10, help="in a row (default: 10)"
    )
    parser.add_argument("--seed", type=int, help="the same pictures again (default: others)")
    parser.add_argument(
        "--scale", metavar="N", type=options.positive, help="side of a pixel in the grid"
    )
    parser.add_argument("--force", "-f", action="store_true", help="replace OUT if it exists")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.generate import generate_grid

    made = generate_grid(
        args.model,
        args.output,
        count=args.count or (8 if args.interpolate else 64),
        interpolate=args.interpolate,
        steps=args.steps,
        between=args.between,
        latents=args.latents,
        seed=args.seed,
        scale=args.scale,
        overwrite=args.force,
    )
    if args.json:
        print_json(made.as_dict())
        return 0
    drawn = "" if made.seed is None else f", seed {made.seed}"
    line = f"{made.output}: {made.pictures} pictures, model {made.model}{drawn}"
    print(printable(line))
    return 0
