"""Every mode and depth comes out as 8-bit RGB and alpha, exactly where exact is possible."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from aeimage.errors import UnsupportedPictureError
from aeimage.images import from_pillow, modes, read_picture


@pytest.fixture(autouse=True)
def small_bands(monkeypatch):
    """Several bands in every picture, so that band edges are covered."""
    monkeypatch.setattr(modes, "BAND_PIXELS", 20)


def scaled(values, white=65535):
    return np.floor(np.asarray(values, np.float64) * 255 / white + 0.5).astype(np.uint8)


def grey(values):
    return np.repeat(np.asarray(values, np.uint8)[..., None], 3, axis=-1)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "BMP"])
def test_rgb_is_exact(saved, random, format):
    rgb = random.integers(0, 256, (9, 7, 3), np.uint8)
    options = {"lossless": True} if format == "WEBP" else {}
    picture = read_picture(saved(Image.fromarray(rgb), format, **options))
    np.testing.assert_array_equal(picture.rgb, rgb)
    assert picture.rgb.flags.c_contiguous
    assert picture.rgb.dtype == np.uint8
    assert picture.alpha is None
    assert (picture.height, picture.width) == (9, 7)
    assert (picture.source_mode, picture.warnings) == ("RGB", [])


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_alpha_and_the_colours_under_it_are_exact(saved, random, format):
    rgba = random.integers(0, 256, (9, 7, 4), np.uint8)
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    picture = read_picture(saved(Image.fromarray(rgba), format, **options))
    np.testing.assert_array_equal(picture.rgb, rgba[..., :3])
    np.testing.assert_array_equal(picture.alpha, rgba[..., 3])


def test_grey_and_bilevel(saved, random):
    values = random.integers(0, 256, (9, 7), np.uint8)
    np.testing.assert_array_equal(
        read_picture(saved(Image.fromarray(values), "PNG")).rgb, grey(values)
    )
    bits = values > 127
    for format in ("PNG", "TIFF", "BMP", "GIF"):
        data = saved(Image.fromarray(bits), format)
        np.testing.assert_array_equal(read_picture(data).rgb, grey(bits * 255))


def test_grey_with_alpha(saved, random):
    values = random.integers(0, 256, (9, 7, 2), np.uint8)
    picture = read_picture(saved(Image.fromarray(values, "LA"), "PNG"))
    np.testing.assert_array_equal(picture.rgb, grey(values[..., 0]))
    np.testing.assert_array_equal(picture.alpha, values[..., 1])


@pytest.mark.parametrize("transparency", [None, 3, bytes([0, 128, 255, 7])])
@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_palette(saved, random, transparency, format):
    if format == "GIF" and isinstance(transparency, bytes):
        pytest.skip("GIF has one transparent colour")
    colours = random.integers(0, 256, (256, 3), np.uint8)
    indices = random.integers(0, 256, (9, 7), np.uint8)
    indices[0, :5] = range(5)
    image = Image.fromarray(indices, "P")
    image.putpalette(colours.tobytes())
    options = {} if transparency is None else {"transparency": transparency}
    picture = read_picture(saved(image, format, **options))
    np.testing.assert_array_equal(picture.rgb, colours[indices])
    if transparency is None:
        assert picture.alpha is None
        return
    table = np.full(256, 255, np.uint8)
    if isinstance(transparency, int):
        table[transparency] = 0
    else:
        table[: len(transparency)] = list(transparency)
    np.testing.assert_array_equal(picture.alpha, table[indices])


def test_transparent_colours_of_png(png):
    picture = read_picture(
        png([[1, 2, 3, 9, 2, 3]], 2, 8, 2, [(b"tRNS", struct.pack(">3H", 1, 2, 3))])
    )
    assert picture.alpha.tolist() == [[0, 255]]
    picture = read_picture(png([[5, 6]], 2, 8, 0, [(b"tRNS", b"\0\6")]))
    assert picture.alpha.tolist() == [[255, 0]]
    # 4-bit grey: Pillow scales the samples but not the transparent one
    picture = read_picture(png([[0x5A]], 2, 4, 0, [(b"tRNS", b"\0\5")]))
    assert picture.rgb[..., 0].tolist() == [[85, 170]]
    assert picture.alpha.tolist() == [[0, 255]]
    picture = read_picture(png([[0b10000000]], 2, 1, 0, [(b"tRNS", b"\0\1")]))
    assert picture.alpha.tolist() == [[0, 255]]


def test_every_16_bit_grey_is_rounded_right(png):
    values = np.arange(65536, dtype=">u2").reshape(256, 256)
    picture = read_picture(png([row.tobytes() for row in values], 256, 16, 0))
    np.testing.assert_array_equal(picture.rgb, grey(scaled(values)))
    assert picture.warnings == ["16-bit samples were reduced to 8 bits."]
    assert picture.source_mode == "I;16"


def test_16_bit_grey_transparency_is_compared_before_scaling(png):
    rows = [np.array([257, 258], ">u2").tobytes()]
    picture = read_picture(png(rows, 2, 16, 0, [(b"tRNS", struct.pack(">H", 258))]))
    assert picture.rgb[..., 0].tolist() == [[1, 1]]
    assert picture.alpha.tolist() == [[255, 0]]


@pytest.mark.parametrize("bands", [2, 3, 4])
def test_16_bit_png_with_colour_or_alpha_is_rounded_right(png, random, bands):
    values = random.integers(0, 65536, (40, 30, bands)).astype(">u2")
    colour_type = {2: 4, 3: 2, 4: 6}[bands]
    picture = read_picture(png([row.tobytes() for row in values], 30, 16, colour_type))
    expected = scaled(values)
    if bands == 2:
        np.testing.assert_array_equal(picture.rgb, grey(expected[..., 0]))
    else:
        np.testing.assert_array_equal(picture.rgb, expected[..., :3])
    if bands == 3:
        assert picture.alpha is None
    else:
        np.testing.assert_array_equal(picture.alpha, expected[..., -1])
    assert picture.warnings == ["16-bit samples were reduced to 8 bits."]


def test_16_bit_transparent_colour(png):
    values = np.array([[[256, 512, 768], [256, 512, 769], [257, 512, 768]]], ">u2")
    transparent = struct.pack(">3H", 256, 512, 768)
    data = png([row.tobytes() for row in values], 3, 16, 2, [(b"tRNS", transparent)])
    assert read_picture(data).alpha.tolist() == [[0, 255, 255]]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("planar", [1, 2])
@pytest.mark.parametrize("bands", [3, 4])
def test_16_bit_colour_tiff(tiff, random, order, deflate, planar, bands):
    values = random.integers(0, 65536, (9, 7, bands)).astype(order + "u2")
    planes = [values] if planar == 1 else np.moveaxis(values, -1, 0)
    tags = {256: (3, [7]), 257: (3, [9]), 258: (3, [16] * bands), 262: (3, [2])}
    tags |= {277: (3, [bands]), 278: (3, [9]), 284: (3, [planar])}
    if bands == 4:
        tags[338] = (3, [2])
    picture = read_picture(tiff(tags, [plane.tobytes() for plane in planes], order, deflate))
    # Compressed planes: Pillow gives the high bytes and no way to the low ones.
    expected = values >> 8 if deflate and planar == 2 else scaled(values)
    np.testing.assert_array_equal(picture.rgb, expected[..., :3])
    if bands == 4:
        np.testing.assert_array_equal(picture.alpha, expected[..., 3])
    assert picture.warnings == ["16-bit samples were reduced to 8 bits."]


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize(("order", "min_is_white"), [("<", 0), ("<", 1), (">", 1)])
def test_16_bit_grey_tiff(tiff, random, order, min_is_white, deflate):
    values = random.integers(0, 65536, (9, 7)).astype(order + "u2")
    tags = {256: (3, [7]), 257: (3, [9]), 258: (3, [16]), 262: (3, [min_is_white])}
    data = tiff(tags | {277: (3, [1]), 278: (3, [9])}, [values.tobytes()], order, deflate)
    expected = scaled(values if min_is_white else 65535 - values.astype(int))
    np.testing.assert_array_equal(read_picture(data).rgb, grey(expected))


def test_12_bit_tiff_spans_the_whole_range(tiff):
    tags = {256: (3, [4]), 257: (3, [1]), 258: (3, [12]), 262: (3, [1]), 277: (3, [1])}
    data = tiff(tags | {278: (3, [1])}, [bytes.fromhex("000fff800001")])
    picture = read_picture(data)
    assert picture.rgb[0, :, 0].tolist() == [0, 255, 128, 0]
    assert picture.warnings == ["12-bit samples were reduced to 8 bits."]


@pytest.mark.parametrize(
    ("values", "white"),
    [([0.0, 0.25, 1.0], 1), ([0.0, 99.6, 255.0], 255), ([0.0, 300.0, 65535.0], 65535)],
)
def test_float_samples(saved, values, white):
    data = saved(Image.fromarray(np.array([values], np.float32)), "TIFF")
    picture = read_picture(data)
    np.testing.assert_array_equal(picture.rgb, grey(scaled([values], white)))
    assert f"taken as 0 to {white}" in picture.warnings[0]


def test_inverted_float_tiff(tiff):
    tags = {256: (3, [2]), 257: (3, [1]), 258: (3, [32]), 262: (3, [0]), 277: (3, [1])}
    values = np.array([0.0, 0.75], np.float32).tobytes()
    picture = read_picture(tiff(tags | {278: (3, [1]), 339: (3, [3])}, [values]))
    assert picture.rgb[0, :, 0].tolist() == [255, 64]


def test_no_pixels():
    with pytest.raises(UnsupportedPictureError, match="no pixels"):
        from_pillow(Image.new("RGB", (0, 3)))


@pytest.mark.parametrize("values", [[-1.0, 0.5], [0.0, 1e6], [0.0, float("nan")]])
def test_float_samples_of_unknown_meaning_are_refused(saved, values):
    data = saved(Image.fromarray(np.array([values], np.float32)), "TIFF")
    with pytest.raises(UnsupportedPictureError, match="expected 0 to 1 or 255 or 65535"):
        read_picture(data)


def test_32_bit_integers_count_as_16_bit(saved):
    data = saved(Image.fromarray(np.array([[0, 300, 65535]], np.int32)), "TIFF")
    picture = read_picture(data)
    assert picture.rgb[0, :, 0].tolist() == [0, 1, 255]
    assert "32-bit integer" in picture.warnings[0]
    data = saved(Image.fromarray(np.array([[-5, 7]], np.int32)), "TIFF")
    with pytest.raises(UnsupportedPictureError, match="run from -5 to 7"):
        read_picture(data)


def test_cmyk_without_profile_is_estimated(saved, random):
    values = random.integers(0, 256, (9, 7, 4), np.uint8)
    image = Image.fromarray(values, "CMYK")
    picture = read_picture(saved(image, "TIFF"))
    inverted = 255 - values.astype(float)
    assert np.abs(picture.rgb - inverted[..., :3] * inverted[..., 3:] / 255).max() <= 1
    assert "an estimate" in picture.warnings[0]
    assert picture.source_mode == "CMYK"


def test_cmyk_jpeg_is_not_inverted(saved):
    # Photoshop stores inverted inks and an Adobe marker; Pillow writes JPEG the same way.
    data = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    assert b"Adobe" in data
    assert np.abs(read_picture(data).rgb.astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_goes_through_its_profile(saved, cmyk_profile, format):
    image = Image.new("CMYK", (32, 16), (0, 0, 0, 0))
    image.paste((255, 0, 0, 0), (16, 0, 32, 16))
    options = {"quality": 100} if format == "JPEG" else {}
    picture = read_picture(saved(image, format, icc_profile=cmyk_profile, **options))
    assert np.abs(picture.rgb[:, 4].astype(int) - 255).max() <= 1
    assert np.abs(picture.rgb[:, 28].astype(int) - 119).max() <= 2  # L* = 50
    assert picture.icc is None
    assert picture.warnings == []


def test_unusable_cmyk_profiles(saved, cmyk_profile):
    image = Image.new("CMYK", (2, 2), (255, 0, 0, 0))
    damaged = cmyk_profile[:140] + bytes(len(cmyk_profile) - 140)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (damaged, b"nonsense", cmyk_profile[:100]):
        picture = read_picture(saved(image, "TIFF", icc_profile=profile))
        assert picture.rgb[0, 0].tolist() == [0, 255, 255]
        assert picture.icc is None
        assert "an estimate" in picture.warnings[-1]
    # An RGB profile says nothing about these inks; nor does it about the estimated RGB.
    assert read_picture(saved(image, "TIFF", icc_profile=srgb)).icc is None


def test_grey_goes_through_its_profile_and_stays_neutral(saved, grey_profile):
    ramp = np.arange(256, dtype=np.uint8)[None]
    linear = ramp / 255
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055) * 255
    for image in (
        Image.fromarray(ramp),
        Image.fromarray(np.stack([ramp, ramp], -1), "LA"),
        Image.fromarray(ramp.astype(np.uint16) * 257),
    ):
        picture = read_picture(saved(image, "PNG", icc_profile=grey_profile))
        assert np.abs(picture.rgb[..., 0] - srgb).max() <= 1
        assert (picture.rgb == picture.rgb[..., :1]).all()
        assert picture.icc is None


def test_profiles_that_do_not_fit(saved, grey_profile):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    rgb, grey_image = Image.new("RGB", (2, 2), (9, 8, 7)), Image.new("L", (2, 2), 9)
    picture = read_picture(saved(rgb, "PNG", icc_profile=grey_profile))
    assert picture.icc is None
    assert picture.rgb[0, 0].tolist() == [9, 8, 7]
    assert "is for GRAY" in picture.warnings[0]
    assert read_picture(saved(grey_image, "PNG", icc_profile=srgb)).icc == srgb
    assert read_picture(saved(rgb, "PNG", icc_profile=srgb)).icc == srgb
    picture = read_picture(saved(rgb, "PNG", icc_profile=b"x" * 200))
    assert picture.icc is None
    assert "damaged" in picture.warnings[0]


def test_lab_tiff(tiff):
    tags = {256: (3, [2]), 257: (3, [1]), 258: (3, [8] * 3), 262: (3, [8]), 277: (3, [3])}
    data = tiff(tags | {278: (3, [1])}, [bytes([128, 0, 0, 255, 0, 0])])
    picture = read_picture(data)
    assert np.abs(picture.rgb[0].astype(int) - [[119] * 3, [255] * 3]).max() <= 1


@pytest.mark.parametrize("mode", ["RGBX", "YCbCr", "HSV", "RGBa", "La", "PA"])
def test_other_modes_of_pillow(random, mode):
    rgb = Image.fromarray(random.integers(0, 256, (9, 7, 3), np.uint8))
    rgba = Image.fromarray(random.integers(0, 256, (9, 7, 4), np.uint8))
    if mode in ("RGBX", "YCbCr", "HSV"):
        image = rgb.convert(mode)
        expected = image.convert("RGB").convert("RGBA")
    elif mode == "La":
        image = rgba.convert("LA").convert("La")
        expected = image.convert("LA").convert("RGBA")
    elif mode == "PA":
        image = rgb.quantize(200).convert("PA")
        image.putalpha(rgba.getchannel("A"))
        expected = image.convert("RGBA")
    else:
        image = rgba.convert(mode)
        expected = image.convert("RGBA")
    picture = from_pillow(image)
    np.testing.assert_array_equal(picture.rgb, np.asarray(expected)[..., :3])
    if "A" in mode.upper():
        np.testing.assert_array_equal(picture.alpha, np.asarray(expected)[..., 3])
    else:
        assert picture.alpha is None
    assert picture.source_mode == mode


def test_from_pillow_leaves_the_picture_alone(png, saved, random):
    image = Image.fromarray(random.integers(0, 256, (9, 7, 3), np.uint8))
    image.info["dpi"] = (300, 300)
    before = image.copy()
    picture = from_pillow(image)
    np.testing.assert_array_equal(picture.rgb, np.asarray(before))
    assert picture.dpi == (300, 300)
    assert (image.tobytes(), image.info) == (before.tobytes(), before.info)
    # 16-bit grey and alpha: read_picture reads it in a way of its own
    rows = [np.array([[0x1234, 0xFFFF], [0x8000, 1]], ">u2").tobytes()]
    with Image.open(io.BytesIO(png(rows, 2, 16, 4))) as lazy:
        assert from_pillow(lazy).rgb[0, :, 0].tolist() == [0x12, 0x80]
        assert np.asarray(lazy).tolist() == [[[0x12] * 3 + [0xFF], [0x80] * 3 + [0]]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_orientation_is_applied(saved, random, orientation, format):
    rgba = random.integers(0, 256, (24, 16, 4), np.uint8)
    image = Image.fromarray(rgba if format in ("PNG", "WEBP") else rgba[..., :3])
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "A maker"
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    data = saved(image, format, exif=exif, dpi=(300, 150), **options)
    with Image.open(io.BytesIO(data)) as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    picture = read_picture(data)
    np.testing.assert_array_equal(picture.rgb, expected[..., :3])
    if expected.shape[-1] == 4:
        np.testing.assert_array_equal(picture.alpha, expected[..., 3])
    again = Image.Exif()
    again.load(picture.exif)
    assert again[0x0112] == 1
    assert again[0x010F] == "A maker"
    if format != "WEBP":  # which stores no resolution
        assert picture.dpi == pytest.approx((300, 150) if orientation < 5 else (150, 300), abs=0.02)


def test_16_bit_colour_is_turned_too(png, exif, random):
    values = random.integers(0, 65536, (5, 4, 4)).astype(">u2")
    data = png([r.tobytes() for r in values], 4, 16, 6, after=[(b"eXIf", exif(orientation=6))])
    picture = read_picture(data)
    expected = np.rot90(scaled(values), -1)
    np.testing.assert_array_equal(picture.rgb, expected[..., :3])
    np.testing.assert_array_equal(picture.alpha, expected[..., 3])
