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
