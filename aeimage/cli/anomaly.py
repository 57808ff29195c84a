"""
Learn what normal pictures look like, find those that deviate, and find labels that are wrong.

fit trains a model on normal pictures alone. score judges pictures by it, without TensorFlow, and
shows where they deviate. mislabelled looks at a folder with a sub-folder for each class and ranks
its pictures by how suspicious their labels are. Pictures are resized to the model's size, 64 pixels
a side or less: what is too small to be seen there cannot be found.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aeimage.cli import options

EXAMPLES = [
    "aeimage anomaly fit digits --label 3 -o models/three --steps 40",
    "aeimage anomaly score models/three digits photos -o scores.csv --heatmaps heat --quiet",
    "aeimage anomaly score models/three photo.png --quantile 0.95 --json",
    "aeimage anomaly mislabelled digits -o suspects.csv --sheet suspects.png --model pixels",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    text = "train a model on normal pictures (needs the train extra)"
    _fit(options.add_action(actions, "fit", text))
    _score(options.add_action(actions, "score", "find the pictures that deviate"))
    text = "find wrong labels (needs the family extra)"
    _mislabelled(options.add_action(actions, "mislabelled", text))


def _inputs(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "inputs",
        metavar="IN",
        nargs="+",
        help=f"{what}: a folder, a picture, a folder with MNIST's files, tfds:NAME or digits",
    )


def _fit(parser: argparse.ArgumentParser) -> None:
    _inputs(parser, "normal pictures, at least 20")
    parser.add_argument(
        "-o", "--output", metavar="MODEL", required=True, type=Path, help="folder of the model"
    )
    parser.add_argument(
        "--size",
        metavar="PIXELS",
        type=options.positive,
        help="side to which pictures are resized (default: their own, if they are squares of one "
        "size up to 64, else 64)",
    )
    parser.add_argument(
        "--label", help="take only the pictures of this sub-folder, or with this label"
    )
    parser.add_argument(
        "--latent", metavar="N", type=options.positive, default=32, help="latents (default: 32)"
    )
    parser.add_argument(
        "--steps", metavar="N", type=options.positive, default=1500, help="(default: 1500)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    _common(parser)


def _score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="folder that fit wrote, or its name")
    _inputs(parser, "pictures to judge")
    parser.add_argument("-o", "--output", metavar="CSV", type=Path, help="write all scores")
    parser.add_argument(
        "--heatmaps",
        metavar="FOLDER",
        type=Path,
        help="write a picture of each anomalous one, red where it deviates",
    )
    parser.add_argument(
        "--quantile",
        type=float,
        default=0.99,
        help="share of normal pictures that shall pass (default: 0.99)",
    )
    options.add_split(parser, "test")
    _common(parser)
    options.add_json(parser)


def _mislabelled(parser: argparse.ArgumentParser) -> None:
    _inputs(parser, "labelled pictures, a sub-folder for each class")
    parser.add_argument(
        "-o", "--output", metavar="CSV", required=True, type=Path, help="all pictures, ranked"
    )
    parser.add_argument("--sheet", metavar="PNG", type=Path, help="draw the most suspicious ones")
    parser.add_argument(
        "--model",
        metavar="NAME|BUNDLE|RUN",
        help="autoencoder whose latents are used, or pixels (default: one that is trained on these "
        "pictures, which needs the train extra)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    options.add_split(parser, "train")
    _common(parser)
    options.add_json(parser)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", "-f", action="store_true", help="replace outputs that exist")
    options.add_max_pixels(parser)
    options.add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    return {"fit": _run_fit, "score": _run_score, "mislabelled": _run_mislabelled}[args.action](
        args
    )


def _run_fit(args: argparse.Namespace) -> int:
    from aeimage.apps.anomaly import fit_paths
    from aeimage.cli.output import TerminalProgress, print_note

    with TerminalProgress(quiet=args.quiet) as progress:
        detector, failed = fit_paths(
            args.inputs,
            args.output,
            size=args.size,
            label=args.label,
            latent_size=args.latent,
            steps=args.steps,
            seed=args.seed,
            overwrite=args.force,
            max_pixels=options.max_pixels_of(args),
            progress=progress,
            report=None if args.quiet else print_note,
        )
    side, _, channels = detector.shape
    colour = "colour" if channels == 3 else "grey"
    if not args.quiet:
        print_note(
            f"{args.output}: model of pictures of {side} x {side} pixels in {colour}; 99 % of "
            f"normal ones score below {detector.threshold():.2f}"
        )
    return 1 if failed else 0


def _run_score(args: argparse.Namespace) -> int:
    from aeimage.apps.anomaly import score_pictures
    from aeimage.cli.output import TerminalProgress, print_json, print_written, printable

    with TerminalProgress(quiet=args.quiet) as progress:
        report = score_pictures(
            args.model,
            args.inputs,
            quantile=args.quantile,
            output=args.output,
            heatmaps=args.heatmaps,
            split=args.split,
            force=args.force,
            max_pixels=options.max_pixels_of(args),
            progress=progress,
        )
    if args.json:
        print_json(report.as_dict())
    elif not args.output:
        for row in sorted(report.rows(), key=lambda row: -row["score"]):
            mark = "anomalous" if row["anomalous"] else "normal   "
            print(printable(f"{row['score']:9.2f}  {mark}  {row['name']}"))
    if not args.quiet:
        found = f"{int(report.anomalous.sum())} of {len(report.names)} pictures are anomalous"
        print_written(f"{found} (above {report.threshold:.2f})", args.output, args.heatmaps)
    return 1 if report.failed else 0


def _run_mislabelled(args: argparse.Namespace) -> int:
    from aeimage.apps.encoders import require_family
    from aeimage.apps.mislabelled import mislabelled_paths
    from aeimage.cli.output import (
        TerminalProgress,
        print_json,
        print_note,
        print_written,
        refuse_existing,
    )
    from aeimage.files import atomic_write
    from aeimage.images import Picture, write_picture

    require_family("Finding mislabelled pictures")
    refuse_existing(args.force, args.output, args.sheet)
    with TerminalProgress(quiet=args.quiet) as progress:
        suspects, pictures = mislabelled_paths(
            args.inputs,
            model=args.model,
            split=args.split,
            seed=args.seed,
            max_pixels=options.max_pixels_of(args),
            progress=progress,
            report=None if args.quiet else print_note,
        )
    atomic_write(args.output, suspects.as_csv(pictures.names), overwrite=args.force)
    if args.sheet:
        write_picture(Picture(suspects.sheet(pictures)), args.sheet, overwrite=args.force)
    wrong = int(suspects.wrong.sum())
    if args.json:
        found = {"pictures": len(pictures), "wrong": wrong, "classes": suspects.classes}
        rows = [row for row in suspects.rows(pictures.names) if row["wrong"]]
        print_json(found | {"suspects": rows})
    if not args.quiet:
        share = 100 * wrong / len(pictures)
        told = f"{wrong} of {len(pictures)} labels ({share:.1f} %) are held to be wrong"
        print_written(told, args.output, args.sheet)
    return 1 if pictures.failed else 0
