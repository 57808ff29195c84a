"""Pictures go back to files as they are."""

import io

import numpy as np
import pytest
from PIL import Image

from aeimage.errors import OutputExistsError, PictureFormatError, UsageError
from aeimage.images import (
    OUTPUT_FORMATS,
    Picture,
    from_pillow,
    read_picture,
    to_pillow,
    write_picture,
    writing,
)


@pytest.fixture
def picture(random):
    rgba = random.integers(0, 256, (9, 7, 4), np.uint8)
    return Picture(rgba[..., :3].copy(), rgba[..., 3].copy())


def written(picture, format, **options):
    buffer = io.BytesIO()
    notes = write_picture(picture, buffer, format, **options)
    return read_picture(buffer.getvalue()), notes


@pytest.mark.parametrize(
    ("format", "quality"), [("png", 95), ("tif", 95), ("tiff", 1), ("webp", 100)]
)
def test_lossless_formats(picture, format, quality):
    again, notes = written(picture, format, quality=quality)
    np.testing.assert_array_equal(again.rgb, picture.rgb)
    np.testing.assert_array_equal(again.alpha, picture.alpha)
    assert notes == []


def test_lossy_webp_keeps_alpha(picture):
    again, _ = written(picture, "webp", quality=50)
    np.testing.assert_array_equal(again.alpha, picture.alpha)


def test_jpeg_puts_transparency_onto_white(monkeypatch):
    monkeypatch.setattr(writing, "BAND_PIXELS", 16)
    rgb = np.full((32, 16, 3), 100, np.uint8)
    alpha = np.full((32, 16), 255, np.uint8)
    alpha[16:] = 51
    again, notes = written(Picture(rgb, alpha), "jpeg")
    assert np.abs(again.rgb[:15].astype(int) - 100).max() <= 1
    assert np.abs(again.rgb[17:].astype(int) - (0.2 * 100 + 0.8 * 255)).max() <= 1
    assert again.alpha is None
    assert notes == ["JPEG has no transparency: it was laid onto white."]
    _, notes = written(Picture(rgb, np.full((32, 16), 255, np.uint8)), "jpg")
    assert notes == []


def test_jpeg_quality(picture):
    sizes = []
    for quality in (30, 95):
        buffer = io.BytesIO()
        write_picture(picture, buffer, "jpg", quality=quality)
        sizes.append(len(buffer.getvalue()))
    assert sizes[0] < sizes[1]


def test_files(picture, tmp_path):
    for format in OUTPUT_FORMATS:
        for atomic in (True, False):
            path = tmp_path / f"a.{format}"
            write_picture(picture, path, format, atomic=atomic)
            assert read_picture(path).rgb.shape == (9, 7, 3)
            before = path.read_bytes()
            with pytest.raises(FileExistsError):
                write_picture(picture, path, format, atomic=atomic, overwrite=False)
            assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(f"a.{f}" for f in OUTPUT_FORMATS)
    with pytest.raises(OutputExistsError):
        write_picture(picture, path, overwrite=False)


def test_streams_are_written_from_where_they_stand(picture):
    for format in OUTPUT_FORMATS:
        buffer = io.BytesIO(b"before")
        buffer.seek(0, io.SEEK_END)
        write_picture(picture, buffer, format)
        assert buffer.getvalue()[:6] == b"before"
        assert read_picture(buffer.getvalue()[6:]).rgb.shape == (9, 7, 3)


def test_nonsense_is_refused(picture, tmp_path):
    with pytest.raises(UsageError, match=r"`format`.*png, jpg, webp, tif.*'bmp'"):
        write_picture(picture, tmp_path / "a", "bmp")
    for quality in (0, 101, 7.5):
        with pytest.raises(UsageError, match="`quality`"):
            write_picture(picture, tmp_path / "a", "jpg", quality=quality)
    with pytest.raises(PictureFormatError, match="at most 65535"):
        write_picture(Picture(np.zeros((1, 65_536, 3), np.uint8)), tmp_path / "a", "jpg")
    with pytest.raises(PictureFormatError, match="at most 16383"):
        write_picture(Picture(np.zeros((16_384, 1, 3), np.uint8)), tmp_path / "a", "webp")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rgb", "alpha"),
    [
        (np.zeros((2, 2, 3)), None),
        (np.zeros((2, 2, 4), np.uint8), None),
        (np.zeros((0, 2, 3), np.uint8), None),
        (np.zeros((2, 2, 3), np.uint8)[:, ::-1], None),
        (np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3), np.uint8)),
        ([[[0, 0, 0]]], None),
    ],
)
def test_pictures_are_checked(rgb, alpha):
    with pytest.raises(UsageError, match="Expected"):
        Picture(rgb, alpha)


def test_there_and_back_through_pillow(picture, exif):
    picture.exif, picture.xmp, picture.dpi = exif(), b"<x/>", (72.0, 72.0)
    image = to_pillow(picture)
    assert image.mode == "RGBA"
    again = from_pillow(image)
    np.testing.assert_array_equal(again.rgb, picture.rgb)
    np.testing.assert_array_equal(again.alpha, picture.alpha)
    assert (again.exif, again.xmp, again.dpi) == (picture.exif, picture.xmp, picture.dpi)
    picture.alpha = None
    image = to_pillow(picture)
    assert image.mode == "RGB"
    assert Image.frombytes("RGB", image.size, image.tobytes()) is not None
