"""
Decompress .aei files to PNG, JPEG, WebP or TIFF.

One input file becomes the file OUT (by default beside it). A folder becomes the folder OUT with
the same tree; of several inputs, each appears in the folder OUT under its own name. As PNG,
photo.png.aei becomes photo.png and photo.jpg.aei becomes photo.jpg.png, so two pictures never
meet. Picture files among several inputs, or in a folder, are originals that `aeimage compress`
kept; they are copied.
"""

from __future__ import annotations

import argparse

from aeimage.cli import options
from aeimage.cli.output import run_batch

EXAMPLES = [
    "aeimage decompress photo.jpg.aei -o photo-again.png",
    "aeimage decompress packed -o pictures --jobs 2",
    "aeimage decompress packed -o jpegs --format jpg --json",
    "aeimage decompress - --format webp < photo.jpg.aei > photo.webp",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_paths(parser, ".aei file or folder")
    parser.add_argument(
        "--format",
        choices=["png", "jpg", "webp", "tif"],
        help="of the pictures (default: by the suffix of OUT, else png); png and tif are lossless",
    )
    options.add_batch(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.folders import decompress_paths

    return run_batch(decompress_paths, args, format=args.format)
