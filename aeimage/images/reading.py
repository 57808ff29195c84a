"""Reading pictures from files, and taking them over from Pillow."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aeimage.errors import (
    PictureFileError,
    PictureNotFoundError,
    UnsupportedPictureError,
    UsageError,
)
from aeimage.images import modes, opening
from aeimage.images.metadata import read_metadata
from aeimage.images.picture import Picture
from aeimage.images.samples import Samples, inspect_samples, select_low_bytes
from aeimage.images.tiff_exif import exif_of_tiff
from aeimage.limits import DEFAULT_MAX_PIXELS

PICTURE_SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        *(".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"),
    }
)
"""Suffixes, in lower case, of the files that count as pictures in a folder."""

_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"


def is_picture_path(path: str | os.PathLike[str]) -> bool:
    """Whether a path looks like a picture that `read_picture` reads, by its name alone."""
    name = Path(path).name
    # "._x.jpg" is not a picture but what macOS leaves beside one on foreign disks.
    return Path(name).suffix.lower() in PICTURE_SUFFIXES and not name.startswith("._")


def read_picture(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    page: int | None = None,
) -> Picture:
    """Read a JPEG, PNG, WebP, TIFF, BMP or GIF (of several frames, the first).

    The EXIF orientation is applied; its tag then says 1 and the EXIF thumbnail, which would lie
    on its side, is removed. CMYK and grey pictures go to sRGB through their profile where they
    have one; profiles for RGB are kept and the pixels left as they are. Samples of more than 8
    bits are scaled to 0..255 and rounded. A picture of 100 megapixels takes about 0.7 GB (WebP:
    1.2 GB). Thread-safe.

    Args:
        source: a path; the bytes of a file; or a binary stream, read from position 0 if it can
            seek, else from where it stands.
        max_pixels: largest width times height, checked before anything is decoded; None for
            no limit. ``PIL.Image.MAX_IMAGE_PIXELS`` has no influence.
        page: which page of a TIFF, from 0; see `count_pages`. None is the first, with a warning
            where there are more.

    Returns:
        The picture; its `warnings` tell what was lost or assumed.

    Raises:
        PictureNotFoundError: no such file.
        PictureFileError: the system cannot read it.
        UnsupportedPictureError: not one of these formats, or an exotic kind of one.
        DamagedPictureError: truncated or corrupt.
        PictureTooLargeError: more than `max_pixels` pixels.
        UsageError: `max_pixels` is no positive number.
    """
    if max_pixels is not None and max_pixels < 1:
        raise UsageError.for_value("max_pixels", "a positive number or None", max_pixels)
    with _opened(source) as (stream, name):
        return _read(stream, name, max_pixels, page)


def count_pages(source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO) -> int:
    """How many pages a picture file has: more than one only if it is a TIFF.

    Args:
        source: as for `read_picture`; a stream must be able to seek.

    Raises:
        PictureError: as `read_picture`, apart from sizes, which are not looked at.
    """
    with _opened(source) as (stream, name), opening.translated_errors(name):
        stream.seek(0)
        kind = opening.identify(stream.read(16), name)
        if kind != "TIFF":
            return 1
        image = opening.open_image(stream, kind, name, None)
        with opening.quiet():
            return image.n_frames  # type: ignore[attr-defined]


def picture_format(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO,
) -> str | None:
    """What kind of file it is, by its first bytes: ``"png"``, ``"jpg"``, ``"webp"`` or ``"tif"``.

    None for what is read here but never written (BMP, GIF).

    Args:
        source: as for `count_pages`.

    Raises:
        PictureError: it cannot be opened, or is of none of these formats.
    """
    with _opened(source) as (stream, name), opening.translated_errors(name):
        stream.seek(0)
        kind = opening.identify(stream.read(16), name)
    return {"JPEG": "jpg", "PNG": "png", "WebP": "webp", "TIFF": "tif"}.get(kind)


@contextmanager
def _opened(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO,
) -> Iterator[tuple[BinaryIO, str]]:
    """The source as a stream that can seek, and its name for messages."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        yield io.BytesIO(source), "picture from memory"
    elif isinstance(source, (str, os.PathLike)):
        name = os.fsdecode(source)
        try:
            stream = open(name, "rb")  # noqa: SIM115 - closed two lines below
        except FileNotFoundError as error:
            raise PictureNotFoundError(f"{name}: there is no such file.") from error
        except OSError as error:
            raise PictureFileError(f"{name}: cannot be opened: {error.strerror}.") from error
        with stream:
            yield stream, name
    elif hasattr(source, "read"):
        name = getattr(source, "name", None)
        name = name if isinstance(name, str) else "picture from a stream"
        seekable = getattr(source, "seekable", lambda: False)()
        yield source if seekable else io.BytesIO(source.read()), name
    else:
        raise UsageError.for_value("source", "a path, bytes or a binary stream", source)


def from_pillow(image: Image.Image) -> Picture:
    """Take over a picture from Pillow: any mode, opened by any of its plugins or made anew.

    Like `read_picture`, with these differences: Pillow has applied its own size limit; colour
    with 16 bits a sample was already cut to the high 8 by Pillow, without rounding.

    Args:
        image: loaded if it was not yet; otherwise unchanged and still open.

    Raises:
        UnsupportedPictureError: a mode or sample range that is not supported.
        DamagedPictureError: the file behind it is truncated or corrupt.
    """
    name = "picture from Pillow"
    samples = inspect_samples(image, interleave=False)
    header = _header(image)
    with opening.translated_errors(name):
        image.load()
    return _assemble(image, samples, header, name)[0]


def as_picture(
    image: Image.Image | NDArray[np.uint8] | str | Path | Picture,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> Picture:
    """Return anything that is a picture as `Picture`.

    Args:
        image: Pillow image; uint8 array (height, width, 3), or (height, width) for grey; path of a
            picture file; or a `Picture`.
        max_pixels: largest picture file to read, in pixels; None reads any.

    Raises:
        UsageError: `image` is none of these.
        PictureError: a file cannot be read.
    """
    if isinstance(image, Picture):
        return image
    if isinstance(image, np.ndarray):
        if image.ndim == 2:
            return Picture(np.repeat(image[..., None], 3, axis=-1), source_mode="L")
        return Picture(np.ascontiguousarray(image))
    if isinstance(image, str | Path):
        return read_picture(image, max_pixels=max_pixels)
    if not hasattr(image, "getbands"):
        raise UsageError.for_value(
            "image", "a Pillow image, a uint8 array or the path of a picture", type(image).__name__
        )
    return from_pillow(image)


@dataclass
class _Header:
    """What has to be taken from a picture before it is loaded."""

    mode: str
    tiff_exif: bytes | None
    sideways: bool  # Pillow will turn it by 90 degrees, and the resolution not
    notes: list[str]


def _header(image: Image.Image, *, alone: bool = False) -> _Header:
    """Look at an opened picture; `alone`: it is taken for itself, whatever else the file holds."""
    is_tiff = hasattr(image, "tag_v2")
    header = _Header(image.mode, None, is_tiff and image.tag_v2.get(0x0112, 1) >= 5, [])
    with opening.quiet():
        if is_tiff:
            try:
                header.tiff_exif = exif_of_tiff(image)
            except opening.PARSER_ERRORS:  # the pixels may be fine all the same
                header.notes.append("The EXIF tags are damaged and were dropped.")
        try:
            several = "mp" in image.info or getattr(image, "is_animated", False)
        except opening.PARSER_ERRORS:  # damaged later frames are no concern of the first
            several = False
    if several and not alone:
        header.notes.append("The file holds several pictures; only one of them is kept.")
    if any(data.startswith(_EXTENDED_XMP) for _, data in getattr(image, "applist", [])):
        header.notes.append("The extended part of the XMP metadata is not kept.")
    return header


def _assemble(
    image: Image.Image, samples: Samples, header: _Header, name: str
) -> tuple[Picture, int]:
    """The picture, and the orientation that was applied to it."""
    notes = list(header.notes)
    metadata = read_metadata(image, notes, tiff_exif=header.tiff_exif)
    try:
        pixels = modes.to_rgb(image, samples, metadata.icc, metadata.orientation, notes)
    except UnsupportedPictureError as error:
        raise UnsupportedPictureError(f"{name}: {error}") from error
    picture = Picture(
        rgb=pixels.rgb,
        alpha=pixels.alpha,
        icc=pixels.icc,
        exif=metadata.exif,
        xmp=metadata.xmp,
        dpi=metadata.dpi[::-1] if metadata.dpi and header.sideways else metadata.dpi,
        warnings=notes,
        source_mode="LA" if samples.interleaved_low_bytes else header.mode,
    )
    return picture, metadata.orientation


def _read(stream: BinaryIO, name: str, max_pixels: int | None, page: int | None) -> Picture:
    with opening.translated_errors(name):
        stream.seek(0)
        kind = opening.identify(stream.read(16), name)
        number = page if page and kind == "TIFF" else 0
        image = opening.open_page(stream, kind, name, max_pixels, number)
        samples = inspect_samples(image)
        header = _header(image, alone=page is not None and kind == "TIFF")
        image = opening.load(image, kind, name)
    picture, orientation = _assemble(image, samples, header, name)
    if samples.low_bytes:
        transparent = image.info.get("transparency")
        del image  # a decoded picture is the largest thing here: never hold two
        with opening.translated_errors(name):
            low = opening.open_page(stream, kind, name, max_pixels, number)
            select_low_bytes(low)
            low = opening.load(low, kind, name)
        modes.round_by_low_bytes(picture, low, orientation, transparent)
    return picture
