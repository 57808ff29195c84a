"""Builders of picture files that Pillow cannot write: odd depths, planes, profiles, EXIF.

They are fixtures rather than functions to import, so that they work in every import mode.
"""

import io
import struct
import zlib

import numpy as np
import pytest


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def _png(rows, width, depth, colour_type, before=(), after=()) -> bytes:
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    chunks = [(b"IHDR", header), *before, (b"IDAT", pixels), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


_FORMATS = {1: "B", 3: "H", 4: "I", 7: "B"}


def _directory(tags, order, offset, next_offset=0) -> bytes:
    """An IFD at `offset`; tags: number -> (type, values or bytes); a type 5 takes pairs."""
    entries, tail = b"", b""
    tail_at = offset + 2 + 12 * len(tags) + 4
    for tag in sorted(tags):
        kind, values = tags[tag]
        if isinstance(values, bytes):
            data = values
        elif kind == 5:
            data = b"".join(struct.pack(order + "II", *pair) for pair in values)
        else:
            data = struct.pack(f"{order}{len(values)}{_FORMATS[kind]}", *values)
        entries += struct.pack(order + "HHI", tag, kind, len(values))
        if len(data) <= 4:
            entries += data.ljust(4, b"\0")
        else:
            entries += struct.pack(order + "I", tail_at + len(tail))
            tail += data + b"\0" * (len(data) % 2)
    return (
        struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", next_offset) + tail
    )


def _tiff(tags, strips, order="<", deflate=False) -> bytes:
    if deflate:
        strips = [zlib.compress(strip) for strip in strips]
    tags = dict(tags) | {259: (3, [8 if deflate else 1]), 279: (4, [len(s) for s in strips])}
    size = len(_directory(tags | {273: (4, [0] * len(strips))}, order, 8))
    starts = np.cumsum([8 + size, *(len(s) for s in strips)])[:-1].tolist()
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return head + _directory(tags | {273: (4, starts)}, order, 8) + b"".join(strips)


def _exif(orientation=1, order="<", thumbnail=b"", tags=None) -> bytes:
    """EXIF with make, orientation, a sub-directory with a maker note, and maybe a thumbnail."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    first = {0x010F: (2, b"A maker\0"), 0x0112: (3, [orientation])} | (tags or {})
    first[0x8769] = (4, [0])
    exif_at = 8 + len(_directory(first, order, 8))
    exif_at += exif_at % 2
    inner = _directory({0x927C: (7, b"maker note " * 3), 0xA002: (4, [4000])}, order, exif_at)
    second_at = exif_at + len(inner) if thumbnail else 0
    first[0x8769] = (4, [exif_at])
    block = head + _directory(first, order, 8, second_at)
    block += b"\0" * (exif_at - len(block)) + inner
    if thumbnail:
        second = {0x0112: (3, [orientation]), 0x0201: (4, [0]), 0x0202: (4, [len(thumbnail)])}
        second[0x0201] = (4, [second_at + len(_directory(second, order, second_at))])
        block += _directory(second, order, second_at) + thumbnail
    return block


def _icc(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC version 2 profile, minimal but valid."""
    tags = {
        b"desc": b"desc" + struct.pack(">4xI", 5) + b"test\0" + bytes(12 + 67),
        b"wtpt": b"XYZ " + struct.pack(">4x3i", 63190, 65536, 54061),
        b"cprt": b"text\0\0\0\0none\0",
    } | tags
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"test", 0x02100000, b"prtr", space, b"Lab ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    if space != b"CMYK":
        head = head[:20] + b"XYZ " + head[24:]
    return head.ljust(128, b"\0") + table + body


@pytest.fixture
def png():
    return _png


@pytest.fixture
def tiff():
    return _tiff


@pytest.fixture
def exif():
    return _exif


@pytest.fixture
def cmyk_profile() -> bytes:
    """No ink is white; full cyan alone is a mid grey (L* = 50), everything else black."""
    corners = np.zeros((16, 3))
    corners[:, 1:] = 128
    corners[0, 0] = 255
    corners[8, 0] = 128  # C is the first, slowest axis
    lut = b"mft1" + struct.pack(">4xBBBx", 4, 3, 2)
    lut += struct.pack(">9i", *(65536 * int(i % 4 == 0) for i in range(9)))
    identity = bytes(range(256))
    lut += identity * 4 + corners.astype(np.uint8).tobytes() + identity * 3
    return _icc(b"CMYK", {b"A2B0": lut, b"A2B1": lut})


@pytest.fixture
def grey_profile() -> bytes:
    """Linear light."""
    return _icc(b"GRAY", {b"kTRC": b"curv" + struct.pack(">4xI", 0)})


@pytest.fixture
def saved():
    def save(image, format, **options) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, format, **options)
        return buffer.getvalue()

    return save


@pytest.fixture
def random():
    return np.random.default_rng(7)
