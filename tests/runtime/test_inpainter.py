"""Filling in: known pixels exact, no seams, masks of every kind, clear refusals."""

import fake_photo_models
import numpy as np
import pytest
from PIL import Image

import aeimage
from aeimage.errors import ModelFileError, ModelNotFoundError, PictureNotFoundError, UsageError
from aeimage.metrics import psnr
from aeimage.pull_push import fill, weigh
from aeimage.runtime import inpainter
from aeimage.runtime.bundle import installed_bundles
from aeimage.runtime.inpainter import Inpainter, open_inpainter
from aeimage.samples import sample_paths

shipped = pytest.mark.skipif(
    not any(b.name == "inpaint" for b in installed_bundles("masked")),
    reason="no bundle saved_models/inpaint",
)


@pytest.fixture
def fakes(monkeypatch, tmp_path):
    fake_photo_models.install(monkeypatch, tmp_path / "models")


class BlurSession(fake_photo_models.FakeSession):
    """Sees 17 pixels to each side: less than the halo."""

    def run(self, signature, *, pixels, mask):
        self.shapes.append(pixels.shape[1:3])
        x = np.concatenate([pixels, mask * 50], axis=-1)[0].astype(np.float64)
        for axis in (0, 1):
            padded = np.pad(x, [(18, 17) if a == axis else (0, 0) for a in range(3)])
            total = np.cumsum(padded, axis)
            length = total.shape[axis]
            x = total.take(range(35, length), axis) - total.take(range(length - 35), axis)
            x /= 35
        blurred = x[..., :3] + x[..., 3:]
        return {"pixels": (pixels[0] + mask[0] * (blurred - pixels[0]))[None].astype(np.float32)}


def holed(height, width, channels=3, share=0.6, seed=0):
    rng = np.random.default_rng(seed)
    shape = (height, width, 3) if channels == 3 else (height, width)
    return rng.integers(0, 256, shape, np.uint8), rng.random((height, width)) < share


@pytest.mark.parametrize("shape", [(300, 410, 3), (203, 517, 1), (8, 8, 3), (5, 3, 1), (1, 40, 3)])
def test_tiles_leave_no_seam_and_known_pixels_stay(fakes, monkeypatch, shape):
    monkeypatch.setattr(Inpainter, "session_class", BlurSession)
    pixels, mask = holed(*shape)
    mask[0, 0] = False
    whole = Inpainter(max_tile_pixels=10**9).inpaint(pixels, mask)
    tiled = Inpainter(max_tile_pixels=120 * 120)
    parts = tiled.inpaint(pixels, mask)
    assert parts.shape == pixels.shape and parts.dtype == np.uint8 and parts is not pixels
    assert np.abs(parts.astype(int) - whole).max() <= 1
    assert np.mean(parts != whole) < 0.001
    assert np.array_equal(parts[~mask], pixels[~mask])
    assert len(tiled._session.shapes) > 1 or pixels.size < 20_000


def test_tiles_that_are_whole_cost_nothing(fakes):
    pixels, _ = holed(400, 400)
    mask = np.zeros((400, 400), bool)
    mask[390, 390] = True
    found = inpainter.Inpainter(max_tile_pixels=100 * 100)
    found.inpaint(pixels, mask)
    assert len(found._session.shapes) == 1


def test_the_network_gets_what_pull_push_makes(fakes):
    pixels, mask = holed(90, 70)
    mask[20:60, 10:50] = True
    out = inpainter.Inpainter().inpaint(pixels, mask)
    filled = fill(weigh(pixels[None].astype("f4"), mask[None, ..., None].astype("f4")))[0]
    expected = np.clip(np.rint(filled + 2.0), 0, 255)
    assert np.abs(out.astype(int) - expected)[mask].max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P"])
def test_size_mode_and_metadata_are_kept(fakes, mode, tmp_path):
    pixels, mask = holed(60, 50, share=0.3)
    image = Image.fromarray(pixels)
    if mode.endswith("A"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    image = image.convert(mode)
    image.info["dpi"] = (300, 300)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    out = aeimage.inpaint(image, tmp_path / "mask.png")
    assert out.mode == {"1": "L", "P": "RGB"}.get(mode, mode) and out.size == image.size
    assert out.info["dpi"] == (300, 300)
    before = np.asarray(image.convert(out.mode))
    assert np.array_equal(np.asarray(out)[~mask], before[~mask])
    assert np.array_equal(np.asarray(aeimage.inpaint(image, mask)), np.asarray(out))
    grey = Image.fromarray((mask * 200).astype(np.uint8))
    assert np.array_equal(np.asarray(aeimage.inpaint(image, grey)), np.asarray(out))


def test_transparent_pixels_are_missing_and_become_opaque(fakes):
    pixels = np.full((20, 30, 4), 90, np.uint8)
    pixels[..., 3] = 255
    pixels[5:9, 5:9] = 0
    out = aeimage.inpaint(Image.fromarray(pixels))
    assert out.mode == "RGB" and np.asarray(out)[5:9, 5:9].min() == 92
    pixels[12:14, :, 3] = 100  # half transparent is known, and stays
    out = np.asarray(aeimage.inpaint(Image.fromarray(pixels)))
    assert set(out[5:9, 5:9, 3].ravel()) == {255} and set(out[12:14, :, 3].ravel()) == {100}


@pytest.mark.parametrize("colour", ["magenta", "#f0f", (255, 0, 255)])
def test_a_colour_says_what_is_missing(fakes, colour):
    pixels = np.full((20, 30, 3), 90, np.uint8)
    pixels[5:9, 5:9] = 255, 0, 255
    pixels[0, 0] = 255, 0, 254
    out = np.asarray(aeimage.inpaint(pixels, missing=colour))
    assert np.abs(out[5:9, 5:9].astype(int) - 92).max() < 30
    assert out[0, 0].tolist() == [255, 0, 254]


def test_nothing_missing_is_said(fakes):
    pixels, _ = holed(10, 10)
    with pytest.warns(UserWarning, match="Nothing is missing"):
        out = aeimage.inpaint(pixels, np.zeros((10, 10), bool))
    assert np.array_equal(np.asarray(out), pixels)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mask": np.ones((10, 12), bool)}, "every pixel is missing"),
        ({"mask": np.ones((12, 10), bool)}, "that of pixels"),
        ({"mask": np.zeros((10, 12, 3), bool)}, "that of pixels"),
        ({"mask": np.zeros((10, 12), bool), "missing": "red"}, "not both"),
        ({"missing": "no colour"}, "magenta"),
        ({"missing": (0, 0, 300)}, "magenta"),
        ({}, "--mask"),
    ],
)
def test_refusals(fakes, arguments, message):
    pixels, _ = holed(10, 12)
    with pytest.raises(UsageError, match=message):
        aeimage.inpaint(pixels, **arguments)


def test_refusals_of_arrays(fakes):
    found = inpainter.Inpainter()
    pixels, mask = holed(10, 12)
    for bad in (pixels.astype(float), [[1]], np.zeros((10, 12, 4), np.uint8)):
        with pytest.raises(UsageError, match="pixels"):
            found.inpaint(bad, mask)
    with pytest.raises(UsageError, match="bool"):
        found.inpaint(pixels, mask.astype(np.uint8))
    with pytest.raises(PictureNotFoundError):
        aeimage.inpaint(pixels, "no such mask.png")


def test_models_that_are_missing_or_senseless(fakes, tmp_path):
    with pytest.raises(ModelNotFoundError, match="'other' is not installed"):
        aeimage.inpaint(np.zeros((4, 4), np.uint8), np.zeros((4, 4), bool), model="other")
    manifest = tmp_path / "models" / "inpaint" / "model.json"
    manifest.write_text(manifest.read_text().replace('"halo": 24', '"halo": "wide"'))
    with pytest.raises(ModelFileError, match="halo"):
        Inpainter(f"{manifest.parent}/")
    with pytest.raises(ModelFileError, match="expected 'masked'"):
        Inpainter(f"{tmp_path}/models/colorize/")


def test_one_model_stays_open(fakes):
    assert open_inpainter() is open_inpainter()


@shipped
@pytest.mark.parametrize("kind", ["pixels", "scratches"])
def test_the_shipped_model_beats_smooth_filling(kind):
    gains = []
    for path in sample_paths():
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))[100:292, 60:252]
        rng = np.random.default_rng(5)
        if kind == "pixels":
            mask = rng.random(pixels.shape[:2]) < 0.7
        else:
            y, x = np.mgrid[:192, :192]
            mask = np.abs((x + 0.3 * y) % 40 - 20) < 1.2
        out = np.asarray(aeimage.inpaint(pixels, mask))
        assert np.array_equal(out[~mask], pixels[~mask])
        smooth = fill(weigh(pixels[None].astype("f4"), mask[None, ..., None].astype("f4")))[0]
        smooth = np.clip(np.rint(smooth), 0, 255).astype(np.uint8)
        mean = np.where(mask[..., None], pixels[~mask].mean(0).astype(np.uint8), pixels)
        gains.append(psnr(out, pixels) - psnr(smooth, pixels))
        assert psnr(out, pixels) > psnr(mean, pixels) + 3
    assert np.mean(gains) > 1.0 and min(gains) > 0.0
