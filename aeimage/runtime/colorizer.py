"""Colours for grey photographs: the colorizer as users meet it.

A bundle of kind "colorizer" holds ``colorizer.tflite`` with the signature ``colorize``: `luminance`
float32 (1, height, width, 1), 0 to 255, sides multiples of the manifest's `multiple`, to `chroma`
float32 (1, height / 2, width / 2, 2), Cb and Cr in levels. It knows what things look like in
pictures whose shorter side is the manifest's `shorter_side`.

    picture -- luminance -- reduced -- network -- chroma -- guided filter --> slopes, offsets
                   |                                                              |
                   '---- in stripes: chroma = slope * luminance + offset <--------'
                                          |
                                          '--> colours of exactly this luminance

The guided filter (He, Sun and Tang, 2010; from a small picture to a large one: He and Sun, "Fast
Guided Filter", 2015) makes the chroma follow the edges of the large picture, where blurred chroma
would bleed. Memory is that of the picture and its result, and a few megabytes.
"""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aeimage.errors import UsageError
from aeimage.images import DEFAULT_MAX_PIXELS, Picture, as_picture, to_pillow
from aeimage.runtime.bundle import find_bundle, positive_whole
from aeimage.runtime.luma import luma_of, with_luma
from aeimage.runtime.pixels import check_pixels
from aeimage.runtime.restorer_network import mirrored
from aeimage.runtime.session import Session

DEFAULT_MODEL = "colorize"
KIND, FILE_NAME = "colorizer", "colorizer.tflite"
MAX_SATURATION = 4.0
MOST_PIXELS = 600_000
"""Of the reduced picture, however long it is."""
RADIUS = 2
"""Of the guided filter, in positions of the network's chroma."""
SMOOTHNESS = 100.0
"""Variance of the luminance, levels squared, below which the guided filter sees no edge."""
STRIPE = 256


class Colorizer:
    """An open colorizer; keeps its network in memory between pictures.

    Args:
        model: ``"colorize"``, or another installed one's name or folder.
        threads: of the network; by default one for each core.

    Raises:
        ModelNotFoundError: no such model.
        ModelFileError: the bundle is damaged.
    """

    session_class = Session

    def __init__(self, model: str = DEFAULT_MODEL, threads: int | None = None) -> None:
        bundle = find_bundle(model, kind=KIND)
        bundle.verify()
        self.name = bundle.name
        self._multiple = positive_whole(bundle, "multiple")
        self._shorter_side = positive_whole(bundle, "shorter_side")
        self._session = self.session_class(bundle.path / FILE_NAME, threads)

    def colorize(self, pixels: NDArray[np.uint8], saturation: float = 1.0) -> NDArray[np.uint8]:
        """Give a picture colours.

        Args:
            pixels: uint8 (height, width), or (height, width, 3), whose colours do not matter.
            saturation: factor of the chroma, 0 (grey) to 4.

        Returns:
            uint8 (height, width, 3). Pillow's ``convert("L")`` of it is that of `pixels`.

        Raises:
            UsageError: an argument is not as described.
        """
        check_saturation(saturation)
        check_pixels(pixels, "uint8")
        levels = pixels if pixels.ndim == 2 else luma_of(pixels)
        height, width = levels.shape
        slopes, offsets = self._planes(levels)
        colours = np.empty((height, width, 3), np.uint8)
        for start in range(0, height, STRIPE):
            rows = slice(start, min(start + STRIPE, height))
            part = levels[rows]
            chroma = [
                _enlarged(slope, rows, levels.shape) * part + _enlarged(offset, rows, levels.shape)
                for slope, offset in zip(slopes, offsets, strict=True)
            ]
            colours[rows] = with_luma(part, saturation * np.stack(chroma, axis=-1))
        return colours

    def colorize_picture(self, picture: Picture, saturation: float = 1.0) -> Picture:
        """Give a picture with its metadata colours; transparency stays as it is."""
        pixels = np.ascontiguousarray(picture.rgb[..., 0]) if picture.is_grey else picture.rgb
        return replace(picture, rgb=self.colorize(pixels, saturation), source_mode="RGB")

    def _planes(self, levels: NDArray[np.uint8]) -> tuple[list[NDArray], list[NDArray]]:
        """Return slopes and offsets of Cb and of Cr as functions of the luminance, at low size."""
        small = _reduced(levels, self._shorter_side)
        rows, columns = small.shape
        padded = mirrored(
            small, [-(-side // self._multiple) * self._multiple for side in small.shape]
        )
        chroma = self._session.run("colorize", luminance=padded[None, ..., None])["chroma"][0]
        chroma = chroma[: -(-rows // 2), : -(-columns // 2)]
        guide = np.asarray(Image.fromarray(small).resize(chroma.shape[1::-1], Image.Resampling.BOX))
        mean = _box_mean(guide)
        variance = _box_mean(guide * guide) - mean * mean
        slopes, offsets = [], []
        for plane in (chroma[..., 0], chroma[..., 1]):
            plane_mean = _box_mean(plane)
            slope = (_box_mean(guide * plane) - mean * plane_mean) / (variance + SMOOTHNESS)
            slopes.append(_box_mean(slope))
            offsets.append(_box_mean(plane_mean - slope * mean))
        return slopes, offsets


def _reduced(levels: NDArray[np.uint8], shorter_side: int) -> NDArray[np.float32]:
    """Return the picture with its shorter side reduced to `shorter_side`; never enlarged."""
    height, width = levels.shape
    share = min(1.0, shorter_side / min(height, width), math.sqrt(MOST_PIXELS / (height * width)))
    size = [max(1, round(side * share)) for side in (width, height)]
    image = Image.fromarray(levels)
    if size != [width, height]:
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image, np.float32)


def _box_mean(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over (2 RADIUS + 1) squared positions, fewer at the border."""
    for axis in (0, 1):
        length = plane.shape[axis]
        total = np.cumsum(plane, axis=axis, dtype=np.float64)
        total = np.concatenate([np.zeros_like(total.take([0], axis)), total], axis)
        first = np.maximum(np.arange(length) - RADIUS, 0)
        last = np.minimum(np.arange(length) + RADIUS + 1, length)
        count = np.expand_dims(last - first, 1 - axis)
        plane = (total.take(last, axis) - total.take(first, axis)) / count
    return plane.astype(np.float32)


def _enlarged(plane: NDArray[np.float32], rows: slice, shape: tuple[int, int]) -> NDArray:
    """Return some rows of a plane enlarged bilinearly to `shape`."""
    height, width = shape
    share = plane.shape[0] / height
    box = (0, rows.start * share, plane.shape[1], min(rows.stop * share, plane.shape[0]))
    image = Image.fromarray(plane)
    return np.asarray(
        image.resize((width, rows.stop - rows.start), Image.Resampling.BILINEAR, box=box)
    )


def check_saturation(saturation: float) -> None:
    """Check a factor of the chroma.

    Raises:
        UsageError: it is not from 0 to 4.
    """
    if not 0.0 <= saturation <= MAX_SATURATION:
        raise UsageError.for_value("saturation", f"a number 0 to {MAX_SATURATION:g}", saturation)


@functools.lru_cache(maxsize=2)
def _opened(model: str, path: Path) -> Colorizer:
    return Colorizer(model)


def open_colorizer(model: str = DEFAULT_MODEL) -> Colorizer:
    """Return an open colorizer; the same one for the same model.

    Raises:
        ModelNotFoundError, ModelFileError: as for `Colorizer`.
    """
    return _opened(model, find_bundle(model, kind=KIND).path.resolve())


def colorize(
    image: Image.Image | NDArray[np.uint8] | str | Path,
    *,
    saturation: float = 1.0,
    model: str = DEFAULT_MODEL,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> Image.Image:
    """Guess the colours of a grey photograph; its luminance stays exactly as it is.

    Args:
        image: Pillow image; uint8 array (height, width), or (height, width, 3), whose own colours
            do not matter; or path of a picture file.
        saturation: factor of the chroma, 0 (grey) to 4. The model guesses pale colours where it is
            not sure, so more than 1 may please.
        model: ``"colorize"``, or another colorizer.
        max_pixels: largest picture file to read, in pixels; None reads any.

    Warns:
        UserWarning: for what was lost or assumed on reading, such as 16-bit samples.

    Returns:
        an image of mode RGB, or RGBA where `image` was transparent; upright, of the same size, with
        ICC profile, EXIF, XMP and DPI in its `info`. Its ``convert("L")`` equals that of the
        upright `image`.

    Raises:
        UsageError: an argument is out of range.
        PictureError: the picture cannot be read.
        ModelNotFoundError: the model is not installed.
    """
    colorizer = open_colorizer(model)
    picture = as_picture(image, max_pixels)
    for warning in picture.warnings:
        warnings.warn(warning, stacklevel=2)
    return to_pillow(colorizer.colorize_picture(picture, saturation))
