"""Filling gaps by pull-push: a pyramid of averages of what is known, from coarse to fine.

    pull   each level is the next finer one, blurred and halved, counting known pixels only; where
           a quarter of the blur's weight is known, a pixel counts as known
    push   what is unknown in a level comes from the next coarser one, enlarged bilinearly

Gortler, Grzeszczuk, Szeliski and Cohen, "The Lumigraph", 1996, section 3.4; the averages are
normalised convolutions (Knutsson and Westin, 1993). The functions take `xp`, numpy or keras.ops, so
that models and LiteRT's users fill alike.

A level is an array (batch, height, width, channels + 1): colours times weights, then the weights,
0 (unknown) to 1 (known).
"""

from __future__ import annotations

from typing import Any

import numpy as np

LEVELS = 8
"""Of the pyramid: gaps wider than some 2 ** 8 pixels get the mean colour in their middle."""
GAIN = 4.0
"""1 over the share of a blur's weight that makes an average as good as known."""
UNKNOWN = 128.0
"""What a picture becomes of which nothing is known, in levels of 255."""


def weigh(pixels: Any, missing: Any, xp: Any = np) -> Any:
    """Return the finest level.

    Args:
        pixels: float32 (batch, height, width, channels), levels 0…255; finite where missing too.
        missing: float32 (batch, height, width, 1): 1 where a pixel is missing, else 0.
        xp: numpy or keras.ops, whose arrays these are.
    """
    known = 1.0 - missing
    return xp.concatenate([pixels * known, known], axis=-1)


def pull(level: Any, xp: Any = np) -> Any:
    """Return the next coarser level; an odd side is halved and rounded up."""
    for axis in (1, 2):
        level = _halve(level, axis, xp)
    weight = level[..., -1:]
    grown = xp.minimum(GAIN * weight, 1.0)
    return level * (grown / xp.maximum(weight, 1e-6))


def push(coarse: Any, level: Any, xp: Any = np) -> Any:
    """Return the colours of a level with its gaps filled.

    Args:
        coarse: filled colours of the next coarser level, (batch, height, width, channels).
        level: what is to be filled.
        xp: numpy or keras.ops.
    """
    height, width = xp.shape(level)[1:3]
    for axis in (1, 2):
        coarse = _double(coarse, axis, xp)
    return level[..., :-1] + (1.0 - level[..., -1:]) * coarse[:, :height, :width]


def fill(level: Any, xp: Any = np, levels: int = LEVELS) -> Any:
    """Return the colours of a level with its gaps filled from `levels` coarser ones.

    Args:
        level: see the module.
        xp: numpy or keras.ops.
        levels: how many are coarser.

    Returns:
        (batch, height, width, channels): known pixels as they are, levels 0…255.
    """
    pyramid = [level]
    for _ in range(levels):
        pyramid.append(pull(pyramid[-1], xp))
    total = xp.sum(pyramid[-1], axis=(1, 2), keepdims=True)
    weight = total[..., -1:]
    mean = xp.where(weight > 0.0, total[..., :-1] / xp.maximum(weight, 1e-6), UNKNOWN)
    filled = pyramid[-1][..., :-1] + (1.0 - pyramid[-1][..., -1:]) * mean
    for finer in reversed(pyramid[:-1]):
        filled = push(filled, finer, xp)
    return filled


def _halve(x, axis: int, xp):
    """Blur one axis with 1 3 3 1 and take every second; nothing is known beyond the border."""
    x = xp.pad(x, [(1, 2) if a == axis else (0, 0) for a in range(4)])

    def taps(start, stop):
        return x[:, start:stop:2] if axis == 1 else x[:, :, start:stop:2]

    outer, inner = taps(0, -3) + taps(3, None), taps(1, -2) + taps(2, -1)
    return 0.125 * outer + 0.375 * inner


def _double(x, axis: int, xp):
    """Enlarge one axis to twice its length with bilinear weights."""

    def part(start, stop):
        return x[:, start:stop] if axis == 1 else x[:, :, start:stop]

    before = xp.concatenate([part(0, 1), part(0, -1)], axis=axis)
    after = xp.concatenate([part(1, None), part(-1, None)], axis=axis)
    pairs = xp.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis=axis + 1)
    shape = list(xp.shape(x))
    shape[axis] = 2 * shape[axis]
    return xp.reshape(pairs, shape)
