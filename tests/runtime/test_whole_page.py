"""What only the page as a whole can tell: the back page's print, and black borders."""

import numpy as np
import pytest

from aeimage.runtime.whole_page import correct_page

INK, PAPER, GHOST = 20.0, 240.0, 180.0


def print_mask(height=400, width=400, seed=0):
    """Strokes like letters: 4 pixels wide, 14 high, in lines."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((height, width), bool)
    for top in range(16, height - 24, 32):
        for left in range(8, width - 8, 9):
            if rng.random() < 0.7:
                mask[top : top + 14, left : left + 4] = True
    return mask


def blurred(mask):
    """Means of 3x3 pixels: paper spreads the light of what shows through."""
    padded = np.pad(mask.astype(float), 1)
    height, width = mask.shape
    windows = (padded[y : y + height, x : x + width] for y in range(3) for x in range(3))
    return sum(windows) / 9.0


def scan_of(mask, ghost, seed=1, ink=INK):
    page = np.where(mask, ink, PAPER - blurred(ghost) * (PAPER - GHOST))
    noise = np.random.default_rng(seed).normal(0, 12, mask.shape)
    return np.clip(np.rint(page + noise), 0, 255).astype("uint8")


@pytest.fixture(scope="module")
def page():
    """A scan with print at the left and show-through at the right, and where each is."""
    mask, ghost = print_mask(), print_mask(seed=2)
    mask[:, 180:] = False
    ghost[:, :220] = False
    return scan_of(mask, ghost), mask, ghost


def black(*masks):
    return np.where(np.logical_or.reduce(masks), 10, 252).astype("uint8")


def test_print_of_the_back_page_becomes_paper_and_other_print_stays(page):
    scan, mask, ghost = page

    cleaned = correct_page(scan, black(mask, ghost))

    assert (cleaned[ghost] > 230).all()
    assert (cleaned[mask] == 10).all()


def test_show_through_that_was_left_faint_close_to_it_goes_too(page):
    scan, mask, ghost = page
    restored = black(mask, ghost)
    half = ghost & (np.arange(400) > 300)[None]
    restored[half] = scan[half]

    assert correct_page(scan, restored)[ghost].mean() > 240


def test_a_fine_rule_between_bold_print_stays():
    mask = print_mask()
    rule = np.zeros_like(mask)
    rule[9::32] = True
    scan = np.where(rule, 150, scan_of(mask, np.zeros_like(mask))).astype("uint8")
    cleaned = correct_page(scan, black(mask, rule))

    assert (cleaned[mask | rule] == 10).all()


def test_a_faded_page_is_left_as_it_was_restored():
    mask = print_mask()
    scan = scan_of(mask, np.zeros_like(mask), ink=GHOST)  # all print is as faint as show-through
    restored = black(mask)

    assert correct_page(scan, restored) is restored


def test_uneven_light_is_no_show_through():
    mask = print_mask()
    light = np.linspace(1.0, 0.3, mask.shape[1])[None]
    scan = np.rint(scan_of(mask, np.zeros_like(mask)) * light).astype("uint8")

    assert (correct_page(scan, black(mask))[mask] == 10).all()


def test_pictures_and_faint_print_that_the_network_left_alone_stay(page):
    scan, mask, _ghost = page
    restored = black(mask)
    restored[:, 200:] = scan[:, 200:]  # grey as it was, whatever it is

    assert (correct_page(scan, restored)[:, 200:] == restored[:, 200:]).all()


def test_colour_and_float_pages_keep_their_type_and_shape(page):
    scan, mask, ghost = page
    colour = np.stack([scan] * 3, -1)
    restored = np.stack([black(mask, ghost)] * 3, -1)

    grey = correct_page(scan, black(mask, ghost))
    for dtype in ("uint8", "float32"):
        cleaned = correct_page(colour.astype(dtype), restored.astype(dtype))
        assert cleaned.dtype == dtype and cleaned.shape == colour.shape
        assert np.abs(cleaned[..., 0] - grey.astype("float32")).max() <= 1.0


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (8, 8), (513, 9)])
def test_any_size_and_blank_pages(shape):
    blank = np.full(shape, 255, "uint8")

    assert correct_page(blank, blank) is blank
    assert correct_page(blank, np.zeros_like(blank)).shape == shape


def test_black_borders_stay_black_and_print_beside_them_is_the_networks():
    mask = print_mask()
    scan = np.where(mask, INK, PAPER).astype("uint8")
    scan[:, :120] = 5
    restored = black(mask)
    restored[:, :120] = 190

    page = correct_page(scan, restored)

    assert (page[:, :80] == 5).all()
    assert (page[:, 128:] == restored[:, 128:]).all()


def test_large_letters_and_dark_paper_are_no_borders():
    scan = np.full((200, 200), 60, "uint8")
    scan[60:100, 60:100] = 5
    restored = np.where(scan < 30, 10, 250).astype("uint8")

    page = correct_page(scan, restored)

    assert (page[scan == 60] == 250).all()
    assert (page[scan == 5] <= 10).all()
