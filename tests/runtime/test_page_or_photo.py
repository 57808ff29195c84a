"""Pages and photographs are told apart, damaged as they may be."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from aeimage.runtime.page_or_photo import looks_like_page, page_score
from aeimage.samples import sample_paths

WORDS = "the quick brown fox jumps over the lazy dog while seven wizards box a quart of liquor "


def printed_page(paper=(240, 238, 225), ink=(25, 22, 30)):
    """150 dpi: print in three sizes, a table, and a grey picture."""
    image = Image.new("RGB", (1240, 1000), paper)
    draw = ImageDraw.Draw(image)
    y = 90
    for size in (40, *(22,) * 12, *(15,) * 10):
        font = ImageFont.load_default(size)
        draw.text((100, y), (WORDS * 4)[: 1900 // size], font=font, fill=ink)
        y += round(size * 1.6)
    for x in range(700, 1100, 100):
        draw.line((x, 850, x, 950), fill=ink, width=2)
    image.paste(Image.radial_gradient("L").resize((150, 120)), (100, 850))
    return np.asarray(image)


def uneven(pixels, rng):
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width]
    light = 0.4 + 0.6 * np.exp(-(((x / width - 0.9) / 0.5) ** 2) - ((y / height - 0.2) / 0.6) ** 2)
    return pixels * light[..., None]


def pepper(pixels, rng):
    return np.where(rng.random(pixels.shape[:2])[..., None] < 0.04, 0, pixels)


DAMAGE = {
    "as it is": lambda pixels, rng: pixels,
    "dark": lambda pixels, rng: pixels * 0.35,
    "pale": lambda pixels, rng: pixels * 0.35 + 80,
    "noisy": lambda pixels, rng: pixels + rng.normal(0, 40, pixels.shape),
    "pale and noisy": lambda pixels, rng: pixels * 0.5 + 60 + rng.normal(0, 30, pixels.shape),
    "unevenly lit": uneven,
    "peppered": pepper,
}


def damaged(pixels, name):
    pixels = DAMAGE[name](pixels.astype(np.float32), np.random.default_rng(0))
    return np.clip(pixels, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("damage", DAMAGE)
def test_pages(damage):
    page = damaged(printed_page(), damage)
    assert looks_like_page(page)
    assert looks_like_page(np.asarray(Image.fromarray(page).convert("L")))


@pytest.mark.parametrize("paper", [(255, 255, 255), (205, 180, 130)])
def test_paper_of_any_colour(paper):
    assert looks_like_page(printed_page(paper))


# Specks on an even ground: by these rules, the deep field is a page.
PHOTOGRAPHS = [path for path in sample_paths() if "hubble" not in path.stem]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("path", PHOTOGRAPHS, ids=lambda path: path.stem)
def test_photographs(path, damage):
    with Image.open(path) as image:
        image.thumbnail((450, 450))
        photo = np.asarray(image.convert("RGB"))
    assert not looks_like_page(damaged(photo, damage))


def test_any_size_and_type():
    page = printed_page()
    score = page_score(page)
    assert page_score(page.astype(np.float32)) == pytest.approx(score, abs=1e-4)
    large = np.asarray(Image.fromarray(page).resize((3720, 3000), Image.Resampling.BICUBIC))
    assert page_score(large) == pytest.approx(score, abs=0.05)
    for shape in ((1, 1), (1, 3000), (5, 7, 3), (30, 20)):
        assert looks_like_page(np.full(shape, 255, np.uint8))  # blank, as far as anyone can tell
