"""The level of white noise in a picture, told from texture by what texture cannot do.

Patches of a photograph, however textured, lie near a subspace: some directions of patch space they
hardly use. White noise uses all directions alike. So the smallest eigenvalues of the patches'
covariance are the noise's variance, and the dividing line is where mean and median of the remaining
eigenvalues agree.

Source: Chen, Zhu and Heng, "An Efficient Statistical Method for Image Noise Level Estimation",
2015.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PATCH = 8
MOST_PATCHES = 30_000
FEWEST_PATCHES = 1_000
UNCLIPPED = (16.0, 239.0)
"""Patches with a mean outside this are left out: clipping takes away part of their noise."""


def white_noise_level(pixels: NDArray) -> float:
    """Estimate the standard deviation of white Gaussian noise.

    On photographs without noise it finds less than 1 level; noise that is not white, such as that
    of a compressed file, it takes for texture. The same picture gives the same number.

    Args:
        pixels: uint8 or float32 levels, (height, width, 3), or (height, width).

    Returns:
        RMS in levels; 0 for pictures smaller than a patch.
    """
    if min(pixels.shape[:2]) < PATCH:
        return 0.0
    patches = _patches(pixels.reshape(*pixels.shape[:2], -1))
    values = np.linalg.eigvalsh(np.cov(patches, rowvar=False))
    values = np.maximum(values, 0.0)  # ascending
    for count in range(len(values), 0, -1):
        mean = values[:count].mean()
        if np.count_nonzero(values[:count] > mean) >= np.count_nonzero(values[:count] < mean):
            return float(np.sqrt(mean))
    return float(np.sqrt(values[0]))


def _patches(pixels: NDArray) -> NDArray[np.float32]:
    """Return patches drawn at random, float32 (count, values)."""
    rows, columns = pixels.shape[0] - PATCH + 1, pixels.shape[1] - PATCH + 1
    rng = np.random.default_rng(0)
    total = rows * columns
    at = np.arange(total) if total <= MOST_PATCHES else rng.integers(0, total, MOST_PATCHES)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (PATCH, PATCH), axis=(0, 1))
    patches = windows[at // columns, at % columns].astype(np.float32)
    means = patches.mean(axis=(2, 3))
    inside = np.all((means > UNCLIPPED[0]) & (means < UNCLIPPED[1]), axis=1)
    if np.count_nonzero(inside) >= FEWEST_PATCHES:
        patches = patches[inside]
    return patches.reshape(len(patches), -1)
