"""
Guess the colours of grey photographs: JPEG, PNG, WebP, TIFF, BMP or GIF.

The luminance stays as it is, bit for bit in PNG and TIFF files (JPEG and WebP files are written
with quality 95); colour pictures lose their own colours. The shipped model is a small one that
knows a few hundred photographs: it makes skies blue and most other things a warm brown, a tint
rather than the truth. `aeimage models show colorize` says more; train your own for more.

One input file becomes the file OUT. A folder becomes the folder OUT with the same tree; of several
inputs, each appears in the folder OUT under its own name. Size, resolution (DPI), EXIF, colour
profile of RGB pictures and transparency are kept.
"""

from __future__ import annotations

import argparse

from aeimage.cli import options
from aeimage.cli.output import run_batch

EXAMPLES = [
    "aeimage colorize photo.png -o colours.png",
    "aeimage colorize photos -o coloured --jobs 2 --format jpg",
    "aeimage colorize scan.png -o colours.tif --saturation 1.5 --compare --json",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_paths(parser, "picture or folder")
    parser.add_argument(
        "--saturation",
        metavar="S",
        type=float,
        default=1.0,
        help="factor of the colours, 0 to 4 (default: 1, which is mild where the model is unsure)",
    )
    options.add_picture_output(parser)
    options.add_batch(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.folders import colorize_paths

    return run_batch(
        colorize_paths,
        args,
        saturation=args.saturation,
        format=args.format,
        compare=args.compare,
    )
