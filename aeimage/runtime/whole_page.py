"""What a restorer cannot see in a neighbourhood, and the page as a whole can tell.

Show-through. Where nothing but the back page's letters are near, they look as the print of a faded
page does, and the network makes them black. On a faded page all print is made so much darker; on
this one, other print needed no help. So *fidelity*, the contrast that was in the scan for each unit
of contrast in the restored page, is measured in every cell of 8x8 pixels and compared with what is
usual on the page: where it is far less, and the network has darkened, the cell becomes paper. So do
cells close by that are as faint in the scan, and that the network left so. Other print that is
faint stays: the network leaves it as faint as it was. Fine lines stay as well, such as rules and
small print: paper blurs what shows through it.

Black borders. Where all is black, nothing tells paper in the dark from what lies around the page,
and the network makes it grey. There the scan stays.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from aeimage.runtime.pixels import as_grey

CELL = 8
"""Side of a cell in pixels."""
PAPER = 235.0
"""Restored paper is at least so bright; what is darker holds ink, the more the darker."""
LETTER, NEIGHBOURHOOD = 1, 8
"""Cells on each side that count as a place of its own, and in which paper is looked for."""
LEAST_PAPER = 64
"""Pixels of paper needed in a neighbourhood to know its level."""
TONE, STROKES = 0.15, 0.3
"""Shares of paper among the pixels up to two cells away: less than the first is in a picture, more
than the second between strokes."""
LEAST_INK = 0.5
"""Pixels' worth of ink that a cell needs to have a say about the page."""
USUAL = 0.8
"""The fidelity usual on a page is exceeded by a fifth of its ink."""
FAITHFUL, UNFAITHFUL = 0.62, 0.5
"""Shares of the usual fidelity: print has more than the first, show-through less than the other."""
FAINT, LEGIBLE = 0.5, 0.62
"""Shares of the contrast usual in the scan's ink, likewise, for cells close to show-through."""
REACH, SEEDS = 6, 3
"""So close: with so many cells of show-through up to so many cells away."""
DARKENED = (16.0, 32.0)
"""Levels by which ink is darkened: less than the first is no reason to act, the second is."""
BLACK = 24.0
"""The mean of a black cell is below this level."""
BLACK_REACH = 3
FEW_BLACK, MANY_BLACK = 0.4, 0.6
"""The scan stays in a black cell if the second share of the cells up to three cells away are black
as well, and begins to from the first."""
BLUR = 2
"""Pixels on each side over which the scan is blurred to see how fine its lines are."""
FINE = (1.5, 1.9)
"""How much the scan's ink may lose by that: paper blurs what shows through, so that it loses less
than the first; a rule or small print on this side loses the second."""
BAND_ROWS = 64 * CELL


def correct_page(pixels: NDArray, restored: NDArray) -> NDArray:
    """Turn show-through that a restorer took for print into paper, and keep black borders.

    Args:
        pixels: the scan, levels, (height, width) or (height, width, 3).
        restored: the restored page, of the same shape, uint8 or float32.

    Returns:
        a page like `restored`; `restored` itself where nothing is to be done.
    """
    sums = np.concatenate(
        [_cell_sums(as_grey(pixels[rows]), as_grey(restored[rows])) for rows in _bands(len(pixels))]
    )
    *of_ink, scan = np.moveaxis(sums, -1, 0)
    blank, black = _unfaithful(*of_ink), _inside_black(scan)
    if not (blank.any() or black.any()):
        return restored
    page = restored.copy()
    for rows in _bands(len(page)):
        band = page[rows].astype(np.float32)
        band += _at_pixels(blank, rows, band) * np.maximum(255.0 - band, 0.0)
        band += _at_pixels(black, rows, band) * (pixels[rows] - band)
        page[rows] = np.rint(band) if page.dtype == np.uint8 else band
    return page


def _bands(height: int) -> Iterator[slice]:
    """Rows in portions: a page as numbers takes four times the memory of its pixels."""
    for start in range(0, height, BAND_ROWS):
        yield slice(start, min(start + BAND_ROWS, height))


def _at_pixels(cells: NDArray, rows: slice, band: NDArray) -> NDArray:
    """Return the cells' values at the pixels of some rows, to be multiplied with these."""
    values = cells[rows.start // CELL : -(-rows.stop // CELL)]
    values = np.repeat(np.repeat(values, CELL, 0), CELL, 1)[: len(band), : band.shape[1]]
    return values.reshape(*values.shape, *[1] * (band.ndim - 2))


def _cell_sums(scan: NDArray[np.float32], page: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return sums over cells of what `_unfaithful` takes, and of the scan, (rows, columns, 8)."""
    ink = np.clip((PAPER - page) / PAPER, 0.0, 1.0)
    paper = (page >= PAPER).astype(np.float32)
    soft_scan = ink * _blurred(scan)
    maps = (ink, ink * ink, ink * scan, soft_scan, ink * page, paper, paper * scan, scan)
    height, width = scan.shape
    rows, columns = -(-height // CELL), -(-width // CELL)
    padding = ((0, rows * CELL - height), (0, columns * CELL - width))
    # Rows first: what is left to sum along the columns is an eighth.
    strips = (np.pad(m, padding, "edge").reshape(rows, CELL, -1).sum(axis=1) for m in maps)
    return np.stack([s.reshape(rows, columns, CELL).sum(axis=2) for s in strips], axis=-1)


def _blurred(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the means of 5x5 pixels, the edges repeated."""
    height, width = levels.shape
    padded = np.pad(levels, BLUR, "edge")
    shifts = range(2 * BLUR + 1)
    lines = sum(padded[shift : shift + height] for shift in shifts)
    return sum(lines[:, shift : shift + width] for shift in shifts) / np.float32(len(shifts) ** 2)


def _unfaithful(
    ink, ink_squared, scan_ink, soft_scan, page_ink, paper, scan_paper
) -> NDArray[np.float32]:
    """Return how much of each cell, 0 to 1, is to become paper.

    Args: sums over cells: of ink, of its square; weighted by ink, of the scan's levels, of the
        blurred scan's, of the page's; of pixels of paper, of the scan's levels there.
    """
    known = _around(paper, NEIGHBOURHOOD)
    paper_level = np.where(
        known < LEAST_PAPER, 255.0, _around(scan_paper, NEIGHBOURHOOD) / np.maximum(known, 1.0)
    )
    near, scan, page = (_around(sums, LETTER) for sums in (ink, scan_ink, page_ink))
    squares = _around(ink_squared, LETTER)
    paper_level = np.maximum(paper_level, 1.0)
    contrast = near - scan / paper_level
    # The slope of the scan's contrast over the ink: least squares through the origin.
    fidelity = _of_usual(contrast / np.maximum(squares, 1e-3), ink_squared)
    blank = _below(UNFAITHFUL, FAITHFUL, fidelity)
    darkened = (scan - page) / np.maximum(near, 1e-3)
    blank *= 1.0 - _below(*DARKENED, darkened)
    blank *= squares > LEAST_INK / 10.0
    soft = near - _around(soft_scan, LETTER) / paper_level
    coarse = _below(*FINE, contrast / np.maximum(soft, 1e-3))
    seeds = blank * coarse > 0.5
    if seeds.any():
        close = _around(seeds.astype(np.float32), REACH) >= SEEDS
        strength = _of_usual(contrast / np.maximum(near, 1e-3), ink_squared)
        blank = np.maximum(blank, close * _below(FAINT, LEGIBLE, strength))
    blank *= coarse
    pixels = _around(np.full_like(paper, CELL * CELL), 2)
    blank *= 1.0 - _below(TONE, STROKES, _around(paper, 2) / pixels)
    return blank.astype(np.float32)


def _inside_black(scan: NDArray) -> NDArray[np.float32]:
    """Return how far the scan is to stay in each cell, 0 to 1, from the cells' sums."""
    black = (scan < BLACK * CELL * CELL).astype(np.float32)
    share = _around(black, BLACK_REACH) / _around(np.ones_like(black), BLACK_REACH)
    return (black * (1.0 - _below(FEW_BLACK, MANY_BLACK, share))).astype(np.float32)


def _of_usual(values: NDArray, weights: NDArray) -> NDArray:
    """Divide values of cells by what is usual on the page; all are 1 where there is no ink."""
    counted = weights > LEAST_INK
    if not counted.any():
        return np.ones_like(values)
    return values / max(_quantile(values[counted], weights[counted], USUAL), 1e-3)


def _below(low: float, high: float, values: NDArray) -> NDArray:
    """1 below the first limit, 0 above the second, in between in between."""
    return np.clip((high - values) / (high - low), 0.0, 1.0)


def _around(cells: NDArray, reach: int) -> NDArray[np.float64]:
    """Sum over the square of cells up to `reach` away."""
    padded = np.pad(cells, ((reach + 1, reach), (reach + 1, reach)))
    sums = padded.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    side = 2 * reach + 1
    return sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]


def _quantile(values: NDArray, weights: NDArray, share: float) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order], dtype=np.float64)
    return float(values[order][np.searchsorted(total, share * total[-1])])
