"""Hostile files: damaged, cut, joined and forged. All get a clear error, quickly and in bounds.

The files are made by code. `forge` writes any fields with checksums that match, as an attacker
would, so that the checks behind the checksums are reached.
"""

from __future__ import annotations

import lzma
import struct
import time
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from aeimage.codec.alpha import decode_alpha, encode_alpha
from aeimage.codec.bytestream import varint
from aeimage.codec.container import Container, Header, read_container, read_header, write_container
from aeimage.codec.entropy import SymbolDecoder, decode_symbols, encode_symbols
from aeimage.codec.header import MAGIC
from aeimage.errors import (
    ChecksumError,
    FileFormatError,
    LimitExceededError,
    MalformedFileError,
    TruncatedFileError,
    UnsupportedVersionError,
)
from aeimage.tables import MAX_SYMBOL, logistic_tables

MODEL = bytes.fromhex("0011223344556677")


@contextmanager
def bounded(memory: int = 2**20, seconds: float = 20.0) -> Iterator[None]:
    """Fail if the block takes more memory or time (the latter generous: machines are busy)."""
    tracemalloc.start()
    start = time.monotonic()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < memory, f"{peak} bytes"
    assert time.monotonic() - start < seconds


def valid_file() -> bytes:
    """A small file with two stripes and every kind of chunk, 123 bytes."""
    alpha = encode_alpha(np.zeros((2, 2), np.uint8))
    return write_container(
        Container(
            Header(1100, 1000, 62.5, MODEL),
            hyper=b"hyper-latents",
            stripes=[b"first", b"second"],
            icc=b"ICC",
            exif=b"MM\0*\0\0\0\x08",
            xmp=b"<x/>" * 20,
            alpha=alpha,
            dpi=(300.0, 300.0),
        )
    )


def forge(
    chunks: Iterable[tuple[int, bytes] | bytes] = ((1, b""), (2, b"")),
    *,
    version: int = 1,
    flags: int = 0,
    width: bytes = varint(1),
    height: bytes = varint(1),
    quality: int = 5000,
    body: bytes | None = None,
) -> bytes:
    """Any fields, right checksums. A chunk given as bytes is written as it is, plus its CRC-32."""
    parts = [
        item if isinstance(item, bytes) else bytes([item[0]]) + varint(len(item[1])) + item[1]
        for item in chunks
    ]
    length = varint(sum(len(part) + 4 for part in parts)) if body is None else body
    head = MAGIC + struct.pack("<BB", version, flags) + width + height
    head += struct.pack("<H", quality) + MODEL + length
    checksum = zlib.crc32(head)
    data = head + struct.pack("<I", checksum)
    for part in parts:
        checksum = zlib.crc32(part, checksum)
        data += part + struct.pack("<I", checksum)
    return data


def test_the_forger_forges_valid_files():
    container = Container(Header(1, 1, 50, MODEL), b"", [b""])
    assert forge() == write_container(container)
    read_container(valid_file())


# --- damage --------------------------------------------------------------------------------------


def test_every_change_of_one_byte_is_an_error():
    """All 255 of them, at every byte."""
    data = bytearray(valid_file())
    for place, original in enumerate(data):
        for value in range(256):
            if value != original:
                data[place] = value
                with pytest.raises(FileFormatError):
                    read_container(data)
        data[place] = original


def test_every_truncation_is_an_error():
    data = valid_file()
    for cut in range(len(data)):
        with pytest.raises(FileFormatError):
            read_container(data[:cut])
    for cut in range(8):
        with pytest.raises(TruncatedFileError):
            read_container(data[:cut])
    with pytest.raises(TruncatedFileError, match="cut short"):
        read_container(data[:-1])


def test_every_inserted_byte_is_an_error():
    data = valid_file()
    for place in range(len(data) + 1):
        for value in {0, 0x80, 0xFF, 0x0A, 0x0D, data[place % len(data)]}:
            with pytest.raises(FileFormatError):
                read_container(data[:place] + bytes([value]) + data[place:])


def test_every_missing_byte_and_swapped_pair_is_an_error():
    data = valid_file()
    for place in range(len(data)):
        with pytest.raises(FileFormatError):
            read_container(data[:place] + data[place + 1 :])
        swapped = data[:place] + data[place : place + 2][::-1] + data[place + 2 :]
        if swapped != data:
            with pytest.raises(FileFormatError):
                read_container(swapped)


def test_joined_files_are_an_error():
    with pytest.raises(MalformedFileError, match="goes on"):
        read_container(valid_file() * 2)


def test_random_damage_is_an_error():
    original = valid_file()
    rng = np.random.default_rng(1)
    for _ in range(3000):
        data = bytearray(original)
        for _ in range(int(rng.integers(1, 9))):
            start, stop = sorted(rng.integers(0, len(data) + 1, 2))
            stop = min(stop, start + int(rng.integers(0, 5)))
            data[start:stop] = rng.bytes(int(rng.integers(0, 5)))
        if data != original:
            with pytest.raises(FileFormatError):
                read_container(data)


def test_random_bytes_behind_the_magic_are_an_error():
    rng = np.random.default_rng(2)
    with bounded():
        for _ in range(2000):
            with pytest.raises(FileFormatError):
                read_container(MAGIC + b"\x01\0" + rng.bytes(int(rng.integers(0, 80))))


# --- forgeries -----------------------------------------------------------------------------------

LONG = b"\xff" * 9 + b"\x7f"


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (UnsupportedVersionError, {"version": 2}),
        (UnsupportedVersionError, {"version": 0}),
        (UnsupportedVersionError, {"flags": 1}),
        (UnsupportedVersionError, {"flags": 128}),
        (MalformedFileError, {"width": b"\0"}),
        (MalformedFileError, {"height": b"\0"}),
        (MalformedFileError, {"width": b"\x81\0"}),  # 1 in two bytes
        (MalformedFileError, {"height": b"\x80\0"}),  # 0 in two bytes
        (LimitExceededError, {"width": varint(2**20)}),
        (LimitExceededError, {"width": b"\x80\x80\x80\x80\x80\0"}),
        (LimitExceededError, {"height": LONG}),
        (LimitExceededError, {"width": varint(2**20 - 1), "height": varint(2**20 - 1)}),
        (MalformedFileError, {"quality": 10001}),
        (MalformedFileError, {"quality": 65535}),
        (LimitExceededError, {"body": LONG}),
        (LimitExceededError, {"body": varint(2**35)}),
        (TruncatedFileError, {"body": varint(2**35 - 1)}),
        (MalformedFileError, {"body": b"\0"}),
        (MalformedFileError, {"body": b"\x8c\0"}),  # the right 12, in two bytes
    ],
)
def test_forged_headers(error, fields):
    with bounded(), pytest.raises(error):
        read_container(forge(**fields))


@pytest.mark.parametrize(
    ("error", "chunks"),
    [
        (MalformedFileError, []),
        (MalformedFileError, [(1, b"")]),
        (MalformedFileError, [(2, b"")]),
        (MalformedFileError, [(2, b""), (1, b"")]),
        (MalformedFileError, [(1, b""), (1, b""), (2, b"")]),
        (MalformedFileError, [(1, b""), (2, b""), (2, b"")]),  # a stripe too many
        (MalformedFileError, [(1, b""), (2, b""), (3, b"\0a"), (3, b"\0a")]),
        (MalformedFileError, [(1, b""), (2, b""), (4, b"\0a"), (3, b"\0a")]),
        (MalformedFileError, [(1, b""), (2, b""), (6, b"a"), (6, b"a")]),
        (MalformedFileError, [(1, b""), (2, b""), (200, b""), (7, b"\1\1")]),
        (UnsupportedVersionError, [(0, b""), (1, b""), (2, b"")]),
        (UnsupportedVersionError, [(1, b""), (2, b""), (8, b"")]),
        (UnsupportedVersionError, [(1, b""), (2, b""), (127, b"")]),
        (TruncatedFileError, [(1, b""), b"\x02" + varint(2**34)]),
        (TruncatedFileError, [(1, b""), b"\x02\x01"]),  # its CRC-32 is half payload
        (MalformedFileError, [(1, b""), b"\x02\x80\0"]),  # length 0 in two bytes
        (LimitExceededError, [(1, b""), b"\x02" + varint(2**35)]),
        (LimitExceededError, [(1, b""), b"\x02" + LONG]),
    ],
)
def test_forged_chunks(error, chunks):
    with bounded(), pytest.raises(error):
        read_container(forge(chunks))


def test_missing_stripes_are_noticed_before_decoding():
    tall = {"width": varint(1000), "height": varint(5000)}
    with pytest.raises(MalformedFileError, match=r"expected 1 .* 5 of latents"):
        read_container(forge([(1, b""), *[(2, b"")] * 4], **tall))
    assert len(read_container(forge([(1, b""), *[(2, b"")] * 5], **tall)).stripes) == 5


def test_unknown_ancillary_chunks_are_checked_and_skipped():
    chunks = [(1, b""), (2, b""), (7, b"\1\1"), (128, b"?"), (128, b"??"), (255, bytes(500))]
    assert read_container(forge(chunks)).dpi == (0.01, 0.01)
    data = bytearray(forge(chunks))
    data[-10] ^= 1
    with pytest.raises(ChecksumError):
        read_container(data)


def test_many_tiny_chunks_take_time_in_proportion():
    data = forge([(1, b""), (2, b""), *[(128, b"")] * 5000])
    with bounded():
        read_container(data)


def deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"\1" + deflater.compress(data) + deflater.flush()


@pytest.mark.parametrize("kind", [3, 4, 5])
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\0",
        b"\2abc",
        b"\1",
        b"\1garbage",
        deflated(b""),
        deflated(b"abc")[:-1],
        deflated(b"abc") + b"\0",
    ],
)
def test_forged_metadata(kind, payload):
    with bounded(), pytest.raises(MalformedFileError):
        read_container(forge([(1, b""), (2, b""), (kind, payload)]))


def test_metadata_bomb():
    data = forge([(1, b""), (2, b""), (5, deflated(bytes(100 * 2**20)))])
    assert len(data) < 250_000
    with bounded(memory=40 * 2**20), pytest.raises(LimitExceededError, match="XMP"):
        read_container(data)


@pytest.mark.parametrize("payload", [b"", b"\1", b"\1\0", b"\0\1", b"\1\1\1", b"\1" + LONG])
def test_forged_resolution(payload):
    with pytest.raises(FileFormatError):
        read_container(forge([(1, b""), (2, b""), (7, payload)]))


def test_headers_cannot_be_read_from_garbage():
    for data in (b"", b"\0", MAGIC, MAGIC * 9, b"\x89AEI\n\x1a\n" + bytes(30), bytes(1000)):
        with pytest.raises(FileFormatError):
            read_header(data)


# --- payloads whose checksums match --------------------------------------------------------------


@pytest.fixture(scope="module")
def tables():
    return logistic_tables()


def test_garbage_streams_read_as_bounded_symbols_or_an_error(tables):
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(200):
        data = rng.bytes(int(rng.integers(0, 200)))
        indexes = rng.integers(0, 64, int(rng.integers(0, 2000)), np.uint8)
        try:
            decoder = SymbolDecoder(data, tables)
            symbols = decoder.take(indexes)
            assert symbols.shape == indexes.shape and np.abs(symbols).max(initial=0) <= MAX_SYMBOL
            assert not symbols[indexes == 0].any()
            decoder.take(indexes)
            decoder.finish()
        except FileFormatError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("data", [b"", b"\xff" * 8, b"\xff" * 100_000, b"\x01" * 100_000, b"\x80"])
def test_streams_that_do_not_fit_take_memory_for_their_symbols_only(tables, data):
    indexes = np.full(200_000, 63, np.uint8)
    decode_symbols(b"", np.arange(64, dtype=np.uint8), tables)  # build the models first
    with bounded(memory=12 * 2**20), suppress(FileFormatError):
        decode_symbols(data, indexes, tables)


def test_changed_streams_never_crash(tables):
    rng = np.random.default_rng(4)
    indexes = rng.integers(0, 64, 300, np.uint8)
    symbols = np.where(indexes == 0, 0, rng.integers(-40, 41, 300)).astype(np.int32)
    data = encode_symbols(symbols, indexes, tables)
    for _ in range(1000):
        changed = bytearray(data)
        changed[rng.integers(len(changed))] ^= int(rng.integers(1, 256))
        with suppress(FileFormatError):
            assert decode_symbols(changed, indexes, tables).shape == indexes.shape


def raw_lzma(data: bytes) -> bytes:
    settings = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**20}]
    return lzma.compress(data, lzma.FORMAT_RAW, filters=settings)


def test_forged_alpha():
    plane = np.arange(12, dtype=np.uint8).reshape(3, 4)
    good = encode_alpha(plane)
    assert np.array_equal(decode_alpha(good, 4, 3), plane)
    bad = [b"", good[:1], b"\4" + good[1:], b"\xff" + good[1:], good + b"\0", good * 2]
    bad += [good[:cut] for cut in range(1, len(good))]
    bad += [b"\0" + raw_lzma(bytes(n)) for n in (0, 11, 13, 100)]
    for data in bad:
        with pytest.raises(MalformedFileError):
            decode_alpha(data, 4, 3)
    for size in [(4, 4), (3, 3), (1, 1), (1000, 1000)]:
        with pytest.raises(MalformedFileError):
            decode_alpha(good, *size)


def test_alpha_bomb():
    bomb = b"\0" + raw_lzma(bytes(50 * 2**20))
    assert len(bomb) < 20_000
    with bounded(memory=2**21), pytest.raises(MalformedFileError, match="16 x 16"):
        decode_alpha(bomb, 16, 16)


def test_changed_alpha_is_bounded():
    rng = np.random.default_rng(5)
    data = encode_alpha(rng.integers(0, 3, (40, 50), np.uint8))
    with bounded(memory=2**21):
        for _ in range(1000):
            changed = bytearray(data)
            changed[rng.integers(len(changed))] ^= int(rng.integers(1, 256))
            with suppress(FileFormatError):
                assert decode_alpha(bytes(changed), 50, 40).shape == (40, 50)
