"""ICC, EXIF, XMP and resolution survive, and say the truth about the upright picture."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from aeimage.images import Picture, metadata, read_picture, write_picture
from aeimage.images import exif as exif_block

FORMATS = ("png", "jpg", "webp", "tif")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


@pytest.fixture(scope="module")
def icc() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def rgb(random):
    return random.integers(0, 256, (9, 7, 3), np.uint8)


def tags_of(exif):
    tags = Image.Exif()
    tags.load(exif)
    return tags


def written(picture, format):
    buffer = io.BytesIO()
    notes = write_picture(picture, buffer, format)
    assert notes == []
    return read_picture(buffer.getvalue())


@pytest.mark.parametrize("format", FORMATS)
def test_round_trip(format, rgb, icc, exif):
    block = exif(thumbnail=b"thumbnail")
    picture = Picture(rgb, icc=icc, exif=block, xmp=XMP, dpi=(300.0, 150.0))
    again = written(picture, format)
    assert again.icc == icc
    assert again.xmp == XMP
    assert again.warnings == []
    if format == "tif":  # EXIF becomes tags of the file itself
        tags = tags_of(again.exif)
        assert tags[0x010F] == "A maker"
        assert tags.get_ifd(0x8769)[0x927C] == b"maker note " * 3
    else:
        assert again.exif == block
    if format == "webp":
        assert again.dpi is None
    else:
        assert again.dpi == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_comes_of_nothing(format, rgb):
    again = written(Picture(rgb), format)
    assert (again.icc, again.exif, again.xmp, again.dpi) == (None, None, None, None)


@pytest.mark.parametrize("format", FORMATS)
def test_large_metadata(format, rgb, icc, exif):
    large = icc + bytes(200_000)  # three JPEG markers and a bit
    large = len(large).to_bytes(4, "big") + large[4:]
    picture = Picture(rgb, icc=large, exif=exif(tags={0x013B: (2, b"a" * 60_000 + b"\0")}))
    again = written(picture, format)
    assert again.icc == large
    very_large = icc + bytes(2**21)  # more than Pillow by itself reads from PNG
    assert written(Picture(rgb, icc=very_large), format).icc == very_large
    assert len(tags_of(again.exif)[0x013B]) == 60_000


def test_what_jpeg_has_no_room_for(rgb, exif):
    buffer = io.BytesIO()
    long = exif(tags={0x013B: (2, b"a" * 66_000)})
    notes = write_picture(Picture(rgb, exif=long, xmp=b"x" * 70_000), buffer, "jpg")
    again = read_picture(buffer.getvalue())
    assert (again.exif, again.xmp) == (None, None)
    assert [n.split(" of ")[0] for n in notes] == [
        "JPEG has no room for EXIF",
        "JPEG has no room for XMP",
    ]
    # Without its thumbnail, this one fits.
    block = exif(thumbnail=bytes(65_500))
    again = written(Picture(rgb, exif=block), "jpg")
    assert again.exif == exif_block.without_thumbnail(block)


@pytest.mark.parametrize("order", ["<", ">"])
def test_only_the_orientation_and_a_stale_thumbnail_change(exif, order):
    block = exif(6, order, thumbnail=b"thumbnail")
    assert exif_block.orientation(block) == 6
    upright = exif_block.upright(block)
    assert exif_block.orientation(upright) == 1
    assert b"thumbnail" not in upright
    plain = exif(1, order)
    # The same, but for the link to the thumbnail's directory, which was cut off.
    assert upright.rstrip(b"\0") == plain.rstrip(b"\0")
    assert exif_block.upright(exif(1, order, thumbnail=b"kept")) == exif(
        1, order, thumbnail=b"kept"
    )


def test_thumbnail_in_the_middle_is_overwritten(exif):
    block = exif(thumbnail=b"thumbnail") + b"something behind it"
    less = exif_block.without_thumbnail(block)
    assert len(less) == len(block)
    assert b"thumbnail" not in less
    assert less.endswith(b"something behind it")


def test_damaged_exif_raises_nothing(exif, random):
    block = exif(6, thumbnail=b"thumbnail")
    for end in range(len(block)):
        exif_block.upright(block[:end])
        exif_block.without_thumbnail(block[:end])
    for _ in range(3000):
        damaged = bytearray(block)
        for position in random.integers(0, len(block), 3):
            damaged[position] = random.integers(0, 256)
        exif_block.normalised(bytes(damaged))
        assert 1 <= exif_block.orientation(exif_block.upright(bytes(damaged))) <= 8
        exif_block.without_thumbnail(bytes(damaged))


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_senseless_orientations_are_ignored(png, exif, value):
    block = exif(value)
    picture = read_picture(png([[1, 2, 3, 4, 5, 6]], 2, 8, 2, [(b"eXIf", block)]))
    assert picture.rgb.shape == (1, 2, 3)
    assert picture.exif == block


def test_xmp_orientation_follows_the_pixels(png, exif):
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    for orientation, expected in ((6, XMP.replace(b'"6"', b'"1"')), (1, XMP)):
        buffer = io.BytesIO()
        Image.new("RGB", (3, 2)).save(buffer, "PNG", pnginfo=text, exif=exif(orientation))
        assert read_picture(buffer.getvalue()).xmp == expected
    element = b"<tiff:Orientation>8</tiff:Orientation>"
    assert exif_block.xmp_upright(element) == element.replace(b"8", b"1")


def test_exif_that_is_none(png):
    data = png([[1, 2, 3]], 1, 8, 2, [(b"eXIf", b"not TIFF at all")])
    picture = read_picture(data)
    assert picture.exif is None
    assert "EXIF block is damaged" in picture.warnings[0]


def test_metadata_behind_the_pixels_counts(png, exif):
    data = png([[1, 2, 3, 4, 5, 6]], 2, 8, 2, after=[(b"eXIf", exif(6))])
    assert read_picture(data).rgb.shape == (2, 1, 3)


def test_metadata_in_png_text_by_imagemagick(png, exif):
    block = b"Exif\0\0" + exif(6)
    digits = block.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    text = f"Raw profile type exif\0\nexif\n{len(block):8}\n{lines}\n".encode()
    picture = read_picture(png([[1, 2, 3, 4, 5, 6]], 2, 8, 2, [(b"tEXt", text)]))
    assert picture.rgb.shape == (2, 1, 3)
    assert picture.exif == exif(1)


def test_tags_of_a_tiff_become_exif(tiff, exif):
    tags = {256: (3, [2]), 257: (3, [1]), 258: (3, [8] * 3), 262: (3, [2]), 277: (3, [3])}
    tags |= {278: (3, [1]), 271: (2, b"A maker\0"), 282: (5, [(300, 1)]), 283: (5, [(150, 1)])}
    strips = [bytes([1, 2, 3, 4, 5, 6])]
    picture = read_picture(tiff(tags | {274: (3, [6])}, strips))
    assert picture.rgb.tolist() == [[[1, 2, 3]], [[4, 5, 6]]]
    assert picture.dpi == (150, 300)  # turned
    assert {tag: tags_of(picture.exif)[tag] for tag in (271, 274)} == {271: "A maker", 274: 1}
    assert 256 not in tags_of(picture.exif)
    # Resolution alone is no EXIF.
    del tags[271]
    picture = read_picture(tiff(tags, strips))
    assert (picture.exif, picture.dpi) == (None, (300, 150))


def test_exif_does_not_overrule_the_pixels_of_a_tiff(rgb, exif):
    # Phones write these into EXIF; taken literally they would wreck the file.
    lies = {256: (4, [4000]), 257: (4, [3000]), 258: (3, [4]), 259: (3, [6]), 262: (3, [6])}
    block = exif(tags=lies | {277: (3, [1]), 278: (4, [1]), 273: (4, [8])})
    again = written(Picture(rgb, exif=block), "tif")
    np.testing.assert_array_equal(again.rgb, rgb)
    assert tags_of(again.exif)[0x010F] == "A maker"


def test_damaged_exif_does_no_harm_to_a_tiff(rgb, exif, random, capfd):
    for order in "<>":
        for _ in range(150):
            block = bytearray(exif(1, order, thumbnail=b"thumbnail"))
            for position in random.integers(8, len(block), 3):
                block[position] = random.integers(0, 256)
            buffer = io.BytesIO()
            notes = write_picture(Picture(rgb, exif=bytes(block)), buffer, "tif")
            assert notes in (
                [],
                ["The EXIF block is damaged and could not be written as TIFF tags."],
            )
            assert read_picture(buffer.getvalue()).rgb.size == rgb.size
    assert capfd.readouterr() == ("", "")


def test_oversized_metadata_is_dropped(monkeypatch, saved, icc, exif):
    monkeypatch.setattr(metadata, "MAX_METADATA_BYTES", 50)
    data = saved(Image.new("RGB", (2, 2)), "WEBP", icc_profile=icc, exif=exif(), xmp=XMP)
    picture = read_picture(data)
    assert (picture.icc, picture.exif, picture.xmp) == (None, None, None)
    assert [warning.split(" of ")[0] for warning in picture.warnings] == [
        "The ICC profile",
        "The EXIF",
        "The XMP",
    ]


def test_extended_xmp_is_reported(saved):
    data = saved(Image.new("RGB", (2, 2)), "JPEG")
    payload = b"http://ns.adobe.com/xmp/extension/\0" + bytes(40)
    segment = b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload
    picture = read_picture(data[:2] + segment + data[2:])
    assert "extended part of the XMP" in picture.warnings[0]


def test_resolution_is_not_made_up(saved, exif):
    image = Image.new("RGB", (2, 2))
    assert read_picture(saved(image, "JPEG", exif=b"Exif\0\0" + exif())).dpi is None
    resolution = {282: (5, [(200, 1)]), 283: (5, [(200, 1)]), 296: (3, [2])}
    block = b"Exif\0\0" + exif(tags=resolution)
    assert read_picture(saved(image, "JPEG", exif=block)).dpi == (200, 200)


@pytest.mark.parametrize("dpi", [(0, 0), (1e9, 1e9)])
def test_senseless_resolutions_are_ignored(tiff, dpi):
    tags = {256: (3, [1]), 257: (3, [1]), 258: (3, [8] * 3), 262: (3, [2]), 277: (3, [3])}
    tags |= {278: (3, [1]), 282: (5, [(int(dpi[0]), 1)]), 283: (5, [(int(dpi[1]), 1)])}
    assert read_picture(tiff(tags | {296: (3, [2])}, [bytes(3)])).dpi is None
