"""The restorers that ship: LiteRT does what Keras does, and both restore."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="exporting needs the train extra")

from keras import ops
from PIL import Image, ImageDraw

from aeimage.export.kinds import restorer as kind
from aeimage.images import read_picture
from aeimage.metrics import psnr
from aeimage.runtime.restorer import Restorer
from aeimage.samples import sample_paths
from aeimage.training.presets import load_preset
from aeimage.training.weights import load_weights

SHIPPED = Path(__file__).resolve().parents[2] / "saved_models"
LINES = "The quick brown fox jumps, over the lazy dog; and 0123456789 sphinxes judge my vow."


def page():
    image = Image.new("L", (480, 320), 255)
    draw = ImageDraw.Draw(image)
    for row in range(12):
        draw.text((12, 10 + 25 * row), LINES[row:], fill=0, font_size=10 + row)
    return np.repeat(np.asarray(image)[..., None], 3, axis=-1)


def photograph():
    (path,) = (p for p in sample_paths() if p.stem == "coffee")
    return read_picture(path).rgb[:320, :480]


def noisy(pixels, sigma):
    noise = np.random.default_rng(0).normal(0.0, sigma, pixels.shape[:2])[..., None]
    return np.clip(np.rint(0.8 * pixels + 25 + noise), 0, 255).astype(np.uint8)


CASES = {"scan": (page(), [5, 20, 40]), "photo": (photograph(), [10, 25, 60])}


@pytest.mark.parametrize("name", CASES)
def test_litert_is_as_good_as_keras(name):
    clean, sigmas = CASES[name]
    model = kind.build(load_preset(name))
    weights = SHIPPED / f"restore-{name}" / "restorer.weights.h5"
    if not weights.exists():
        pytest.skip("packages leave the weights of models out")
    load_weights(model, weights)
    restored = Restorer(name)
    for sigma in sigmas:
        damaged = noisy(clean, sigma)
        level = () if name == "scan" else (np.array([sigma], np.float32),)
        keras = ops.convert_to_numpy(model(damaged[None].astype("float32"), *level)["pixels"])[0]
        keras = np.clip(np.rint(keras), 0, 255).astype(np.uint8)
        litert, _ = restored._networks[name].run(damaged, None if name == "scan" else sigma)
        assert abs(psnr(litert, clean) - psnr(keras, clean)) < 0.1
        assert psnr(litert, clean) > psnr(damaged, clean) + 3 or name == "photo"


@pytest.mark.parametrize("name", CASES)
def test_tiles_make_no_seam(name):
    clean, (_, sigma, _) = CASES[name]
    damaged = noisy(np.tile(clean, (2, 2, 1)), sigma)
    sigma = None if name == "scan" else sigma
    whole = Restorer(name)._networks[name].run(damaged, sigma)[0].astype(float)
    parts = Restorer(name, max_tile_pixels=200_000)._networks[name].run(damaged, sigma)[0]
    difference = np.abs(parts - whole)
    # Eight bits of the range of a tile: a level here and there, nowhere more than an eye sees.
    assert difference.mean() < (1.0 if name == "scan" else 0.01)
    assert difference.max() <= (32 if name == "scan" else 1)
