"""From every mode of Pillow to 8-bit RGB and alpha, a band of rows at a time.

Pillow holds a colour picture in 4 bytes a pixel and the result takes 3; bands keep everything
else small, so that 100 megapixels pass in 0.7 GB. Turning costs nothing extra: the result has
its final shape from the start, and bands are written through a turned view of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aeimage.errors import UnsupportedPictureError
from aeimage.images import colour
from aeimage.images.picture import Picture
from aeimage.images.samples import Samples

U8 = NDArray[np.uint8]
BAND_PIXELS = 2**20

_Reader = Callable[[Image.Image], tuple[np.ndarray, np.ndarray | None]]
"""From a band (a Pillow picture) to its colour (h, w, 3) or grey (h, w), and its alpha."""


@dataclass
class Pixels:
    """The result: `rgb` (height, width, 3) and `alpha` (height, width) or None, uint8."""

    rgb: U8
    alpha: U8 | None
    icc: bytes | None


def to_rgb(
    image: Image.Image, samples: Samples, icc: bytes | None, orientation: int, notes: list[str]
) -> Pixels:
    """Convert a loaded picture of any mode.

    Args:
        image: the picture; not changed.
        samples: what `samples.inspect_samples` said before it was loaded.
        icc: its ICC profile. The result's is the same one if it is for RGB, else None and the
            pixels are sRGB.
        orientation: EXIF orientation to apply, 1 to 8.
        notes: takes a sentence about everything that was lost or assumed.

    Raises:
        UnsupportedPictureError: unknown mode, or samples outside every usual range.
    """
    if 0 in image.size:
        raise UnsupportedPictureError(f"It has no pixels: its size is {image.size}.")
    profile_space = colour.colour_space(icc) if icc else None
    if icc and profile_space is None:
        notes.append("The ICC profile is damaged and was dropped.")
    reader = _reader(image, samples, icc if profile_space else None, notes)
    fitting = _profile_spaces(image.mode)
    if profile_space and profile_space not in fitting:
        notes.append(
            f"The ICC profile is for {profile_space}, not for {image.mode} pixels: dropped."
        )

    width, height = image.size
    turned = (width, height) if orientation >= 5 else (height, width)
    rgb = np.empty((*turned, 3), np.uint8)
    rgb_view = source_view(rgb, orientation)
    alpha = alpha_view = None
    for rows, band in bands(image):
        band_colour, band_alpha = reader(band)
        if band_colour.ndim == 2:
            band_colour = band_colour[..., None]
        rgb_view[rows] = band_colour
        if band_alpha is not None:
            if alpha is None:
                alpha = np.empty(turned, np.uint8)
                alpha_view = source_view(alpha, orientation)
            alpha_view[rows] = band_alpha
    return Pixels(rgb, alpha, icc if profile_space == "RGB" and "RGB" in fitting else None)


def round_by_low_bytes(
    pixels: Pixels | Picture,
    low: Image.Image,
    orientation: int,
    transparent: tuple[int, ...] | None,
) -> None:
    """Turn high bytes into 16-bit samples divided by 257 and rounded, in place.

    Args:
        pixels: arrays made by `to_rgb` from the high bytes of 16-bit samples.
        low: the same picture, of the same mode, holding the low bytes.
        orientation: the one that `to_rgb` got.
        transparent: the 16-bit colour that is transparent (PNG's tRNS), if there is one.
    """
    rgb_view = source_view(pixels.rgb, orientation)
    alpha_view = None if pixels.alpha is None else source_view(pixels.alpha, orientation)
    for rows, band in bands(low):
        low_bytes = np.asarray(band)
        rgb_view[rows] = _rounded(rgb_view[rows], low_bytes[..., :3])
        if alpha_view is None:
            continue
        if transparent is not None:
            differs = (low_bytes != [value & 255 for value in transparent]).any(axis=-1)
            alpha_view[rows][differs] = 255
        elif band.mode == "RGBA":
            alpha_view[rows] = _rounded(alpha_view[rows], low_bytes[..., 3])


def bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Cut a picture into bands of about a megapixel: (rows, band)."""
    width, height = image.size
    # Pillow applies its size limit to pictures cut from others, too.
    step = max(1, min(BAND_PIXELS, Image.MAX_IMAGE_PIXELS or BAND_PIXELS) // width)
    for top in range(0, height, step):
        bottom = min(height, top + step)
        yield slice(top, bottom), image.crop((0, top, width, bottom))


def source_view(array: U8, orientation: int) -> U8:
    """An upright array, seen in the geometry in which the source stores its rows.

    Args:
        array: shape (height, width, ...), upright.
        orientation: EXIF orientation of the source, 1 to 8 (CIPA DC-008, table 4).
    """
    match orientation:
        case 2:
            return array[:, ::-1]
        case 3:
            return array[::-1, ::-1]
        case 4:
            return array[::-1]
        case 5:
            return array.swapaxes(0, 1)
        case 6:
            return np.rot90(array)
        case 7:
            return array[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(array, -1)
    return array


def _profile_spaces(mode: str) -> tuple[str, ...]:
    """The colour spaces of ICC profiles that say something about pixels of this mode."""
    if mode == "CMYK":
        return ("CMYK",)
    if mode == "LAB":
        return ("Lab",)
    if mode in ("1", "L", "LA", "La", "I", "F") or mode.startswith("I;16"):
        return ("GRAY", "RGB")
    return ("RGB",)


def _reader(image: Image.Image, samples: Samples, icc: bytes | None, notes: list[str]) -> _Reader:
    mode = image.mode
    if samples.bits > 8:
        notes.append(f"{samples.bits}-bit samples were reduced to 8 bits.")
    if mode in ("1", "L", "LA", "La", "I", "F") or mode.startswith("I;16"):
        return _grey_reader(image, samples, icc, notes)
    if samples.interleaved_low_bytes:
        return _through_table(_read_interleaved, icc, notes)
    if mode == "CMYK":
        return _converting(_cmyk_to_rgb(icc, notes))
    if mode == "LAB":
        try:
            return _converting(colour.lab_to_srgb())
        except ValueError as error:
            raise UnsupportedPictureError(
                f"Lab pictures need a Pillow with LittleCMS ({error}). Install Pillow's own wheel."
            ) from error
    if mode == "RGB":
        transparent = image.info.get("transparency")
        if not (isinstance(transparent, tuple) and len(transparent) == 3):
            return lambda band: (np.asarray(band), None)
        key = [value >> 8 if samples.bits == 16 else value for value in transparent]
        return lambda band: _keyed(np.asarray(band), key)
    if mode in ("RGBA", "RGBa", "PA") or (mode == "P" and image.has_transparency_data):
        return lambda band: _split_alpha(band if band.mode == "RGBA" else band.convert("RGBA"))
    if mode in ("P", "RGBX", "YCbCr", "HSV"):
        return _converting(lambda band: band.convert("RGB"))
    raise UnsupportedPictureError(
        f"Pictures of Pillow mode {mode!r} are not supported. Convert it to RGB first."
    )


def _grey_reader(
    image: Image.Image, samples: Samples, icc: bytes | None, notes: list[str]
) -> _Reader:
    mode, key = image.mode, image.info.get("transparency")
    key = key if isinstance(key, int) else None
    if mode in ("LA", "La"):
        return _through_table(_read_grey_alpha, icc, notes)
    if mode in ("1", "L"):
        key = None if key is None else key * samples.grey_scale
        return _through_table(lambda band: _keyed(np.asarray(band.convert("L")), key), icc, notes)
    white = _white(image, samples, notes)
    if mode == "F":
        scale, black = (-255 / white, 255) if samples.inverted else (255 / white, 0)
        return _through_table(
            lambda band: ((np.asarray(band) * scale + (black + 0.5)).astype(np.uint8), None),
            icc,
            notes,
        )
    table = ((np.arange(white + 1) * 510 + white) // (2 * white)).astype(np.uint8)
    if samples.inverted:
        table = table[::-1]

    def read(band: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
        values = np.asarray(band)
        return table[values], _keyed(values, key)[1]

    return _through_table(read, icc, notes)


def _white(image: Image.Image, samples: Samples, notes: list[str]) -> int:
    """The value that is white, in a picture of integers or floats beyond 8 bits."""
    if image.mode.startswith("I;16"):
        return 2**samples.bits - 1
    low, high = image.getextrema()
    if image.mode == "F" and not all(np.isfinite(np.asarray(b)).all() for _, b in bands(image)):
        low = float("nan")
    usual = (1, 255, 65535) if image.mode == "F" else (65535,)
    for white in usual:
        if low >= 0 and high <= white:
            kind = "float" if image.mode == "F" else "integer"
            notes.append(f"32-bit {kind} samples, taken as 0 to {white}, were reduced to 8 bits.")
            return white
    raise UnsupportedPictureError(
        f"Its samples run from {low} to {high}, expected 0 to {' or '.join(map(str, usual))}: "
        "it is unknown which of them are black and white. Scale them to 16 bits first."
    )


def _read_grey_alpha(band: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(band if band.mode == "LA" else band.convert("LA"))
    return values[..., 0], values[..., 1]


def _read_interleaved(band: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(band)
    return _rounded(values[..., 0], values[..., 1]), _rounded(values[..., 2], values[..., 3])


def _split_alpha(band: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(band)
    return values[..., :3], values[..., 3]


def _keyed(values: np.ndarray, key: int | list[int] | None) -> tuple[np.ndarray, U8 | None]:
    """Values with an alpha that is 0 exactly where they equal `key`, the PNG way."""
    if key is None:
        return values, None
    opaque = values != key
    if isinstance(key, list):
        opaque = opaque.any(axis=-1)
    return values, opaque.astype(np.uint8) * np.uint8(255)


def _rounded(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """(256 high + low) / 257, rounded: 16-bit samples to 8 bits."""
    # It is high + (low - high) / 257, and the fraction rounds to -1, 0 or 1.
    difference = low.astype(np.int16) - high
    return (high + (difference > 128) - (difference < -128)).astype(np.uint8)


def _converting(convert: colour.ToRgb) -> _Reader:
    return lambda band: (np.asarray(convert(band)), None)


def _cmyk_to_rgb(icc: bytes | None, notes: list[str]) -> colour.ToRgb:
    reason = "has no profile"
    if icc and colour.colour_space(icc) == "CMYK":
        try:
            return colour.profile_to_srgb(icc, "CMYK")
        except ValueError as error:
            reason = f"has an unusable profile ({error})"
    notes.append(f"CMYK picture that {reason}: its colours in RGB are an estimate.")
    return lambda band: band.convert("RGB")


def _through_table(read: _Reader, icc: bytes | None, notes: list[str]) -> _Reader:
    """Apply a GRAY profile, if there is one, to what `read` gives."""
    if not icc or colour.colour_space(icc) != "GRAY":
        return read
    try:
        table = colour.grey_table(icc)
    except ValueError as error:
        notes.append(f"The grey ICC profile is unusable ({error}) and was dropped.")
        return read

    def through(band: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
        grey, alpha = read(band)
        return table[grey], alpha

    return through
