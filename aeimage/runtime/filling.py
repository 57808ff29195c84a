"""Pull-push of large pictures: the coarse levels once, the finest one window by window.

See `aeimage.pull_push`. Beside the picture this holds a pyramid that begins at half the resolution:
5 bytes for each pixel of it in colour.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aeimage.pull_push import LEVELS, fill, pull, push, weigh
from aeimage.tiles import with_halo

STRIPE = 256
"""Rows of the finest level that are pulled at once; even."""
REACH = 2
"""Pixels to each side that halving looks at, rounded up to an even number."""


class Filling:
    """A picture whose missing pixels are filled smoothly from what surrounds them.

    Args:
        pixels: uint8 or float32, (height, width, channels), or (height, width), levels 0…255.
        mask: bool (height, width): where they are missing.
    """

    def __init__(self, pixels: NDArray, mask: NDArray[np.bool_]) -> None:
        self._pixels = pixels if pixels.ndim == 3 else pixels[..., None]
        self._mask = mask
        height, width = mask.shape
        stripes = []
        for start in range(0, height, STRIPE):
            part = slice(start, min(start + STRIPE, height))
            window, inner = with_halo(part, height, REACH)
            level = pull(self._level(window, slice(0, width)))
            stripes.append(level[:, inner.start // 2 : -(-inner.stop // 2)])
        self._coarse = fill(np.concatenate(stripes, axis=1), levels=LEVELS - 1)

    def window(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """Return a part of the filled picture.

        Args:
            rows, columns: within the picture; begin at even numbers.

        Returns:
            float32 (rows, columns, channels).
        """
        height, width = self._mask.shape
        wide_rows, inner_rows = with_halo(rows, height, REACH)
        wide_columns, inner_columns = with_halo(columns, width, REACH)
        level = self._level(wide_rows, wide_columns)
        coarse = self._coarse[:, _halved(wide_rows), _halved(wide_columns)]
        return push(coarse, level)[0, inner_rows, inner_columns]

    def _level(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        pixels = self._pixels[rows, columns].astype(np.float32)[None]
        missing = self._mask[rows, columns].astype(np.float32)[None, ..., None]
        return weigh(pixels, missing)


def _halved(part: slice) -> slice:
    return slice(part.start // 2, -(-part.stop // 2))
