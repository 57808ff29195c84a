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


def spans(length: int, size: int, halo: int) -> list[tuple[slice, slice, slice]]:
    """Cut one axis.

    Args:
        length: of the axis.
        size: of every part but the last.
        halo: entries that a window reaches beyond its part, where the axis has them. A window at
            the end of the axis ends exactly there, so that "same" padding sees the same zeros as
            in one piece.

    Returns:
        (part, window, part within the window) of each.
    """
    result = []
    for start in range(0, length, size):
        stop = min(start + size, length)
        first, last = max(0, start - halo), min(length, stop + halo)
        result.append(
            (slice(start, stop), slice(first, last), slice(start - first, stop - first))
        )
    return result


def tiles(height: int, width: int, size: int, halo: int) -> Iterator[Tile]:
    """Yield tiles of at most `size` x `size` that cover (height, width), row by row.

    Args:
        height, width: of the whole array.
        size: side of a tile; a multiple of the network's total stride.
        halo: receptive field to each side, rounded up to a multiple of that stride.
    """
    columns = spans(width, size, halo)
    for rows, row_window, row_inner in spans(height, size, halo):
        for part, window, inner in columns:
            yield Tile(rows, part, (row_window, window), (row_inner, inner))


def scale_slice(part: slice, numerator: int, denominator: int = 1) -> slice:
    """Return `part` on a grid `numerator` / `denominator` times as fine; both ends must divide."""
    return slice(
        part.start * numerator // denominator, -(-part.stop * numerator // denominator)
    )
