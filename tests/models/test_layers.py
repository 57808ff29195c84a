"""The fast layers are the usual ones; blocks start as the identity; tables interpolate."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from aeimage.models.layers import (  # noqa: E402
    PatchConv2D,
    PatchConv2DTranspose,
    QualityTable,
    ResidualBlock,
)


def randomise(layer, seed=0) -> None:
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(0, 1, w.shape) for w in layer.get_weights()])


def numpy(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


def draw(*shape, seed=1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype("float32")


@pytest.mark.parametrize("stride", [2, 4, 8])
@pytest.mark.parametrize(
    ("fast_class", "plain_class"),
    [
        (PatchConv2D, keras.layers.Conv2D),
        (PatchConv2DTranspose, keras.layers.Conv2DTranspose),
    ],
)
def test_patch_convolutions_are_the_usual_ones(fast_class, plain_class, stride):
    x = draw(2, 2 * stride, 3 * stride, 5)
    fast = fast_class(7, stride)
    plain = plain_class(7, 2 * stride, strides=stride, padding="same")
    fast.build(x.shape)
    plain.build(x.shape)
    randomise(fast)
    plain.set_weights(fast.get_weights())
    expected = numpy(plain(x))
    assert expected.shape == tuple(fast.compute_output_shape(x.shape))
    np.testing.assert_allclose(numpy(fast(x)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_a_transposed_convolution_as_patches_is_the_usual_one(stride):
    layer = PatchConv2DTranspose(7, stride, activation="relu")
    x = draw(2, 3, 5, 6)
    layer.build(x.shape)
    randomise(layer)
    expected = numpy(layer(x))
    layer.as_patches = True
    np.testing.assert_allclose(numpy(layer(x)), expected, rtol=1e-4, atol=1e-4)


def test_a_residual_block_starts_as_the_identity():
    x = draw(1, 4, 5, 6)
    block = ResidualBlock(3)
    np.testing.assert_array_equal(numpy(block(x)), x)
    randomise(block)
    assert np.abs(numpy(block(x)) - x).max() > 0.1


def test_a_residual_block_sums_in_float32():
    x = 1000 + draw(1, 4, 5, 6)
    block = ResidualBlock(3, dtype="mixed_bfloat16")
    found = numpy(block(x))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x)  # bfloat16 would round to multiples of 4
    assert all(w.dtype == "float32" for w in block.weights)


def test_a_quality_table_is_linear_between_its_knots():
    knots = draw(5, 3) * 7
    table = QualityTable(3, knots=5, unit=2.0, initial=knots)
    quality = np.array([0, 25, 50, 100, 12.5, 90], "float32")
    found = numpy(table(quality))
    assert found.shape == (6, 1, 1, 3)
    expected = [knots[0], knots[1], knots[2], knots[4], (knots[0] + knots[1]) / 2]
    expected.append(knots[3] + 0.6 * (knots[4] - knots[3]))
    np.testing.assert_allclose(found[:, 0, 0], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(numpy(table.table), knots / 2.0, rtol=1e-6)


def test_a_quality_table_stays_in_float32():
    table = QualityTable(3, initial=np.full((9, 3), 1.001), dtype="mixed_bfloat16")
    np.testing.assert_allclose(numpy(table(np.array([37.5]))), 1.001, rtol=1e-6)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (PatchConv2D(4, 2, name="a"), (1, 4, 6, 3)),
        (PatchConv2DTranspose(4, 2, activation="relu"), (1, 4, 6, 3)),
        (ResidualBlock(5), (1, 4, 6, 3)),
        (QualityTable(4, knots=3, unit=8.0), (2,)),
    ],
    ids=lambda x: type(x).__name__,
)
def test_config_round_trips(layer, shape):
    x = np.abs(draw(*shape))
    layer(x)
    randomise(layer)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
    again(x)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(numpy(again(x)), numpy(layer(x)))
