"""The integer layers: what they compute, and what is refused before it can be inexact."""

from __future__ import annotations

import dataclasses
import io
import math

import numpy as np
import pytest

from aeimage.errors import ModelFileError
from aeimage.scale_network import (
    BIAS_MAX,
    EXACT_LIMIT,
    IntegerLayer,
    ScaleNetwork,
    magnitude_code,
)


def make_layer(size=1, inputs=3, outputs=2, *, upsample=1, seed=0, **changes) -> IntegerLayer:
    rng = np.random.default_rng(seed)
    fields = {
        "kernel": rng.integers(-127, 128, (size, size, inputs, outputs)).astype(np.int8),
        "bias": rng.integers(-BIAS_MAX, BIAS_MAX + 1, outputs).astype(np.int32),
        "shift": 6,
        "rectify": False,
        "upsample": upsample,
        "input_max": 127,
    }
    return IntegerLayer(**{**fields, **changes})


def make_network(seed=0) -> ScaleNetwork:
    low, middle, high, features = 2, 3, 4, 5
    chain = (
        make_layer(4, 6, 5, upsample=2, rectify=True, input_max=63, seed=seed),
        make_layer(4, 5, features, upsample=2, rectify=True, seed=seed + 1),
    )
    inputs = (features, features + low, features + low, features + low + middle)
    passes = [
        (
            make_layer(1, inputs[i], 5, rectify=True, seed=seed + 2),
            make_layer(3, 5, 5, rectify=True, seed=seed + 3),
            make_layer(1, 5, outputs, shift=9, seed=seed + 4),
        )
        for i, outputs in enumerate((low, low, middle, high))
    ]
    return ScaleNetwork(chain, tuple(passes))


def by_definition(layer: IntegerLayer, x: np.ndarray) -> np.ndarray:
    """One output at a time, in Python's integers, from the formula in the documentation."""
    rows, columns, inputs = x.shape
    size, step = len(layer.kernel), layer.upsample
    before = (size - 1) // 2 if step == 1 else (size - step) // 2
    out = np.zeros((step * rows, step * columns, layer.bias.size), int)
    for r, c, o in np.ndindex(out.shape):
        total = int(layer.bias[o])
        for i, j, k in np.ndindex(size, size, inputs):
            if step == 1:
                source = (r + i - before, c + j - before)
            elif (r + before - i) % 2 or (c + before - j) % 2:
                continue
            else:
                source = ((r + before - i) // 2, (c + before - j) // 2)
            if 0 <= source[0] < rows and 0 <= source[1] < columns:
                total += int(x[*source, k]) * int(layer.kernel[i, j, k, o])
        value = math.floor((total + 2**layer.shift // 2) / 2**layer.shift)
        out[r, c, o] = min(max(value, 0), 127) if layer.rectify else value
    return out


@pytest.mark.parametrize(("size", "upsample"), [(1, 1), (3, 1), (5, 1), (2, 2), (4, 2)])
@pytest.mark.parametrize("shift", [0, 3, 9])
@pytest.mark.parametrize("rectify", [True, False])
def test_layers_follow_their_definition(size, upsample, shift, rectify):
    layer = make_layer(size, upsample=upsample, shift=shift, rectify=rectify)
    x = np.random.default_rng(1).integers(-127, 128, (3, 4, 3))
    np.testing.assert_array_equal(layer(x), by_definition(layer, x))


def test_halves_round_up_and_below_zero_rounds_down():
    one = {"kernel": np.ones((1, 1, 1, 1), np.int8), "bias": np.zeros(1, np.int32), "shift": 3}
    layer = make_layer(**one)
    x = np.array([-12, -11, -5, -4, -3, 0, 3, 4, 5, 11, 12])
    assert layer(x[:, None, None]).ravel().tolist() == [-1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 2]


def test_magnitude_code_is_a_sum_of_clipped_magnitudes():
    symbols = np.array([0, 1, -1, 2, 3, 4, 8, 16, -24, 119, 120, -32767])
    expected = [0, 31, 31, 46, 53, 60, 73, 82, 83, 94, 95, 95]
    assert magnitude_code(symbols).tolist() == expected
    assert magnitude_code(-symbols.astype(np.int16)).tolist() == expected
    assert (np.diff(magnitude_code(np.arange(200))) >= 0).all()


def test_the_largest_sum_is_reached_and_never_passed():
    for layer in (make_layer(3, 20), make_layer(4, 20, upsample=2), make_layer(1, 7, shift=9)):
        # The input that makes each output largest, put under the kernel's taps.
        best = 0
        for output in range(layer.bias.size):
            signs = layer.input_max * np.sign(layer.kernel[..., output].astype(int))
            for phase in np.ndindex(layer.upsample, layer.upsample):
                here = slice(phase[0], None, layer.upsample), slice(phase[1], None, layer.upsample)
                total = int((signs[here] * layer.kernel[here][..., output]).sum())
                best = max(best, total + abs(int(layer.bias[output])) + layer.half)
        assert layer.largest_sum == best


def test_a_layer_that_could_reach_the_limit_is_refused():
    # 127 * 127 * 9 * 115 is just below 2^24, 116 channels are beyond.
    full = {"bias": np.zeros(1, np.int32), "shift": 6}
    fine = make_layer(3, 115, 1, kernel=np.full((3, 3, 115, 1), 127, np.int8), **full)
    assert 0.99 * EXACT_LIMIT < fine.largest_sum < EXACT_LIMIT
    with pytest.raises(ModelFileError, match="2\\^24"):
        make_layer(3, 116, 1, kernel=np.full((3, 3, 116, 1), -127, np.int8), **full)


def test_float32_is_not_exact_beyond_the_limit():
    """Why the limit is there: the smallest step is lost."""
    assert np.float32(EXACT_LIMIT) + np.float32(1) == np.float32(EXACT_LIMIT)
    assert np.float32(EXACT_LIMIT - 1) + np.float32(1) == np.float32(EXACT_LIMIT)


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": np.zeros((1, 1, 3, 2), np.int16)},
        {"kernel": np.zeros((1, 3, 3, 2), np.int8)},
        {"kernel": np.full((1, 1, 3, 2), -128, np.int8)},
        {"kernel": np.zeros((2, 2, 3, 2), np.int8)},
        {"upsample": 2},
        {"upsample": 3},
        {"bias": np.zeros(3, np.int32)},
        {"bias": np.zeros(2, np.int64)},
        {"bias": np.array([0, BIAS_MAX + 1], np.int32)},
        {"shift": -1},
        {"shift": 17},
        {"input_max": 0},
        {"input_max": 128},
    ],
)
def test_nonsense_is_refused(changes):
    with pytest.raises(ModelFileError, match="integer scale network"):
        make_layer(**changes)


def test_networks_whose_layers_do_not_fit_are_refused():
    network = make_network()
    with pytest.raises(ModelFileError, match="expected 4"):
        dataclasses.replace(network, passes=network.passes[:3])
    with pytest.raises(ModelFileError, match="follow"):
        dataclasses.replace(network, features=network.features[::-1])
    unbounded = dataclasses.replace(network.features[1], rectify=False)
    with pytest.raises(ModelFileError, match="rectified"):
        dataclasses.replace(network, features=(network.features[0], unbounded))
    narrow = dataclasses.replace(network.passes[0][0], input_max=126)
    with pytest.raises(ModelFileError, match="features"):
        dataclasses.replace(network, passes=((narrow,), *network.passes[1:]))


def test_files_round_trip(tmp_path):
    network = make_network()
    path = tmp_path / "scale_network.npz"
    path.write_bytes(network.to_bytes())
    again = ScaleNetwork.read(path)
    assert again.to_bytes() == network.to_bytes()
    rng = np.random.default_rng(0)
    z, low = rng.integers(-63, 64, (2, 3, 6)), rng.integers(-9, 10, (8, 12, 2))
    np.testing.assert_array_equal(
        again.indexes(2, z, [low], np.full(3, 9)), network.indexes(2, z, [low], np.full(3, 9))
    )


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "scale_network.npz"
    with pytest.raises(ModelFileError, match="Install the model again"):
        ScaleNetwork.read(path)
    data = make_network().to_bytes()
    for damaged in (b"", data[: len(data) // 2], b"PK" + data[2:1000]):
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            ScaleNetwork.read(path)
    with np.load(io.BytesIO(data)) as file:
        arrays = dict(file)
    del arrays["pass_2_1_bias"]
    np.savez(path, **arrays)
    with pytest.raises(ModelFileError, match="pass_2_1_bias"):
        ScaleNetwork.read(path)
