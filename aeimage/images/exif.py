"""Orientation and thumbnail of an EXIF block, edited in place.

Pillow can only parse EXIF and write it anew, which loses maker notes that count their offsets
from the start of the block, unknown tags and the thumbnail. Here a few bytes are patched and all
others stay. Layout: TIFF 6.0 and CIPA DC-008 (EXIF 2.32), 4.5 to 4.6. Damaged blocks raise
nothing: what cannot be found counts as absent.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

ORIENTATION = 0x0112
_EXIF_IFD, _GPS_IFD, _INTEROP_IFD = 0x8769, 0x8825, 0xA005
_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 0x0201, 0x0202
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_INTEGER_CODES = {1: "B", 3: "H", 4: "I"}


class _Entry(NamedTuple):
    type: int
    count: int
    start: int  # where the value's bytes begin
    end: int


class _Directory(NamedTuple):
    start: int
    entries: dict[int, _Entry]
    next_at: int  # where the offset of the next directory is stored
    next: int


def normalised(data: bytes) -> bytes | None:
    """EXIF without the ``Exif\\0\\0`` prefixes JPEG needs; None if it is no EXIF."""
    while data.startswith(b"Exif\0\0"):
        data = data[6:]
    return data if data[:4] in (b"II*\0", b"MM\0*") and len(data) >= 8 else None


def orientation(exif: bytes) -> int:
    """The orientation tag, 1 to 8; 1 where it is absent or makes no sense."""
    first = _first_directory(exif)
    value = _integer(exif, first.entries.get(ORIENTATION)) if first else None
    return value if value is not None and 1 <= value <= 8 else 1


def has_tag(exif: bytes, tag: int) -> bool:
    """Whether the block's first directory has a tag."""
    first = _first_directory(exif)
    return first is not None and tag in first.entries


def upright(exif: bytes) -> bytes:
    """The block after its orientation was applied to the pixels: tag 1, no stale thumbnail.

    The thumbnail still lies on its side, so it goes; every other byte stays.
    """
    first = _first_directory(exif)
    entry = first.entries.get(ORIENTATION) if first else None
    if entry is None or _integer(exif, entry) in (None, 1):
        return exif
    block = bytearray(exif)
    struct.pack_into(_order(exif) + _INTEGER_CODES[entry.type], block, entry.start, 1)
    return without_thumbnail(bytes(block))


def without_thumbnail(exif: bytes) -> bytes:
    """The block with its thumbnail directory unlinked and the thumbnail's bytes removed.

    They are cut off where they end the block, as they mostly do, else overwritten by zeros,
    unless something else lies there too.
    """
    first = _first_directory(exif)
    second = _directory(exif, first.next) if first else None
    if first is None or second is None:
        return exif
    block = bytearray(exif)
    block[first.next_at : first.next_at + 4] = bytes(4)
    start = _integer(exif, second.entries.get(_THUMBNAIL_OFFSET))
    length = _integer(exif, second.entries.get(_THUMBNAIL_LENGTH))
    if start is None or length is None or start < 8 or start + length > len(exif):
        return bytes(block)
    spans = _spans(exif, first)
    last_used = max(end for _, end in spans)
    if start >= last_used and len(exif) - (start + length) < 16:
        return bytes(block[: min(first.next, start) if first.next >= last_used else start])
    if all(start + length <= used or end <= start for used, end in spans):
        block[start : start + length] = bytes(length)
    return bytes(block)


def xmp_upright(xmp: bytes) -> bytes:
    """XMP with every ``tiff:Orientation`` set to 1, for pixels that were turned by EXIF."""
    return re.sub(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8](\s*[\"'<])", rb"\g<1>1\g<2>", xmp)


def _order(exif: bytes) -> str:
    return "<" if exif[:2] == b"II" else ">"


def _first_directory(exif: bytes) -> _Directory | None:
    if len(exif) < 8:
        return None
    return _directory(exif, struct.unpack_from(_order(exif) + "I", exif, 4)[0])


def _directory(exif: bytes, offset: int) -> _Directory | None:
    if not 8 <= offset <= len(exif) - 2:
        return None
    order = _order(exif)
    (count,) = struct.unpack_from(order + "H", exif, offset)
    next_at = offset + 2 + 12 * count
    if next_at > len(exif):
        return None
    # Some writers end the block without the offset of a next directory.
    following = struct.unpack_from(order + "I", exif, next_at)[0] if next_at + 4 <= len(exif) else 0
    entries = {}
    for at in range(offset + 2, next_at, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", exif, at)
        size = _TYPE_SIZES.get(kind, 0) * length
        start = at + 8 if size <= 4 else struct.unpack_from(order + "I", exif, at + 8)[0]
        if size and start + size <= len(exif):
            entries[tag] = _Entry(kind, length, start, start + size)
    return _Directory(offset, entries, next_at, following)


def _integer(exif: bytes, entry: _Entry | None) -> int | None:
    if entry is None or entry.count != 1 or entry.type not in _INTEGER_CODES:
        return None
    return struct.unpack_from(_order(exif) + _INTEGER_CODES[entry.type], exif, entry.start)[0]


def _main_directories(exif: bytes, first: _Directory) -> list[_Directory]:
    """The first directory and those it points to, without the thumbnail's."""
    found = [first]
    pointers = [first.entries.get(_EXIF_IFD), first.entries.get(_GPS_IFD)]
    for pointer in pointers:
        inner = _directory(exif, _integer(exif, pointer) or 0)
        if inner:
            found.append(inner)
            interop = _directory(exif, _integer(exif, inner.entries.get(_INTEROP_IFD)) or 0)
            found += [interop] if interop else []
    return found


def _spans(exif: bytes, first: _Directory) -> list[tuple[int, int]]:
    """Byte ranges that the main directories and their values occupy."""
    spans = []
    for directory in _main_directories(exif, first):
        spans.append((directory.start, directory.next_at + 4))
        spans += [(entry.start, entry.end) for entry in directory.entries.values()]
    return spans
