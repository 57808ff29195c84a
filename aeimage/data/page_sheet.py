"""A sheet to draw on and how it is set; text broken into lines. For `aeimage.data.page_blocks`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

from aeimage.data.fonts import Face
from aeimage.data.words import Vocabulary

Colour = tuple[int, int, int]
Ink = int | Colour
POINTS_PER_INCH = 72.0


@dataclass
class Sheet:
    """A page being drawn, and how it is set.

    Attributes:
        image: mode ``"RGB"`` or ``"L"``, white to begin with.
        pen: draws on it.
        draw: source of randomness.
        vocabulary: source of words.
        family: of the body text; `heading_family` of headings.
        dpi: pixels an inch.
        size: of the body text in points.
        leading: distance of the lines in body sizes.
        ink: of the body text; `accent` of headings and rules.
        justified: both edges straight, or ragged on the right.
        indent: of a paragraph's first line, in body sizes.
        shaped: with kerning and ligatures.
        stroke: extra weight of the letters in pixels, mostly 0.
    """

    image: Image.Image
    pen: ImageDraw.ImageDraw
    draw: random.Random
    vocabulary: Vocabulary
    family: Family
    heading_family: Family
    dpi: float
    size: float
    leading: float
    ink: Ink
    accent: Ink
    justified: bool
    indent: float
    shaped: bool
    stroke: float = 0.0
    _fonts: dict = field(default_factory=dict)

    @property
    def em(self) -> float:
        """The body size in pixels."""
        return self.pixels(self.size)

    def pixels(self, points: float) -> float:
        """Convert points to pixels."""
        return points * self.dpi / POINTS_PER_INCH

    def font(self, face: Face, points: float) -> ImageFont.FreeTypeFont:
        """Return a face at a size, opened once a page."""
        key = (face, points)
        if key not in self._fonts:
            self._fonts[key] = face.at(self.pixels(points), shaped=self.shaped)
        return self._fonts[key]

    def text(self, x: float, y: float, text: str, font, ink: Ink | None = None) -> None:
        """Draw text with its baseline's left end at (x, y)."""
        ink = self.ink if ink is None else ink
        self.pen.text((x, y), text, ink, font, anchor="ls", stroke_width=self.stroke)

    def rule(self, x: float, y: float, length: float, points: float, ink: Ink | None = None):
        """Draw a horizontal rule; `points` thick, at least a pixel."""
        thick = max(1, round(self.pixels(points)))
        ink = self.ink if ink is None else ink
        # Whole pixels: y + 1 - 1 may be less than y in floats, which Pillow refuses.
        y = round(y)
        self.pen.rectangle((x, y, x + length, y + thick - 1), fill=ink)

    def tone(self, colour: Colour) -> Ink:
        """Return a colour as the image's mode wants it."""
        return colour if self.image.mode == "RGB" else round(sum(colour) / 3)


@dataclass(frozen=True)
class Family:
    """Faces that are set together; all the same one where a family has one face only."""

    regular: Face
    bold: Face
    italic: Face

    @classmethod
    def of(cls, faces: Sequence[Face], draw: random.Random) -> Family:
        """Choose a regular, a bold and an italic face from one family's faces.

        The others have all the letters that the regular one has: a text is made up for that.
        """

        def of_style(bold: bool, italic: bool) -> list[Face]:
            return [face for face in faces if face.bold == bold and face.italic == italic]

        regular = draw.choice(of_style(False, False) or faces)

        def choose(bold: bool, italic: bool) -> Face:
            able = [f for f in of_style(bold, italic) if f.letters >= regular.letters]
            return draw.choice(able or [regular])

        return cls(regular, choose(True, False), choose(False, True))


def set_text(
    sheet: Sheet,
    x: float,
    y: float,
    width: float,
    words: Sequence[str],
    points: float,
    *,
    face: Face | None = None,
    indent: float = 0.0,
    ink: Ink | None = None,
    ragged: bool = False,
    varied: bool = False,
    dry: bool = False,
) -> float:
    """Break words into lines and draw them unless `dry`; return the height.

    Both passes over a text break it alike: nothing here draws random numbers but `varied`.
    """
    draw = sheet.draw
    plain = sheet.font(face or sheet.family.regular, points)
    em = sheet.pixels(points)
    step = em * sheet.leading
    space = plain.getlength(" ")
    others = [
        sheet.font(sheet.family.italic, points),
        sheet.font(sheet.family.bold, points),
        plain,
    ]
    lines: list[list[tuple[str, ImageFont.FreeTypeFont, float, bool]]] = [[]]
    used = indent * em
    font, left, underlined = plain, 0, False
    for word in words:
        if varied and left <= 0:
            left = draw.randint(1, 25)
            font, underlined = plain, False
            if draw.random() < 0.12:
                font, left = draw.choice(others), draw.randint(1, 8)
                underlined = font is plain
        left -= 1
        length = font.getlength(word)
        if used + length > width and lines[-1]:
            lines.append([])
            used = 0.0
        lines[-1].append((word, font, length, underlined))
        used += length + space
    if dry:
        return len(lines) * step
    baseline = y + 0.82 * em
    for i, line in enumerate(lines):
        at = x + (indent * em if i == 0 else 0.0)
        gap = space
        if sheet.justified and not ragged and i < len(lines) - 1 and len(line) > 1:
            lengths = sum(length for _, _, length, _ in line)
            gap = max(0.5 * space, (x + width - at - lengths) / (len(line) - 1))
        for j, (word, font, length, underlined) in enumerate(line):
            sheet.text(at, baseline, word, font, ink)
            if underlined:
                onwards = gap * (j + 1 < len(line) and line[j + 1][3])
                sheet.rule(at, baseline + 0.12 * em, length + onwards, 0.5, ink)
            at += length + gap
        baseline += step
    return len(lines) * step
