"""What commands print: errors, progress, reports. Results go to stdout, the rest to stderr."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aeimage.cli.options import max_pixels_of, refuse_json_on_stdout

if TYPE_CHECKING:
    import argparse

    from aeimage.apps.report import FileResult, Report

_MAX_LISTED = 8
_PAST = {
    "compress": "compressed",
    "decompress": "decompressed",
    "verify": "are fine",
    "denoise": "restored",
    "inpaint": "filled in",
    "colorize": "coloured",
}
_UNCHANGED = {"denoise": "clean, copied", "inpaint": "nothing is missing, copied"}


def printable(text: str) -> str:
    """Text from a file or a file's name without what could control a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def print_error(message: str) -> None:
    """One line to stderr."""
    _to_stderr(f"aeimage: error: {message}")


def print_warning(message: str) -> None:
    """One line to stderr."""
    _to_stderr(f"aeimage: warning: {message}")


def print_note(message: str) -> None:
    """One line to stderr: how far something is, or what was done."""
    _to_stderr(message)


def print_written(what: str, *paths: Path | None) -> None:
    """One line to stderr: what was done, and the files and folders that it went to."""
    written = ", ".join(str(path) for path in paths if path is not None)
    _to_stderr(f"{what}: {written}" if written else what)


def refuse_existing(force: bool, *paths: Path | None) -> None:
    """Raise `OutputExistsError` for a file that exists, before anything slow starts."""
    from aeimage.errors import OutputExistsError

    for path in paths:
        if path is not None and not force and path.is_file():
            raise OutputExistsError.for_path(path)


def print_json(value: dict[str, Any] | list[Any]) -> None:
    """One JSON document to stdout."""
    print(json.dumps(value, indent=2, allow_nan=False))


def human_bytes(count: float) -> str:
    """``1234567`` as ``1.2 MB``, in powers of 1000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 999.5 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" or count >= 99.95 else f"{count:.1f} {unit}"


class TerminalProgress:
    """A bar on stderr if that is a terminal; errors and warnings as they happen.

    Args:
        quiet: show errors only.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._files = self._done = 0

    def __enter__(self) -> TerminalProgress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def start(self, files: int, size: int) -> None:
        """Show an empty bar."""
        self._files = files
        # One picture takes less than a second: a bar would only flicker.
        if self._quiet or files < 2 or not sys.stderr.isatty():
            return
        from tqdm import tqdm

        # Counted in bytes: pictures differ in size, and the time that is left depends on it.
        self._bar = tqdm(
            total=size, unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True, leave=False
        )
        self._bar.set_description_str(f"0/{files}")

    def finished(self, result: FileResult) -> None:
        """Move the bar; print what the user should know."""
        self._done += 1
        if result.error:
            self._print(f"aeimage: error: {result.input}: {result.error}")
        for warning in [] if self._quiet else result.warnings:
            self._print(f"aeimage: warning: {result.input}: {warning}")
        if self._bar is not None:
            self._bar.update(result.bytes_in or 0)
            self._bar.set_description_str(f"{self._done}/{self._files}")

    def _print(self, line: str) -> None:
        if self._bar is None:
            _to_stderr(line)
        else:
            self._bar.write(printable(line), file=sys.stderr)


def run_batch(work_on: Callable[..., Report], args: argparse.Namespace, **options: Any) -> int:
    """Do a command's work on files, show how far it is, and print the report.

    Args:
        work_on: a function of `aeimage.apps.folders`.
        args: parsed; has what `options.add_batch` and mostly `options.add_paths` declare.
        options: further arguments of `work_on`.

    Returns:
        the exit code.
    """
    if hasattr(args, "output"):
        refuse_json_on_stdout(args)
        options["output"] = args.output
    for name in {"force", "skip_existing"} & set(vars(args)):
        options[name] = getattr(args, name)
    with TerminalProgress(quiet=args.quiet) as progress:
        report = work_on(
            args.inputs,
            jobs=args.jobs,
            max_pixels=max_pixels_of(args),
            progress=progress,
            **options,
        )
    return print_report(report, as_json=args.json, quiet=args.quiet)


def print_report(report: Report, *, as_json: bool, quiet: bool) -> int:
    """The end of a command on files; returns the exit code."""
    if as_json:
        print_json(report.as_dict())
    if not quiet:
        for note in report.notes:
            print_warning(note)
        if report.left_out:
            _to_stderr(f"left out: {_left_out(report.left_out)}")
        if [result.status for result in report.files] == ["copied"]:
            _to_stderr(_kept(report.command, report.files[0]))
        if report.files:
            _to_stderr(_summary(report))
    return 1 if report.failed else 0


def _summary(report: Report) -> str:
    totals = report.totals()
    counts = [f"{totals['ok']} {_PAST[report.command]}"] if totals["ok"] else []
    copied = _UNCHANGED.get(report.command, "copied unchanged")
    words = {"copied": copied, "skipped": "skipped (there already)", "failed": "failed"}
    counts += [f"{totals[status]} {word}" for status, word in words.items() if totals[status]]
    many = totals["files"] != 1
    parts = [f"{totals['files']} file{'s' * many}: {', '.join(counts)}"]
    before, after, seconds = totals["bytes_in"], totals["bytes_out"], totals["seconds"]
    if after:
        share = (
            f" ({100 * after / before:.0f} %)" if report.command == "compress" and before else ""
        )
        parts.append(f"{human_bytes(before)} -> {human_bytes(after)}{share}")
    if totals["bpp"] is not None:
        parts.append(f"{totals['bpp']:.3f} bits per pixel")
    parts.append(f"{seconds:.1f} s")
    if many and seconds and totals["pixels"]:
        parts.append(f"{totals['pixels'] / 1e6 / seconds:.1f} megapixels/s")
    return "; ".join(parts)


def _kept(command: str, result: FileResult) -> str:
    what = "left as it is" if result.output == result.input else f"copied to {result.output}"
    if command in _UNCHANGED:
        reason = _UNCHANGED[command].removesuffix(", copied")
        return f"{result.input}: {reason}, {what}"
    return f"{result.input}: {what}; an .aei file would be no smaller (--always makes one)"


def _left_out(paths: list[str]) -> str:
    kinds = Counter(Path(path).suffix.lower() or "no suffix" for path in paths)
    shown = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(_MAX_LISTED))
    return f"{len(paths)} file{'s' * (len(paths) != 1)} of other kinds ({shown})"


def _to_stderr(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)
