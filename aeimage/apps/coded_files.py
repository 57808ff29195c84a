"""Opening files whose contents nobody vouches for."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from aeimage.codec.bytestream import ByteReader
from aeimage.codec.header import MAX_HEADER_BYTES, parse_header
from aeimage.errors import PictureFileError, PictureNotFoundError

_PIECE = 2**20


def open_input(path: Path | None) -> AbstractContextManager[BinaryIO]:
    """A file, or standard input (None), as a binary stream for a ``with`` statement.

    Raises:
        PictureFileError: the system cannot open it.
    """
    if path is None:
        return nullcontext(sys.stdin.buffer)
    try:
        return open(path, "rb")
    except FileNotFoundError as error:
        raise PictureNotFoundError(f"{path}: there is no such file.") from error
    except OSError as error:
        raise PictureFileError(f"{path}: cannot be opened: {error.strerror}.") from error


def read_coded_bytes(stream: BinaryIO, max_pixels: int | None) -> bytes:
    """Read an .aei file: its header first, then no more than that asks for and a byte.

    So a huge file that is none, or has something added, does not fill the memory. The one byte
    more lets `read_container` notice what was added.

    Raises:
        FileFormatError: the header is damaged, or the picture larger than `max_pixels`.
    """
    head = stream.read(MAX_HEADER_BYTES)
    reader = ByteReader(head)
    _, body = parse_header(reader, max_pixels)
    rest = reader.position + body - len(head)
    return head + _read_at_most(stream, max(rest, 0) + 1)


def _read_at_most(stream: BinaryIO, size: int) -> bytes:
    """Read in pieces: one large read would reserve what a hostile header merely claims."""
    pieces = []
    while size > 0 and (piece := stream.read(min(size, _PIECE))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
