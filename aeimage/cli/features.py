"""
Turn pictures into latents, a few numbers each, for search, clustering or a classifier of your own.

IN is a picture, a folder, a folder with MNIST's IDX files, tfds:NAME or digits (scikit-learn's).
Pictures are cut to their middle square and brought to the model's size. The file gets the latents
(.npz also holds names, labels and the model; .csv is name, label, z0, z1, ...); labels are the
names of sub-folders. --map draws all pictures in two dimensions, like ones near each other; it
needs the family extra: pip install "aeimage[family]".
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aeimage.cli import options

EXAMPLES = [
    "aeimage features photos -o latents.npz",
    "aeimage features photos photo.jpg photo.png -o latents.csv --map map.png --json",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("inputs", metavar="IN", nargs="+", help="pictures; see above")
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, type=Path, help="an .npz or .csv file"
    )
    options.add_encoder(parser)
    options.add_split(parser, "train")
    parser.add_argument("--map", metavar="PNG", type=Path, help="also draw a map of the pictures")
    parser.add_argument(
        "--method",
        choices=["pca", "tsne"],
        default="pca",
        help="of the map: pca (default) is quick, tsne groups more clearly",
    )
    parser.add_argument(
        "--thumbnails",
        action=argparse.BooleanOptionalAction,
        help="show the pictures in the map (default: where they have no labels)",
    )
    parser.add_argument("--force", "-f", action="store_true", help="replace outputs that exist")
    options.add_max_pixels(parser)
    options.add_json(parser)
    options.add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.encoders import require_family
    from aeimage.apps.features import check_suffix, extract_features, write_features
    from aeimage.cli.output import (
        TerminalProgress,
        print_json,
        print_written,
        refuse_existing,
    )

    check_suffix(args.output)
    if args.map:
        require_family("Drawing a map")
    refuse_existing(args.force, args.output, args.map)
    with TerminalProgress(quiet=args.quiet) as progress:
        features = extract_features(
            args.inputs,
            args.model,
            split=args.split,
            max_pixels=options.max_pixels_of(args),
            progress=progress,
        )
    if args.map:
        from aeimage.apps.feature_map import draw_map

        draw_map(
            args.map,
            features,
            method=args.method,
            thumbnails=args.thumbnails,
            overwrite=args.force,
        )
    write_features(args.output, features, overwrite=args.force)
    count, size = features.latents.shape
    if args.json:
        report = {
            "model": features.model,
            "pictures": count,
            "latents": size,
            "labels": sorted(set(features.labels or ())),
            "output": str(args.output),
            "failed": [{"name": r.input, "error": r.error} for r in features.failed],
        }
        print_json(report)
    if not args.quiet:
        print_written(f"{count} pictures, {size} latents each", args.output, args.map)
    return 1 if features.failed else 0
