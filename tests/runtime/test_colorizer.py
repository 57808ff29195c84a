"""Colours: luminance exact whatever the chroma, no seams, nothing bleeds."""

import fake_photo_models
import numpy as np
import pytest
from PIL import Image

import aeimage
from aeimage.errors import ModelFileError, UsageError
from aeimage.runtime import colorizer
from aeimage.runtime.bundle import installed_bundles
from aeimage.runtime.colorizer import Colorizer, open_colorizer
from aeimage.runtime.luma import luma, luma_of, with_luma
from aeimage.samples import sample_paths

shipped = pytest.mark.skipif(
    not any(b.name == "colorize" for b in installed_bundles("colorizer")),
    reason="no bundle saved_models/colorize",
)


@pytest.fixture
def fakes(monkeypatch, tmp_path):
    fake_photo_models.install(monkeypatch, tmp_path / "models")


def grey_of(image):
    return np.asarray(Image.fromarray(np.asarray(image)).convert("L"))


@pytest.mark.parametrize("strength", [0.3, 5.0, 40.0, 200.0, 1e5])
def test_luminance_is_exact_for_any_chroma(strength):
    rng = np.random.default_rng(1)
    levels = np.arange(256, dtype=np.uint8).repeat(100).reshape(160, 160)
    chroma = rng.normal(0, strength, (160, 160, 2)).astype(np.float32)
    colours = with_luma(levels, chroma)
    assert colours.dtype == np.uint8
    assert np.array_equal(grey_of(colours), levels)
    assert np.array_equal(luma(colours), levels)
    assert np.array_equal(luma_of(colours), levels)


def test_chroma_is_kept_where_there_is_room():
    rng = np.random.default_rng(2)
    levels = rng.integers(80, 176, (50, 50), np.uint8)
    chroma = rng.uniform(-30, 30, (50, 50, 2)).astype(np.float32)
    back = np.asarray(Image.fromarray(with_luma(levels, chroma)).convert("YCbCr")).astype(float)
    assert np.abs(back[..., 1:] - 128 - chroma).max() < 2
    none = with_luma(levels, np.zeros((50, 50, 2), np.float32))
    assert np.array_equal(none, levels[..., None].repeat(3, -1))
    # The hue stays where the saturation cannot.
    dark = with_luma(np.full((1, 1), 20, np.uint8), np.array([[[60.0, -10.0]]], np.float32))[0, 0]
    assert dark[2] > dark[1] > dark[0] or dark[2] > dark[0]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA"])
def test_pictures_of_every_kind(fakes, mode):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (61, 90, 3), np.uint8))
    if mode.endswith("A"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    image = image.convert(mode)
    image.info["dpi"] = (300, 300)
    out = aeimage.colorize(image)
    assert out.mode == ("RGBA" if mode.endswith("A") else "RGB") and out.size == image.size
    assert out.info["dpi"] == (300, 300)
    expected = np.asarray(image.convert("RGB").convert("L"))
    assert np.array_equal(np.asarray(out.convert("RGB").convert("L")), expected)
    if mode.endswith("A"):
        assert np.array_equal(np.asarray(out)[..., 3], np.asarray(image)[..., -1])


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (7, 5), (300, 299), (700, 90)])
def test_sizes_and_stripes(fakes, monkeypatch, shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    whole = colorizer.Colorizer().colorize(pixels)
    assert np.array_equal(grey_of(whole), pixels)
    monkeypatch.setattr(colorizer, "STRIPE", 37)
    assert np.abs(colorizer.Colorizer().colorize(pixels).astype(int) - whole).max() <= 1


def test_saturation(fakes):
    pixels = np.full((64, 64), 120, np.uint8)
    found = colorizer.Colorizer()

    def spread(saturation):
        return np.ptp(found.colorize(pixels, saturation).astype(int), axis=-1).mean()

    assert spread(0.0) == 0 < spread(0.5) < spread(1.0) < spread(2.0)
    for wrong in (-0.1, 4.5, float("nan")):
        with pytest.raises(UsageError, match="saturation"):
            aeimage.colorize(pixels, saturation=wrong)


def test_colours_end_at_the_edges_of_the_picture(fakes):
    """The fake's colours change in the middle; so does the luminance, one pixel off its grid."""
    pixels = np.full((64, 64), 60, np.uint8)
    pixels[:, 31:] = 180
    out = colorizer.Colorizer().colorize(pixels).astype(int)
    blue = out[..., 2] - out[..., 0]
    assert blue[:, :28].min() > 15 and blue[:, 35:].max() < -15
    # On either side of the edge colours are those of their side.
    assert blue[:, 30].min() > 5 and blue[:, 31].max() < -5


def test_refusals(fakes, tmp_path):
    for bad in (np.zeros((4, 4)), [[1]], np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)):
        with pytest.raises(UsageError, match="pixels"):
            colorizer.Colorizer().colorize(bad)
    manifest = tmp_path / "models" / "colorize" / "model.json"
    manifest.write_text(manifest.read_text().replace('"shorter_side": 64', '"shorter_side": 0'))
    with pytest.raises(ModelFileError, match="shorter_side"):
        Colorizer(f"{manifest.parent}/")


def test_one_model_stays_open(fakes):
    assert open_colorizer() is open_colorizer()


@shipped
def test_the_shipped_model_adds_colours_that_are_nearer_to_the_truth_than_none():
    errors, none = [], []
    for path in sample_paths():
        with Image.open(path) as image:
            truth = image.convert("RGB")
        guess = aeimage.colorize(truth.convert("L"))
        assert np.array_equal(np.asarray(guess.convert("L")), np.asarray(truth.convert("L")))
        pair = [np.asarray(x.convert("YCbCr")).astype(float)[..., 1:] for x in (truth, guess)]
        errors.append(np.abs(pair[0] - pair[1]).mean())
        none.append(np.abs(pair[0] - 128).mean())
        assert np.abs(pair[1] - 128).mean() > 1
    assert np.mean(errors) < np.mean(none)
