"""The container: what goes in comes out, as docs/format.md has it, and costs few bytes."""

from __future__ import annotations

import itertools
import re
import zlib
from pathlib import Path

import numpy as np
import pytest

from aeimage.codec.alpha import decode_alpha, encode_alpha
from aeimage.codec.bytestream import ByteReader, varint
from aeimage.codec.container import (
    Container,
    Header,
    read_container,
    read_header,
    write_container,
)
from aeimage.codec.header import MAGIC, MAX_HEADER_BYTES, MAX_SIDE
from aeimage.codec.stripes import STRIDE, stripe_bounds, stripe_count, stripe_rows
from aeimage.errors import (
    ChecksumError,
    LimitExceededError,
    MalformedFileError,
    NotAnAeiFileError,
    UsageError,
)
from aeimage.limits import MAX_METADATA_BYTES

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
MODEL = bytes.fromhex("0011223344556677")


def small(**extra) -> Container:
    """A file of one pixel."""
    return Container(Header(1, 1, 50.0, MODEL), hyper=b"", stripes=[b""], **extra)


def full() -> Container:
    """A file of two stripes with everything in it."""
    return Container(
        Header(1500, 1000, 62.25, MODEL),
        hyper=b"hyper",
        stripes=[b"first stripe", b"second"],
        icc=bytes(range(256)),
        exif=b"II*\0\x08\0\0\0",
        xmp=b"<x:xmpmeta/>" * 40,
        alpha=b"\0alpha",
        dpi=(300.0, 71.99),
    )


# --- header --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (127, 128), (20000, 5000), (MAX_SIDE, 170)])
def test_header_round_trip(size):
    header = Header(*size, 100.0, MODEL)
    stripes = [b""] * stripe_count(*size)
    data = write_container(Container(header, b"", stripes))
    assert read_header(data[:MAX_HEADER_BYTES]) == header
    assert read_container(data).header == header


def test_quality_is_kept_in_hundredths():
    header = Header(1, 1, 33.33777, MODEL)
    assert header.quality == 33.34
    assert read_header(write_container(Container(header, b"", [b""]))).quality == header.quality
    for hundredths in range(0, 10001, 7):
        header = Header(1, 1, hundredths / 100, MODEL)
        assert read_header(write_container(Container(header, b"", [b""]))) == header


@pytest.mark.parametrize(
    "fields",
    [
        (0, 1, 50, MODEL),
        (1, MAX_SIDE + 1, 50, MODEL),
        (1.0, 1, 50, MODEL),
        (1, 1, -0.01, MODEL),
        (1, 1, 100.01, MODEL),
        (1, 1, float("nan"), MODEL),
        (1, 1, 50, MODEL[:-1]),
        (1, 1, 50, MODEL, 2),
    ],
)
def test_header_refuses_what_the_format_cannot_hold(fields):
    with pytest.raises(UsageError):
        Header(*fields)


def test_picture_size_limit():
    header = Header(20000, 10000, 50, MODEL)
    data = write_container(Container(header, b"", [b""] * stripe_count(20000, 10000)))
    for read in (read_header, read_container):
        with pytest.raises(LimitExceededError, match="20000 x 10000"):
            read(data)
        read(data, max_pixels=200_000_000)
        read(data, max_pixels=None)
        with pytest.raises(LimitExceededError):
            read(data, max_pixels=199_999_999)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b"\r\n", b"\n"),
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\r", b"\n"),
        lambda data: bytes(byte & 0x7F for byte in data),
        lambda data: data.decode("latin-1").encode(),
        lambda data: data.decode("utf-8", "replace").encode(),
    ],
)
def test_text_mode_damage_is_named(damage):
    with pytest.raises(NotAnAeiFileError, match="text"):
        read_header(damage(write_container(small())))


def test_other_files_are_named():
    with pytest.raises(NotAnAeiFileError, match=r"no \.aei file"):
        read_container(b"\x89PNG\r\n\x1a\n and so on")


# --- container -----------------------------------------------------------------------------------


def test_round_trip_of_everything():
    assert read_container(write_container(full())) == full()
    assert read_container(memoryview(write_container(full()))) == full()


@pytest.mark.parametrize("field", ["icc", "exif", "xmp", "alpha", "dpi"])
def test_round_trip_of_each_optional_field(field):
    container = small(**{field: getattr(full(), field)})
    assert read_container(write_container(container)) == container


def test_the_smallest_file_is_the_one_in_the_document():
    text = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
    block = re.search(r"```hex\n(.*?)```", text, re.DOTALL)
    assert block and write_container(small()) == bytes.fromhex(block[1])
    assert len(write_container(small())) == 39


def test_overhead_of_a_photograph():
    container = Container(Header(768, 512, 50, MODEL), bytes(300), [bytes(4000)])
    assert len(write_container(container)) - 4300 == 44


def test_golden_file():
    """Files decode for ever."""
    data = bytes.fromhex((GOLDEN / "container_v1.hex").read_text())
    assert read_container(data) == full()


def test_metadata_is_deflated_where_that_helps():
    xmp = b"<x:xmpmeta>" + b" " * 5000
    assert len(write_container(small(xmp=xmp))) < 39 + 60
    noise = np.random.default_rng(0).bytes(1000)
    assert len(write_container(small(xmp=noise))) == 39 + 1000 + 1 + 1 + 2 + 4 + 1


def test_metadata_limits():
    for bad in (b"", bytes(MAX_METADATA_BYTES + 1)):
        with pytest.raises(UsageError):
            write_container(small(exif=bad))
    large = bytes(20 * 2**20)  # over what may be inflated: stored
    data = write_container(small(exif=large))
    assert len(data) > len(large)
    assert read_container(data).exif == large


def test_wrong_fields_are_refused():
    with pytest.raises(UsageError, match="stripes"):
        write_container(Container(Header(1, 1, 50, MODEL), b"", []))
    for dpi in [(0.0, 1.0), (1.0, 1e7)]:
        with pytest.raises(UsageError):
            write_container(small(dpi=dpi))


def test_checksums_continue_each_other():
    """A chunk of another file does not fit, though it is whole."""
    one, other = full(), full()
    other.hyper = b"HYPER"
    a, b = write_container(one), write_container(other)
    start = a.index(b"hyper") - 2
    assert zlib.crc32(a[: start - 4]) == int.from_bytes(a[start - 4 : start], "little")
    for end in (start + 7, start + 11):  # without and with its own CRC-32
        with pytest.raises(ChecksumError):
            read_container(a[:start] + b[start:end] + a[end:])


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 1, 127, 128, 16383, 16384, 2**35 - 1])
def test_varint_round_trip(value):
    data = varint(value)
    assert len(data) == max(1, -(-value.bit_length() // 7))
    reader = ByteReader(data)
    assert reader.varint(value, "value") == value and reader.remaining == 0
    if value:
        with pytest.raises(LimitExceededError):
            ByteReader(data).varint(value - 1, "value")
    longer = data[:-1] + bytes([data[-1] | 0x80, 0])
    with pytest.raises(MalformedFileError):
        ByteReader(longer).varint(2**49, "value")


@pytest.mark.parametrize("width", [1, 64, 65, 768, 1024, 5000, 20000, MAX_SIDE])
def test_stripes_are_about_a_megapixel(width):
    rows = stripe_rows(width)
    padded = -(-width // STRIDE) * STRIDE
    assert rows % STRIDE == 0
    assert rows * padded <= 2**20 or rows == STRIDE
    assert (rows + STRIDE) * padded > 2**20


@pytest.mark.parametrize("size", [(1, 1), (768, 512), (1024, 1024), (1024, 1025), (20000, 5000)])
def test_stripes_cover_the_picture_once(size):
    bounds = stripe_bounds(*size)
    assert len(bounds) == stripe_count(*size)
    assert bounds[0][0] == 0 and bounds[-1][1] == size[1]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(bounds))
    assert all(top % STRIDE == 0 and top < bottom for top, bottom in bounds)


def planes():
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:90, :121]
    yield np.clip((1600 - (rows - 45) ** 2 - (columns - 60) ** 2) // 4, 0, 255).astype(np.uint8)
    yield (2 * columns).astype(np.uint8)
    yield (rows + columns).astype(np.uint8)
    yield rng.integers(0, 256, (33, 7), np.uint8)
    yield np.full((300, 2), 255, np.uint8)
    yield np.array([[7]], np.uint8)
    yield rng.integers(0, 256, (1, 5000), np.uint8)
    yield np.asfortranarray(rng.integers(0, 2, (50, 60), np.uint8) * 255)


@pytest.mark.parametrize("plane", list(planes()))
def test_alpha_is_lossless(plane):
    data = encode_alpha(plane)
    assert np.array_equal(decode_alpha(data, plane.shape[1], plane.shape[0]), plane)
    assert len(data) <= plane.size + plane.size // 1000 + 10


def test_alpha_is_compact():
    for plane, limit in zip(planes(), (1500, 60, 60), strict=False):
        assert len(encode_alpha(plane)) < limit


def test_alpha_of_a_large_plane_is_filtered_by_sample(monkeypatch):
    plane = np.add.outer(np.arange(300), np.arange(400)).astype(np.uint8)
    monkeypatch.setattr("aeimage.codec.alpha._TRIAL_PIXELS", 2**14)
    data = encode_alpha(plane)
    assert data[0] == 3
    assert np.array_equal(decode_alpha(data, 400, 300), plane)


def test_golden_alpha():
    data = bytes.fromhex((GOLDEN / "alpha_v1.hex").read_text())
    disc = next(planes())
    assert np.array_equal(decode_alpha(data, disc.shape[1], disc.shape[0]), disc)


def test_alpha_refuses_other_arrays():
    for bad in (np.zeros((2, 2), np.int32), np.zeros((2, 2, 1), np.uint8), np.zeros((0, 2), "u1")):
        with pytest.raises(UsageError):
            encode_alpha(bad)


def test_magic_has_what_reveals_transfers_as_text():
    assert MAGIC[0] >= 0x80 and b"\r\n" in MAGIC and MAGIC.endswith(b"\x1a\n")
