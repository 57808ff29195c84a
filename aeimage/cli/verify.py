"""
Check .aei files, or all in a folder: every byte by its checksum, every symbol by decoding it.

Files of other kinds in a folder are left out and counted. Exit code 1 if any file is damaged or
its model is not installed.
"""

from __future__ import annotations

import argparse

from aeimage.cli import options
from aeimage.cli.output import run_batch

EXAMPLES = [
    "aeimage verify photo.jpg.aei",
    "aeimage verify packed --jobs 2",
    "aeimage verify packed photo.jpg.aei --json",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("inputs", metavar="PATH", nargs="+", help=".aei file or folder; - is stdin")
    options.add_batch(parser, writes=False)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.folders import verify_paths

    return run_batch(verify_paths, args)
