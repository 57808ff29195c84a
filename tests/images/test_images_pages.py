"""TIFF files of several pages, and pictures stored with the channels that they came with."""

import io

import numpy as np
import pytest
from PIL import Image

from aeimage.errors import DamagedPictureError
from aeimage.images import Picture, count_pages, read_picture, write_pages, write_picture

MAKER = 0x010F


def page(mode, seed, size=(40, 30)):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.fixture
def scans(tmp_path):
    """Three pages: bilevel, grey and in colour, of different sizes and resolutions."""
    path = tmp_path / "scans.tif"
    pages = [page("1", 1), page("L", 2, (31, 50)), page("RGB", 3)]
    for number, image in enumerate(pages):
        image.encoderinfo = {"dpi": (100 * number + 100,) * 2}
    pages[0].save(path, save_all=True, append_images=pages[1:], dpi=(100, 100))
    return path, pages


def test_each_page_is_read_for_itself(scans):
    path, pages = scans
    assert count_pages(path) == count_pages(path.read_bytes()) == 3
    for number, image in enumerate(pages):
        picture = read_picture(path, page=number)
        assert picture.source_mode == image.mode
        assert (picture.rgb == np.asarray(image.convert("RGB"))).all()
        assert picture.dpi == (100 * number + 100,) * 2
        assert not picture.warnings
    assert "several pictures" in read_picture(path).warnings[0]
    with pytest.raises(DamagedPictureError):
        read_picture(path, page=3)


def test_other_formats_have_one_page(tmp_path):
    frames = [page("P", seed) for seed in (1, 2)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert count_pages(tmp_path / "a.gif") == 1
    # What is lost is told even where page 0 was asked for.
    assert "several pictures" in read_picture(tmp_path / "a.gif", page=0).warnings[0]


def test_pages_are_written_one_after_the_other(scans, tmp_path):
    path, pages = scans
    exif = Image.Exif()
    taken = []

    def restored():
        for number in range(3):
            picture = read_picture(path, page=number)
            exif[MAKER] = f"scanner {number}"
            exif.get_ifd(0x8769)[0x9003] = f"2026:01:0{number + 1} 00:00:00"
            picture.exif = exif.tobytes().removeprefix(b"Exif\0\0")
            taken.append(number)
            yield picture

    assert write_pages(restored(), tmp_path / "out.tif", like_source=True) == []
    assert taken == [0, 1, 2]
    assert count_pages(tmp_path / "out.tif") == 3
    for number, image in enumerate(pages):
        picture = read_picture(tmp_path / "out.tif", page=number)
        assert picture.source_mode == image.mode
        assert (picture.rgb == np.asarray(image.convert("RGB"))).all()
        assert picture.dpi == (100 * number + 100,) * 2
        tags = Image.Exif()
        tags.load(picture.exif)
        assert tags[MAKER] == f"scanner {number}"
        assert tags.get_ifd(0x8769)[0x9003] == f"2026:01:0{number + 1} 00:00:00"
    with Image.open(tmp_path / "out.tif") as image:
        assert image.info["compression"] == "group4"
    stream = io.BytesIO()
    write_pages([read_picture(path, page=1)], stream)
    assert read_picture(stream.getvalue()).source_mode == "RGB"


@pytest.mark.parametrize("format", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16", "RGB"])
def test_channels_are_those_of_the_source(tmp_path, mode, format):
    if mode == "I;16":
        grey = np.arange(1200, dtype=np.uint16).reshape(30, 40)
        Image.fromarray(grey).save(tmp_path / "in.png")
    else:
        page(mode, 4).save(tmp_path / "in.png")
    picture = read_picture(tmp_path / "in.png")
    write_picture(picture, tmp_path / f"out.{format}", format, like_source=True)
    again = read_picture(tmp_path / f"out.{format}")
    expected = {"I;16": "L", "1": "1" if format in ("png", "tif") else "L"}.get(mode, mode)
    if format == "jpg":
        expected = expected.removesuffix("A")
    if format != "webp":  # it knows no grey
        assert again.source_mode == expected
    if format in ("png", "tif"):
        assert (again.rgb == picture.rgb).all()
    write_picture(picture, tmp_path / f"plain.{format}", format)
    assert read_picture(tmp_path / f"plain.{format}").source_mode.startswith("RGB")


def test_bilevel_that_became_grey_is_stored_as_grey(tmp_path):
    picture = Picture(np.full((8, 8, 3), 128, np.uint8), source_mode="1")
    write_picture(picture, tmp_path / "a.tif", "tif", like_source=True)
    assert read_picture(tmp_path / "a.tif").source_mode == "L"


def test_grey_with_a_profile_for_colour_stays_colour():
    """Without the profile its greys would mean something else."""
    rgb = np.zeros((2, 2, 3), np.uint8)
    assert Picture(rgb, source_mode="L").is_grey
    assert not Picture(rgb, source_mode="L", icc=b"profile").is_grey
    assert not Picture(rgb).is_grey
