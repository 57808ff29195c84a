"""The colorizer: grey at first, chroma as JPEG defines it, a bottom that sees the whole picture."""

import keras
import numpy as np
from PIL import Image

from aeimage.models.colorizer import Colorizer, chroma_of, luminance_of
from aeimage.models.skip_autoencoder import SkipConfig

CONFIG = SkipConfig((4, 6, 8), (1, 1, 1), (1, 1))


def built(random=False):
    keras.utils.set_random_seed(1)
    model = Colorizer(CONFIG)
    model.build()
    if random:
        rng = np.random.default_rng(2)
        for variable in model.trainable_variables:
            variable.assign(variable + rng.normal(0.0, 0.1, variable.shape))
    return model


def luminance(side=64, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (1, side, side, 1)).astype("float32")


def test_an_untrained_one_leaves_pictures_grey():
    chroma = np.asarray(built()(luminance())["chroma"])
    assert chroma.shape == (1, 32, 32, 2) and not chroma.any()


def test_luminance_and_chroma_are_those_of_jpeg():
    rgb = np.random.default_rng(1).integers(0, 256, (8, 10, 3), np.uint8)
    even = rgb.repeat(2, 0).repeat(2, 1)
    expected = np.asarray(Image.fromarray(rgb).convert("YCbCr")).astype(float)
    assert np.abs(np.asarray(luminance_of(rgb))[..., 0] - expected[..., 0]).max() <= 1
    assert np.abs(np.asarray(chroma_of(even[None]))[0] + 128 - expected[..., 1:]).max() <= 1


def test_every_position_sees_the_whole_picture():
    model = built(random=True)
    one = luminance(256)
    other = one.copy()
    other[:, -32:, -32:] = 255.0
    first, second = (np.asarray(model(x)["chroma"]) for x in (one, other))
    # Beyond the reach of the convolutions.
    assert CONFIG.halo < 150 and np.abs(first - second)[:, :16, :16].max() > 1e-4


def test_it_is_saved_and_loaded(tmp_path):
    model = built(random=True)
    model.save(tmp_path / "colorizer.keras")
    loaded = keras.saving.load_model(tmp_path / "colorizer.keras")
    expected = np.asarray(model(luminance())["chroma"])
    assert np.abs(expected).max() > 0.1
    assert np.allclose(loaded(luminance())["chroma"], expected, atol=1e-3)
