"""
Make a classifier from a few labelled pictures and an autoencoder that was trained without labels.

fit encodes the pictures and fits logistic regression to the latents; it needs the family extra: pip
install "aeimage[family]". Labels are the names of sub-folders. The folder OUT gets the model and
report.md: how many pictures that it has not seen it gets right, and with --labels how that compares
with fewer labels, with logistic regression on the pixels and, with --scratch, with training the
same network from scratch. classify uses the model, without TensorFlow and scikit-learn.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aeimage.cli import options

EXAMPLES = [
    "aeimage transfer fit digits --model features -o models/reader --labels 100 --seeds 1",
    "aeimage transfer classify models/reader digits -o labels.csv",
    "aeimage transfer classify models/reader photo.png --json",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _fit(options.add_action(actions, "fit", "make a classifier of labelled pictures"))
    _classify(options.add_action(actions, "classify", "tell what pictures show"))


def _fit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "inputs",
        metavar="IN",
        nargs="+",
        help="labelled pictures: a folder with a sub-folder for each class, a folder with MNIST's "
        "files, tfds:NAME or digits",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, type=Path, help="folder of the classifier"
    )
    options.add_encoder(parser)
    parser.add_argument(
        "--test",
        metavar="IN",
        nargs="+",
        help="labelled pictures to measure on (default: a data set's own, else a fifth of IN)",
    )
    parser.add_argument(
        "--labels",
        metavar="N",
        nargs="+",
        type=options.positive,
        default=[],
        help="also measure with only so many labelled pictures in all, such as 10 100 1000",
    )
    parser.add_argument(
        "--seeds",
        metavar="N",
        type=options.positive,
        default=3,
        help="draw these so many times (default: 3)",
    )
    parser.add_argument(
        "--scratch",
        action="store_true",
        help="also train the network from scratch; --model must be a training run",
    )
    parser.add_argument("--force", "-f", action="store_true", help="replace OUT")
    options.add_max_pixels(parser)
    options.add_quiet(parser)


def _classify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="folder that fit wrote, or its name")
    parser.add_argument("inputs", metavar="IN", nargs="+", help="pictures, or folders of them")
    parser.add_argument("-o", "--output", metavar="CSV", type=Path, help="write the labels")
    options.add_split(parser, "test")
    parser.add_argument("--force", "-f", action="store_true", help="replace an existing file")
    options.add_max_pixels(parser)
    options.add_json(parser)
    options.add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    return (_run_fit if args.action == "fit" else _run_classify)(args)


def _run_fit(args: argparse.Namespace) -> int:
    from aeimage.apps.encoders import require_family
    from aeimage.cli.output import TerminalProgress, print_note, print_written

    require_family("Transfer learning")
    from aeimage.apps.classifying import transfer_paths

    with TerminalProgress(quiet=args.quiet) as progress:
        report = transfer_paths(
            args.inputs,
            args.output,
            model=args.model,
            test=args.test,
            counts=args.labels,
            seeds=args.seeds,
            scratch=args.scratch,
            overwrite=args.force,
            max_pixels=options.max_pixels_of(args),
            progress=progress,
            report=None if args.quiet else print_note,
        )
    if not args.quiet:
        told = f"{100 * report.accuracy:.1f} % right with {report.labels} labels"
        print_written(f"{len(report.classes)} classes, {told}", args.output)
    return 1 if report.failed else 0


def _run_classify(args: argparse.Namespace) -> int:
    from aeimage.apps.classifying import classify_paths
    from aeimage.cli.output import (
        TerminalProgress,
        print_json,
        print_written,
        printable,
        refuse_existing,
    )
    from aeimage.files import atomic_write

    refuse_existing(args.force, args.output)
    with TerminalProgress(quiet=args.quiet) as progress:
        found = classify_paths(
            args.model,
            args.inputs,
            split=args.split,
            max_pixels=options.max_pixels_of(args),
            progress=progress,
        )
    if args.output:
        atomic_write(args.output, found.as_csv(), overwrite=args.force)
    if args.json:
        failed = [{"name": r.input, "error": r.error} for r in found.failed]
        print_json({"classes": found.classes, "pictures": found.rows(), "failed": failed})
    elif not args.output:
        for row in found.rows():
            print(printable(f"{row['probability']:6.3f}  {row['label']}  {row['name']}"))
    if not args.quiet and args.output:
        print_written(f"{len(found.names)} pictures classified", args.output)
    return 1 if found.failed else 0
