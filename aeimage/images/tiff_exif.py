"""EXIF in TIFF files, both ways.

TIFF is not a container of an EXIF block but the same structure: what stands in a block's first
directory are tags of the TIFF file, beside those that describe how it stores its pixels. The
EXIF and GPS directories hang below. Layout: TIFF 6.0, section 2; CIPA DC-008 (EXIF 2.32), 4.6.
"""

from __future__ import annotations

import io
import os
import struct
from typing import Any, BinaryIO

from PIL import Image, TiffImagePlugin

from aeimage.images import exif as exif_block
from aeimage.images.opening import quiet

# What EXIF puts into its first directory, without the tags about stored pixels: those are false
# in any other file. Phones write ImageWidth and Compression into the EXIF of their JPEGs; in a
# TIFF file they would be taken for its own.
_DESCRIPTIVE_TAGS = frozenset(
    {
        *(0x010D, 0x010E, 0x010F, 0x0110, 0x0112, 0x011A, 0x011B, 0x011D, 0x0128, 0x0131),
        *(0x0132, 0x013B, 0x013C, 0x4746, 0x4749, 0x8298),
        *range(0x9C9B, 0x9CA0),
    }
)
_RESOLUTION_TAGS = {0x011A, 0x011B, 0x0128}
_DIRECTORIES = (0x8769, 0x8825)  # EXIF, GPS
_INTEROP = 0xA005  # a directory within EXIF's


def exif_of_tiff(image: Image.Image) -> bytes | None:
    """The EXIF block that a TIFF file's tags amount to; None if that is nothing.

    Its orientation says 1: Pillow turns TIFF pictures itself, on loading.
    """
    source = image.getexif()
    block = Image.Exif()
    block.endian = source.endian
    for tag in sorted(_DESCRIPTIVE_TAGS & set(source)):
        block[tag] = source[tag]
    for pointer, directory in _directories(source).items():
        block[pointer] = directory
    # Resolution alone is no reason to make EXIF of it: it is kept as `dpi`.
    if not set(block) - _RESOLUTION_TAGS - {exif_block.ORIENTATION}:
        return None
    if exif_block.ORIENTATION in block:
        block[exif_block.ORIENTATION] = 1
    return exif_block.normalised(block.tobytes())


def append_exif(stream: BinaryIO, exif: bytes) -> None:
    """Add an EXIF block's tags and directories to a TIFF file; to its last page, of several.

    Pillow (13.0) cannot write directories into compressed files, and what libtiff thinks of
    damaged tags it prints. So they are appended, followed by a copy of the page's directory that
    has them as well; what pointed to that (the header, or the page before) then points to the
    copy. Tags the file has already stay.

    Args:
        stream: a whole TIFF file, readable and writable; unchanged in case of an error.
        exif: an EXIF block.

    Raises:
        One of `opening.PARSER_ERRORS`: the block cannot be parsed, or the file is a BigTIFF.
    """
    stream.seek(0)
    head = stream.read(8)
    order = {b"II*\0": "<", b"MM\0*": ">"}[head[:4]]
    pointer, entries = _last_directory(stream, order)

    end = stream.seek(0, os.SEEK_END)
    padding = b"\0" * (end % 2)  # directories begin at even offsets
    with quiet():
        added = _parsed(exif, head).tobytes(end + len(padding))
    entries = _entries(added, io.BytesIO(added[2:]), order) | entries
    padding_after = b"\0" * (len(added) % 2)
    stream.write(padding + added + padding_after)
    start = stream.tell()
    stream.write(struct.pack(order + "H", len(entries)))
    stream.write(b"".join(entries[tag] for tag in sorted(entries)) + bytes(4))
    stream.seek(pointer)
    stream.write(struct.pack(order + "I", start))
    stream.seek(0, os.SEEK_END)


def _last_directory(stream: BinaryIO, order: str) -> tuple[int, dict[int, bytes]]:
    """Where the offset of a file's last directory is stored, and that directory's entries."""
    pointer = following = 4
    entries: dict[int, bytes] = {}
    while True:
        stream.seek(following)
        (start,) = struct.unpack(order + "I", stream.read(4))
        if start == 0:
            return pointer, entries
        stream.seek(start)
        entries = _entries(stream.read(2), stream, order)
        pointer, following = following, stream.tell()


def _entries(count: bytes, stream: BinaryIO, order: str) -> dict[int, bytes]:
    """A directory's entries of 12 bytes, by tag."""
    found = [stream.read(12) for _ in range(struct.unpack_from(order + "H", count)[0])]
    return {struct.unpack_from(order + "H", entry)[0]: entry for entry in found}


def _parsed(exif: bytes, head: bytes) -> TiffImagePlugin.ImageFileDirectory_v2:
    """An EXIF block as a directory that Pillow can serialise in the byte order of `head`."""
    source = Image.Exif()
    source.load(exif)
    directory = TiffImagePlugin.ImageFileDirectory_v2(head)
    for tag in sorted(_DESCRIPTIVE_TAGS & set(source)):
        directory[tag] = source[tag]
    if directory.get(exif_block.ORIENTATION, 1) not in range(1, 9):
        del directory[exif_block.ORIENTATION]  # libtiff would complain about it for ever
    for pointer, content in _directories(source).items():
        directory[pointer] = content
    return directory


def _directories(source: Image.Exif) -> dict[int, dict[int, Any]]:
    found = {}
    for pointer in _DIRECTORIES:
        directory = dict(source.get_ifd(pointer)) if pointer in source else {}
        if _INTEROP in directory:
            directory[_INTEROP] = dict(source.get_ifd(_INTEROP))
        if directory:
            found[pointer] = directory
    return found
