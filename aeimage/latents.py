"""Paths between latents. A ground module: NumPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aeimage.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["interpolate"]


def interpolate(first: ArrayLike, last: ArrayLike, count: int) -> NDArray[np.float32]:
    """Return latents on the way from one to another.

    The direction turns evenly and the length changes evenly (spherical interpolation), because
    halfway on the straight line between two draws from a normal distribution of many dimensions
    lies a point nearer to 0 than any draw. Source: White, "Sampling Generative Networks", 2016.

    Args:
        first, last: float32 (latents,).
        count: points, both ends included.

    Returns:
        float32 (count, latents).

    Raises:
        UsageError: there are less than 2 points.
    """
    if count < 2:
        raise UsageError.for_value("count", "a whole number from 2", count)
    a, b = np.asarray(first, np.float64), np.asarray(last, np.float64)
    share = np.linspace(0.0, 1.0, count)[:, None]
    straight = (1.0 - share) * a + share * b
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if min(lengths) < 1e-9:
        return straight.astype(np.float32)
    u, v = a / lengths[0], b / lengths[1]
    angle = np.arccos(np.clip(u @ v, -1.0, 1.0))
    if np.sin(angle) < 1e-6:  # the same direction, or the opposite one: no plane to turn in
        return straight.astype(np.float32)
    turned = (np.sin((1.0 - share) * angle) * u + np.sin(share * angle) * v) / np.sin(angle)
    length = (1.0 - share) * lengths[0] + share * lengths[1]
    path = turned * length
    path[0], path[-1] = a, b
    return path.astype(np.float32)
