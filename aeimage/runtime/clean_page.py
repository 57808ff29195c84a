"""Whether a page is clean already: paper of one level, and ink without specks.

A page that came out of a program, or was made bilevel by a good scanner, has nothing that a
restorer could mend, and fine print that it could spoil. Noise, shadows, stains and show-through all
make paper uneven; dust and dead pixels are ink with no ink around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_PAPER = 235
"""Paper is at least so bright."""
INK_CONTRAST = 60
"""Ink is so many levels darker than paper; what lies between is edges, or damage."""
EVENNESS = 2
"""Pixels of clean paper differ from the most frequent level by at most so many levels."""
EVEN_SHARE = 0.995
"""So many of the pixels that have no ink around them are paper of that level."""
MIN_BLANK = 0.15
"""A smaller share of such pixels is no page, or one whose noise passes for ink."""
WINDOW = 9
LONELY = 10
"""Ink with at most so much ink in the window of 9x9 pixels around it is a speck, or a dot."""
MAX_LONELY_SHARE = 0.04
"""Dots and full stops are no larger share of a text's ink."""

BLACK, MAX_MIDDLE_SHARE = 8, 0.001
"""A bilevel picture has at most so large a share of samples between 8 and 247."""


def is_clean_page(pixels: NDArray) -> bool:
    """Tell whether a page needs no restoring.

    Args:
        pixels: uint8 or float32 levels, (height, width) or (height, width, 3).

    Returns:
        False where in doubt: for pages that are mostly pictures, for instance.
    """
    grey = pixels.mean(axis=-1) if pixels.ndim == 3 else pixels
    if grey.dtype != np.uint8:
        grey = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    histogram = np.bincount(grey.ravel(), minlength=256)
    paper = int(histogram.argmax())
    if paper < MIN_PAPER:
        return False
    ink = grey < paper - INK_CONTRAST
    around = _window_sums(ink)
    blank = around == 0
    even = (grey >= paper - EVENNESS) & (grey <= min(paper + EVENNESS, 255))
    if blank.mean() < MIN_BLANK or (even & blank).sum() < EVEN_SHARE * blank.sum():
        return False
    lonely = ink & (around <= LONELY)
    return bool(lonely.sum() <= MAX_LONELY_SHARE * ink.sum())


def is_bilevel(pixels: NDArray) -> bool:
    """Tell whether nearly all of a picture's samples are black or white."""
    middle = (pixels > BLACK) & (pixels < 255 - BLACK)
    return bool(middle.mean() < MAX_MIDDLE_SHARE)


def _window_sums(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return how many pixels of a mask are set in the window around each."""
    half = WINDOW // 2
    sums = mask.astype(np.uint8)
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (half, half)
        padded = np.pad(sums, padding)
        length = mask.shape[axis]
        for i in range(WINDOW):
            if i != half:  # the mask itself is in the sums
                sums += padded[i : i + length] if axis == 0 else padded[:, i : i + length]
    return sums
