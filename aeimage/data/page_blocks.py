"""What stands on a synthetic page: paragraphs, headings, lists, tables, notes, pictures, blocks.

Each block is a function ``block(sheet, x, y, width) -> height``: it draws from (x, y) downwards,
at most `width` pixels wide, and returns how far it got. `aeimage.data.pages` stacks them.
"""

from __future__ import annotations

from collections.abc import Callable

from aeimage.data.page_pictures import draw_diagram, draw_picture
from aeimage.data.page_sheet import Sheet, set_text
from aeimage.data.words import number


def paragraph(sheet: Sheet, x: float, y: float, width: float) -> float:
    """Running text; now and then with bold, italic or underlined words."""
    draw = sheet.draw
    words = sheet.vocabulary.passage(draw, draw.randint(8, 90), sheet.family.regular.letters)
    return set_text(sheet, x, y, width, words, sheet.size, indent=sheet.indent, varied=True)


def heading(sheet: Sheet, x: float, y: float, width: float) -> float:
    """One to six larger words, left or centred, sometimes in capitals or over a rule."""
    draw = sheet.draw
    family = sheet.heading_family
    face = draw.choice((family.bold, family.bold, family.regular, family.italic))
    size = min(24.0, sheet.size * draw.choice((1.0, 1.2, 1.4, 1.7, 2.2)))
    words = sheet.vocabulary.passage(draw, draw.randint(1, 6), face.letters)
    text = " ".join(words).rstrip(".,;:")
    upper = text.upper()
    if draw.random() < 0.3 and all(c.isascii() or c in face.letters for c in upper):
        text = upper
    if draw.random() < 0.3:
        text = f"{draw.randint(1, 12)}{draw.choice(('.', '.1', '.2.3', ')'))} {text}"
    font = sheet.font(face, size)
    while font.getlength(text) > width and " " in text:
        text = text.rpartition(" ")[0]
    em = sheet.pixels(size)
    length = font.getlength(text)
    left = x + max(0.0, (width - length) / 2) * (draw.random() < 0.4)
    above = 0.6 * em
    sheet.text(left, y + above + 0.85 * em, text, font, sheet.accent)
    height = above + 1.25 * em
    if draw.random() < 0.15:
        sheet.rule(x, y + height, width, draw.choice((0.4, 0.7, 1.0)), sheet.accent)
        height += 0.4 * em
    return height + 0.2 * em


def numbered_list(sheet: Sheet, x: float, y: float, width: float) -> float:
    """Items with bullets, dashes, numbers or letters, hanging."""
    draw = sheet.draw
    letters = sheet.family.regular.letters
    kind = draw.choice(("•", "–", "1.", "a)", "(1)", "-") if "•" in letters else ("-", "1.", "a)"))
    font = sheet.font(sheet.family.regular, sheet.size)
    em, start = sheet.em, y
    for item in range(draw.randint(2, 6)):
        mark = kind.replace("1", str(item + 1)).replace("a", "abcdef"[item])
        sheet.text(x + 0.6 * em, y + 0.85 * em, mark, font)
        words = sheet.vocabulary.passage(draw, draw.randint(2, 16), letters)
        y += set_text(sheet, x + 2.2 * em, y, width - 2.2 * em, words, sheet.size, ragged=True)
    return y - start + 0.4 * em


def table(sheet: Sheet, x: float, y: float, width: float) -> float:
    """Rows and columns of words and numbers, with all, some or no rules."""
    draw = sheet.draw
    em, pen = sheet.em, sheet.pen
    columns, rows = draw.randint(2, 5), draw.randint(2, 8)
    size = sheet.size * draw.choice((0.8, 0.9, 1.0))
    font = sheet.font(sheet.family.regular, size)
    bold = sheet.font(sheet.family.bold, size)
    shares = [draw.uniform(0.6, 1.6) for _ in range(columns)]
    edges = [x]
    for share in shares:
        edges.append(edges[-1] + width * share / sum(shares))
    row_height = sheet.pixels(size) * draw.uniform(1.25, 1.8)
    grid = draw.choice(("all", "rows", "book", "none"))
    thin = draw.choice((0.25, 0.4, 0.7))
    numbers = [draw.random() < 0.5 and column > 0 for column in range(columns)]
    grey = sheet.tone(draw.choice(((235,) * 3, (215,) * 3, (225, 232, 245))))
    shaded = draw.random() < 0.2
    y += 0.4 * em
    for row in range(rows):
        top = y + row * row_height
        if shaded and row % 2 == 0:
            pen.rectangle((x, top, x + width, top + row_height), fill=grey)
        for column in range(columns):
            room = edges[column + 1] - edges[column] - 0.6 * em
            if numbers[column] and row:
                text = number(draw)
            else:
                count = draw.randint(1, 3)
                text = " ".join(sheet.vocabulary.passage(draw, count, sheet.family.regular.letters))
            used = font if row else bold
            while text and used.getlength(text) > room:
                text = text[:-1]
            left = edges[column] + 0.3 * em
            if numbers[column]:
                left = edges[column + 1] - 0.3 * em - used.getlength(text)
            sheet.text(left, top + 0.72 * row_height, text, used)
    bottom = y + rows * row_height
    if grid in ("all", "rows"):
        for row in range(rows + 1):
            sheet.rule(x, y + row * row_height, width, thin)
    if grid == "all":
        thick = max(1, round(sheet.pixels(thin)))
        for edge in edges:
            left = round(edge)
            pen.rectangle((left, y, left + thick - 1, bottom), fill=sheet.ink)
    if grid == "book":
        for at, points in ((y, 0.9), (y + row_height, 0.4), (bottom, 0.9)):
            sheet.rule(x, at, width, points)
    return bottom - y + 1.2 * em


def footnotes(sheet: Sheet, x: float, y: float, width: float) -> float:
    """Small print below a short rule."""
    draw = sheet.draw
    em, start = sheet.em, y
    size = max(5.5, 0.75 * sheet.size)
    y += 0.6 * em
    sheet.rule(x, y, width * draw.choice((0.3, 1.0)), 0.4)
    y += 0.4 * em
    for item in range(draw.randint(1, 3)):
        letters = sheet.family.regular.letters
        words = sheet.vocabulary.passage(draw, draw.randint(5, 30), letters)
        y += set_text(sheet, x, y, width, [str(item + 1), *words], size)
    return y - start + 0.3 * em


def picture(sheet: Sheet, x: float, y: float, width: float) -> float:
    """A photograph, texture, engraving or diagram, mostly with a caption."""
    draw = sheet.draw
    em = sheet.em
    wide = round(width * draw.choice((0.5, 0.7, 1.0, 1.0)))
    high = round(min(wide * draw.uniform(0.45, 1.1), 0.5 * sheet.image.height))
    if min(wide, high) < 16:
        return em
    left, top = round(x + (width - wide) / 2), round(y + 0.5 * em)
    paint = draw_diagram if draw.random() < 0.35 else draw_picture
    sheet.image.paste(paint(draw, (wide, high), sheet.image.mode), (left, top))
    if draw.random() < 0.3:
        thick = max(1, round(sheet.pixels(draw.choice((0.4, 1.0)))))
        box = (left - thick, top - thick, left + wide + thick - 1, top + high + thick - 1)
        sheet.pen.rectangle(box, outline=sheet.ink, width=thick)
    height = high + em
    if draw.random() < 0.7:
        count = draw.randint(3, 18)
        words = sheet.vocabulary.passage(draw, count, sheet.family.regular.letters)
        words = [f"Fig. {draw.randint(1, 40)}.", *words]
        face = draw.choice((sheet.family.regular, sheet.family.italic))
        height += set_text(sheet, x, y + height, width, words, 0.85 * sheet.size, face=face)
    return height + 0.6 * em


def box(sheet: Sheet, x: float, y: float, width: float) -> float:
    """Text in a frame, on a tint, or white on black."""
    draw = sheet.draw
    em = sheet.em
    words = sheet.vocabulary.passage(draw, draw.randint(4, 40), sheet.family.regular.letters)
    face = draw.choice((sheet.family.regular, sheet.family.bold))
    room = width - 1.6 * em
    if room < 4 * em:
        return em
    height = set_text(sheet, x, y, room, words, sheet.size, face=face, dry=True) + 1.4 * em
    corners = (x, y + 0.4 * em, x + width, y + 0.4 * em + height)
    kind = draw.choice(("frame", "double", "black", "black", "tint"))
    ink = sheet.ink
    if kind == "black":
        sheet.pen.rectangle(corners, fill=sheet.accent)
        ink = sheet.tone((255, 255, 255))
    elif kind == "tint":
        tint = draw.choice(((230,) * 3, (205,) * 3, (250, 240, 200), (215, 228, 245)))
        sheet.pen.rectangle(corners, fill=sheet.tone(tint))
    else:
        thick = max(1, round(sheet.pixels(draw.choice((0.4, 0.8, 1.5)))))
        sheet.pen.rectangle(corners, outline=sheet.accent, width=thick)
        if kind == "double":
            gap = 2 * thick + 1
            inner = (corners[0] + gap, corners[1] + gap, corners[2] - gap, corners[3] - gap)
            sheet.pen.rectangle(inner, outline=sheet.accent, width=1)
    set_text(sheet, x + 0.8 * em, y + em, room, words, sheet.size, face=face, ink=ink)
    return height + 1.2 * em


def form(sheet: Sheet, x: float, y: float, width: float) -> float:
    """Labels with lines, dots or boxes to fill in; some filled."""
    draw = sheet.draw
    em, pen, start = sheet.em, sheet.pen, y
    font = sheet.font(sheet.family.regular, sheet.size)
    leader = draw.choice(("line", "dots", "boxes"))
    for _ in range(draw.randint(2, 6)):
        y += 1.7 * em
        label = sheet.vocabulary.passage(draw, draw.randint(1, 2), sheet.family.regular.letters)
        text = " ".join(label).rstrip(".,;:?!") + ":"
        sheet.text(x, y, text, font)
        left = x + font.getlength(text) + 0.4 * em
        room = x + width - left
        if room < 3 * em:
            continue
        if leader == "line":
            sheet.rule(left, y + 0.12 * em, room, 0.4)
        elif leader == "dots":
            dot = font.getlength(".")
            sheet.text(left, y, "." * int(room / dot), font)
        else:
            for cell in range(min(14, int(room / (1.1 * em)))):
                at = left + cell * 1.1 * em
                pen.rectangle((at, y - 0.9 * em, at + 1.1 * em, y + 0.2 * em), outline=sheet.ink)
        if leader != "dots" and draw.random() < 0.6:
            filled = sheet.font(sheet.family.italic, sheet.size)
            entry = number(draw)
            if filled.getlength(entry) < room:
                sheet.text(left + 0.2 * em, y, entry, filled, sheet.accent)
    return y - start + 1.0 * em


BLOCKS: dict[Callable[[Sheet, float, float, float], float], float] = {
    paragraph: 10.0,
    heading: 2.4,
    numbered_list: 1.2,
    table: 1.3,
    footnotes: 0.7,
    picture: 0.8,
    box: 0.7,
    form: 0.6,
}
