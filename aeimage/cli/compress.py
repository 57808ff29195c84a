"""
Compress pictures to .aei files: JPEG, PNG, WebP, TIFF, BMP, or the first frame of a GIF.

One input file becomes the file OUT (by default beside it, with .aei added to its name). A folder
becomes the folder OUT with the same tree; of several inputs, each appears in the folder OUT under
its own name. photo.jpg becomes photo.jpg.aei. Where that would not be smaller, the original is
copied instead, under its own name, and the report says so. In folders, .aei files are copied and
files of other kinds left out and counted.
"""

from __future__ import annotations

import argparse

from aeimage.cli import options
from aeimage.cli.output import run_batch

EXAMPLES = [
    "aeimage compress photo.jpg -o photo.aei",
    "aeimage compress photos -o small --quality 40 --jobs 2",
    "aeimage compress photo.jpg photo.png -o both --max-bytes 200k",
    "aeimage compress photos -o stripped --strip --json",
    "aeimage compress photo.jpg -o quiet.aei --denoise photo",
    "aeimage compress - < photo.png > piped.aei",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_paths(parser, "picture or folder")
    target = parser.add_mutually_exclusive_group()
    target.add_argument(
        "-q",
        "--quality",
        metavar="Q",
        type=float,
        help="0 (smallest) to 100 (best), fractions too (default: 50, about 35 dB)",
    )
    target.add_argument("--bpp", type=float, help="at most so many bits of file a pixel")
    target.add_argument("--psnr", metavar="DB", type=float, help="at least so many decibels")
    target.add_argument(
        "--max-bytes",
        metavar="SIZE",
        type=options.byte_count,
        help="at most so many bytes a file, e.g. 200k or 1.5M (k is 1000, Ki is 1024)",
    )
    parser.add_argument(
        "--effort",
        metavar="E",
        type=int,
        help="0: plain rounding; 1 (default): rounding that weighs bits against error, saves a "
        "few per cent; 2 to 9 mean 1 today",
    )
    parser.add_argument("--model", default="photo", help="the codec to use (default: %(default)s)")
    parser.add_argument(
        "--strip",
        action="store_true",
        help="leave out ICC profile, EXIF, XMP and resolution; implies --always, since a copied "
        "original would keep them",
    )
    parser.add_argument(
        "--always",
        action="store_true",
        help="write an .aei file even where it is no smaller than the original",
    )
    parser.add_argument(
        "--denoise",
        metavar="MODEL",
        help="restore pictures first, see `aeimage denoise`: scan, photo or auto",
    )
    options.add_batch(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.folders import compress_paths
    from aeimage.runtime.compressor import Target

    return run_batch(
        compress_paths,
        args,
        target=Target(args.quality, args.bpp, args.psnr, args.max_bytes),
        model=args.model,
        strip=args.strip,
        effort=args.effort,
        always=args.always,
        denoise=args.denoise,
    )
