"""Before and after, on a page drawn here: damaged, the best filter's, ours; crops in pixels."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from ocr_damage import COMBINATIONS, DAMAGES, damage_page
from ocr_filters import FILTERS
from ocr_markdown import label_of
from ocr_run import COMBINED, Method
from ocr_summary import OURS, Summary
from PIL import Image, ImageDraw, ImageFont

EXAMPLES = (
    ("noise", "3"),
    ("uneven", "3"),
    ("through", "3"),
    ("stains", "3"),
    ("ink", "3"),
    ("uneven+noise", COMBINED),
)
_FONTS = Path(matplotlib.get_data_path()) / "fonts/ttf"  # DejaVu: everywhere that plots are drawn
_LETTERS = 34  # pixels: 8 points at 300 dpi
_SIZE = (1500, 640)
_CROP = (60, 150, 480, 330)  # left, top, right, bottom
_GAP, _LABEL = 8, 26

# Alice's Adventures in Wonderland, Lewis Carroll, 1865.
_TEXT = """Alice was beginning to get very tired of sitting by her sister on the
bank, and of having nothing to do: once or twice she had peeped into
the book her sister was reading, but it had no pictures or conversations
in it, “and what is the use of a book,” thought Alice “without pictures or
conversations?”
So she was considering in her own mind (as well as she could, for the
hot day made her feel very sleepy and stupid), whether the pleasure
of making a daisy-chain would be worth the trouble of getting up and
picking the daisies, when suddenly a White Rabbit with pink eyes ran
close by her."""
_BACK = """There was nothing so very remarkable in that; nor did Alice think it so
very much out of the way to hear the Rabbit say to itself, “Oh dear! Oh
dear! I shall be late!” (when she thought it over afterwards, it occurred
to her that she ought to have wondered at this, but at the time it all
seemed quite natural); but when the Rabbit actually took a watch out of
its waistcoat-pocket, and looked at it, and then hurried on, Alice started
to her feet, for it flashed across her mind that she had never before seen
a rabbit with either a waistcoat-pocket, or a watch to take out of it, and
burning with curiosity, she ran across the field after it, and fortunately
was just in time to see it pop down a large rabbit-hole under the hedge."""


def draw_page(text: str = _TEXT) -> NDArray[np.uint8]:
    """A page of text in DejaVu Serif, 1-bit like the benchmark's pages, as uint8."""
    page = Image.new("L", _SIZE, 255)
    font = ImageFont.truetype(str(_FONTS / "DejaVuSerif.ttf"), _LETTERS)
    ImageDraw.Draw(page).multiline_text((60, 60), text, font=font, fill=0, spacing=16)
    return np.where(np.asarray(page) > 127, 255, 0).astype(np.uint8)


def draw_examples(path: Path, summary: Summary, ours: Method | None) -> None:
    """Draws the crops to a PNG, a row for each damage; without ours, if there is none."""
    page, back = draw_page(), draw_page(_BACK)
    rows = []
    for damage, level in EXAMPLES:
        if (damage, level, "raw") not in summary.errors:
            continue
        steps = COMBINATIONS[damage] if level == COMBINED else ((damage, int(level)),)
        damaged = damage_page(page, steps, "example", back)
        best = summary.best_for(damage, level)
        label = DAMAGES[damage].label if damage in DAMAGES else damage.replace("+", " + ")
        panels = [
            _panel(damaged, f"{label}: {_error(summary, damage, level, 'raw')}"),
            _panel(
                FILTERS[best].apply(damaged),
                f"{label_of(best)}, the best filter: {_error(summary, damage, level, best)}",
            ),
        ]
        if ours is not None:
            found = OURS in summary.methods
            error = f": {_error(summary, damage, level, OURS)}" if found else ""
            panels.append(_panel(ours.apply(damaged), f"aeimage{error}", bold=True))
        rows.append(panels)
    if rows:
        _sheet(rows).save(path, optimize=True)


def _error(summary: Summary, damage: str, level: str, method: str) -> str:
    return f"{100 * summary.errors[damage, level, method].mean:.1f} %"


def _panel(picture: NDArray[np.uint8], label: str, bold: bool = False) -> Image.Image:
    crop = Image.fromarray(picture).crop(_CROP)
    panel = Image.new("L", (crop.width, crop.height + _LABEL), 255)
    panel.paste(crop, (0, _LABEL))
    draw = ImageDraw.Draw(panel)
    draw.rectangle((0, _LABEL, panel.width - 1, panel.height - 1), outline=200)
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    draw.text((1, 5), label, font=ImageFont.truetype(str(_FONTS / name), 14), fill=0)
    return panel


def _sheet(rows: list[list[Image.Image]]) -> Image.Image:
    width, height = rows[0][0].width + _GAP, rows[0][0].height + _GAP
    sheet = Image.new("L", (width * len(rows[0]) - _GAP, height * len(rows)), 255)
    for y, row in enumerate(rows):
        for x, panel in enumerate(row):
            sheet.paste(panel, (x * width, y * height))
    return sheet
