"""
Restore scanned pages before OCR, or noisy photographs: JPEG, PNG, WebP, TIFF, BMP or GIF.

One input file becomes the file OUT. A folder becomes the folder OUT with the same tree; of several
inputs, each appears in the folder OUT under its own name. Size, resolution (DPI), EXIF, colour
profile and transparency are kept, and grey stays grey; 1-bit pages become grey. Of TIFF files,
every page is restored. Files that turn out to be clean already are copied as they are. For PDF
files, use OCRmyPDF with the plugin aeimage.ocrmypdf_plugin.
"""

from __future__ import annotations

import argparse

from aeimage.cli import options
from aeimage.cli.output import run_batch

EXAMPLES = [
    "aeimage denoise scan.png -o clean.png",
    "aeimage denoise scans -o clean --jobs 2",
    "aeimage denoise photo.jpg -o quiet.png --model photo --sigma 25 --compare",
    "aeimage denoise scans photos -o restored --model auto --format tif --json",
    "aeimage denoise - < scan.png > piped.png",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.add_paths(parser, "picture or folder")
    parser.add_argument(
        "--model",
        default="scan",
        help="scan (default) for pages, photo for photographs, auto to choose for each picture, "
        "or another restorer",
    )
    parser.add_argument(
        "--sigma",
        metavar="S",
        type=float,
        help="noise level of photographs, 0 to 75 levels of 255 (default: estimated)",
    )
    parser.add_argument(
        "--ensemble",
        metavar="N",
        type=int,
        default=1,
        help="average N turns and flips of each photograph: 1 (default), 2, 4 or 8; a little less "
        "noise in N times the time",
    )
    options.add_picture_output(parser)
    options.add_batch(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.folders import denoise_paths

    return run_batch(
        denoise_paths,
        args,
        model=args.model,
        sigma=args.sigma,
        ensemble=args.ensemble,
        format=args.format,
        compare=args.compare,
    )
