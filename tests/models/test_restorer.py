"""The restorer: starts as the identity, tiles agree with the whole, levels matter."""

import keras
import numpy as np
import pytest

from aeimage.models.layers import PatchConv2DTranspose, TileConv2D, TileConv2DTranspose
from aeimage.models.restorer import Restorer, RestorerConfig

SCAN = RestorerConfig((4, 6, 8), (1, 1, 1), (1, 1), level_map=False)
PHOTO = RestorerConfig((4, 6), (1, 1), (1,), level_map=True)


def built(config, *, random=False):
    keras.utils.set_random_seed(1)
    model = Restorer(config)
    model.build()
    if random:
        rng = np.random.default_rng(2)
        for variable in model.trainable_variables:
            variable.assign(variable + rng.normal(0.0, 0.05, variable.shape))
    return model


def picture(height=64, width=96, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (1, height, width, 3)).astype("float32")


def test_an_untrained_restorer_returns_its_input():
    pixels = picture()
    assert np.array_equal(built(SCAN)(pixels)["pixels"], pixels)
    output = built(PHOTO)(pixels, np.array([20.0], "float32"))
    assert np.array_equal(output["pixels"], pixels)
    assert output["level"].shape == (1,)


def test_mixed_precision_keeps_pixels_and_sums_exact():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = built(SCAN)
    finally:
        keras.config.set_dtype_policy("float32")
    pixels = picture()
    output = model(pixels)["pixels"]
    assert output.dtype == "float32" and np.array_equal(output, pixels)
    block = model.blocks[0]
    sums = np.random.default_rng(0).normal(size=(1, 8, 8, 4)).astype("float32")
    assert np.array_equal(block(sums), sums)


def test_with_the_halo_a_tile_comes_out_as_in_the_whole():
    model = built(SCAN, random=True)
    halo, side = SCAN.halo, 2 * SCAN.multiple
    pixels = picture(2 * halo + 64, 2 * halo + 64)
    whole = np.asarray(model.restore(pixels))
    start = SCAN.multiple
    window = slice(start, start + 2 * halo + side)
    inner = slice(start + halo, start + halo + side)
    part = np.asarray(model.restore(pixels[:, window, window]))[:, halo:-halo, halo:-halo]
    assert np.allclose(part, whole[:, inner, inner], atol=1e-3)
    assert np.abs(whole - pixels).max() > 1.0


def test_the_halo_is_no_larger_than_it_needs_to_be():
    model = built(SCAN, random=True)
    pixels = picture(256, 256)
    changed = pixels.copy()
    changed[:, 128, 128] += 50.0
    difference = np.abs(np.asarray(model.restore(changed)) - np.asarray(model.restore(pixels)))
    rows = np.flatnonzero(difference.max(axis=(0, 2, 3)) > 1e-4)
    reach = max(128 - rows.min(), rows.max() - 128)
    assert reach <= SCAN.halo < 2 * reach + SCAN.multiple


def test_the_level_is_an_input_of_each_picture():
    model = built(PHOTO, random=True)
    pixels = np.concatenate([picture(), picture()])
    low, high = np.asarray(model.restore(pixels, np.array([5.0, 60.0], "float32")))
    assert not np.allclose(low, high)
    alone = np.asarray(model.restore(pixels[1:], np.array([60.0], "float32")))
    assert np.allclose(alone[0], high, atol=1e-3)


def test_it_is_saved_and_loaded(tmp_path):
    model = built(PHOTO, random=True)
    model.save(tmp_path / "restorer.keras")
    loaded = keras.saving.load_model(tmp_path / "restorer.keras")
    level = np.array([12.0], "float32")
    expected = np.asarray(model.restore(picture(), level))
    assert np.allclose(loaded.restore(picture(), level), expected, atol=1e-4)


@pytest.mark.parametrize("stride", [2, 4])
def test_tile_convolutions_are_keras_convolutions(stride):
    x = np.random.default_rng(3).normal(size=(2, 8, 12, 5)).astype("float32")
    down = TileConv2D(7, stride)
    plain = keras.layers.Conv2D(7, stride, strides=stride)
    up = TileConv2DTranspose(7, stride)
    transposed = keras.layers.Conv2DTranspose(7, stride, strides=stride)
    for ours, theirs in ((down, plain), (up, transposed)):
        ours.build(x.shape)
        theirs.build(x.shape)
        weights = [np.random.default_rng(4).normal(size=w.shape) for w in theirs.get_weights()]
        ours.set_weights(weights)
        theirs.set_weights(weights)
        assert np.allclose(ours(x), theirs(x), atol=1e-4)


def test_patches_are_a_transposed_convolution():
    x = np.random.default_rng(3).normal(size=(1, 6, 5, 4)).astype("float32")
    layer = PatchConv2DTranspose(3, 2)
    layer.build(x.shape)
    expected = np.asarray(layer(x))
    layer.as_patches = True
    assert np.allclose(layer(x), expected, atol=1e-4)
