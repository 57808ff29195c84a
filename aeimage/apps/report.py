"""What happened to each file, for people and for programs."""

from __future__ import annotations

import dataclasses
import errno
import math
import os
import sys
import traceback
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from aeimage.errors import AEImageError

Status = Literal["ok", "copied", "skipped", "failed"]
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass
class FileResult:
    """What happened to one file.

    Attributes:
        input: the path as it was given or found; ``"-"`` for standard input.
        output: the file that is there now; None where there is none, ``"-"`` for standard output.
        status: ``"ok"``; ``"copied"``, taken over unchanged; ``"skipped"``, the output was there
            already; ``"failed"``.
        bytes_in, bytes_out: sizes on disk.
        width, height: in pixels, where the picture was looked at.
        bpp: bits of the compressed (or copied) file per pixel.
        quality: 0 to 100, of an .aei file.
        psnr: in decibels, where it was measured.
        restorer: name of the model that restored the picture (of several pages, each once).
        sigma: the noise level that it assumed, RMS in levels; None for scans and several pages.
        pages: of the file, where all of them were looked at.
        clean_pages: those in which nothing was to be restored or filled in.
        missing: number of pixels that were filled in.
        met: whether what `compress` wrote reaches the target; None where nothing was compressed.
        seconds: of work on this file.
        warnings: sentences about what was lost or assumed.
        error: what went wrong, if it failed.
        error_type: the error's class, for programs.
        fatal: no other file can fare better (the disk is full); not part of the report.
    """

    input: str
    output: str | None = None
    status: Status = "ok"
    bytes_in: int | None = None
    bytes_out: int | None = None
    width: int | None = None
    height: int | None = None
    bpp: float | None = None
    quality: float | None = None
    psnr: float | None = None
    restorer: str | None = None
    sigma: float | None = None
    pages: int | None = None
    clean_pages: int | None = None
    missing: int | None = None
    met: bool | None = None
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)
    error: str | None = None
    error_type: str | None = None
    fatal: bool = False

    def measure(self, width: int, height: int, coded_bytes: int) -> None:
        """Note the picture's size and what it takes, in bits of file a pixel."""
        self.width, self.height = width, height
        self.bpp = 8 * coded_bytes / (width * height)

    def fail(self, error: BaseException | str) -> None:
        """Turn into the result of a failure; whatever was written is gone by now."""
        self.status, self.output, self.bytes_out, self.met = "failed", None, None, None
        if isinstance(error, str):
            self.error = error
            return
        # Most errors about pictures begin with the file's name, which is in `input` already.
        self.error = describe(error).removeprefix(f"{self.input}: ")
        self.error_type = type(error).__name__
        self.fatal = isinstance(error, OSError) and error.errno in DISK_FULL
        if debugging():
            traceback.print_exception(error, file=sys.stderr)


@dataclass
class Report:
    """What a command did.

    Attributes:
        command: its name, such as ``"compress"``.
        files: one result a file, in the order of the inputs, trees sorted by name.
        left_out: files in the trees that this command has no use for (videos, notes, ...).
        notes: sentences about the trees as a whole, e.g. a folder that links to itself.
        seconds: from start to end, on the clock.
    """

    command: str
    files: list[FileResult]
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether any file failed."""
        return any(result.status == "failed" for result in self.files)

    def totals(self) -> dict[str, Any]:
        """Counts by status; bytes of the files that were coded or copied; their mean bpp."""
        done = [r for r in self.files if r.status in ("ok", "copied")]
        counts = {s: sum(r.status == s for r in self.files) for s in Status.__args__}
        # Of decompressed pictures, the .aei file is the one whose bits count.
        coded = [r for r in done if r.bpp is not None]
        bits = sum(r.bpp * r.width * r.height for r in coded)
        coded_pixels = sum(r.width * r.height for r in coded)
        pixels = sum(r.width * r.height for r in done if r.width is not None)
        return {
            "files": len(self.files),
            **counts,
            "bytes_in": sum(r.bytes_in or 0 for r in done),
            "bytes_out": sum(r.bytes_out or 0 for r in done),
            "pixels": pixels,
            "bpp": bits / coded_pixels if coded_pixels else None,
            "seconds": self.seconds,
        }

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it (an infinite PSNR becomes None)."""
        return {
            "command": self.command,
            "totals": self.totals(),
            "files": [_finite(dataclasses.asdict(result)) for result in self.files],
            "left_out": self.left_out,
            "notes": self.notes,
        }


class Progress(Protocol):
    """Who wants to know how far a command is."""

    def start(self, files: int, size: int) -> None:
        """Before the first of `files` files, of `size` bytes in all."""

    def finished(self, result: FileResult) -> None:
        """After each file."""


class Silent:
    """A `Progress` that shows nothing."""

    def start(self, files: int, size: int) -> None:
        """Ignore it."""

    def finished(self, result: FileResult) -> None:
        """Ignore it."""


def describe(error: BaseException) -> str:
    """An error as one line for users."""
    if isinstance(error, AEImageError):
        text = str(error)
    elif isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        text = f"{where}{error.strerror or error or type(error).__name__}"
        if error.errno in DISK_FULL:
            text += ". Make room there, or choose another output; what is finished stays"
        text += "."
    elif isinstance(error, MemoryError):
        text = "There is not enough memory. Try fewer jobs, or close other programs."
    else:
        text = (
            f"Unexpected {type(error).__name__}: {error}. This is a bug of aeimage; with the "
            "environment variable AEIMAGE_DEBUG=1 it tells more."
        )
    return " ".join(text.split())


def debugging() -> bool:
    """Whether tracebacks are wanted: the environment variable AEIMAGE_DEBUG is 1."""
    return os.environ.get("AEIMAGE_DEBUG") == "1"


def _finite(fields: dict[str, Any]) -> dict[str, Any]:
    del fields["fatal"]
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in fields.items()
    }
