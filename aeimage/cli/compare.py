"""
Compare two pictures of the same size; either may be an .aei file.

PSNR (in decibels) and MS-SSIM are measured on 8-bit RGB, upright; transparency is left out.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from aeimage.cli import options
from aeimage.cli.output import print_json, print_warning, printable

if TYPE_CHECKING:
    from aeimage.apps.comparing import Side

EXAMPLES = [
    "aeimage compare photo.jpg photo.jpg.aei",
    "aeimage compare photo.jpg photo.jpg.aei -o side_by_side.png",
    "aeimage compare photo.jpg photo.jpg.aei --json",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("a", metavar="A", help="picture or .aei file")
    parser.add_argument("b", metavar="B", help="picture or .aei file")
    parser.add_argument("-o", "--output", metavar="OUT", help="write both side by side, A left")
    parser.add_argument("--force", "-f", action="store_true", help="replace OUT if it exists")
    options.add_max_pixels(parser)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.comparing import compare_files

    result = compare_files(
        args.a,
        args.b,
        side_by_side=args.output,
        force=args.force,
        max_pixels=options.max_pixels_of(args),
    )
    for warning in result.warnings:
        print_warning(warning)
    if args.json:
        print_json(result.as_dict())
        return 0
    identical = " (identical)" if math.isinf(result.psnr) else ""
    print(_line("A", result.a))
    print(_line("B", result.b))
    print(f"size     {result.width} x {result.height} pixels")
    print(f"PSNR     {result.psnr:.2f} dB{identical}")
    print(f"MS-SSIM  {result.ms_ssim:.4f}")
    return 0


def _line(name: str, side: Side) -> str:
    coded = "" if side.quality is None else f", quality {side.quality:g}, model {side.model}"
    return printable(f"{name}        {side.path}: {side.bytes} bytes, {side.bpp:.3f} bpp{coded}")
