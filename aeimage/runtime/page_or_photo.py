"""Whether a picture is a page or a photograph: what ``--model auto`` goes by.

A page is paper with ink on it, and three things tell that from a photograph however dark, pale,
noisy or unevenly lit it is. All are measured on blocks of a picture that was reduced to about
1000 pixels a side, which takes most of the noise away:

- **Paper prevails.** In a block with ink, most pixels are as bright as paper and few are dark: the
  median lies near the top. Photographs have no such preference: it lies in the middle.
- **Paper is smooth.** From block to block, how bright the bright pixels are changes little, even
  where the light is uneven. In a photograph one thing ends and another begins.
- **Paper has one colour**, white or not. Photographs have many.

Measured on 71 pages (old books, DIBCO, NoisyOffice) and 80 photographs (Kodak and others), each as
it is and with five or six kinds of damage: 98 of 100 are told right, and all of the undamaged ones.
What is mistaken is mostly beaches and walls in grey, and manuscripts that are hardly legible.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 1000
"""To about so many pixels the longer side is reduced."""
BLOCK = 24
"""Side of a block in the reduced picture: one or two lines of text."""

SMOOTHNESS_WEIGHT, SMOOTHNESS_CAP = 0.5, 0.3
COLOUR_WEIGHT, COLOUR_CAP = 0.01, 20.0
PAGE_SCORE = 0.3
"""Pages score less: weights and limit were chosen on the pictures named above."""

_FEWEST_LEVELS = 8.0  # of difference in a block that says something
_DARKEST = 4.0  # levels, below which ratios mean nothing


def looks_like_page(pixels: NDArray) -> bool:
    """Whether a picture is a page with writing, print or drawing, rather than a photograph.

    Args:
        pixels: uint8 or float32 in levels, (height, width, 3), or (height, width) for grey.
    """
    return page_score(pixels) < PAGE_SCORE


def page_score(pixels: NDArray) -> float:
    """How little a picture is like a page: 0 for the cleanest one, about 0.5 for photographs."""
    reduced = _reduced(pixels)
    grey = _smoothed(reduced.mean(axis=-1))
    blocks = _blocks(grey)
    dark, middle, paper = np.percentile(blocks, [5, 50, 80], axis=-1)
    score = _lack_of_paper(dark, middle, paper)
    score += SMOOTHNESS_WEIGHT * min(_roughness(paper), SMOOTHNESS_CAP)
    return score + COLOUR_WEIGHT * min(_variety(reduced), COLOUR_CAP)


def _lack_of_paper(dark: NDArray, middle: NDArray, paper: NDArray) -> float:
    """Where the median lies between paper, 0, and ink, 1, in the blocks with most contrast."""
    contrast = paper - dark
    telling = contrast >= max(np.quantile(contrast, 0.6), _FEWEST_LEVELS)
    if not telling.any():
        return 0.0  # a blank page, as far as anyone can tell
    return float(np.median((paper - middle)[telling] / contrast[telling]))


def _roughness(paper: NDArray) -> float:
    """By how much, as a ratio, the brightness of neighbouring blocks differs."""
    logarithm = np.log(np.maximum(paper, _DARKEST))
    steps = [np.abs(np.diff(logarithm, axis=axis)).ravel() for axis in (0, 1)]
    together = np.concatenate(steps)
    return float(np.percentile(together, 80)) if together.size else 0.0


def _variety(reduced: NDArray) -> float:
    """How far the blocks' colours, in levels, are from the most common one."""
    grey = reduced.mean(axis=-1)
    spread = 0.0
    for channel in (0, 2):
        tint = _blocks(reduced[..., channel] - grey).mean(axis=-1)
        spread += float(np.abs(tint - np.median(tint)).mean())
    return spread


def _reduced(pixels: NDArray) -> NDArray[np.float32]:
    """Mean over squares, so that the longer side has about `SIDE` pixels; three channels."""
    height, width = pixels.shape[:2]
    if pixels.ndim == 2:
        pixels = np.broadcast_to(pixels[..., None], (height, width, 3))
    square = min(max(1, round(max(height, width) / SIDE)), height, width)
    rows, columns = height // square, width // square
    reduced = np.zeros((rows, columns, 3), np.float32)
    for y in range(square):
        for x in range(square):
            reduced += pixels[y : rows * square : square, x : columns * square : square]
    return reduced / square**2


def _smoothed(grey: NDArray) -> NDArray:
    """Mean over 3 x 3 pixels, against what noise is left."""
    for axis in (0, 1):
        padded = np.pad(grey, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], "edge")
        length = grey.shape[axis]
        grey = sum(padded.take(range(i, i + length), axis) for i in range(3)) / 3
    return grey


def _blocks(plane: NDArray) -> NDArray:
    """(height, width) to (rows, columns, pixels of a block); what is left over is dropped."""
    height, width = plane.shape
    block = min(BLOCK, height, width)
    rows, columns = height // block, width // block
    cut = plane[: rows * block, : columns * block].reshape(rows, block, columns, block)
    return cut.swapaxes(1, 2).reshape(rows, columns, block * block)
