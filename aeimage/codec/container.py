"""Chunks to a file and back; ``docs/format.md`` states every byte.

::

    magic, version, flags, width, height, quality, model id, length of the rest, CRC-32
    type, length, payload, CRC-32        hyper-latents
    type, length, payload, CRC-32        latents, a chunk for each stripe
    type, length, payload, CRC-32        ICC, EXIF, XMP, alpha, resolution: those that there are

Chunks stand in rising order of type. Each CRC-32 continues the one before it, so it vouches for
everything up to itself: a chunk that was changed, moved, or comes from another file, is noticed
and costs no byte more.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

from aeimage.codec.bytestream import ByteReader, varint
from aeimage.codec.header import (
    MAX_BODY,
    Header,
    header_bytes,
    parse_header,
    read_header,
)
from aeimage.codec.stripes import stripe_count
from aeimage.errors import (
    ChecksumError,
    LimitExceededError,
    MalformedFileError,
    TruncatedFileError,
    UnsupportedVersionError,
    UsageError,
)
from aeimage.limits import DEFAULT_MAX_PIXELS, MAX_METADATA_BYTES

__all__ = [
    "Container",
    "Header",
    "read_container",
    "read_header",
    "write_container",
]

MAX_INFLATED_BYTES = 16 * 2**20
"""Larger metadata is stored as it is: a few bytes of file must not become many of memory."""

_FIRST_ANCILLARY = 128
_DPI_STEPS = 100
_MAX_DPI = 1_000_000
_STORED, _DEFLATED = 0, 1


class Chunk(IntEnum):
    """Types of chunks. Readers reject unknown types below 128 and skip those from 128 on."""

    HYPER = 1
    STRIPE = 2
    ICC = 3
    EXIF = 4
    XMP = 5
    ALPHA = 6
    RESOLUTION = 7


@dataclass
class Container:
    """Everything that a file holds.

    Attributes:
        header: size, quality and model.
        hyper: entropy-coded hyper-latents; may be empty.
        stripes: entropy-coded latents, one item for each of `aeimage.codec.stripes.stripe_bounds`;
            items may be empty.
        icc, exif, xmp: metadata as `aeimage.images.Picture` has it, 1 byte to 64 MiB each, or
            None.
        alpha: what `aeimage.codec.alpha.encode_alpha` gave, or None.
        dpi: horizontal and vertical resolution in pixels per inch, 0.01 to a million, kept in
            hundredths, or None.
    """

    header: Header
    hyper: bytes
    stripes: list[bytes] = field(default_factory=list)
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    alpha: bytes | None = None
    dpi: tuple[float, float] | None = None


def write_container(container: Container) -> bytes:
    """Put a file together.

    Raises:
        UsageError: a field is outside what the format can hold.
    """
    width, height = container.header.width, container.header.height
    if len(container.stripes) != stripe_count(width, height):
        raise UsageError.for_value(
            "stripes",
            f"{stripe_count(width, height)} of them for {width} x {height} pixels",
            len(container.stripes),
        )
    payloads = [(Chunk.HYPER, container.hyper)]
    payloads += [(Chunk.STRIPE, stripe) for stripe in container.stripes]
    for kind in (Chunk.ICC, Chunk.EXIF, Chunk.XMP):
        block = getattr(container, kind.name.lower())
        if block is not None:
            payloads.append((kind, _packed(block, kind)))
    if container.alpha is not None:
        payloads.append((Chunk.ALPHA, container.alpha))
    if container.dpi is not None:
        payloads.append((Chunk.RESOLUTION, _dpi_bytes(container.dpi)))

    starts = [bytes([kind]) + varint(len(payload)) for kind, payload in payloads]
    body_length = sum(map(len, starts)) + sum(len(payload) + 4 for _, payload in payloads)
    head, checksum = header_bytes(container.header, body_length)
    parts = [head]
    for start, (_, payload) in zip(starts, payloads, strict=True):
        checksum = zlib.crc32(payload, zlib.crc32(start, checksum))
        parts += [start, payload, struct.pack("<I", checksum)]
    return b"".join(parts)


def read_container(
    data: bytes | memoryview, *, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> Container:
    """Take a file apart, checking every byte of it.

    Entropy-coded payloads are handed on as they are. Memory is bounded by the file's size and by
    `MAX_INFLATED_BYTES` for each kind of metadata, whatever the file says.

    Args:
        data: a whole file.
        max_pixels: largest picture to accept, in pixels; None accepts any.

    Raises:
        NotAnAeiFileError: no .aei file, or one that was transferred as text.
        TruncatedFileError: bytes are missing.
        ChecksumError: bytes were changed.
        UnsupportedVersionError: written by a newer aeimage.
        LimitExceededError: a field, or the picture, is larger than allowed.
        MalformedFileError: a file that no encoder writes.
    """
    reader = ByteReader(data)
    header, body_length = parse_header(reader, max_pixels)
    if reader.remaining < body_length:
        raise TruncatedFileError(
            f"The file is cut short: expected {reader.position + body_length} bytes, received "
            f"{reader.position + reader.remaining}. Get it again from where it came from."
        )
    if reader.remaining > body_length:
        raise MalformedFileError(
            f"The file goes on behind its end: expected {reader.position + body_length} bytes, "
            f"received {reader.position + reader.remaining}. Something was added, or two files "
            "were joined: get it again from where it came from."
        )
    chunks: dict[int, list[bytes]] = {}
    previous = 0
    while reader.remaining:
        kind, payload = _read_chunk(reader)
        _check_order(kind, previous)
        previous = kind
        if kind < _FIRST_ANCILLARY:
            chunks.setdefault(kind, []).append(payload)

    stripes = chunks.get(Chunk.STRIPE, [])
    expected = stripe_count(header.width, header.height)
    if Chunk.HYPER not in chunks or len(stripes) != expected:
        raise MalformedFileError(
            f"Chunks are missing: expected 1 of hyper-latents and {expected} of latents, received "
            f"{len(chunks.get(Chunk.HYPER, []))} and {len(stripes)}. The program that wrote the "
            "file is at fault."
        )

    def only(kind: Chunk) -> bytes | None:
        return chunks[kind][0] if kind in chunks else None

    resolution = only(Chunk.RESOLUTION)
    return Container(
        header=header,
        hyper=chunks[Chunk.HYPER][0],
        stripes=stripes,
        icc=_unpacked(only(Chunk.ICC), Chunk.ICC),
        exif=_unpacked(only(Chunk.EXIF), Chunk.EXIF),
        xmp=_unpacked(only(Chunk.XMP), Chunk.XMP),
        alpha=only(Chunk.ALPHA),
        dpi=None if resolution is None else _read_dpi(resolution),
    )


def _read_chunk(reader: ByteReader) -> tuple[int, bytes]:
    start = reader.position
    kind = reader.unsigned("B", "type of a chunk")
    length = reader.varint(MAX_BODY, "length of a chunk")
    payload = reader.take(length, f"chunk at byte {start}")
    if not reader.check(f"chunk at byte {start}"):
        raise ChecksumError(
            f"The chunk of type {kind} at byte {start} is damaged: the CRC-32 up to its end is "
            f"{reader.checksum:08x}, which is not the one written behind it. Get the file again "
            "from where it came from."
        )
    return kind, payload


def _check_order(kind: int, previous: int) -> None:
    if kind < _FIRST_ANCILLARY and kind not in tuple(Chunk):
        raise UnsupportedVersionError(
            f"The file has a chunk of type {kind}, which this aeimage does not know and cannot "
            "leave out: it was written by a newer one. Upgrade: pip install --upgrade aeimage."
        )
    repeatable = kind == Chunk.STRIPE or kind >= _FIRST_ANCILLARY
    if kind < previous or (kind == previous and not repeatable):
        raise MalformedFileError(
            f"A chunk of type {kind} follows one of type {previous}; expected rising types, each "
            "but stripes at most once. The program that wrote the file is at fault."
        )


def _packed(block: bytes, kind: Chunk) -> bytes:
    if not 1 <= len(block) <= MAX_METADATA_BYTES:
        raise UsageError.for_value(
            kind.name.lower(), f"1 to {MAX_METADATA_BYTES} bytes, or None", f"{len(block)} bytes"
        )
    if len(block) <= MAX_INFLATED_BYTES:
        deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
        deflated = deflater.compress(block) + deflater.flush()
        if len(deflated) < len(block):
            return bytes([_DEFLATED]) + deflated
    return bytes([_STORED]) + block


def _unpacked(payload: bytes | None, kind: Chunk) -> bytes | None:
    if payload is None:
        return None
    method, block = payload[:1], payload[1:]
    if method == bytes([_DEFLATED]):
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            block = inflater.decompress(block, MAX_INFLATED_BYTES + 1)
        except zlib.error as error:
            raise _bad_metadata(kind, f"it cannot be inflated ({error})") from error
        if len(block) > MAX_INFLATED_BYTES:
            raise LimitExceededError(
                f"The {kind.name} chunk inflates to more than {MAX_INFLATED_BYTES} bytes, the most "
                "the format allows: the file is hostile."
            )
        if not inflater.eof or inflater.unused_data:
            raise _bad_metadata(kind, "its deflate stream does not end where it does")
    elif method != bytes([_STORED]):
        raise _bad_metadata(kind, f"expected method 0 or 1, received {method.hex() or 'nothing'}")
    if not block:
        raise _bad_metadata(kind, "it is empty")
    if len(block) > MAX_METADATA_BYTES:
        raise LimitExceededError(
            f"The {kind.name} chunk has {len(block)} bytes, the format allows {MAX_METADATA_BYTES}."
        )
    return block


def _bad_metadata(kind: Chunk, what: str) -> MalformedFileError:
    return MalformedFileError(
        f"The {kind.name} chunk makes no sense: {what}. The program that wrote the file is at "
        "fault."
    )


def _dpi_bytes(dpi: tuple[float, float]) -> bytes:
    steps = [round(value * _DPI_STEPS) for value in dpi]
    if len(steps) != 2 or not all(1 <= step <= _MAX_DPI * _DPI_STEPS for step in steps):
        raise UsageError.for_value("dpi", f"two numbers from 0.01 to {_MAX_DPI}, or None", dpi)
    return b"".join(map(varint, steps))


def _read_dpi(payload: bytes) -> tuple[float, float]:
    reader = ByteReader(payload)
    steps = [reader.varint(_MAX_DPI * _DPI_STEPS, "resolution") for _ in range(2)]
    if reader.remaining or not all(steps):
        raise MalformedFileError(
            "The resolution chunk makes no sense: expected two positive numbers and nothing more. "
            "The program that wrote the file is at fault."
        )
    return steps[0] / _DPI_STEPS, steps[1] / _DPI_STEPS
