"""Colours of a given luminance, exact to the last bit.

Luminance is Pillow's, what `Image.convert("L")` gives: (19595 R + 38470 G + 7471 B + 2^15) >> 16,
ITU-R BT.601 in whole numbers. The factors add up to 2^16: adding a whole number to all three
channels adds the same number to the luminance. So colours are rounded first and shifted then; where
a channel would leave 0…255, the chroma is made smaller, down to none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RED, GREEN, BLUE = 19595, 38470, 7471
HALF, SHIFT = 1 << 15, 16
CB_TO_RGB = np.array([0.0, -0.344136, 1.772], np.float32)
CR_TO_RGB = np.array([1.402, -0.714136, 0.0], np.float32)
"""What one level of Cb and of Cr adds to red, green and blue (ITU-T T.871)."""
ROWS = 512
"""Handled at once, to bound the memory."""


def luma(rgb: NDArray) -> NDArray[np.int32]:
    """Return the luminance of whole-numbered colours (..., 3), as Pillow computes it."""
    red, green, blue = (rgb[..., i].astype(np.int32) for i in range(3))
    return (RED * red + GREEN * green + BLUE * blue + HALF) >> SHIFT


def luma_of(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luminance of a picture (height, width, 3): uint8 (height, width)."""
    out = np.empty(rgb.shape[:2], np.uint8)
    for start in range(0, len(rgb), ROWS):
        out[start : start + ROWS] = luma(rgb[start : start + ROWS])
    return out


def with_luma(levels: NDArray[np.uint8], chroma: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return colours of a given luminance and, as nearly as there are any, of a given chroma.

    Args:
        levels: uint8 (...): the luminance.
        chroma: float32 (..., 2): Cb and Cr in levels, 0 for grey; finite.

    Returns:
        uint8 (..., 3), whose luminance by `luma` is exactly `levels`.
    """
    light = levels.reshape(-1, 1).astype(np.int32)
    flat = chroma.reshape(-1, 2)
    colours = _shifted(light, _fitting(light, flat[:, :1] * CB_TO_RGB + flat[:, 1:] * CR_TO_RGB))
    # After rounding, a few still leave the range by a level.
    for share in (0.8, 0.5, 0.0):
        wrong = np.flatnonzero((colours.view(np.uint32) > 255).any(axis=-1))
        if not len(wrong):
            break
        own = flat[wrong]
        offsets = _fitting(light[wrong], own[:, :1] * CB_TO_RGB + own[:, 1:] * CR_TO_RGB)
        colours[wrong] = _shifted(light[wrong], share * offsets)
    return colours.astype(np.uint8).reshape(*levels.shape, 3)


def _fitting(light: NDArray[np.int32], offsets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return offsets made so much smaller that no channel leaves 0…255."""
    # A channel that a colour would push out of the range by `excess` times its offset.
    room = np.where(offsets > 0, np.float32(255) - light, light.astype(np.float32))
    excess = (np.abs(offsets) / np.maximum(room, 0.5)).max(axis=-1, keepdims=True)
    return offsets / np.maximum(excess, 1.0)


def _shifted(light: NDArray[np.int32], offsets: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return rounded colours of exactly this luminance; some may leave the range by little."""
    colours = light + np.rint(offsets).astype(np.int32)
    colours += light - luma(colours)[..., None]
    return colours
