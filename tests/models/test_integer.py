"""Integer convolutions compute whole numbers, learn, and survive serialisation."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from aeimage import scale_network  # noqa: E402
from aeimage.export.scale_network import integer_layer  # noqa: E402
from aeimage.models import integer  # noqa: E402
from aeimage.models.integer import IntegerConv2D  # noqa: E402
from aeimage.models.transforms import CodecConfig, ScaleHead  # noqa: E402

SETTINGS = [
    {"filters": 6, "kernel_size": 1},
    {"filters": 6, "kernel_size": 3},
    {"filters": 6, "kernel_size": 1, "shift": 9, "rectify": False},
    {"filters": 6, "kernel_size": 4, "upsample": 2, "shift": 3, "input_max": 63},
    {"filters": 6, "kernel_size": 2, "upsample": 2},
]
each_setting = pytest.mark.parametrize("settings", SETTINGS)


def make_layer(settings, channels=5, seed=0) -> IntegerConv2D:
    layer = IntegerConv2D(**settings)
    layer.build((None, None, None, channels))
    rng = np.random.default_rng(seed)
    layer.kernel.assign(rng.normal(0, 0.5, layer.kernel.shape))
    layer.bias.assign(rng.normal(0, 2, layer.bias.shape))
    return layer


def whole_numbers(layer, channels=5, shape=(1, 4, 6)) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.integers(-layer.input_max, layer.input_max + 1, (*shape, channels)).astype("float32")


@each_setting
def test_the_output_is_that_of_the_plain_arrays(settings):
    layer = make_layer(settings)
    x = whole_numbers(layer)
    found = keras.ops.convert_to_numpy(layer(x))
    np.testing.assert_array_equal(found[0], integer_layer(layer)(x[0].astype(np.int64)))
    assert found.shape == layer.compute_output_shape(x.shape)
    if layer.rectify:
        assert found.min() == 0
        assert found.max() == 127


@each_setting
def test_gradients_reach_weights_and_inputs(settings):
    layer = make_layer(settings)
    x = tf.constant(whole_numbers(layer))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(layer(x) ** 2)
    for gradient in tape.gradient(loss, [*layer.trainable_variables, x]):
        assert np.abs(gradient).max() > 0
        assert np.isfinite(gradient).all()


def test_half_a_unit_of_training_is_no_step_of_the_kernel_but_more_is():
    layer = make_layer({"filters": 1, "kernel_size": 1}, channels=1)
    for value, expected in ((10.49, 10), (10.5, 11), (-10.5, -10), (-10.51, -11), (1e6, 127)):
        layer.kernel.assign(np.full((1, 1, 1, 1), value / integer.WEIGHT_UNIT))
        assert float(layer.integer_kernel()[0, 0, 0, 0]) == expected
    for value, expected in ((3.0, 192), (1e6, 2047), (-1e6, -2047)):
        layer.bias.assign([value])
        assert float(layer.integer_bias()[0]) == expected


@each_setting
def test_config_round_trips(settings):
    layer = make_layer(settings)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.get_config() == layer.get_config()
    again.set_weights(layer.get_weights())
    x = whole_numbers(layer)
    np.testing.assert_array_equal(again(x), layer(x))


@pytest.mark.parametrize("size", [(1, 1), (3, 5)])
def test_upsampling_as_patches_gives_the_same_whole_numbers(size):
    layer = make_layer({"filters": 6, "kernel_size": 4, "upsample": 2, "shift": 3})
    x = np.random.default_rng(3).integers(-127, 128, (1, *size, 5)).astype("float32")
    expected = np.asarray(layer(x))
    layer.as_patches = True
    with integer.forward_only():
        np.testing.assert_array_equal(layer(x), expected)


def test_strides_other_than_one_and_two_are_refused():
    with pytest.raises(ValueError, match="Invalid value for `upsample`"):
        IntegerConv2D(4, 4, upsample=3)


def test_mixed_precision_trains_but_rounds():
    """In bfloat16 the layer is near its integers, not on them: why export wants float32."""
    heads = []
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        try:
            head = ScaleHead(32, CodecConfig())
        finally:
            keras.config.set_dtype_policy("float32")
        head.build((None, None, None, 96))
        assert all(w.dtype == "float32" for w in head.weights)
        rng = np.random.default_rng(0)
        head.set_weights([rng.normal(0, 0.2, w.shape) for w in head.get_weights()])
        heads.append(head)
    x = np.random.default_rng(0).integers(0, 128, (1, 8, 8, 96)).astype("float32")
    expected, found = (np.asarray(head(x)) for head in heads)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.round(found))
    assert 0 < np.abs(found - expected).mean() < 1


def test_magnitude_codes_are_those_of_the_plain_arrays():
    symbols = np.concatenate([np.arange(-300, 301), [-32767, 32767]])
    found = np.asarray(integer.magnitude_code(symbols.astype("float32")))
    np.testing.assert_array_equal(found, scale_network.magnitude_code(symbols))


def test_straight_through_is_exact_forward_and_smooth_backward():
    x = tf.constant(np.linspace(-5000, 5000, 10001, dtype="float32") * 1.2345)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = integer.straight_through(integer.round_half_up(x), x)
    np.testing.assert_array_equal(y, np.floor(x.numpy() + np.float32(0.5)))
    np.testing.assert_array_equal(tape.gradient(y, x), np.ones(x.shape))
    with integer.forward_only():
        assert integer.straight_through(y, x) is y
