"""Tesseract as the benchmark runs it: page in, text out; and the text lines of a clean page.

One thread, English, `--psm 3` (a page of unknown layout), 300 dpi, LSTM engine. On a page of noise
it can take half a minute, so a run may use only so much *processor* time: a limit by the clock
would make results depend on what else the machine does.
"""

from __future__ import annotations

import csv
import io
import math
import os
import resource
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# An undamaged page takes 0.4 seconds a megapixel where this was tried.
SECONDS_PER_MEGAPIXEL = 5.0
LEAST_SECONDS = 4
_OPTIONS = ("--psm", "3", "-l", "eng", "--dpi", "300")


class TesseractMissingError(Exception):
    """Tesseract is not installed; the message says how to get it."""


class TesseractTimeoutError(Exception):
    """Tesseract used up its processor time."""


@dataclass(frozen=True)
class TextLine:
    """Where a line of text is, in pixels, bottom and right exclusive; and its last word."""

    top: int
    bottom: int
    left: int
    right: int
    last_word: str


@cache
def tesseract_version() -> str:
    """Its version, e.g. "tesseract 5.3.0".

    Raises:
        TesseractMissingError: if there is none.
    """
    if shutil.which("tesseract") is None:
        raise TesseractMissingError("no tesseract here: apt-get install tesseract-ocr")
    done = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).splitlines()[0].strip()


def read_text(page: NDArray[np.uint8]) -> str:
    """The text of a grey page of shape `(height, width)`; empty if Tesseract finds no text.

    Raises:
        TesseractTimeoutError: if it used up its processor time.
    """
    return _run(page)


def text_lines(page: NDArray[np.uint8]) -> list[TextLine]:
    """The page's text lines, from the top down."""
    table = csv.DictReader(io.StringIO(_run(page, "tsv")), delimiter="\t", quoting=csv.QUOTE_NONE)
    words: dict[tuple, list[TextLine]] = {}
    for row in table:
        text = (row["text"] or "").strip()
        if row["level"] != "5" or not text:
            continue
        left, top = int(row["left"]), int(row["top"])
        word = TextLine(top, top + int(row["height"]), left, left + int(row["width"]), text)
        words.setdefault((row["block_num"], row["par_num"], row["line_num"]), []).append(word)
    lines = [
        TextLine(
            min(word.top for word in line),
            max(word.bottom for word in line),
            min(word.left for word in line),
            max(word.right for word in line),
            line[-1].last_word,
        )
        for line in words.values()
    ]
    return sorted(lines, key=lambda line: line.top)


def processor_seconds(page: NDArray[np.uint8]) -> int:
    """How long Tesseract may compute on this page."""
    return max(LEAST_SECONDS, math.ceil(SECONDS_PER_MEGAPIXEL * page.size / 1e6))


def _run(page: NDArray[np.uint8], *configs: str) -> str:
    file = io.BytesIO()
    Image.fromarray(page).save(file, "PPM")
    seconds = processor_seconds(page)
    done = subprocess.run(
        ["tesseract", "stdin", "stdout", *_OPTIONS, *configs],
        input=file.getvalue(),
        capture_output=True,
        env=os.environ | {"OMP_THREAD_LIMIT": "1"},
        preexec_fn=partial(_limit_processor_time, seconds),
        timeout=60 * seconds,  # of the clock: only for a process that hangs
        check=False,
    )
    if done.returncode < 0:  # ended by a signal
        raise TesseractTimeoutError(f"Tesseract was stopped after {seconds} s")
    return done.stdout.decode(errors="replace")


def _limit_processor_time(seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
