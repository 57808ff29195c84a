"""Sources, limits and damage: everything ends in a picture or in an error that says why."""

import io
import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aeimage.errors import (
    DamagedPictureError,
    PictureError,
    PictureFileError,
    PictureNotFoundError,
    PictureTooLargeError,
    UnsupportedPictureError,
    UsageError,
)
from aeimage.images import DEFAULT_MAX_PIXELS, PICTURE_SUFFIXES, is_picture_path, read_picture

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")


@pytest.fixture
def files(saved, random) -> dict[str, bytes]:
    """A small picture in every format, deflated TIFF included."""
    rgb = np.add.outer(np.arange(40), np.arange(30))[..., None] + [0, 50, 100]
    image = Image.fromarray((rgb + random.integers(0, 9, rgb.shape)).astype(np.uint8))
    files = {format: saved(image, format) for format in FORMATS}
    files["deflated TIFF"] = saved(image, "TIFF", compression="tiff_adobe_deflate")
    files["lossless WEBP"] = saved(image, "WEBP", lossless=True)
    return files


class Pipe(io.RawIOBase):
    """A stream that cannot seek, like stdin."""

    def __init__(self, data):
        self._stream = io.BytesIO(data)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._stream.readinto(buffer)


def test_sources(files, tmp_path):
    for kind, data in files.items():
        path = tmp_path / kind
        path.write_bytes(data)
        expected = read_picture(data)
        with open(path, "rb") as stream:
            stream.seek(5)
            results = [read_picture(stream)]
            assert not stream.closed
        results += [read_picture(path), read_picture(str(path))]
        results += [read_picture(memoryview(data)), read_picture(Pipe(data))]
        for picture in results:
            np.testing.assert_array_equal(picture.rgb, expected.rgb)


def test_picture_paths():
    assert is_picture_path("a/b.JPG")
    assert is_picture_path(Path("b.tiff"))
    assert not is_picture_path("a/b.txt")
    assert not is_picture_path("jpg")
    assert not is_picture_path("a/._b.jpg")
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in PICTURE_SUFFIXES)


def test_files_that_are_none(tmp_path):
    with pytest.raises(PictureNotFoundError, match=r"nowhere\.png"):
        read_picture(tmp_path / "nowhere.png")
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "nowhere.png")
    with pytest.raises(PictureFileError, match="cannot be opened"):
        read_picture(tmp_path)
    with pytest.raises(DamagedPictureError, match="empty"):
        read_picture(b"")
    with pytest.raises(UnsupportedPictureError, match="expected JPEG, PNG, WebP, TIFF, BMP or GIF"):
        read_picture(b"%!PS-Adobe-3.0 EPSF-3.0\n" + bytes(100))
    with pytest.raises(UnsupportedPictureError, match="HEIC"):
        read_picture(b"\0\0\0\x18ftypheic" + bytes(100))
    with pytest.raises(UsageError, match="source"):
        read_picture(3)
    with pytest.raises(UsageError, match="max_pixels"):
        read_picture(b"", max_pixels=0)


def test_several_pictures(saved):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for format in ("GIF", "TIFF", "WEBP", "PNG"):
        data = saved(frames[0], format, save_all=True, append_images=frames[1:])
        picture = read_picture(data)
        assert np.abs(picture.rgb.astype(int) - [255, 0, 0]).max() <= 3
        assert picture.warnings == ["The file holds several pictures; only one of them is kept."]


def test_truncated_files(files, tmp_path, capfd):
    for kind, data in files.items():
        path = tmp_path / f"cut {kind}"
        whole = read_picture(data).rgb
        for end in {*range(1, len(data), max(1, len(data) // 40)), len(data) // 2}:
            path.write_bytes(data[:end])
            for source in (path, data[:end]):
                try:
                    picture = read_picture(source)
                except PictureError as error:
                    expected = "cut" if source is path else "memory"
                    assert expected in str(error)
                    assert len(str(error)) > 40
                else:  # what is missing was no pixels
                    assert picture.rgb.shape == whole.shape
        with pytest.raises(PictureError):
            read_picture(data[: len(data) // 2])
    assert capfd.readouterr() == ("", "")


def test_damaged_files(files, random, capfd):
    for data in files.values():
        for _ in range(60):
            damaged = bytearray(data)
            for position in random.integers(0, min(len(data), 400), 2):
                damaged[position] ^= 1 << random.integers(0, 8)
            try:
                read_picture(bytes(damaged), max_pixels=10**6)
            except PictureError as error:
                assert "picture from memory: " in str(error)
        out, err = capfd.readouterr()
        assert out == ""
        assert all(line.startswith("ZIPDecode") for line in err.splitlines())  # libtiff itself


def bomb(kind, png):
    side = 16_384
    if kind == "PNG":
        data = bytearray(png([[0]], 1, 8, 0))
        data[16:24] = struct.pack(">II", side, side)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        return bytes(data)
    if kind == "WEBP":
        size = (side - 1).to_bytes(3, "little")
        return b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + size + size + bytes(20)
    if kind == "GIF":
        return b"GIF89a" + struct.pack("<HH", side, side) + b"\0\0\0," + bytes(40)
    if kind == "BMP":
        return struct.pack("<2sIIIIiiHHII", b"BM", 0, 0, 54, 40, side, side, 1, 24, 0, 0) + bytes(
            99
        )
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP"])
def test_bombs_are_refused_by_their_header(kind, png):
    with pytest.raises(PictureTooLargeError, match="max_pixels") as caught:
        read_picture(bomb(kind, png))
    error = caught.value
    assert (error.width, error.height, error.limit) == (16_384, 16_384, DEFAULT_MAX_PIXELS)


def test_the_limit(files):
    for data in files.values():
        assert read_picture(data, max_pixels=1200).rgb.shape == (40, 30, 3)
        with pytest.raises(PictureTooLargeError, match="30 x 40 = 1200 pixels"):
            read_picture(data, max_pixels=1199)


@pytest.mark.parametrize("pillow_limit", [40, 700, None])
@pytest.mark.parametrize("limit", [1200, None])
def test_pillows_own_limit_has_no_influence(files, monkeypatch, pillow_limit, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillow_limit)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for data in files.values():
            assert read_picture(data, max_pixels=limit).rgb.shape == (40, 30, 3)
    assert pillow_limit == Image.MAX_IMAGE_PIXELS


def test_no_warnings_and_no_output_for_sloppy_tags(tiff, capfd):
    tags = {256: (3, [1, 1, 1]), 257: (3, [1]), 258: (3, [8] * 3), 262: (3, [2]), 277: (3, [3])}
    data = tiff(tags | {278: (3, [1]), 306: (2, b"")}, [bytes(3)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_picture(data)
    assert capfd.readouterr() == ("", "")


def test_threads(files, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    filters = list(warnings.filters)
    expected = {kind: read_picture(data).rgb for kind, data in files.items()}
    barrier = threading.Barrier(8)

    def work(_):
        barrier.wait()
        for _ in range(5):
            for kind, data in files.items():
                np.testing.assert_array_equal(read_picture(data).rgb, expected[kind])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert Image.MAX_IMAGE_PIXELS == 100
    assert warnings.filters == filters


MEASURE = """
import resource, sys
from aeimage.images import read_picture
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
read_picture(sys.argv[2])  # whatever libraries take once
before = peak()
picture = read_picture(sys.argv[1])
print((peak() - before) / (picture.height * picture.width))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource.getrusage")
@pytest.mark.parametrize("format", ["png", "jpg"])
def test_memory_stays_near_seven_bytes_a_pixel(tmp_path, format):
    rows = np.arange(12_000_000, dtype=np.uint32).astype(np.uint8)
    image = Image.fromarray(np.repeat(rows.reshape(3000, 4000, 1), 3, axis=2))
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"compress_level": 1} if format == "png" else {}
    image.save(tmp_path / f"large.{format}", exif=exif, **options)
    image.crop((0, 0, 8, 8)).save(tmp_path / f"small.{format}")
    command = [sys.executable, "-c", MEASURE, f"large.{format}", f"small.{format}"]
    root = Path(__file__).parents[2]
    result = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(result.stdout) < 8.5  # 7, and a few megabytes of bands
