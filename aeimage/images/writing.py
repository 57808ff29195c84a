"""Pictures back to files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin

from aeimage.errors import PictureFormatError, UsageError
from aeimage.files import Writer, atomic_write
from aeimage.images import exif as exif_block
from aeimage.images.modes import BAND_PIXELS
from aeimage.images.opening import PARSER_ERRORS
from aeimage.images.picture import Picture
from aeimage.images.tiff_exif import append_exif

OUTPUT_FORMATS = ("png", "jpg", "webp", "tif")
"""Formats that `write_picture` writes; each is also the suffix its files get."""

_ALIASES = {"jpeg": "jpg", "tiff": "tif"}
PNG_LEVEL = 4
"""Of zlib: half the time of its default, 6, for files that are 2 % larger."""

_PILLOW_FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tif": "TIFF"}
_MAX_SIDE = {"png": 2**31 - 1, "jpg": 65_535, "webp": 16_383, "tif": 2**32 - 1}

# A JPEG marker holds 65,533 bytes, minus the name that says what the segment is.
_JPEG_EXIF_BYTES = 65_533 - len(b"Exif\0\0")
_JPEG_XMP_BYTES = 65_533 - len(b"http://ns.adobe.com/xap/1.0/\0")
_JPEG_ICC_BYTES = 255 * (65_533 - len(b"ICC_PROFILE\0") - 2)

_XMP_TAG, _PREDICTOR_TAG, _HORIZONTAL = 700, 317, 2


def to_pillow(picture: Picture, *, like_source: bool = False) -> Image.Image:
    """Make a Pillow picture of mode RGB, or RGBA where there is alpha.

    Its ``info`` holds ``icc_profile``, ``exif`` (with the ``Exif\\0\\0`` that Pillow expects),
    ``xmp`` and ``dpi`` where the picture has them. With `like_source`, what was grey becomes mode
    L or LA; see `Picture.is_grey`.
    """
    grey = like_source and picture.is_grey
    image = Image.fromarray(np.ascontiguousarray(picture.rgb[..., 0]) if grey else picture.rgb)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    if picture.icc:
        image.info["icc_profile"] = picture.icc
    if picture.exif:
        image.info["exif"] = b"Exif\0\0" + picture.exif
    if picture.xmp:
        image.info["xmp"] = picture.xmp
    if picture.dpi:
        image.info["dpi"] = picture.dpi
    return image


def write_picture(
    picture: Picture,
    target: str | os.PathLike[str] | BinaryIO,
    format: str = "png",
    *,
    quality: int = 95,
    like_source: bool = False,
    atomic: bool = True,
    overwrite: bool = True,
) -> list[str]:
    """Write a picture with its ICC profile, EXIF, XMP and resolution.

    PNG and TIFF (Deflate) are lossless. In JPEG, EXIF above 65,527 bytes (after an attempt
    without its thumbnail), XMP above 65,504 bytes and ICC profiles above 16.7 MB have no room,
    and alpha is laid onto white. In TIFF, EXIF is stored as TIFF tags: the same content, other
    bytes. WebP keeps alpha lossless.

    Args:
        picture: what to write.
        target: a path, or a binary stream, which is written to from where it stands.
        format: ``"png"``, ``"jpg"``, ``"webp"`` or ``"tif"``; ``"jpeg"`` and ``"tiff"`` too.
        quality: 1 to 100, for ``"jpg"`` and ``"webp"``. From 90 on, JPEG keeps full colour
            resolution; 100 makes WebP lossless.
        like_source: store what was grey with one channel, and what was bilevel and still is with
            one bit (PNG, and TIFF in CCITT group 4); else everything is RGB.
        atomic: write paths by way of `aeimage.files.atomic_write`; else directly.
        overwrite: whether an existing file may be replaced.

    Returns:
        Sentences about what the format had no room for; mostly none.

    Raises:
        UsageError: unknown format, or a quality out of range.
        PictureFormatError: the picture is too wide or too high for the format.
        OutputExistsError: the file exists and `overwrite` is false.
        OSError: the system refused.
    """
    format = _ALIASES.get(format, format)
    if format not in OUTPUT_FORMATS:
        raise UsageError.for_value("format", f"one of {', '.join(OUTPUT_FORMATS)}", format)
    if not isinstance(quality, int) or not 1 <= quality <= 100:
        raise UsageError.for_value("quality", "an integer from 1 to 100", quality)
    limit = _MAX_SIDE[format]
    if max(picture.width, picture.height) > limit:
        raise PictureFormatError(
            f"{format} files hold at most {limit} pixels a side, the picture has "
            f"{picture.width} x {picture.height}. Choose png or tif."
        )
    notes: list[str] = []

    def encode(stream: BinaryIO) -> None:
        _encode(picture, stream, format, quality, like_source, notes)

    _write(encode, target, atomic=atomic, overwrite=overwrite)
    return notes


def write_pages(
    pages: Iterable[Picture],
    target: str | os.PathLike[str] | BinaryIO,
    *,
    like_source: bool = False,
    overwrite: bool = True,
) -> list[str]:
    """Write a TIFF file of several pages, each with its metadata; see `write_picture`.

    Args:
        pages: taken one after the other while the file is written, so that a generator keeps one
            page in memory.
        target, like_source, overwrite: as for `write_picture`. Paths are written atomically.

    Returns:
        Sentences about what was lost; mostly none.

    Raises:
        OutputExistsError: the file exists and `overwrite` is false.
        OSError: the system refused.
    """
    notes: list[str] = []

    def encode(stream: BinaryIO) -> None:
        writer = TiffImagePlugin.AppendingTiffWriter(stream)
        for page in pages:
            image, options = _prepared(page, "tif", 95, like_source, notes)
            image.save(writer, "TIFF", **options)
            writer.finalize()  # links the page to the one before
            _add_exif(page, stream, notes)
            writer.setup()  # finds the end of the file for the next page

    _write(encode, target, overwrite=overwrite)
    return notes


def _write(
    encode: Writer,
    target: str | os.PathLike[str] | BinaryIO,
    *,
    atomic: bool = True,
    overwrite: bool = True,
) -> None:
    if not isinstance(target, (str, os.PathLike)):
        # Pillow's TIFF writer seeks to the start of what it is given, and others bypass the
        # stream for its file descriptor: hand them a file of their own.
        with tempfile.SpooledTemporaryFile(max_size=2**26) as buffer:
            encode(buffer)  # type: ignore[arg-type]
            buffer.seek(0)
            shutil.copyfileobj(buffer, target, 2**20)
    elif atomic:
        atomic_write(target, encode, overwrite=overwrite)
    else:
        with open(target, "w+b" if overwrite else "x+b") as stream:
            encode(stream)


def _encode(
    picture: Picture,
    stream: BinaryIO,
    format: str,
    quality: int,
    like_source: bool,
    notes: list[str],
) -> None:
    image, options = _prepared(picture, format, quality, like_source, notes)
    image.save(stream, _PILLOW_FORMATS[format], **options)
    if format == "tif":
        _add_exif(picture, stream, notes)


def _prepared(
    picture: Picture, format: str, quality: int, like_source: bool, notes: list[str]
) -> tuple[Image.Image, dict[str, Any]]:
    """The picture for Pillow, and the options to save it with."""
    if format == "jpg" and picture.alpha is not None:
        if int(picture.alpha.min()) < 255:
            notes.append("JPEG has no transparency: it was laid onto white.")
        flat = replace(picture, rgb=_on_white(picture.rgb, picture.alpha), alpha=None)
        image = to_pillow(flat, like_source=like_source)
    else:
        image = to_pillow(picture, like_source=like_source)
    if image.mode == "L" and picture.source_mode == "1" and format in ("png", "tif"):
        image = _bilevel(image)
    image.info.clear()  # what is to be written is passed explicitly
    options: dict[str, Any] = {"icc_profile": picture.icc, "dpi": picture.dpi}
    extra = {"png": _png, "jpg": _jpeg, "webp": _webp, "tif": _tiff}[format]
    options |= extra(picture, quality, notes)
    if image.mode == "1" and format == "tif":
        del options["exif"][_PREDICTOR_TAG]
        options["compression"] = "group4"
    return image, {key: value for key, value in options.items() if value is not None}


def _bilevel(image: Image.Image) -> Image.Image:
    """A grey picture as one of 1 bit, if it is nothing but black and white."""
    counts = image.histogram()
    return image.convert("1") if counts[0] + counts[255] == sum(counts) else image


def _add_exif(picture: Picture, stream: BinaryIO, notes: list[str]) -> None:
    if picture.exif:
        try:
            append_exif(stream, picture.exif)
        except PARSER_ERRORS:
            notes.append("The EXIF block is damaged and could not be written as TIFF tags.")


def _png(picture: Picture, quality: int, notes: list[str]) -> dict[str, Any]:
    text = PngImagePlugin.PngInfo()
    if picture.xmp:
        try:
            text.add_itxt("XML:com.adobe.xmp", picture.xmp.decode("utf-8"))
        except UnicodeDecodeError:
            notes.append("PNG stores XMP as UTF-8, this XMP is not: dropped.")
    return {"pnginfo": text, "exif": picture.exif, "compress_level": PNG_LEVEL}


def _jpeg(picture: Picture, quality: int, notes: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {"quality": quality}
    if quality >= 90:
        options["subsampling"] = "4:4:4"
    exif = picture.exif
    if exif and len(exif) > _JPEG_EXIF_BYTES:
        exif = exif_block.without_thumbnail(exif)
    if exif and len(exif) > _JPEG_EXIF_BYTES:
        notes.append(f"JPEG has no room for EXIF of {len(exif)} bytes: dropped.")
        exif = None
    if exif:
        options["exif"] = b"Exif\0\0" + exif
    if picture.xmp and len(picture.xmp) > _JPEG_XMP_BYTES:
        notes.append(f"JPEG has no room for XMP of {len(picture.xmp)} bytes: dropped.")
    elif picture.xmp:
        options["xmp"] = picture.xmp
    if picture.icc and len(picture.icc) > _JPEG_ICC_BYTES:
        notes.append(f"JPEG has no room for an ICC profile of {len(picture.icc)} bytes: dropped.")
        options["icc_profile"] = None
    return options


def _webp(picture: Picture, quality: int, notes: list[str]) -> dict[str, Any]:
    # "exact" keeps the colours under full transparency, which lossless promises.
    lossless = quality == 100
    return {
        "quality": 75 if lossless else quality,  # lossless: how hard to try
        "lossless": lossless,
        "exact": lossless,
        "exif": picture.exif,
        "xmp": picture.xmp,
    }


def _tiff(picture: Picture, quality: int, notes: list[str]) -> dict[str, Any]:
    tags = Image.Exif()
    if picture.xmp:
        tags[_XMP_TAG] = picture.xmp
    tags[_PREDICTOR_TAG] = _HORIZONTAL
    return {"exif": tags, "compression": "tiff_adobe_deflate"}


def _on_white(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = alpha.shape
    flat = np.empty_like(rgb)
    step = max(1, BAND_PIXELS // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        opacity = alpha[rows, :, None].astype(np.uint16)
        flat[rows] = (rgb[rows] * opacity + 255 * (255 - opacity) + 127) // 255
    return flat
