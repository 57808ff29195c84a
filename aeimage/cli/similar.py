"""
Find pictures that look alike: near-duplicates in a folder, or those nearest to a given picture.
Needs pip install "aeimage[family]".

Without --query, pictures that are nearly the same (resized, recompressed, slightly cropped copies)
are grouped. With --query, the pictures most like each FILE are listed. The distance is the cosine
distance of latents: 0 for the same picture, about 1 for unlike ones. Pictures are looked at whole
and small, so that fine print does not count: pages of text are all alike.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from aeimage.cli import options

EXAMPLES = [
    "aeimage similar photos photo.jpg",
    "aeimage similar photos --query photo.jpg --count 2 --json",
    "aeimage similar photos photo.jpg photo.png --threshold 0.3 -o pairs.csv --sheet pairs.png",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("inputs", metavar="IN", nargs="+", help="pictures, or folders of them")
    parser.add_argument(
        "--query", metavar="FILE", nargs="+", help="find the pictures most like these"
    )
    parser.add_argument(
        "--count", metavar="N", type=options.positive, help="with --query: how many (default: 10)"
    )
    parser.add_argument(
        "--threshold",
        metavar="D",
        type=float,
        help="largest distance (default: 0.25 for near-duplicates, any with --query)",
    )
    options.add_encoder(parser)
    parser.add_argument("-o", "--output", metavar="CSV", type=Path, help="write the results")
    parser.add_argument("--sheet", metavar="PNG", type=Path, help="draw the results")
    parser.add_argument("--force", "-f", action="store_true", help="replace outputs that exist")
    options.add_max_pixels(parser)
    options.add_json(parser)
    options.add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.encoders import open_encoder, require_family
    from aeimage.cli.output import TerminalProgress, print_written, refuse_existing
    from aeimage.errors import UsageError

    require_family("Finding similar pictures")
    if args.count and not args.query:
        raise UsageError("--count goes with --query. Leave it out, or ask for a picture.")
    refuse_existing(args.force, args.output, args.sheet)
    from aeimage.apps import similar
    from aeimage.apps.features import extract_features
    from aeimage.files import atomic_write
    from aeimage.images import Picture, write_picture

    encoder = open_encoder(args.model)
    # All of each picture: of a cropped copy, the middle square is another one.
    common = {"whole": True, "max_pixels": options.max_pixels_of(args)}
    with TerminalProgress(quiet=args.quiet) as progress:
        features = extract_features(args.inputs, encoder, progress=progress, **common)
    queries = None
    if args.query:
        with TerminalProgress(quiet=args.quiet) as progress:
            queries = extract_features(args.query, encoder, progress=progress, **common)
        count = args.count or similar.DEFAULT_COUNT
        results = similar.nearest(features, queries, count=count, threshold=args.threshold)
    else:
        threshold = similar.DEFAULT_THRESHOLD if args.threshold is None else args.threshold
        results = similar.near_duplicates(features, threshold=threshold)
    if args.output:
        atomic_write(
            args.output, similar.similar_csv(features, results, queries), overwrite=args.force
        )
    if args.sheet:
        sheet = similar.similar_sheet(features, results, queries)
        write_picture(Picture(sheet), args.sheet, overwrite=args.force)
    _print(args, similar.similar_report(features, results, queries), len(features))
    if not args.quiet and (args.output or args.sheet):
        print_written(f"{len(results)} rows", args.output, args.sheet)
    failed = [*features.failed, *(queries.failed if queries else ())]
    return 1 if failed else 0


def _print(args: argparse.Namespace, report: list[dict[str, Any]], count: int) -> None:
    from aeimage.cli.output import print_json, printable

    if args.json:
        print_json(report)
        return
    if not report:
        print(f"no near-duplicates among {count} pictures")
    for row in report:
        print(printable(row["query"]) if "query" in row else f"group {row['group']}")
        for found in row["pictures"]:
            print(printable(f"  {found['distance']:.3f}  {found['name']}"))
