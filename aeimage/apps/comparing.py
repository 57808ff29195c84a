"""How far two pictures are apart, in numbers and side by side."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from aeimage.apps.coded_files import open_input, read_coded_bytes
from aeimage.apps.plan import format_of
from aeimage.codec.header import MAGIC, read_header
from aeimage.errors import FileFormatError, UsageError
from aeimage.images import DEFAULT_MAX_PIXELS, OUTPUT_FORMATS, Picture, read_picture, write_picture
from aeimage.metrics import bits_per_pixel, ms_ssim, psnr
from aeimage.runtime import compressor

_GAP = 8  # pixels of white between the two


@dataclass
class Side:
    """One of the two files.

    Attributes:
        path: as it was given.
        bytes: its size on disk.
        bpp: bits of that per pixel.
        quality: 0 to 100, if it is an .aei file.
        model: name of its model, if it is an .aei file.
    """

    path: str
    bytes: int
    bpp: float
    quality: float | None = None
    model: str | None = None


@dataclass
class Comparison:
    """Two pictures of one size.

    Attributes:
        width, height: of both, in pixels.
        psnr: in decibels, of 8-bit RGB; `math.inf` where the pixels are identical.
        ms_ssim: 1 for identical pictures.
        a, b: the files.
        warnings: what the numbers do not tell.
    """

    width: int
    height: int
    psnr: float
    ms_ssim: float
    a: Side
    b: Side
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it: an infinite PSNR becomes None."""
        fields = asdict(self) | {"identical": math.isinf(self.psnr)}
        return fields | {"psnr": None if math.isinf(self.psnr) else self.psnr}


def compare_files(
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    *,
    side_by_side: str | os.PathLike[str] | None = None,
    force: bool = False,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> Comparison:
    """Compare two picture files; either or both may be .aei files.

    Colours are compared as they are stored, in 8-bit RGB after the EXIF orientation was applied;
    transparency is not.

    Args:
        a, b: the files.
        side_by_side: where to write a picture of both, `a` to the left; in the format of its
            suffix.
        force: whether that may replace a file.
        max_pixels: largest picture to accept; None for any.

    Raises:
        UsageError: the pictures differ in size, or the suffix is of no known format.
        PictureError, FileFormatError, ModelError: a file cannot be read.
        OutputExistsError: `side_by_side` exists.
    """
    format = None if side_by_side is None else format_of(side_by_side)
    if side_by_side is not None and format is None:
        expected = ", ".join(f".{name}" for name in OUTPUT_FORMATS)
        raise UsageError(
            f"The format of {side_by_side} is unknown. Expected a name that ends in {expected}."
        )
    first, left = _read(Path(a), max_pixels)
    second, right = _read(Path(b), max_pixels)
    if left.rgb.shape != right.rgb.shape:
        raise UsageError(
            f"Only pictures of the same size can be compared. {a} has {left.width} x {left.height} "
            f"pixels, {b} has {right.width} x {right.height}."
        )
    comparison = Comparison(
        width=left.width,
        height=left.height,
        psnr=psnr(left.rgb, right.rgb),
        ms_ssim=ms_ssim(left.rgb, right.rgb),
        a=first,
        b=second,
        warnings=_differences(left, right),
    )
    if side_by_side is not None:
        write_picture(beside(left, right), side_by_side, format, overwrite=force)
    return comparison


def _read(path: Path, max_pixels: int | None) -> tuple[Side, Picture]:
    with open_input(path) as stream:
        coded = stream.read(len(MAGIC)) == MAGIC
    if not coded and path.suffix.lower() != ".aei":
        picture = read_picture(path, max_pixels=max_pixels)
        size = path.stat().st_size
        return Side(os.fspath(path), size, bits_per_pixel(size, *_size(picture))), picture
    try:
        with open_input(path) as stream:
            data = read_coded_bytes(stream, max_pixels)
        codec = compressor.Codec.for_file(data)
        picture = codec.decompress_picture(data, max_pixels=max_pixels)
    except FileFormatError as error:
        raise type(error)(f"{path}: {error}") from error
    quality = read_header(data, max_pixels=None).quality
    bpp = bits_per_pixel(len(data), *_size(picture))
    return Side(os.fspath(path), len(data), bpp, quality, codec.name), picture


def _size(picture: Picture) -> tuple[int, int]:
    return picture.width, picture.height


def _differences(a: Picture, b: Picture) -> list[str]:
    notes = []
    if a.icc != b.icc:
        notes.append("The colour profiles differ, so equal numbers are not equal colours.")
    if a.alpha is not None or b.alpha is not None:
        if a.alpha is None or b.alpha is None:
            notes.append("Only one of them has transparency, which was left out.")
        elif not np.array_equal(a.alpha, b.alpha):
            notes.append("They differ in transparency, which was left out.")
    return notes


def beside(a: Picture, b: Picture) -> Picture:
    """Two pictures of one height in one, `a` to the left, in the colours and channels of `a`."""
    gap = np.full((a.height, _GAP, 3), 255, np.uint8)
    rgb = np.concatenate([a.rgb, gap, b.rgb], axis=1)
    return Picture(rgb, icc=a.icc, source_mode=a.source_mode)
