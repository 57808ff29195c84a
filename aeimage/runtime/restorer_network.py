"""One restorer's network: large pictures in tiles, the noise level from crops.

A bundle of kind "restorer" holds ``restorer.tflite`` with the signatures

- ``denoise``: `pixels` float32 (1, height, width, 3), 0 to 255 and beyond (noise that was not
  clipped), sides multiples of the manifest's `multiple`; for task "photo" also `sigma` float32
  (1,), the noise level (RMS) in levels. Gives `pixels`, neither clipped nor rounded.
- ``estimate``, task "photo" only: `pixels` to `sigma` float32 (1,).

With the manifest's `halo` of context on each side, a tile equals the same part of the whole; of
8-bit weights up to a level, since each tile has its own range.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import ModelFileError
from aeimage.runtime.bundle import Bundle
from aeimage.runtime.session import Session
from aeimage.tiles import even_tiles

FILE_NAME = "restorer.tflite"
TASKS = ("scan", "photo")

CROP = 128
CROPS = 5
"""The noise level is estimated from at most 5 x 5 crops of 128 x 128 pixels."""

LEVELS = 256

TURNS = tuple((quarters, flipped) for quarters in (0, 2, 1, 3) for flipped in (False, True))
"""The symmetries of the square: quarter turns, then whether left and right change places. Those
that keep the shape of a tile come first: a network plans its memory anew for another one."""


class RestorerNetwork:
    """The network of one bundle.

    Args:
        bundle: of kind "restorer".
        session: runs its ``restorer.tflite``.
        max_tile_pixels: of what the network sees at once.

    Raises:
        ModelFileError: the manifest makes no sense.
    """

    def __init__(self, bundle: Bundle, session: Session, max_tile_pixels: int) -> None:
        info = bundle.info
        multiple, halo = info.get("multiple"), info.get("halo")
        if (
            info.get("task") not in TASKS
            or not (isinstance(multiple, int) and multiple > 0)
            or not (isinstance(halo, int) and halo >= 0)
        ):
            raise ModelFileError(
                f"{bundle.path}: the manifest's task, multiple or halo makes no sense. "
                "Install the model again."
            )
        self.name = bundle.name
        self.task: str = info["task"]
        self._multiple, self._halo = multiple, halo
        self._session = session
        self._max_tile_pixels = max_tile_pixels

    def run(
        self, pixels: NDArray, sigma: float | None, ensemble: int = 1
    ) -> tuple[NDArray, NDArray[np.int64]]:
        """Restore a picture.

        Args:
            pixels: uint8 or float32, (height, width, 3), or (height, width) for grey, levels.
            sigma: noise level, for task "photo"; else None.
            ensemble: 1 to 8: the mean of what becomes of so many turns and flips of each tile.

        Returns:
            the restored picture, of the same shape and dtype (float32: neither clipped nor
            rounded), and a histogram, int64 (256,): how many pixels changed by so many levels
            (of colour: the mean over the channels).
        """
        height, width = pixels.shape[:2]
        padded = [-(-side // self._multiple) * self._multiple for side in (height, width)]
        inputs = {} if sigma is None else {"sigma": np.array([sigma], np.float32)}
        restored = np.empty_like(pixels)
        changes = np.zeros(LEVELS, np.int64)
        for tile in even_tiles(*padded, self._multiple, self._halo, self._max_tile_pixels):
            window = as_input(pixels, *tile.window)
            out = self._mean_of_turns(window, inputs, ensemble)
            rows, columns = tile.inner
            target = restored[tile.rows, tile.columns]
            # The padded grid goes on where the picture ends.
            out = out[rows, columns][: target.shape[0], : target.shape[1]]
            if pixels.ndim == 2:
                out = out.mean(axis=-1)
            if pixels.dtype == np.uint8:
                out = np.clip(np.rint(out, out=out), 0, 255, out=out)
            target[...] = out
            changes += _histogram(pixels[tile.rows, tile.columns], out)
        return restored, changes

    def _mean_of_turns(self, window: NDArray, inputs: dict[str, NDArray], count: int) -> NDArray:
        total = None
        for quarters, flipped in TURNS[:count]:
            turned = np.rot90(window[0], quarters)
            turned = turned[:, ::-1] if flipped else turned
            pixels = np.ascontiguousarray(turned)[None]
            out = self._session.run("denoise", pixels=pixels, **inputs)["pixels"][0]
            out = np.rot90(out[:, ::-1] if flipped else out, -quarters)
            total = out if total is None else total + out
        return total if count == 1 else total / count

    def estimate(self, pixels: NDArray) -> tuple[float, float]:
        """Estimate the noise level of a picture from crops spread evenly across it.

        Returns:
            the tenth percentile of the crops' levels, where texture is least taken for noise, and
            their median.
        """
        height, width = pixels.shape[:2]
        estimates = [
            self._session.run(
                "estimate", pixels=as_input(pixels, rows, columns, multiple=self._multiple)
            )["sigma"][0]
            for rows in _crops(height)
            for columns in _crops(width)
        ]
        low, middle = np.percentile(estimates, [10, 50])
        return float(low), float(middle)


def as_input(
    pixels: NDArray, rows: slice, columns: slice, *, multiple: int = 1
) -> NDArray[np.float32]:
    """Cut a window, as the network takes it: what lies beyond the picture mirrors it.

    Args:
        pixels: (height, width, 3), or (height, width), whose one channel becomes three.
        rows, columns: the window; may reach beyond the picture to the right and below.
        multiple: extend the window to multiples of this.

    Returns:
        float32 (1, rows, columns, 3).
    """
    sides = (rows.stop - rows.start, columns.stop - columns.start)
    size = [-(-side // multiple) * multiple for side in sides]
    part = mirrored(pixels[rows, columns].astype(np.float32), size)
    if part.ndim == 2:
        part = np.repeat(part[..., None], 3, axis=-1)
    return np.ascontiguousarray(part)[None]


def mirrored(part: NDArray, size: Sequence[int]) -> NDArray:
    """Extend an array (rows, columns, ...) to `size` by mirroring it to the right and below."""
    missing = [side - n for side, n in zip(size, part.shape, strict=False)]
    if not any(missing):
        return part
    return np.pad(part, [(0, n) for n in missing] + [(0, 0)] * (part.ndim - 2), "symmetric")


def _crops(length: int) -> list[slice]:
    """At most five crops along one axis, evenly spread, without overlap."""
    count = max(1, min(CROPS, length // CROP))
    size = min(CROP, length)
    room = length - size
    starts = [room // 2] if count == 1 else [room * i // (count - 1) for i in range(count)]
    return [slice(start, start + size) for start in starts]


def _histogram(before: NDArray, after: NDArray) -> NDArray[np.int64]:
    change = np.abs(after - before.astype(np.float32))
    if change.ndim == 3:
        change = change.mean(axis=-1)
    levels = np.minimum(np.rint(change), LEVELS - 1).astype(np.uint8)
    return np.bincount(levels.ravel(), minlength=LEVELS)
