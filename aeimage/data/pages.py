"""Synthetic pages of print: clean targets for a restorer of scans.

Drawn with real fonts as a printer or an office sets them: one to three columns, 6 to 24 points at
150 to 400 dots an inch, justified or ragged, with headings, lists, tables, forms, notes, frames,
white on black, pictures. Paper is white: what is not ink is damage, which
`aeimage.corruption` adds.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from aeimage.data.fonts import Face
from aeimage.data.page_blocks import BLOCKS, heading, paragraph
from aeimage.data.page_sheet import Family, Sheet
from aeimage.data.words import Vocabulary
from aeimage.errors import UsageError

# Most scans are made at 300.
RESOLUTIONS = (150, 200, 240, 300, 300, 300, 300, 300, 400)
BODY_POINTS = (6, 7, 8, 8, 9, 9, 10, 10, 10, 11, 11, 12, 12, 14, 16, 20)
INKS = ((20, 20, 70), (10, 60, 40), (60, 30, 10), (90, 10, 20))
ACCENTS = ((150, 20, 25), (20, 40, 130), (10, 90, 50), (120, 80, 10), (80, 80, 80))


def draw_page(
    rng: np.random.Generator,
    faces: Sequence[Face],
    vocabulary: Vocabulary | None = None,
    *,
    size: tuple[int, int] = (1100, 900),
    dpi: float | None = None,
    channels: int = 1,
) -> np.ndarray:
    """Draw a page, or the part of one that fits.

    Args:
        rng: the page depends on its state, the faces and the vocabulary alone.
        faces: as `aeimage.data.fonts.find_faces` returns.
        vocabulary: source of words; by default made-up ones.
        size: (height, width) in pixels.
        dpi: pixels an inch; drawn from `RESOLUTIONS` by default.
        channels: 1 for grey or 3 for colour.

    Returns:
        uint8 (height, width) or (height, width, 3), 0 black to 255 white. Blank paper is 255.

    Raises:
        UsageError: no faces, or `channels` is neither 1 nor 3.
    """
    if not faces:
        raise UsageError.for_value("faces", "at least one face", faces)
    if channels not in (1, 3):
        raise UsageError.for_value("channels", "1 or 3", channels)
    draw = random.Random(int(rng.integers(1 << 62)))
    height, width = size
    image = Image.new("L" if channels == 1 else "RGB", (width, height), "white")
    sheet = _sheet(draw, image, faces, vocabulary or Vocabulary(), dpi)
    _fill(sheet)
    return np.asarray(_print(draw, image))


def _sheet(draw, image, faces, vocabulary, dpi) -> Sheet:
    families = _families(faces)
    family = Family.of(_choose(draw, families), draw)
    if draw.random() < 0.1:  # a page all in bold or all in italics
        face = draw.choice((family.bold, family.italic))
        family = Family(face, face, face)
    other = draw.random() < 0.4
    ink = (0, 0, 0)
    if (kind := draw.random()) < 0.2:
        ink = (draw.randint(0, 70),) * 3
    elif kind < 0.3:
        ink = draw.choice(INKS)
    accent = draw.choice(ACCENTS) if draw.random() < 0.25 else ink
    sheet = Sheet(
        image=image,
        pen=ImageDraw.Draw(image),
        draw=draw,
        vocabulary=vocabulary,
        family=family,
        heading_family=Family.of(_choose(draw, families), draw) if other else family,
        dpi=dpi or draw.choice(RESOLUTIONS),
        size=draw.choice(BODY_POINTS),
        leading=draw.uniform(1.05, 1.6),
        ink=0,
        accent=0,
        justified=draw.random() < 0.65,
        indent=draw.choice((0.0, 1.0, 1.5, 2.0)),
        shaped=draw.random() < 0.4,
        # Letters of different weight, as ink and paper have it.
        stroke=draw.uniform(0.2, 0.6) if draw.random() < 0.15 else 0.0,
    )
    sheet.ink, sheet.accent = sheet.tone(ink), sheet.tone(accent)
    return sheet


def _families(faces: Sequence[Face]) -> dict[str, list[Face]]:
    families: dict[str, list[Face]] = defaultdict(list)
    for face in faces:
        families[face.family].append(face)
    return families


def _choose(draw: random.Random, families: dict[str, list[Face]]) -> list[Face]:
    """Draw a family: not in proportion to how many the designers of one called differently."""
    names = sorted(families)
    related = Counter(families[name][0].superfamily for name in names)
    weights = []
    for name in names:
        face = families[name][0]
        typewriter = 0.4 if face.fixed_pitch else 1.0
        weights.append(typewriter / related[face.superfamily] ** 0.5)
    return families[draw.choices(names, weights)[0]]


def _fill(sheet: Sheet) -> None:
    """Stack blocks in columns until the page is full."""
    draw, em = sheet.draw, sheet.em
    height, width = sheet.image.height, sheet.image.width
    # The piece may lie anywhere on its page: with a margin, or amid the text.
    left, right = (draw.uniform(0.03, 0.12) * width * (draw.random() < 0.6) for _ in range(2))
    top = draw.uniform(0.03, 0.12) * height if draw.random() < 0.5 else -1.5 * em * draw.random()
    if draw.random() < 0.25:
        top = max(top, 0.0)
        top += _running_head(sheet, left, top, width - left - right)
    columns = draw.choice((1, 1, 1, 2, 2, 3))
    gutter = draw.uniform(1.2, 2.5) * em
    # A column has at least some 15 letters a line.
    while columns > 1 and (width - left - right) / columns - gutter < 8 * em:
        columns -= 1
    room = (width - left - right - (columns - 1) * gutter) / columns
    blocks, weights = list(BLOCKS), list(BLOCKS.values())
    between = draw.choice((0.0, 0.0, 0.5, 1.0)) * em
    lined = columns > 1 and draw.random() < 0.25
    # Most pages are text alone, some hold a bit of everything.
    if draw.random() < 0.4:
        blocks, weights = [paragraph, heading], [8.0, 1.0]
    for column in range(columns):
        x = left + column * (room + gutter)
        y = top
        if lined and column:
            middle = x - gutter / 2
            sheet.pen.line([(middle, top), (middle, height)], fill=sheet.ink, width=2)
        # `empty`: not every page is full.
        floor = height if draw.random() < 0.85 else height * draw.uniform(0.5, 0.95)
        while y < floor:
            block = draw.choices(blocks, weights)[0]
            y += block(sheet, x, y, room) + between


def _running_head(sheet: Sheet, x: float, y: float, width: float) -> float:
    """Page number and title over the text, sometimes with a rule."""
    draw, em = sheet.draw, sheet.em
    font = sheet.font(draw.choice((sheet.family.regular, sheet.family.italic)), 0.9 * sheet.size)
    page = str(draw.randint(1, 600))
    words = sheet.vocabulary.passage(draw, draw.randint(1, 4), sheet.family.regular.letters)
    title = " ".join(words).rstrip(".,;:")
    while title and font.getlength(f"{title}    {page}") > width:
        title = title.rpartition(" ")[0]
    sides = [page, title] if draw.random() < 0.5 else [title, page]
    for text, at in zip(sides, (0.0, 1.0), strict=True):
        sheet.text(x + at * (width - font.getlength(text)), y + em, text, font)
    if draw.random() < 0.4:
        sheet.rule(x, y + 1.4 * em, width, 0.5)
    return 2.2 * em


def _print(draw: random.Random, image: Image.Image) -> Image.Image:
    """Give the page the look of a scan without damage: askew, soft, or of two levels."""
    white = "white" if image.mode == "RGB" else 255
    if draw.random() < 0.3:
        angle = draw.uniform(-2, 2)
        image = image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=white)
    kind = draw.random()
    if kind < 0.45:
        image = image.filter(ImageFilter.GaussianBlur(draw.uniform(0.3, 0.9)))
    elif kind < 0.6 and image.mode == "L":
        level = draw.randint(100, 170)
        image = image.point(lambda value: 255 * (value > level))
    return image
