"""Which characters a TrueType or OpenType file has glyphs for, read from its ``cmap`` table.

Pillow draws what a font lacks as a box and does not say so.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

_UNICODE = ((3, 10), (0, 6), (0, 4), (3, 1), (0, 3), (0, 2), (0, 1), (0, 0))


def mapped_characters(path: Path, index: int = 0) -> frozenset[str]:
    """Return the characters of the Basic Multilingual Plane that a font has glyphs for.

    Args:
        path: a ``.ttf``, ``.otf``, ``.ttc`` or ``.otc`` file.
        index: of the font in a collection.

    Raises:
        ValueError: not such a file, no font of that number in it, or no Unicode table.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        try:
            return _characters(file, index)
        except (struct.error, IndexError) as error:
            raise ValueError(f"{path}: damaged font: {error}") from error


def _characters(file, index: int) -> frozenset[str]:
    start = 0
    head = file.read(12)
    if head[:4] == b"ttcf":
        (count,) = struct.unpack(">L", head[8:12])
        if index >= count:
            raise ValueError(f"no font {index} among {count}")
        file.seek(12 + 4 * index)
        (start,) = struct.unpack(">L", file.read(4))
        file.seek(start)
        head = file.read(12)
    elif index:
        raise ValueError("a single font")
    (tables,) = struct.unpack(">H", head[4:6])
    for _ in range(tables):
        tag, _, offset, length = struct.unpack(">4sLLL", file.read(16))
        if tag == b"cmap":
            file.seek(offset)
            return _from_cmap(file.read(length))
    raise ValueError("no table of characters")


def _from_cmap(cmap: bytes) -> frozenset[str]:
    (count,) = struct.unpack(">H", cmap[2:4])
    offsets = {}
    for record in range(count):
        platform, encoding, offset = struct.unpack(">HHL", cmap[4 + 8 * record : 12 + 8 * record])
        offsets[platform, encoding] = offset
    for key in _UNICODE:
        table = cmap[offsets[key] :] if key in offsets else b""
        if table[:2] == b"\0\x04":
            return _format_4(table)
        if table[:2] == b"\0\x0c":
            return _format_12(table)
    raise ValueError("no Unicode table of characters")


def _format_4(table: bytes) -> frozenset[str]:
    """Segments of 16-bit codes, each with a shift or with an array of glyph numbers."""
    words = np.frombuffer(table[: len(table) // 2 * 2], ">u2").astype(np.int64)
    count = int(words[3]) // 2
    ends, starts, shifts, places = (
        words[at : at + count] for at in (7, 8 + count, 8 + 2 * count, 8 + 3 * count)
    )
    found: list[str] = []
    for i in range(count):
        codes = np.arange(starts[i], ends[i] + 1)
        glyphs = codes + shifts[i]
        if places[i]:
            # Counted from the place itself, as the format has it.
            at = 8 + 3 * count + i + places[i] // 2 + codes - starts[i]
            listed = words[np.minimum(at, len(words) - 1)]
            glyphs = np.where(listed, listed + shifts[i], 0)
        found += map(chr, codes[(glyphs & 0xFFFF) > 0].tolist())
    return frozenset(found)


def _format_12(table: bytes) -> frozenset[str]:
    """Groups of 32-bit codes with consecutive glyph numbers."""
    (count,) = struct.unpack(">L", table[12:16])
    groups = np.frombuffer(table[16 : 16 + 12 * count], ">u4").reshape(-1, 3).astype(np.int64)
    found: list[str] = []
    for first, last, glyph in groups.tolist():
        codes = range(first + (glyph == 0), min(last, 0xFFFF) + 1)
        found += map(chr, codes)
    return frozenset(found)
