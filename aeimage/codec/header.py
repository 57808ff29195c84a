"""The first bytes of a file: what it is, how large the picture, which model decodes it."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass

from aeimage.codec.bytestream import ByteReader, varint
from aeimage.errors import (
    ChecksumError,
    LimitExceededError,
    MalformedFileError,
    NotAnAeiFileError,
    TruncatedFileError,
    UnsupportedVersionError,
    UsageError,
)
from aeimage.limits import DEFAULT_MAX_PIXELS, MODEL_ID_BYTES

MAGIC = b"\x89AEI\r\n\x1a\n"
"""As PNG's (ISO/IEC 15948, 5.2): a byte that no text has, both line ends, and DOS's end of file."""
VERSION = 1
MAX_SIDE = 2**20 - 1
"""Largest width and largest height, in pixels."""
MAX_BODY = 2**35 - 1
"""Largest number of bytes after the header."""
MAX_HEADER_BYTES = len(MAGIC) + 2 + 3 + 3 + 2 + MODEL_ID_BYTES + 5 + 4
"""No header is longer: so many bytes, or the whole file, are enough for `read_header`."""

_QUALITY_STEPS = 100


@dataclass(frozen=True)
class Header:
    """What stands before the chunks.

    Attributes:
        width, height: of the picture in pixels, 1 to `MAX_SIDE`.
        quality: 0 to 100, rounded to hundredths here, since that is what the file keeps: encode
            with ``header.quality`` and the decoder uses the same number.
        model_id: 8 bytes, the beginning of the SHA-256 of all that decoding depends on.
        version: of the format.

    Raises:
        UsageError: a field is out of range.
    """

    width: int
    height: int
    quality: float
    model_id: bytes
    version: int = VERSION

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= MAX_SIDE:
                raise UsageError.for_value(name, f"an integer from 1 to {MAX_SIDE}", value)
        if not (math.isfinite(self.quality) and 0 <= self.quality <= 100):
            raise UsageError.for_value("quality", "a number from 0 to 100", self.quality)
        if not isinstance(self.model_id, bytes) or len(self.model_id) != MODEL_ID_BYTES:
            raise UsageError.for_value("model_id", f"{MODEL_ID_BYTES} bytes", self.model_id)
        if self.version != VERSION:
            raise UsageError.for_value("version", str(VERSION), self.version)
        quality = round(self.quality * _QUALITY_STEPS) / _QUALITY_STEPS
        object.__setattr__(self, "quality", quality)


def header_bytes(header: Header, body_length: int) -> tuple[bytes, int]:
    """Write a header.

    Args:
        header: the fields.
        body_length: number of bytes that will follow, 0 to `MAX_BODY`.

    Returns:
        the bytes, and their CRC-32, which the chunks' checksums continue.
    """
    if not 0 <= body_length <= MAX_BODY:
        raise UsageError.for_value("body_length", f"0 to {MAX_BODY} bytes", body_length)
    fields = (
        MAGIC
        + struct.pack("<BB", header.version, 0)
        + varint(header.width)
        + varint(header.height)
        + struct.pack("<H", round(header.quality * _QUALITY_STEPS))
        + header.model_id
        + varint(body_length)
    )
    checksum = zlib.crc32(fields)
    return fields + struct.pack("<I", checksum), checksum


def read_header(data: bytes | memoryview, *, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> Header:
    """Read the header alone, from the first `MAX_HEADER_BYTES` bytes of a file or more.

    Args:
        data: the beginning of a file.
        max_pixels: largest picture to accept, in pixels; None accepts any.

    Raises:
        FileFormatError: see `read_container`; that bytes are missing or added behind the header
            is not noticed here.
    """
    header, _ = parse_header(ByteReader(memoryview(data)[:MAX_HEADER_BYTES]), max_pixels)
    return header


def parse_header(reader: ByteReader, max_pixels: int | None) -> tuple[Header, int]:
    """Read a header; returns it and the number of bytes that should follow."""
    _check_magic(reader)
    version = reader.unsigned("B", "header")
    if version != VERSION:
        raise UnsupportedVersionError(
            f"The file says it is of format version {version}, this aeimage reads version "
            f"{VERSION}. If it was written by a newer aeimage, upgrade: pip install --upgrade "
            "aeimage. If not, it is damaged."
        )
    flags = reader.unsigned("B", "header")
    width = reader.varint(MAX_SIDE, "width")
    height = reader.varint(MAX_SIDE, "height")
    quality = reader.unsigned("H", "header")
    model_id = reader.take(MODEL_ID_BYTES, "header")
    body_length = reader.varint(MAX_BODY, "length of the body")
    expected = reader.checksum
    if not reader.check("header"):
        raise ChecksumError(
            f"The header is damaged: its bytes have the CRC-32 {expected:08x}, which is not the "
            "one written behind them. Get the file again from where it came from."
        )
    # From here on the bytes are what some encoder wrote.
    if flags:
        raise UnsupportedVersionError(
            f"The file sets the header flags {flags:#04x}, of which this aeimage knows none: it "
            "was written by a newer one. Upgrade: pip install --upgrade aeimage."
        )
    if not width or not height or quality > 100 * _QUALITY_STEPS:
        raise MalformedFileError(
            f"The header makes no sense: width {width}, height {height}, quality "
            f"{quality / _QUALITY_STEPS}; expected sizes from 1 and a quality of at most 100. The "
            "program that wrote it is at fault."
        )
    if max_pixels is not None and width * height > max_pixels:
        raise LimitExceededError(
            f"The picture is too large: {width} x {height} = {width * height} pixels, expected at "
            f"most {max_pixels}. A small file with such a header may be an attack on memory. If "
            "you trust it, raise or lift the limit (`max_pixels` in Python, `--max-pixels` on the "
            "command line)."
        )
    return Header(width, height, quality / _QUALITY_STEPS, model_id, version), body_length


def _check_magic(reader: ByteReader) -> None:
    start = reader.take(min(len(MAGIC), reader.remaining), "magic")
    if start == MAGIC:
        return
    if MAGIC.startswith(start):
        raise TruncatedFileError(
            f"The file has only {len(start)} bytes, too few for a header: it was cut short. Get it "
            "again from where it came from."
        )
    if b"AEI" in start:
        raise NotAnAeiFileError(
            f"The file was damaged on its way: it begins with {start.hex(' ')}, expected "
            f"{MAGIC.hex(' ')}. This happens where a program treats it as text and changes its "
            "line ends or its top bits (FTP in ASCII mode, Git without `*.aei binary`, an "
            "editor). Get it again, in binary mode; it cannot be repaired."
        )
    raise NotAnAeiFileError(
        f"This is no .aei file: it begins with {start.hex(' ')}, expected {MAGIC.hex(' ')}."
    )
