"""ICC, EXIF, XMP and resolution, as the formats that Pillow reads hand them over."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

from aeimage.images import exif as exif_block
from aeimage.limits import MAX_METADATA_BYTES

_X_RESOLUTION = 0x011A


@dataclass
class Metadata:
    """See `aeimage.images.Picture` for the fields; `orientation` is still to be applied."""

    icc: bytes | None
    exif: bytes | None
    xmp: bytes | None
    dpi: tuple[float, float] | None
    orientation: int


def read_metadata(
    image: Image.Image, notes: list[str], *, tiff_exif: bytes | None = None
) -> Metadata:
    """Collect the metadata of a loaded picture.

    Args:
        image: loaded, because PNG may hold metadata after its pixels.
        notes: takes a sentence about everything that is dropped.
        tiff_exif: what `exif_of_tiff` gave before the picture was loaded.
    """
    info = image.info
    exif = _exif(info, notes) if tiff_exif is None else tiff_exif
    xmp = _xmp(info)
    orientation = exif_block.orientation(exif) if exif else 1
    if exif and orientation != 1:
        exif = exif_block.upright(exif)
        xmp = exif_block.xmp_upright(xmp) if xmp else None
    dpi = _dpi(info.get("dpi")) if _states_resolution(image, exif) else None
    if dpi and orientation >= 5:
        dpi = dpi[::-1]
    icc = info.get("icc_profile")
    return Metadata(
        icc=_capped(icc if isinstance(icc, bytes) else None, "ICC profile", notes),
        exif=_capped(exif, "EXIF", notes),
        xmp=_capped(xmp, "XMP", notes),
        dpi=dpi,
        orientation=orientation,
    )


def _exif(info: dict, notes: list[str]) -> bytes | None:
    data = info.get("exif") or _raw_profile(info, "exif")
    if not isinstance(data, bytes) or not data:
        return None
    exif = exif_block.normalised(data)
    if exif is None:
        notes.append("The EXIF block is damaged (no TIFF header) and was dropped.")
    return exif


def _xmp(info: dict) -> bytes | None:
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or _raw_profile(info, "xmp")
    if isinstance(xmp, tuple):  # TIFF with tag 700 of type BYTE, in some files
        xmp = bytes(xmp)
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return xmp.rstrip(b"\0") or None if isinstance(xmp, bytes) else None


def _raw_profile(info: dict, kind: str) -> bytes | None:
    """Metadata as ImageMagick wrote it into PNG text before the eXIf chunk existed."""
    text = info.get(f"Raw profile type {kind}")
    if not isinstance(text, str):
        return None
    lines = text.strip().split("\n")  # the kind, the length, hexadecimal digits
    try:
        return bytes.fromhex("".join(lines[2:]))
    except ValueError:
        return None


def _states_resolution(image: Image.Image, exif: bytes | None) -> bool:
    """Whether the file states a resolution. Pillow makes one up for TIFF and JPEG, 1 or 72."""
    if hasattr(image, "tag_v2"):
        return _X_RESOLUTION in image.tag_v2
    if image.format == "JPEG" and image.info.get("jfif_unit") not in (1, 2):
        return exif is not None and exif_block.has_tag(exif, _X_RESOLUTION)
    return True


def _dpi(dpi: object) -> tuple[float, float] | None:
    try:
        x, y = (round(float(value), 2) for value in dpi)  # type: ignore[union-attr]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return (x, y) if all(math.isfinite(v) and 0 < v < 1e6 for v in (x, y)) else None


def _capped(data: bytes | None, what: str, notes: list[str]) -> bytes | None:
    if data and len(data) > MAX_METADATA_BYTES:
        notes.append(f"The {what} of {len(data)} bytes exceeds {MAX_METADATA_BYTES}: dropped.")
        return None
    return data or None
