"""Windows with halos: how a convolutional network runs on a large picture without a seam."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Tile:
    """One axis-aligned part of an array, and the larger window that a network must see for it.

    Attributes:
        rows, columns: what the tile yields, as slices of the whole array.
        window: (rows, columns) to run the network on: the tile and its halo, cut at the borders.
        inner: (rows, columns) of the tile within the window.
    """

    rows: slice
    columns: slice
    window: tuple[slice, slice]
    inner: tuple[slice, slice]


def with_halo(part: slice, length: int, halo: int) -> tuple[slice, slice]:
    """Widen a part of one axis by what a network must see for it.

    Args:
        part: of the axis.
        length: of the axis.
        halo: entries that the window reaches beyond the part, where the axis has them. A window at
            the end of the axis ends exactly there, so that "same" padding sees the same zeros as
            in one piece.

    Returns:
        the window, and the part within it.
    """
    window = slice(max(0, part.start - halo), min(length, part.stop + halo))
    return window, slice(part.start - window.start, part.stop - window.start)


def row_of_tiles(part: slice, height: int, width: int, size: int, halo: int) -> Iterator[Tile]:
    """Yield tiles that cover the rows `part` of (height, width), from left to right.

    Args:
        part: rows of all these tiles; begins at a multiple of the network's total stride, and ends
            at one unless the array ends there.
        height, width: of the whole array.
        size: columns of a tile, a multiple of that stride.
        halo: receptive field to each side, rounded up to a multiple of that stride.
    """
    window, inner = with_halo(part, height, halo)
    for start in range(0, width, size):
        columns = slice(start, min(start + size, width))
        columns_window, columns_inner = with_halo(columns, width, halo)
        yield Tile(part, columns, (window, columns_window), (inner, columns_inner))


def tiles(height: int, width: int, size: int, halo: int) -> Iterator[Tile]:
    """Yield tiles of at most `size` x `size` that cover (height, width), row by row.

    Args: see `row_of_tiles`.
    """
    for start in range(0, height, size):
        part = slice(start, min(start + size, height))
        yield from row_of_tiles(part, height, width, size, halo)


def even_tiles(height: int, width: int, step: int, halo: int, max_pixels: int) -> list[Tile]:
    """Cut (height, width) into tiles whose windows all have one size, with little overlap.

    One size, since a network that is given another one plans its memory anew. Tiles at a border
    are larger, as their windows need no halo there.

    Args:
        height, width: of the whole array, multiples of `step`.
        step: where windows may begin and end: the network's total stride.
        halo: what the network must see around a tile.
        max_pixels: of a window; exceeded only where a window of one step and its halo is larger.

    Returns:
        the tiles, row by row.
    """
    halo = -(-halo // step) * step
    smallest = step + 2 * halo
    best = [min(height, smallest), min(width, smallest)]
    least = None
    for rows in range(1, height // step + 1):
        window_rows = _even_window(height, rows, step, halo)
        fits = max_pixels // window_rows // step * step
        if fits < min(width, smallest):
            continue
        # n windows reach width + 2 (n - 1) halo in all.
        columns = 1 if fits >= width else -(-(width - 2 * halo) // (fits - 2 * halo))
        window_columns = _even_window(width, columns, step, halo)
        area = rows * window_rows * columns * window_columns
        if least is None or area < least:
            best, least = [window_rows, window_columns], area
    return [
        Tile(rows, columns, (row_window, column_window), (row_inner, column_inner))
        for rows, row_window, row_inner in _windows(height, best[0], halo)
        for columns, column_window, column_inner in _windows(width, best[1], halo)
    ]


def _even_window(length: int, count: int, step: int, halo: int) -> int:
    """Length of each of `count` windows that cover an axis and overlap by two halos."""
    total = length + 2 * (count - 1) * halo
    return min(length, max(-(-total // (count * step)) * step, step + 2 * halo))


def _windows(length: int, window: int, halo: int) -> list[tuple[slice, slice, slice]]:
    """Each part of an axis, its window, and the part within the window."""
    found = []
    stop = 0
    while stop < length:
        start = stop
        # The last one is shifted inwards, where it sees more than the halo.
        first = min(max(0, start - halo), length - window)
        stop = length if first + window == length else first + window - halo
        inner = slice(start - first, stop - first)
        found.append((slice(start, stop), slice(first, first + window), inner))
    return found
