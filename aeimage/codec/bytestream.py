"""Reading and writing the small parts a file is made of: integers and checksums."""

from __future__ import annotations

import struct
import zlib

from aeimage.errors import LimitExceededError, MalformedFileError, TruncatedFileError

_BITS_PER_BYTE = 7


def varint(value: int) -> bytes:
    """LEB128: seven bits a byte, least significant first, the top bit set on all but the last.

    Args:
        value: an integer from 0 up.
    """
    groups = bytearray()
    while value >> _BITS_PER_BYTE:
        groups.append(value & 0x7F | 0x80)
        value >>= _BITS_PER_BYTE
    groups.append(value)
    return bytes(groups)


class ByteReader:
    """A position in some bytes, and what can be read there.

    Nothing is copied or allocated before it is known to be there.

    Args:
        data: the bytes.

    Attributes:
        position: of the next byte.
        checksum: CRC-32 of all bytes read so far, except those read by `check`.
    """

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self.position = 0
        self.checksum = 0

    @property
    def remaining(self) -> int:
        """Number of bytes not read yet."""
        return len(self._data) - self.position

    def take(self, count: int, what: str) -> bytes:
        """Read ``count`` bytes; ``what`` names them in the error.

        Raises:
            TruncatedFileError: there are fewer left.
        """
        data = self._next(count, what)
        self.checksum = zlib.crc32(data, self.checksum)
        return bytes(data)

    def unsigned(self, layout: str, what: str) -> int:
        """Read one little-endian integer of `struct` code ``layout``: ``"B"``, ``"H"``, ``"I"``."""
        (value,) = struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout), what))
        return value

    def varint(self, limit: int, what: str) -> int:
        """Read an integer that `varint` wrote.

        Raises:
            TruncatedFileError: the bytes end inside it.
            LimitExceededError: it is larger than ``limit``.
            MalformedFileError: it is written with more bytes than it needs.
        """
        value = shift = 0
        while True:
            byte = self.unsigned("B", what)
            value |= (byte & 0x7F) << shift
            shift += _BITS_PER_BYTE
            if value > limit or shift > limit.bit_length() + _BITS_PER_BYTE:
                raise LimitExceededError(
                    f"The {what} exceeds {limit}, the most the format allows: the file is damaged "
                    "or hostile. Get it again from where it came from."
                )
            if byte < 0x80:
                break
        if byte == 0 and shift > _BITS_PER_BYTE:
            raise MalformedFileError(
                f"The {what} is written with more bytes than it needs, which no encoder does: the "
                "file is damaged or hostile. Get it again from where it came from."
            )
        return value

    def check(self, what: str) -> bool:
        """Read a CRC-32 (u32) and tell whether it is the `checksum` so far.

        The four bytes themselves are left out of the running checksum: a CRC continued over its
        own value forgets everything before it.
        """
        return int.from_bytes(self._next(4, what), "little") == self.checksum

    def _next(self, count: int, what: str) -> memoryview:
        if count > self.remaining:
            raise TruncatedFileError(
                f"The file ends inside the {what}: expected {count} more bytes, received "
                f"{self.remaining}. It was cut short: get it again from where it came from."
            )
        self.position += count
        return self._data[self.position - count : self.position]
