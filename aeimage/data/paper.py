"""Real paper, cut out of scans whose ink is known.

Sets for testing binarization (DIBCO) hold historic pages with a mask of their ink each. With the
ink taken out and the gaps filled from around them, the pages are sheets of old paper: folds,
stains, show-through, uneven light, scanner noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from aeimage.errors import UsageError
from aeimage.images import read_picture

# Pixels around the ink that its blur reaches.
MARGIN = 7
# What the brightest parts of a sheet are scaled to: how dark paper is, is another damage.
WHITE = 250


def paper_textures(
    scans: Sequence[Path], masks: Sequence[Path], *, side: int = 512, seed: int = 0
) -> np.ndarray:
    """Cut ink-free sheets of paper out of scans.

    A scan that is smaller than a sheet is continued by reflection. Sheets are seamless where they
    are laid side by side, and scaled so that only a fiftieth of a sheet is brighter than 250.

    Args:
        scans: pictures of pages.
        masks: of the ink in each, in the same order and of the same size: black ink on white.
        side: of a sheet in pixels.
        seed: of where texture for the gaps is taken from.

    Returns:
        uint8 (n, side, side), grey; several sheets of large scans; none of a scan that is nearly
        all ink, or with ink that its mask leaves out.

    Raises:
        PictureError: a file cannot be read.
        UsageError: there is not one mask of the same size for each scan, or no sheet was found.
    """
    if len(scans) != len(masks):
        raise UsageError(f"{len(scans)} scans with {len(masks)} masks: expected one mask a scan.")
    rng = np.random.default_rng(seed)
    sheets = []
    for scan, mask in zip(scans, masks, strict=True):
        grey = np.asarray(Image.fromarray(read_picture(scan).rgb).convert("L"))
        ink = read_picture(mask).rgb[..., 0] < 128
        if grey.shape != ink.shape:
            raise UsageError(f"{mask}: is not of the same size as {scan}, whose ink it shows.")
        ink = np.asarray(Image.fromarray(ink).convert("L").filter(ImageFilter.MaxFilter(MARGIN)))
        if np.mean(ink > 0) < 0.7:
            sheets += _cut(_fill(grey, ink > 0, rng), side)
    sheets = [sheet for sheet in sheets if not _is_written_on(sheet)]
    if not sheets:
        raise UsageError(f"No blank paper in {len(scans)} scans. Give scans with less ink.")
    return np.stack(sheets)


def _is_written_on(sheet: np.ndarray) -> bool:
    """Whether ink is left that the mask does not show, such as notes in pencil or stamps."""
    return bool(np.mean(sheet < 0.55 * np.median(sheet)) > 0.004)


def _fill(grey: np.ndarray, ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Replace ink by the mean of the paper around it and the grain of paper elsewhere."""
    paper = (~ink).astype(np.float32)
    levels = grey.astype(np.float32)
    # From near to far: the nearest paper there is counts.
    base, weight = np.zeros_like(levels), np.zeros_like(levels)
    for radius in (4, 8, 16, 32, 64, 512):
        near = _blur(paper, radius)
        mean = _blur(levels * paper, radius) / np.maximum(near, 1e-4)
        share = np.clip(near / 0.15, 0, 1) * (1 - weight)
        base += share * mean
        weight += share
    base /= np.maximum(weight, 1e-4)
    grain = (levels - base) * paper
    known = ~ink
    for _ in range(12):
        if known.all():
            break
        # Grain from a random other place of the sheet, where there is paper.
        shift = tuple(int(rng.integers(n // 8, max(n // 8 + 1, 7 * n // 8))) for n in grey.shape)
        there = np.roll(~ink, shift, (0, 1)) & ~known
        grain[there] = np.roll(levels - base, shift, (0, 1))[there]
        known |= there
    return np.clip(np.rint(np.where(ink, base + grain, levels)), 0, 255).astype(np.uint8)


def _blur(values: np.ndarray, radius: int) -> np.ndarray:
    """Average over about `radius` pixels each way; over many, at a lower resolution."""
    factor = max(1, min(radius // 4, *values.shape))
    levels = np.asarray(Image.fromarray(values).reduce(factor)) if factor > 1 else values
    near = max(1, radius // factor)
    # A box twice is nearly a triangle.
    for axis in (0, 1, 0, 1):
        margin = [(0, 0), (0, 0)]
        margin[axis] = (near + 1, near)
        sums = np.cumsum(np.pad(levels, margin, mode="edge"), axis=axis, dtype=np.float64)
        count = levels.shape[axis]
        ends = sums.take(np.arange(2 * near + 1, 2 * near + 1 + count), axis)
        levels = (ends - sums.take(np.arange(count), axis)) / (2 * near + 1)
    image = Image.fromarray(levels.astype(np.float32))
    return np.asarray(image.resize(values.shape[::-1], Image.Resampling.BILINEAR))


def _cut(grey: np.ndarray, side: int) -> list[np.ndarray]:
    """Cut as many whole squares as fit, spread evenly; at least one."""
    overlap = side // 8
    whole = side + overlap
    grey = np.pad(grey, [(0, max(0, whole - n)) for n in grey.shape], mode="symmetric")
    starts = [np.linspace(0, n - whole, n // whole).round().astype(int) for n in grey.shape]
    return [
        _seamless(grey[y : y + whole, x : x + whole], overlap) for y in starts[0] for x in starts[1]
    ]


def _seamless(grey: np.ndarray, overlap: int) -> np.ndarray:
    """Fade the last `overlap` rows and columns into the first, and scale to white."""
    levels = grey.astype(np.float32)
    ramp = np.linspace(0, 1, overlap, dtype=np.float32)[:, np.newaxis]
    for _ in range(2):
        levels[:overlap] = levels[-overlap:] + ramp * (levels[:overlap] - levels[-overlap:])
        levels = levels[:-overlap].T
    levels *= WHITE / max(1.0, float(np.percentile(levels, 98)))
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
