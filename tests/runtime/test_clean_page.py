"""Clean pages are told from damaged ones, whatever is printed on them."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from aeimage.runtime.clean_page import is_bilevel, is_clean_page

LINES = (
    "It was then that the boy put down",
    "his lamp, and listened. Far below,",
    "a door closed; i, j: 7.",
)


@pytest.fixture(scope="module", params=[18, 34], ids=["small", "large"])
def page(request):
    image = Image.new("L", (700, 500), 255)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(request.param)
    for number in range(10):
        pen.text((30, 20 + 45 * number), LINES[number % 3], 0, font)
    return np.asarray(image)


def damaged(page, kind):
    rng = np.random.default_rng(1)
    values = page.astype(float)
    if kind == "noise":
        values += rng.normal(0, 8, page.shape)
    elif kind == "strong noise":
        values += rng.normal(0, 60, page.shape)
    elif kind == "shadow":
        values *= np.linspace(0.6, 1, page.shape[1])
    elif kind == "show-through":
        values -= 60 * (page[:, ::-1] < 128)
    elif kind == "specks":
        values[rng.random(page.shape) < 0.01] = 0
    elif kind == "grey paper":
        values *= 0.8
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def test_pages_as_they_were_made_are_clean(page):
    assert is_clean_page(page)
    assert is_clean_page(np.where(page < 128, 0, 255).astype(np.uint8))
    assert is_clean_page(np.repeat(page[..., None], 3, axis=-1))
    assert is_clean_page(page.astype(np.float32))


@pytest.mark.parametrize(
    "kind", ["noise", "strong noise", "shadow", "show-through", "specks", "grey paper"]
)
def test_damaged_pages_are_not(page, kind):
    assert not is_clean_page(damaged(page, kind))


def test_blank_paper_is_clean_and_a_photograph_is_not():
    assert is_clean_page(np.full((300, 200), 255, np.uint8))
    noise = np.random.default_rng(2).integers(0, 256, (300, 200)).astype(np.uint8)
    photo = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(5))
    assert not is_clean_page(np.asarray(photo))


def test_bilevel_pages_are_told_from_grey_ones(page):
    assert is_bilevel(np.where(page < 128, 0, 255).astype(np.uint8))
    grey = Image.fromarray(page).filter(ImageFilter.GaussianBlur(1))
    assert not is_bilevel(np.asarray(grey))
