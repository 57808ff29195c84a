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

EXAMPLES = [
    "aeimage decompress photo.jpg.aei -o photo-again.png",
    "aeimage decompress packed -o pictures --jobs 2",
    "aeimage decompress packed -o jpegs --format jpg --json",
    "aeimage decompress - --format webp < photo.jpg.aei > photo.webp",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("inputs", metavar="IN", nargs="+", help=".aei file or folder; - is stdin")
    parser.add_argument("-o", "--output", metavar="OUT", help="file or folder; - is stdout")
    parser.add_argument(
        "--format",
        choices=["png", "jpg", "webp", "tif"],
        help="of the pictures (default: by the suffix of OUT, else png); png and tif are lossless",
    )
    options.add_overwriting(parser)
    options.add_max_pixels(parser)
    options.add_batch(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.folders import decompress_paths
    from aeimage.cli.output import TerminalProgress, print_report

    options.refuse_json_on_stdout(args)
    with TerminalProgress(quiet=args.quiet) as progress:
        report = decompress_paths(
            args.inputs,
            args.output,
            format=args.format,
            jobs=args.jobs,
            force=args.force,
            skip_existing=args.skip_existing,
            max_pixels=options.max_pixels_of(args),
            progress=progress,
        )
    return print_report(report, as_json=args.json, quiet=args.quiet)
