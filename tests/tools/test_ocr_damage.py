"""The test damage: the same in every run, harder from level to level, never out of range."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from ocr_damage import COMBINATIONS, DAMAGES, LEVELS, damage_page
from scipy import ndimage


@pytest.fixture(scope="module")
def page():
    """Blots as wide as strokes, in lines: 1-bit like the scans."""
    grain = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((300, 420)), 2)
    y, x = np.mgrid[:300, :420]
    ink = (grain > 0.05) & (y % 40 < 22) & (x > 30) & (x < 390) & (y > 20)
    return np.where(ink, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def back(page):
    return np.roll(page, 20, 0)


@pytest.mark.parametrize("kind", DAMAGES)
def test_every_level_is_harder(page, back, kind):
    def mean_change(level):
        damaged = [
            damage_page(page, ((kind, level),), name, back).astype(float)
            for name in ("a", "b", "c", "d")
        ]
        return np.mean([np.abs(picture - page).mean() for picture in damaged])

    changes = [mean_change(level) for level in LEVELS]
    assert 0 < changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize("kind", DAMAGES)
def test_seeded_by_page_and_level(page, back, kind):
    once = damage_page(page, ((kind, 2),), "a", back)
    assert once.dtype == np.uint8 and once.shape == page.shape
    assert np.array_equal(once, damage_page(page, ((kind, 2),), "a", back))
    if kind != "jpeg":  # nothing in it is random
        assert not np.array_equal(once, damage_page(page, ((kind, 2),), "b", back))


def test_the_page_given_is_not_changed(page, back):
    before = page.copy()
    for kind in DAMAGES:
        damage_page(page, ((kind, 3),), "a", back)
    assert np.array_equal(page, before)
    clean = damage_page(page, (), "a")
    assert np.array_equal(clean, page) and clean is not page


def test_two_damages_are_more_than_one(page, back):
    for steps in COMBINATIONS.values():
        assert {level for _, level in steps} <= {1, 2}
        both = damage_page(page, steps, "a", back)
        for step in steps:
            assert not np.array_equal(both, damage_page(page, (step,), "a", back))


def test_a_back_page_of_another_size(page):
    for shape in ((100, 600), (500, 90)):
        other = np.zeros(shape, np.uint8)
        assert damage_page(page, (("through", 2),), "a", other).shape == page.shape


@pytest.mark.parametrize("step", [("rain", 1), ("noise", 4), ("noise", 0)])
def test_refuses_what_there_is_not(page, step):
    with pytest.raises(ValueError, match="Expected one of noise"):
        damage_page(page, (step,), "a")
