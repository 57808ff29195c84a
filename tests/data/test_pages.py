"""Synthetic pages."""

import dataclasses
import os
import random
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw

from aeimage.data import page_blocks
from aeimage.data.fonts import find_faces
from aeimage.data.page_pictures import draw_diagram, draw_picture
from aeimage.data.page_sheet import Family, Sheet, set_text
from aeimage.data.pages import draw_page
from aeimage.data.words import Vocabulary
from aeimage.errors import UsageError

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@pytest.fixture(scope="module")
def faces():
    return find_faces([FOLDER])


def _pages(faces, count, **options):
    return [
        draw_page(np.random.default_rng((0, i)), faces, size=(300, 260), **options)
        for i in range(count)
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_pages_are_white_with_ink(faces, channels):
    pages = np.stack(_pages(faces, 16, channels=channels))
    assert pages.dtype == np.uint8
    assert pages.shape == (16, 300, 260) + ((3,) if channels == 3 else ())
    ink = (pages < 128).reshape(16, -1).mean(1)
    assert 0.02 < ink.mean() < 0.3
    # Paper is exactly white: the commonest level of nearly every page.
    assert np.mean([np.bincount(page.ravel()).argmax() == 255 for page in pages]) > 0.8


def test_pages_depend_on_the_generator_alone(faces):
    first, again = _pages(faces, 4), _pages(faces, 4)
    for page, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(page, same)
    assert not np.array_equal(first[0], first[1])


def test_another_process_draws_the_same_page(faces):
    code = (
        "import sys, numpy as np\n"
        "from aeimage.data.fonts import find_faces\n"
        "from aeimage.data.pages import draw_page\n"
        "faces = find_faces([sys.argv[1]])\n"
        "page = draw_page(np.random.default_rng((0, 5)), faces, size=(300, 260))\n"
        "sys.stdout.buffer.write(page.tobytes())\n"
    )
    # Where the order of a set mattered, other hashes of strings would show it.
    environment = os.environ | {"PYTHONHASHSEED": "5"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(FOLDER)],
        cwd=Path(page_blocks.__file__).parents[2],
        env=environment,
        capture_output=True,
        check=True,
    )
    page = draw_page(np.random.default_rng((0, 5)), faces, size=(300, 260))
    assert done.stdout == page.tobytes()


def test_grey_pages_hold_two_levels_or_many(faces):
    levels = [len(np.unique(page)) for page in _pages(faces, 16)]
    assert min(levels) == 2
    assert max(levels) > 16


def test_pages_without_faces_or_of_strange_depth_are_errors(faces):
    with pytest.raises(UsageError, match="faces"):
        draw_page(np.random.default_rng(0), [])
    with pytest.raises(UsageError, match="channels"):
        draw_page(np.random.default_rng(0), faces, channels=2)


def _sheet(faces, mode, width=500):
    image = Image.new(mode, (width, 900), "white")
    family = Family.of([f for f in faces if f.family == "DejaVu Serif"], random.Random(0))
    ink = (0, 0, 0) if mode == "RGB" else 0
    return Sheet(
        image=image,
        pen=ImageDraw.Draw(image),
        draw=random.Random(0),
        vocabulary=Vocabulary(),
        family=family,
        heading_family=family,
        dpi=150,
        size=9,
        leading=1.2,
        ink=ink,
        accent=ink,
        justified=True,
        indent=1.0,
        shaped=False,
    )


def test_faces_that_are_set_together_have_the_same_letters(faces):
    plain = [f for f in faces if f.family == "DejaVu Serif"]
    poor = [dataclasses.replace(f, letters=frozenset("é")) if f.bold else f for f in plain]
    for seed in range(5):
        family = Family.of(plain, random.Random(seed))
        assert family.bold.bold and family.italic.italic
        family = Family.of(poor, random.Random(seed))
        assert family.bold == family.regular
        assert family.italic.letters >= family.regular.letters


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("block", page_blocks.BLOCKS, ids=lambda block: block.__name__)
def test_a_block_is_as_high_as_it_says(faces, block, mode):
    sheet = _sheet(faces, mode)
    for _ in range(6):
        sheet.pen.rectangle((0, 0, 499, 899), fill="white")
        height = block(sheet, 60, 100, 400)
        rows = np.nonzero(np.asarray(sheet.image.convert("L")).min(1) < 128)[0]
        assert height > 0
        if len(rows):
            # Letters reach a little above and below their line.
            assert 100 - sheet.em < rows[0]
            assert rows[-1] < 100 + height + sheet.em


@pytest.mark.parametrize("block", page_blocks.BLOCKS, ids=lambda block: block.__name__)
def test_blocks_bear_narrow_columns(faces, block):
    sheet = _sheet(faces, "L", width=60)
    for width in (1, 15, 40):
        assert block(sheet, 0, 0, width) > 0


def test_justified_lines_end_where_the_column_does(faces):
    sheet = _sheet(faces, "L")
    words = sheet.vocabulary.passage(random.Random(2), 60, frozenset())
    planned = set_text(sheet, 50, 50, 400, words, 9, dry=True)
    assert np.asarray(sheet.image).min() == 255
    assert set_text(sheet, 50, 50, 400, words, 9) == planned
    step = sheet.em * sheet.leading
    lines = round(planned / step)
    ends = []
    for line in range(lines):
        rows = np.asarray(sheet.image)[round(50 + line * step) : round(50 + (line + 1) * step)]
        ends.append(np.nonzero(rows.min(0) < 128)[0][[0, -1]])
    lefts, rights = np.array(ends[:-1]).T
    assert np.ptp(lefts) <= 5
    assert np.ptp(rights) <= 5
    assert abs(rights.max() - 450) <= 4


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures_have_the_size_asked_for_and_many_levels(mode):
    draw = random.Random(0)
    spread = []
    for _ in range(12):
        image = draw_picture(draw, (90, 70), mode)
        diagram = draw_diagram(draw, (90, 70), mode)
        assert image.size == diagram.size == (90, 70)
        assert image.mode == diagram.mode == mode
        assert np.asarray(diagram).max() == 255
        spread.append(len(np.unique(np.asarray(image))))
    assert np.median(spread) > 60
