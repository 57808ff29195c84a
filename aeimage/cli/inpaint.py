"""
Fill in missing pixels, scratches and holes of photographs: JPEG, PNG, WebP, TIFF, BMP or GIF.

What is missing is white in the mask (--mask), a picture of the same size; or has a colour of its
own (--missing); or is fully transparent, if neither is given. Everything else stays as it is, bit
for bit in PNG and TIFF files; JPEG and WebP files are written with quality 95.

One input file becomes the file OUT. A folder becomes the folder OUT with the same tree; of several
inputs, each appears in the folder OUT under its own name. Size, resolution (DPI), EXIF and colour
profile are kept. Files in which nothing is missing are copied.
"""

from __future__ import annotations

import argparse

from aeimage.cli import options
from aeimage.cli.output import run_batch

EXAMPLES = [
    "aeimage inpaint photo.png -o whole.png --mask mask.png",
    "aeimage inpaint photo.png -o mended.png --missing magenta --compare",
    "aeimage inpaint photos -o whole --mask masks --jobs 2 --json",
    "aeimage inpaint cutout.png -o whole.jpg",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_paths(parser, "picture or folder")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--mask",
        metavar="MASK",
        help="picture that is white where pixels are missing; or a folder with one for each input, "
        "named as it is, whatever the suffix",
    )
    what.add_argument(
        "--missing",
        metavar="COLOUR",
        help="colour of the missing pixels, a name or #rrggbb; exactly this one",
    )
    options.add_picture_output(parser)
    options.add_batch(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.folders import inpaint_paths

    return run_batch(
        inpaint_paths,
        args,
        mask=args.mask,
        missing=args.missing,
        format=args.format,
        compare=args.compare,
    )
