"""Options that several commands have, and the types of their values."""

from __future__ import annotations

import argparse
import re

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def byte_count(text: str) -> int:
    """``200000``, ``200k``, ``1.5M``, ``1.5MB``, ``64KiB``: a number of bytes (k is 1000)."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]i?)?b?", text.strip().lower())
    if not match:
        raise argparse.ArgumentTypeError(f"expected a size such as 200k or 1.5M, received {text!r}")
    return int(float(match[1]) * _UNITS[match[2] or ""])


def pixel_limit(text: str) -> int | None:
    """``none``, or a number of pixels such as ``500000000`` or ``500M``."""
    if text.strip().lower() == "none":
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg])?", text.strip().lower())
    if not match or (count := int(float(match[1]) * _UNITS[match[2] or ""])) < 1:
        raise argparse.ArgumentTypeError(
            f"expected a number of pixels such as 500M, or none, received {text!r}"
        )
    return count


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, received {text!r}")
    return int(text)


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json"""
    parser.add_argument("--json", action="store_true", help="print a JSON report to stdout")


def add_max_pixels(parser: argparse.ArgumentParser) -> None:
    """--max-pixels; see `max_pixels_of`."""
    parser.add_argument(
        "--max-pixels",
        metavar="N|none",
        type=pixel_limit,
        default=argparse.SUPPRESS,
        help="largest picture to accept, width times height (default: 178956970, Pillow's limit); "
        "none lifts the limit, for files that you trust",
    )


def max_pixels_of(args: argparse.Namespace) -> int | None:
    """The limit that was asked for, or the default."""
    from aeimage.images import DEFAULT_MAX_PIXELS

    return getattr(args, "max_pixels", DEFAULT_MAX_PIXELS)


def add_paths(parser: argparse.ArgumentParser, what: str) -> None:
    """IN... and -o OUT.

    Args:
        parser: of the command.
        what: an input may be, e.g. ``"picture or folder"``.
    """
    parser.add_argument("inputs", metavar="IN", nargs="+", help=f"{what}; - is stdin")
    parser.add_argument("-o", "--output", metavar="OUT", help="file or folder; - is stdout")


def add_picture_output(parser: argparse.ArgumentParser) -> None:
    """--format and --compare, of commands that turn pictures into pictures."""
    parser.add_argument(
        "--format",
        choices=["png", "jpg", "webp", "tif"],
        help="of the results (default: by the suffix of OUT, else that of each input); jpg is "
        "written with quality 95",
    )
    parser.add_argument(
        "--compare",
        action="store_true",
        help="also write NAME.compare.png, before and after side by side, for what was changed",
    )


def add_batch(parser: argparse.ArgumentParser, *, writes: bool = True) -> None:
    """What all commands on many files have; see `aeimage.cli.output.run_batch`.

    Args:
        parser: of the command.
        writes: whether there are outputs, which might exist.
    """
    if writes:
        add_overwriting(parser)
    add_max_pixels(parser)
    parser.add_argument(
        "--jobs",
        "-j",
        metavar="N",
        type=positive,
        default=1,
        help="files at a time, each in a process of its own; at most the number of cores, which "
        "they share (default: 1, which uses all cores for one picture after the other)",
    )
    add_json(parser)
    add_quiet(parser)


def add_action(actions, name: str, text: str) -> argparse.ArgumentParser:
    """Add one action of a command that has several, and return its parser."""
    return actions.add_parser(name, help=text, description=text, allow_abbrev=False)


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """--quiet"""
    parser.add_argument("--quiet", action="store_true", help="no progress, no warnings, no summary")


def add_overwriting(parser: argparse.ArgumentParser) -> None:
    """--force or --skip-existing."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--force", "-f", action="store_true", help="replace outputs that exist")
    group.add_argument(
        "--skip-existing",
        action="store_true",
        help="leave outputs that exist and count them as done: goes on where a run was interrupted",
    )


def add_encoder(parser: argparse.ArgumentParser) -> None:
    """--model, an autoencoder that encodes."""
    parser.add_argument(
        "--model",
        metavar="NAME|BUNDLE|RUN",
        default="features",
        help="autoencoder: an installed model, or the folder of a bundle or of a training run "
        "(default: features, for photographs)",
    )


def add_split(parser: argparse.ArgumentParser, default: str) -> None:
    """--split, of data sets."""
    parser.add_argument(
        "--split",
        choices=["train", "test"],
        default=default,
        help=f"of data sets; folders are read as a whole (default: {default})",
    )


def refuse_json_on_stdout(args: argparse.Namespace) -> None:
    """Raise `UsageError` where both the report and a picture would go to stdout."""
    to_stdout = args.output == "-" or (args.output is None and args.inputs == ["-"])
    if args.json and to_stdout:
        from aeimage.errors import UsageError

        raise UsageError("The JSON report and the result cannot both go to stdout: give -o FILE.")
