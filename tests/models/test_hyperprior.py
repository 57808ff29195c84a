"""The untrained codec is a working transform codec, and every part of it learns."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from aeimage.metrics import psnr  # noqa: E402
from aeimage.models.hyperprior import HyperpriorCodec, checkerboard  # noqa: E402
from aeimage.models.rate import logistic_bits  # noqa: E402
from aeimage.models.transforms import CodecConfig  # noqa: E402
from aeimage.tables import logistic_tables  # noqa: E402

SMALL = CodecConfig(slices=(8, 12, 16), hyper=12, entropy=16, width=16, blocks=1)


def make_model(config: CodecConfig | None = None) -> HyperpriorCodec:
    model = HyperpriorCodec(config)
    model.build()
    return model


def smooth(height=128, width=192) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    planes = [128 + 90 * np.sin(rows / a) * np.cos(columns / b) for a, b in ((40, 31), (27, 50))]
    picture = np.stack([*planes, (rows + columns) * 0.7], axis=-1)
    return picture.clip(0, 255).astype("uint8")


def perturb(model, scale=0.05) -> None:
    """Move all variables off their special starting points (zeros, above all)."""
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        value = variable.numpy()
        spread = scale * (np.abs(value).mean() + 0.1)
        variable.assign(value + rng.normal(0, spread, value.shape))


@pytest.fixture(scope="module")
def full() -> HyperpriorCodec:
    return make_model()


@pytest.mark.parametrize(("quality", "floor"), [(0.0, 24), (50.0, 28), (80.0, 30), (100.0, 34)])
def test_untrained_it_is_a_working_transform_codec(full, quality, floor):
    picture = smooth()
    out = full(picture[None], np.array([quality], "float32"), training=False)
    restored = np.asarray(out.reconstruction)[0].round().clip(0, 255).astype("uint8")
    assert psnr(restored, picture) > floor
    bpp = float(out.latent_bits[0] + out.hyper_bits[0]) / picture[..., 0].size
    assert 0.01 < bpp < 4


def test_quality_buys_fidelity_with_bits(full):
    pictures = np.stack([smooth(64, 64)] * 3)
    out = full(pictures, np.array([5, 50, 95], "float32"), training=False)
    errors = np.mean((np.asarray(out.reconstruction) - pictures) ** 2, axis=(1, 2, 3))
    assert (np.diff(errors) < 0).all()
    assert (np.diff(np.asarray(out.latent_bits)) > 0).all()


def test_symbols_and_indices_are_whole_numbers_in_range(full):
    noise = np.random.default_rng(0).integers(0, 256, (1, 64, 128, 3))
    out = full(noise, np.array([70.0], "float32"), training=False)
    for name, low, high in (("symbols", -32767, 32767), ("indexes", 0, 63)):
        values = np.asarray(out[name])
        assert values.shape == (1, 4, 8, full.config.latents)
        np.testing.assert_array_equal(values, np.round(values))
        assert low <= values.min() < values.max() <= high
    assert np.abs(np.asarray(out.hyper_latent)).max() <= 63
    assert not np.asarray(out.symbols)[np.asarray(out.indexes) == 0].any()


def test_the_rate_of_training_is_that_of_the_tables():
    tables = logistic_tables()
    symbols, indexes = np.meshgrid(np.arange(-8, 9), np.arange(1, 64))
    estimated = np.asarray(logistic_bits(symbols.astype("float32"), indexes.astype("float32")))
    # One row may say so much and no more: float32 ends at 1e-9, tables at 2^-24.
    likely = estimated < 12
    exact = tables.bits(symbols, indexes.astype("uint8"))
    np.testing.assert_allclose(estimated[likely], exact[likely], atol=0.02)


def test_variable_paths_are_unique(full):
    paths = [v.path for v in full.variables]
    assert len(set(paths)) == len(paths)
    # Weights in checkpoints and bundles go by these.
    again = [v.path for v in make_model().trainable_variables]
    assert again == [v.path for v in full.trainable_variables]


def test_passes_split_the_latents(full):
    parts = [full.slice_of_pass(n) for n in range(4)]
    low, middle, high = full.config.slices
    assert parts[0] == parts[1] == slice(0, low)
    assert parts[2:] == [slice(low, low + middle), slice(low + middle, low + middle + high)]
    board = np.asarray(checkerboard(3, 4))[0, :, :, 0]
    assert board.tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_gradients_reach_every_variable(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = make_model(SMALL)
    finally:
        keras.config.set_dtype_policy("float32")
    assert all(v.dtype == "float32" for v in model.trainable_variables)
    perturb(model)
    pixels = np.random.default_rng(1).integers(0, 256, (4, 64, 64, 3))
    with tf.GradientTape() as tape:
        out = model(pixels, np.array([0, 40, 60, 100], "float32"))
        error = (out.reconstruction - tf.cast(pixels, "float32")) ** 2
        loss = tf.reduce_mean(error) + tf.reduce_mean(out.latent_bits + out.hyper_bits) / 4096
    assert out.reconstruction.dtype == "float32"
    assert np.isfinite(float(loss))
    variables = model.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(gradient).all(), variable.path
        assert np.abs(gradient).max() > 0, variable.path


def test_config_round_trips():
    model = make_model(SMALL)
    perturb(model)
    again = HyperpriorCodec.from_config(model.get_config())
    again.build()
    assert again.config == model.config
    assert again.get_config() == model.get_config()
    again.set_weights(model.get_weights())
    picture, quality = smooth(64, 64)[None], np.array([60.0], "float32")
    for name, expected in model(picture, quality, training=False).items():
        found = again(picture, quality, training=False)[name]
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected), name)


JAX_HALF = """
import sys
import jax
import numpy as np
from aeimage.models.hyperprior import HyperpriorCodec
from aeimage.models.transforms import CodecConfig

data = dict(np.load(sys.argv[1]))
slices = tuple(map(int, data.pop("slices")))
hyper, entropy, width, blocks = map(int, data.pop("sizes"))
model = HyperpriorCodec(CodecConfig(slices, hyper, entropy, width, blocks))
model.build()
picture, quality = data.pop("picture"), data.pop("quality")
for variable in model.trainable_variables:
    variable.assign(data.pop(variable.path))
assert not data, list(data)
forward = jax.jit(lambda picture, quality: dict(model(picture, quality, training=False)))
out = forward(picture, quality)
np.savez(sys.argv[2], **{name: np.asarray(value) for name, value in out.items()})
"""


def test_weights_move_to_jax(tmp_path):
    pytest.importorskip("jax")
    model = make_model(SMALL)
    perturb(model)
    picture, quality = smooth(64, 128)[None], np.array([60.0], "float32")
    sizes = [SMALL.hyper, SMALL.entropy, SMALL.width, SMALL.blocks]
    weights = {v.path: v.numpy() for v in model.trainable_variables}
    inputs = {"slices": SMALL.slices, "sizes": sizes, "picture": picture, "quality": quality}
    np.savez(tmp_path / "in.npz", **weights, **inputs)
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        # Compiling is most of the time, above all that of initial weights, which are replaced.
        "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }
    files = [str(tmp_path / name) for name in ("in.npz", "out.npz")]
    subprocess.run([sys.executable, "-c", JAX_HALF, *files], env=environment, check=True)
    found = np.load(tmp_path / "out.npz")
    expected = model(picture, quality, training=False)
    for name in ("symbols", "indexes", "hyper_latent"):
        np.testing.assert_array_equal(found[name], np.asarray(expected[name]), name)
    pixels = np.asarray(expected.reconstruction)
    np.testing.assert_allclose(found["reconstruction"] / 255, pixels / 255, atol=1e-4)
    for name in ("latent_bits", "hyper_bits"):
        np.testing.assert_allclose(found[name], np.asarray(expected[name]), rtol=1e-4)
