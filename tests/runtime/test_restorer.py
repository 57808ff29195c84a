"""Restoring: tiles without seams, the rules for what stays as it is, pictures of every kind."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

import aeimage
from aeimage.errors import ModelFileError, ModelNotFoundError, UsageError
from aeimage.images import Picture
from aeimage.runtime import restorer
from aeimage.runtime.bundle import find_bundle
from aeimage.runtime.restorer import Restorer, changes_little, open_restorer

pytestmark = pytest.mark.usefixtures("restorers")


def page(width=300, height=200):
    image = Image.new("L", (width, height), 235)
    draw = ImageDraw.Draw(image)
    for top in range(20, height - 20, 25):
        draw.rectangle((20, top, width - 20, top + 4), fill=30)
    return np.asarray(image)


def speckled(pixels, seed=0):
    pixels = pixels.copy()
    pixels[np.random.default_rng(seed).random(pixels.shape[:2]) < 0.02] = 0
    return pixels


class BlurSession:
    """A network of stride 16 that sees 96 pixels far, with zeros beyond the border."""

    def __init__(self, path, threads=None):
        self.shapes = []

    def run(self, signature, *, pixels, sigma=None):
        self.shapes.append(pixels.shape[1:3])
        if signature == "estimate":
            return {"sigma": np.array([10], np.float32)}
        x = pixels[0].astype(np.float64)
        height, width = x.shape[:2]
        for axis in (0, 1):
            total = np.cumsum(
                np.pad(x, [(41, 40) if a == axis else (0, 0) for a in range(3)]), axis
            )
            x = total.take(range(81, total.shape[axis]), axis) - total.take(
                range(total.shape[axis] - 81), axis
            )
            x /= 81
        # What is the same for 16 x 16 pixels shows where a window begins.
        coarse = x.reshape(height // 16, 16, width // 16, 16, 3).mean((1, 3))
        coarse = coarse.repeat(16, 0).repeat(16, 1)
        return {"pixels": (pixels[0] - 0.5 * x - 0.4 * coarse + 30).astype(np.float32)[None]}


@pytest.fixture
def blurring(monkeypatch):
    monkeypatch.setattr(restorer.Restorer, "session_class", BlurSession)
    return restorer.Restorer


@pytest.mark.parametrize(
    "shape", [(700, 500, 3), (391, 1000), (16, 16), (1, 1), (3, 900, 3), (250, 7)]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_tiles_leave_no_seam(blurring, shape, dtype):
    pixels = np.random.default_rng(1).integers(0, 256, shape).astype(dtype)
    whole = blurring("photo", max_tile_pixels=10**9).examine(pixels, 20)
    tiled = blurring("photo", max_tile_pixels=300 * 300)
    parts = tiled.examine(pixels, 20)
    assert whole.changed and parts.changed
    assert parts.image.shape == shape and parts.image.dtype == dtype
    difference = np.abs(parts.image.astype(float) - whole.image)
    assert difference.max() <= (1 if dtype == np.uint8 else 0.01)
    (network,) = tiled._networks.values()
    sizes = set(network._session.shapes)
    assert len(sizes) == 1 and np.prod(sizes.pop()) <= 300 * 300
    if np.prod(shape[:2]) > 300 * 300:
        assert len(network._session.shapes) > 1


class LopsidedSession:
    """A network that sees everything ten levels brighter on the right and on top."""

    def __init__(self, path, threads=None):
        self.runs = 0

    def run(self, signature, *, pixels, sigma=None):
        self.runs += 1
        rows, columns = np.indices(pixels.shape[1:3], np.float32)
        ramp = columns / pixels.shape[2] - rows**2 / pixels.shape[1] ** 2
        return {"pixels": pixels + 10 * ramp[None, ..., None]}


@pytest.mark.parametrize("shape", [(96, 160, 3), (70, 33, 3), (50, 400)])
def test_the_mean_of_all_turns_has_no_side(monkeypatch, shape):
    monkeypatch.setattr(restorer.Restorer, "session_class", LopsidedSession)
    pixels = np.random.default_rng(3).normal(128, 30, shape).astype(np.float32)
    results = {}
    for count in (1, 2, 4, 8):
        found = restorer.Restorer("photo", ensemble=count)
        results[count] = found.restore(pixels, 20) - pixels
        (network,) = found._networks.values()
        assert network._session.runs == count
    # Flips even out left and right, half turns top and bottom, quarter turns the rest.
    assert np.ptp(results[1], axis=1).max() > 4
    assert np.ptp(results[2], axis=1).max() < 0.5 and np.ptp(results[2], axis=0).max() > 4
    inner = results[4].reshape(*shape[:2], -1)[..., 0]
    if all(side % 16 == 0 for side in shape[:2]):
        np.testing.assert_allclose(inner, inner[::-1, ::-1], atol=1e-3)
        turned = restorer.Restorer("photo", ensemble=8).restore(np.rot90(pixels), 20)
        np.testing.assert_allclose(np.rot90(turned, -1), results[8] + pixels, atol=1e-3)


@pytest.mark.parametrize("count", [0, 3, 16, -1])
def test_only_some_ensembles_make_sense(count):
    with pytest.raises(UsageError, match="1, 2, 4 or 8"):
        restorer.Restorer("photo", ensemble=count)


def test_float_is_neither_clipped_nor_rounded(blurring):
    pixels = np.random.default_rng(2).normal(128, 100, (64, 64, 3)).astype(np.float32)
    result = blurring("photo").restore(pixels, 50)
    assert result.min() < 0 and result.max() > 255
    assert (result % 1).any()


def test_grey_stays_grey_and_equals_colour_without_colour(restorers):
    grey = speckled(page())
    colour = np.repeat(grey[..., None], 3, -1)
    out = restorers("scan").restore(grey)
    assert out.shape == grey.shape
    assert (restorers("scan").restore(colour) == out[..., None]).all()
    assert np.abs(out[28:60, 30:60].astype(int) - page()[28:60, 30:60]).max() == 0


def test_a_clean_page_stays_as_it_is(restorers):
    clean = page(900, 700)
    result = restorers("scan").examine(clean)
    assert not result.changed and result.image is clean
    assert (result.model, result.sigma) == ("scan", None)
    result = restorers("scan").examine(speckled(clean))
    assert result.changed and (result.image != clean).mean() < 0.001


def test_what_counts_as_little():
    changes = np.zeros(256, np.int64)
    changes[:40] = 100_000  # softer edges
    changes[200] = 6_000
    assert changes_little(changes)
    changes[200] = 7_000  # specks
    assert not changes_little(changes)


def test_the_noise_level_is_estimated_from_crops(restorers, draw):
    clean = draw(3, 900, 600).astype(np.float32)
    noisy = clean + np.random.default_rng(0).normal(0, 20, clean.shape).astype(np.float32)
    found = restorers("photo")
    result = found.examine(noisy)
    assert result.changed and 15 < result.sigma < 25
    (network,) = found._networks.values()
    assert network._session.shapes[:6] == [(128, 128)] * 6
    # One corner, however noisy, does not decide.
    clean[:200, :200] += np.random.default_rng(0).normal(0, 70, (200, 200, 3))
    assert found.examine(clean).sigma < 8
    small = found.examine(noisy[:5, :7])
    assert small.image.shape == (5, 7, 3)
    assert found.examine(noisy * 10).sigma == 75


def test_a_photograph_without_noise_stays_as_it_is(restorers):
    smooth = np.full((300, 300, 3), 90, np.uint8)
    result = restorers("photo").examine(smooth)
    assert not result.changed and result.image is smooth and result.sigma == 0
    assert restorers("photo").examine(smooth, 1).image is smooth
    assert restorers("photo").examine(smooth, 10).changed


def test_auto_takes_the_fitting_one(restorers, draw):
    auto = restorers("auto")
    assert auto.examine(speckled(page())).model == "scan"
    assert auto.examine(draw(1, 300, 200)).model == "photo"
    assert auto.examine(draw(1, 300, 200), 30).sigma == 30


@pytest.mark.parametrize(
    ("pixels", "sigma", "message"),
    [
        (np.zeros((4, 4, 3)), None, "uint8 or float32"),
        ([[1]], None, "Received: pixels='list'"),
        (np.zeros((4, 4, 4), np.uint8), None, "height, width, 3"),
        (np.zeros((0, 4), np.uint8), None, "height, width, 3"),
        (np.full((4, 4), np.nan, np.float32), None, "not finite"),
        (np.zeros((4, 4), np.uint8), -1, "0 to 75"),
        (np.zeros((4, 4), np.uint8), 75.5, "0 to 75"),
        (np.zeros((4, 4), np.uint8), float("nan"), "0 to 75"),
    ],
)
def test_refusals(restorers, pixels, sigma, message):
    with pytest.raises(UsageError, match=message):
        restorers("photo").restore(pixels, sigma)


def test_scans_have_no_noise_level(restorers):
    with pytest.raises(UsageError, match="no single noise level"):
        restorers("scan").restore(page(), 20)


def test_models_that_are_missing_or_senseless(restorers, tmp_path):
    with pytest.raises(ModelNotFoundError, match=r"'other' is not installed.*scan"):
        restorers("other")
    info = find_bundle("scan", kind="restorer").info
    for key, value in (("halo", -1), ("multiple", 0), ("task", "sketch"), ("multiple", "16")):
        (tmp_path / "model.json").write_text(json.dumps(info | {key: value}))
        with pytest.raises(ModelFileError, match="makes no sense"):
            restorers(f"{tmp_path}/")
    (tmp_path / "model.json").write_text(json.dumps(info | {"files": {"restorer.tflite": "00"}}))
    with pytest.raises(ModelFileError, match=r"restorer\.tflite"):
        restorers(f"{tmp_path}/")


# ---- aeimage.denoise -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P"])
def test_size_mode_and_metadata_are_kept(mode, tmp_path):
    image = Image.fromarray(speckled(page())).convert("RGB")
    if mode.endswith("A"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    image = image.convert(mode)
    image.info["dpi"] = (300, 300)
    out = aeimage.denoise(image)
    assert out.mode == {"1": "L", "P": "RGB"}.get(mode, mode)
    assert out.size == image.size
    assert out.info["dpi"] == (300, 300)
    assert np.asarray(out.convert("L"))[30:34].min() > 200
    if mode.endswith("A"):
        assert (np.asarray(out)[..., -1] == np.asarray(image)[..., -1]).all()
    image.save(tmp_path / "page.png", dpi=(300, 300))
    assert (np.asarray(aeimage.denoise(tmp_path / "page.png")) == np.asarray(out)).all()


def test_a_profile_is_kept(restorers):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(speckled(page())).convert("RGB")
    image.info["icc_profile"] = profile
    assert aeimage.denoise(image, "scan").info["icc_profile"] == profile


def test_arrays_and_16_bit_samples():
    grey = speckled(page())
    assert aeimage.denoise(grey).mode == "L"
    assert aeimage.denoise(np.repeat(grey[..., None], 3, -1)).mode == "RGB"
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    with pytest.warns(UserWarning, match="16-bit samples were reduced"):
        assert (np.asarray(aeimage.denoise(deep)) == np.asarray(aeimage.denoise(grey))).all()
    with pytest.raises(UsageError, match="image"):
        aeimage.denoise(3)


def test_one_restorer_stays_open(restorers):
    assert open_restorer("scan") is open_restorer("scan")
    assert open_restorer("photo") is not open_restorer("scan")


def test_a_grey_picture_with_a_colour_profile_stays_colour(restorers):
    rgb = np.repeat(speckled(page())[..., None], 3, -1)
    result = restorers("scan").restore_picture(Picture(rgb, icc=b"x", source_mode="L"))
    assert not result.image.is_grey


# ---- a real network --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_restorer(tmp_path_factory):
    """A LiteRT file with the signatures of a restorer: a blur and what is 16 times coarser."""
    tf = pytest.importorskip("tensorflow", reason="making a LiteRT file needs the train extra")
    blur = np.full((5, 5, 3, 1), 1 / 25, np.float32)
    widen = np.zeros((16, 16, 3, 3), np.float32)
    widen[:, :, range(3), range(3)] = 1
    picture = tf.TensorSpec((1, None, None, 3), tf.float32, name="pixels")

    class Network(tf.Module):
        @tf.function(input_signature=[picture, tf.TensorSpec((1,), tf.float32, name="sigma")])
        def denoise(self, pixels, sigma):
            fine = tf.nn.depthwise_conv2d(pixels, blur, (1, 1, 1, 1), "SAME")
            coarse = tf.nn.avg_pool2d(pixels, 16, 16, "VALID")
            coarse = tf.nn.conv2d_transpose(coarse, widen, tf.shape(pixels), 16, "VALID")
            share = tf.reshape(sigma, (1, 1, 1, 1)) / 75
            return {"pixels": fine * share + 0.1 * coarse + pixels * (0.9 - share)}

        @tf.function(input_signature=[picture])
        def estimate(self, pixels):
            steps = pixels[:, :, 1:] - pixels[:, :, :-1]
            return {"sigma": tf.reshape(tf.sqrt(tf.reduce_mean(steps**2) / 2), (1,))}

    network = Network()
    folder = tmp_path_factory.mktemp("tiny")
    tf.saved_model.save(
        network, str(folder / "saved"), {"denoise": network.denoise, "estimate": network.estimate}
    )
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(folder / "saved"), signature_keys=["denoise", "estimate"]
    )
    (folder / "restorer.tflite").write_bytes(converter.convert())
    info = {"format": 1, "name": "tiny", "kind": "restorer", "task": "photo", "id": "00"}
    info |= {"multiple": 16, "halo": 96, "files": {}}
    (folder / "model.json").write_text(json.dumps(info))
    return str(folder)


def test_with_litert(tiny_restorer):
    noise = np.random.default_rng(0).normal(128, 20, (300, 410, 3)).astype(np.float32)
    whole = Restorer(tiny_restorer, max_tile_pixels=10**9).examine(noise)
    tiled = Restorer(tiny_restorer, max_tile_pixels=65_536).examine(noise)
    assert tiled.changed and abs(whole.sigma - 20) < 1
    assert np.abs(whole.image - tiled.image).max() < 0.01
    assert tiled.image.std() < 0.8 * noise.std()
    small = Restorer(tiny_restorer, threads=1).examine(noise[:3, :5].astype(np.uint8))
    assert small.image.shape == (3, 5, 3)
