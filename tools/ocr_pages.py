"""The benchmark's pages: a scan and its true text; whole, or strips of its first lines.

OCR of damaged pages is slow, so by default only strips of each page are used: the first quarter of
its text lines, and the second, each with a margin of paper around. Where the lines are, Tesseract
says of the *undamaged* page; what of the page's truth belongs to a strip is found by aligning it
with what Tesseract reads in the undamaged page down to the strip's end. Both depend on the
undamaged page alone, so they favour no method.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ocr_engine import TextLine, read_text, tesseract_version, text_lines
from ocr_metric import character_error_rate, matching_prefix, normalise
from PIL import Image

STRIPS_A_PAGE = 4  # of about as many lines each; the benchmark takes the first one or two
MARGIN = 80  # of paper around a strip, in pixels


@dataclass(frozen=True)
class Page:
    """A page or strip.

    Attributes:
        name: the file's name without its ending.
        picture: grey, uint8 of shape `(height, width)`, 255 for paper.
        truth: its text, normalised.
        back: what is printed on its other side, where that may show through: the next page of the
            folder, or the same part of it.
    """

    name: str
    picture: NDArray[np.uint8]
    truth: str
    back: NDArray[np.uint8]


@dataclass(frozen=True)
class Strip:
    """Which part of a page is used: a box of pixels, and a range of its normalised truth's letters.

    `number` counts a page's strips from 1; 0 is the whole page. `clean_rate` is the character error
    rate of the undamaged strip, by the OCR engine whose version is `ocr`.
    """

    page: str
    number: int
    top: int
    bottom: int
    left: int
    right: int
    first_letter: int
    end_letter: int
    clean_rate: float
    ocr: str

    @property
    def name(self) -> str:
        """The name of what is measured, e.g. "d016-1", or "d016" for the whole page."""
        return f"{self.page}-{self.number}" if self.number else self.page


def find_pages(folder: Path, prefixes: tuple[str, ...] = ()) -> list[Path]:
    """Pictures in the folder that have a text beside them, by name, of the named books."""
    return [
        path
        for path in sorted(folder.glob("*.png"))
        if path.with_suffix(".txt").exists() and path.name.startswith(prefixes or "")
    ]


def load_page(path: Path) -> Page:
    """A whole page."""
    in_folder = find_pages(path.parent)
    back = in_folder[(in_folder.index(path) + 1) % len(in_folder)]
    truth = normalise(path.with_suffix(".txt").read_text("utf-8"))
    return Page(path.stem, _grey(path), truth, _grey(back))


def _grey(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as opened:
        return np.array(opened.convert("L"))


def whole_page(page: Page) -> Strip:
    """The page as one strip."""
    height, width = page.picture.shape
    rate = character_error_rate(read_text(page.picture), page.truth)
    box = 0, height, 0, width
    return Strip(page.name, 0, *box, 0, len(page.truth), round(rate, 6), tesseract_version())


def choose_strips(page: Page, count: int) -> list[Strip]:
    """The first `count` quarters of an undamaged page's text lines; fewer if it has few lines.

    A word divided between two lines stays in one strip, so the strips' lengths differ a little.
    """
    lines = text_lines(page.picture)
    ends = [round(len(lines) * k / STRIPS_A_PAGE) for k in range(count + 1)]
    for k in range(1, count + 1):
        while ends[k] < len(lines) and lines[ends[k] - 1].last_word.endswith(("-", "\u2010")):
            ends[k] += 1
    strips, first_letter = [], 0
    for number, (first, end) in enumerate(pairwise(ends), 1):
        if end <= first:
            break
        top, bottom, left, right = _box(lines, first, end, page.picture.shape)
        text = normalise(read_text(page.picture[:bottom]))
        end_letter = len(matching_prefix(text, page.truth)[0])
        truth = page.truth[first_letter:end_letter].strip()
        text = read_text(page.picture[top:bottom, left:right])
        rate = character_error_rate(text, truth) if truth else 1.0
        box = top, bottom, left, right
        letters = first_letter, end_letter
        strips.append(Strip(page.name, number, *box, *letters, round(rate, 6), tesseract_version()))
        first_letter = end_letter
    return strips


def cut(page: Page, strip: Strip) -> Page:
    """The strip of a page as a page of its own."""
    box = slice(strip.top, strip.bottom), slice(strip.left, strip.right)
    truth = page.truth[strip.first_letter : strip.end_letter].strip()
    return Page(strip.name, page.picture[box], truth, page.back[box])


def _box(
    lines: list[TextLine], first: int, end: int, shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of lines[first:end] with a margin that holds no other line."""
    chosen = lines[first:end]
    top = min(line.top for line in chosen)
    bottom = max(line.bottom for line in chosen)
    above = max((line.bottom for line in lines[:first]), default=0)
    below = min((line.top for line in lines[end:]), default=shape[0])
    return (
        max(0, top - MARGIN, min((top + above) // 2, top)),
        min(shape[0], bottom + MARGIN, max((bottom + below) // 2, bottom)),
        max(0, min(line.left for line in chosen) - MARGIN),
        min(shape[1], max(line.right for line in chosen) + MARGIN),
    )
