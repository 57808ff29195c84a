"""Opening picture files with Pillow: identified here, size checked first, no stray warnings.

`PIL.Image.open` tries every plugin there is (one of them starts Ghostscript) and applies a
global size limit. Here the first bytes choose one of six plugins, and the limit is the caller's.

Three things are process-wide: `warnings`, ``Image.MAX_IMAGE_PIXELS`` and Pillow's limit on what
PNG compresses beside its pixels, which is too low for some ICC profiles. They are touched only
inside `quiet`, which holds a lock, for the milliseconds that a header takes (and while a TIFF
above Pillow's limit is decoded). The limit on pixels is touched only if the caller's is higher.
During that time another thread that calls Pillow directly would be without its warnings and
those limits; callers of aeimage are not affected. What cannot be silenced is libtiff, which
prints a line to stderr for some damaged compressed TIFF files.
"""

from __future__ import annotations

import logging
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from aeimage.errors import (
    AEImageError,
    DamagedPictureError,
    PictureFileError,
    PictureTooLargeError,
    UnsupportedPictureError,
)
from aeimage.limits import MAX_METADATA_BYTES

PARSER_ERRORS = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError),
    *(RuntimeError, SyntaxError, TypeError, ValueError, struct.error),
)
"""What Pillow's parsers of tags and frames raise on damaged ones."""

_LOCK = threading.RLock()

# Where the program has not set up logging, Python prints Pillow's records to stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# The classes themselves, not Image.open: JpegImageFile reads the first picture of an MPO file.
_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
_KNOWN_STRANGERS = {
    b"ftypavif": "AVIF",
    b"ftypheic": "HEIC",
    b"ftypmif1": "HEIF",
    b"ftypcrx ": "Canon raw",
}


def identify(start: bytes, name: str) -> str:
    """Which of the supported formats a file's first 16 bytes belong to.

    Raises:
        UnsupportedPictureError: none of them.
        DamagedPictureError: there are no bytes.
    """
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP"
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if start[:2] == b"BM":
        return "BMP"
    if start[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    expected = f"expected {', '.join(list(_PLUGINS)[:-1])} or {list(_PLUGINS)[-1]}"
    if not start:
        raise DamagedPictureError(f"{name}: the file is empty, {expected}.")
    kind = _KNOWN_STRANGERS.get(start[4:12])
    what = f"{kind} is not read here" if kind else f"not a picture (it begins with {start[:8]!r})"
    raise UnsupportedPictureError(f"{name}: {what}, {expected}. Convert it to PNG or TIFF first.")


def open_image(stream: BinaryIO, kind: str, name: str, limit: int | None) -> ImageFile.ImageFile:
    """Open a picture without decoding it.

    Args:
        stream: seekable; the picture begins at position 0.
        kind: what `identify` said.
        name: of the file, for messages.
        limit: largest allowed width times height, or None.

    Raises:
        PictureTooLargeError, DamagedPictureError: as their names say.
    """
    stream.seek(0)
    if kind == "WebP":
        # Pillow's decoder takes memory for the whole picture as soon as it is created.
        check_size(webp_size(stream.read(30)), name, limit)
        stream.seek(0)
    with translated_errors(name), quiet(limit):
        image = _PLUGINS[kind](stream)
    check_size(image.size, name, limit)
    return image


def open_page(
    stream: BinaryIO, kind: str, name: str, limit: int | None, page: int
) -> ImageFile.ImageFile:
    """Open one page of a file, counted from 0, without decoding it; see `open_image`."""
    image = open_image(stream, kind, name, limit)
    if page:
        with translated_errors(name), quiet(limit):
            image.seek(page)
        check_size(image.size, name, limit)
    return image


def load(image: ImageFile.ImageFile, kind: str, name: str) -> Image.Image:
    """Decode an opened picture; returns it, or another one with the same pixels and info.

    Raises:
        DamagedPictureError: it is truncated or corrupt.
    """
    pixels = image.width * image.height
    with translated_errors(name):
        if kind == "WebP":
            return _load_webp(image)
        # Of the six, only TIFF checks Pillow's limit once more while it loads.
        if kind == "TIFF" and pixels > (Image.MAX_IMAGE_PIXELS or pixels):
            with quiet(None):
                image.load()
        else:
            image.load()
    return image


def webp_size(start: bytes) -> tuple[int, int]:
    """Width and height from the first 30 bytes of a WebP file (RFC 9649); (0, 0) if unclear."""
    chunk = start[12:16]
    if len(start) == 30 and chunk == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", start, 24)
        return (high_w << 16 | low_w) + 1, (high_h << 16 | low_h) + 1
    if len(start) == 30 and chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", start, 26)
        return width & 0x3FFF, height & 0x3FFF
    if len(start) >= 25 and chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", start, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def check_size(size: tuple[int, int], name: str, limit: int | None) -> None:
    """Raise `PictureTooLargeError` if width times height exceeds the limit."""
    width, height = size
    if limit is not None and width * height > limit:
        raise PictureTooLargeError.for_size(name, width, height, limit)


@contextmanager
def quiet(limit: int | None = 0) -> Iterator[None]:
    """Without Python warnings, and with Pillow's limit raised to `limit` if that is higher."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, png_before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
        PngImagePlugin.MAX_TEXT_CHUNK = max(png_before, MAX_METADATA_BYTES)
        # Pillow raises an error above twice its limit, below it only warns.
        raised = before is not None and (limit is None or limit > 2 * before)
        if raised:
            Image.MAX_IMAGE_PIXELS = None if limit is None else -(-limit // 2)
        try:
            yield
        finally:
            PngImagePlugin.MAX_TEXT_CHUNK = png_before
            if raised:
                Image.MAX_IMAGE_PIXELS = before


@contextmanager
def translated_errors(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises on bad files into errors that name the file and the reason."""
    try:
        yield
    except AEImageError:
        raise
    except MemoryError as error:
        raise DamagedPictureError(
            f"{name}: there is not enough memory to decode it, or its header lies about its size."
        ) from error
    except OSError as error:
        if error.errno is not None:  # from the system, not Pillow's own
            raise PictureFileError(f"{name}: cannot be read: {error.strerror}.") from error
        raise _damaged(name, error) from error
    except Exception as error:  # Pillow's plugins raise a dozen kinds
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> DamagedPictureError:
    reason = str(error) or type(error).__name__
    return DamagedPictureError(
        f"{name}: the picture is damaged, truncated or of an unusual kind: {reason}. "
        "Try to open it in an editor and save it anew."
    )


def _load_webp(image: ImageFile.ImageFile) -> Image.Image:
    """Decode the first frame at three quarters of the memory that `image.load` takes."""
    decoder = getattr(image, "_decoder", None)
    raw_mode = getattr(image, "rawmode", None)
    if decoder is None or raw_mode not in ("RGBX", "RGBA"):
        image.load()  # another Pillow than those known to the author
        return image
    frame = decoder.get_next()
    if frame is None:
        raise EOFError("its first frame cannot be decoded")
    # The decoder holds two pictures of 4 bytes a pixel; the frame is a third.
    del image._decoder, decoder
    mapped = Image.frombuffer(raw_mode, image.size, frame[0], "raw", raw_mode, 0, 1)
    mapped.info = dict(image.info)
    return mapped
