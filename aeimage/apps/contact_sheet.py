"""Many small pictures in one, with a line of text under each: results for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

GAP = 6
TEXT = 11
BACKGROUND, INK, FAINT = (250, 250, 250), (20, 20, 20), (150, 30, 30)


@dataclass(frozen=True)
class Cell:
    """A picture in a sheet.

    Attributes:
        pixels: uint8 (height, width, 1 or 3).
        lines: of text under it.
        marked: the first line is printed in red.
    """

    pixels: NDArray[np.uint8]
    lines: tuple[str, ...] = ()
    marked: bool = False


def draw_sheet(
    rows: Sequence[Sequence[Cell]], *, side: int = 96, title: str = ""
) -> NDArray[np.uint8]:
    """Draw rows of pictures.

    Args:
        rows: may differ in length; an empty one leaves a gap.
        side: of the square into which each picture is fitted, in pixels.
        title: a line above all.

    Returns:
        uint8 (height, width, 3).
    """
    font = ImageFont.load_default(TEXT)
    heights = []
    for row in rows:
        lines = max((len(cell.lines) for cell in row), default=0)
        heights.append(side + lines * (TEXT + 3) + GAP if row else GAP)
    columns = max((len(row) for row in rows), default=0)
    top = TEXT + 3 * GAP if title else GAP
    width = max(GAP + columns * (side + GAP), 2 * GAP + int(font.getlength(title)))
    sheet = Image.new("RGB", (width, top + sum(heights)), BACKGROUND)
    drawing = ImageDraw.Draw(sheet)
    drawing.text((GAP, GAP), title, INK, font)
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            left = GAP + column * (side + GAP)
            sheet.paste(_fitted(cell.pixels, side), (left, top))
            for number, line in enumerate(cell.lines):
                ink = FAINT if cell.marked and number == 0 else INK
                place = (left, top + side + 1 + number * (TEXT + 3))
                drawing.text(place, _shortened(line, font, side), ink, font)
        top += height
    return np.array(sheet)


def in_rows(cells: Sequence[Cell], columns: int) -> list[list[Cell]]:
    """Break a sequence of cells into rows of so many."""
    return [list(cells[first : first + columns]) for first in range(0, len(cells), columns)]


def _fitted(pixels: NDArray[np.uint8], side: int) -> Image.Image:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    scale = side / max(image.size)
    size = tuple(max(1, round(length * scale)) for length in image.size)
    # Small pictures are shown as they are, pixel by pixel.
    way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    square = Image.new("RGB", (side, side), BACKGROUND)
    square.paste(image.resize(size, way), ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def _shortened(text: str, font, width: int) -> str:
    """Drop characters from the front, where paths are alike, until the text fits.

    Pillow's own font has neither arrows nor an ellipsis.
    """
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(".." + text) > width:
        text = text[1:]
    return ".." + text
