"""One harness for all kinds of autoencoders, then what each kind promises."""

import os
import subprocess
import sys
from pathlib import Path

import autoencoder_cases as cases
import keras
import numpy as np
import pytest
from autoencoder_cases import KINDS, made, pictures

pytest.importorskip("tensorflow", reason="these tests take gradients with TensorFlow")

import tensorflow as tf

from aeimage.errors import UsageError
from aeimage.models.autoencoder import cross_entropy
from aeimage.models.contractive import ContractiveAutoencoder
from aeimage.models.dense import DenseAutoencoder
from aeimage.models.edges import gradient_difference_loss
from aeimage.models.sparse import SparseAutoencoder
from aeimage.models.variational import VariationalAutoencoder, divergence

HERE = Path(__file__).parent
every_kind = pytest.mark.parametrize("name", KINDS)


@pytest.fixture(scope="module", autouse=True)
def on_jax():
    """The same kinds on JAX, in a process of its own that runs beside the other tests."""
    # Compiled once, run once: optimising would be the longest part.
    flags = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    environment = {
        **os.environ,
        "XLA_FLAGS": flags,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),
    }
    process = subprocess.Popen(
        [sys.executable, str(HERE / "autoencoders_on_jax.py")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


@every_kind
def test_shapes_and_ranges(name):
    model = made(name)
    x = pictures(model.shape)
    output = model(x)
    latents = model.encode(x)
    assert output["pixels"].shape == x.shape and output["pixels"].dtype == "float32"
    assert latents.shape == (len(x), model.latent_size)
    np.testing.assert_array_equal(output["latent"], latents)
    np.testing.assert_allclose(model.decode(latents), output["pixels"], atol=1e-6)
    np.testing.assert_allclose(model.reconstruct(x), output["pixels"], atol=1e-6)
    if "linear" not in str(model.get_config()["output_activation"]):
        assert np.min(output["pixels"]) >= 0.0 and np.max(output["pixels"]) <= 1.0


@every_kind
def test_config_and_file_make_the_same_model(name, tmp_path):
    model = made(name)
    x = pictures(model.shape)
    twin = type(model).from_config(model.get_config())
    twin.build()
    assert [v.shape for v in twin.variables] == [v.shape for v in model.variables]
    assert twin.get_config() == model.get_config()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.reconstruct(x), model.reconstruct(x), atol=1e-6)
    found, expected = (m.objective(x, training=False, seed=(1, 2))[0] for m in (loaded, model))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert len(loaded.losses) == len(model.losses)


@every_kind
def test_a_step_lowers_the_loss(name):
    model = made(name)
    before, after = cases.step_down(model, pictures(model.shape))
    assert after < before


@every_kind
def test_mixed_precision_keeps_pictures_and_latents_exact(name):
    exact, mixed = made(name), made(name, dtype="mixed_bfloat16")
    mixed.set_weights(exact.get_weights())
    x = pictures(exact.shape)
    one, other = exact(x), mixed(x)
    assert all(other[key].dtype == "float32" for key in ("pixels", "logits", "latent"))
    most = max(1.0, np.abs(one["pixels"]).max())
    np.testing.assert_allclose(other["pixels"], one["pixels"], atol=0.05 * most)
    loss, parts = mixed.objective(x, training=False, seed=(1, 2))
    assert loss.dtype == "float32" and all(np.isfinite(float(v)) for v in parts.values())


@every_kind
def test_noise_depends_on_the_seed_alone(name):
    model = made(name)
    x = pictures(model.shape)
    losses = [
        float(model.objective(x, training=False, seed=s)[0]) for s in ((1, 2), (1, 2), (1, 3))
    ]
    assert losses[0] == losses[1]
    random = ("denoising", "variational", "contractive, estimate")
    assert (losses[1] != losses[2]) == name.startswith(random)


@pytest.mark.parametrize("name", cases.GRAPHS)
def test_litert_gives_what_keras_gives(name, tmp_path):
    from aeimage.export.kinds.autoencoder import write_autoencoder
    from aeimage.runtime.autoencoder import Autoencoder

    model = made(name)
    levels = np.round(pictures(model.shape) * 255).astype("uint8")
    x = levels.astype("float32") / np.float32(255)
    write_autoencoder(model, tmp_path / "m", name="m", card="# m", precision="float32")
    runtime = Autoencoder(f"{tmp_path / 'm'}")
    assert (runtime.shape, runtime.latent_size) == (model.shape, model.latent_size)
    assert runtime.generative == name.startswith("variational")
    expected = np.clip(model.reconstruct(x), 0.0, 1.0)
    np.testing.assert_allclose(runtime.encode(levels), model.encode(x), atol=2e-5)
    np.testing.assert_allclose(runtime.reconstruct(levels), expected, atol=2e-5)
    np.testing.assert_allclose(runtime.decode(runtime.encode(levels)), expected, atol=2e-5)
    # Any number of pictures at a time.
    np.testing.assert_allclose(runtime.reconstruct(levels[:1]), expected[:1], atol=2e-5)


def test_each_kind_learns_on_jax(on_jax):
    pytest.importorskip("jax")
    out, errors = on_jax.communicate(timeout=900)
    assert on_jax.returncode == 0, errors[-3000:]
    assert set(cases.ON_JAX) <= set(out.splitlines())
    assert out.count("jacobian of") == 2


def test_regularisation_is_that_of_keras():
    model = DenseAutoencoder((2, 2, 1), 2, (3,), l1=0.1, l2=0.01)
    model.build()
    kernels = [v.numpy() for v in model.trainable_variables if v.name == "kernel"]
    assert len(kernels) == 4
    expected = sum(0.1 * np.abs(k).sum() + 0.01 * np.square(k).sum() for k in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_the_edge_term_measures_gradients_alone():
    x = pictures((8, 8, 3))
    assert float(gradient_difference_loss(x, x)) == 0.0
    assert float(gradient_difference_loss(x + 0.25, x)) == pytest.approx(0.0, abs=1e-6)
    flat = np.zeros_like(x)
    steps = sum(np.abs(np.diff(x, axis=axis)).mean() for axis in (1, 2))
    assert float(gradient_difference_loss(flat, x)) == pytest.approx(steps, rel=1e-5)


def test_cross_entropy_is_safe_and_right():
    logits = np.array([[-200.0, -2.0, 0.0, 3.0, 200.0]], "float32")
    targets = np.array([[0.0, 0.3, 0.5, 1.0, 1.0]], "float32")
    p = 1.0 / (1.0 + np.exp(-logits[:, 1:4]))
    t = targets[:, 1:4]
    expected = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    found = np.asarray(cross_entropy(logits, targets))
    np.testing.assert_allclose(found[:, 1:4], expected, rtol=1e-5)
    np.testing.assert_allclose(found[:, [0, 4]], 0.0, atol=1e-6)


def test_sparse_penalties_are_their_formulas():
    x = pictures((6, 6, 1))
    model = SparseAutoencoder((6, 6, 1), 50, (), weight=0.5)
    model.build()
    latent = np.asarray(model.encode(x))
    lengths = np.linalg.norm(model.decoder.first.kernel.numpy(), axis=1)
    penalty, parts = model.penalty(x, model(x))
    assert float(penalty) == pytest.approx(0.5 * np.mean(np.abs(latent) * lengths), rel=1e-4)
    assert float(parts["active"]) == pytest.approx(np.mean(latent > 1e-6), abs=1e-6)
    # Smaller latents with larger weights behind them dodge nothing.
    for layer, factor in ((model.latent, 0.1), (model.decoder.first, 10.0)):
        layer.kernel.assign(layer.kernel * factor)
    assert float(model.penalty(x, model(x))[0]) == pytest.approx(float(penalty), rel=1e-4)

    model = SparseAutoencoder((6, 6, 1), 50, (8,), penalty="kl", weight=2.0, sparsity=0.1)
    model.build()
    mean = np.asarray(model.encode(x)).mean(axis=0)
    expected = 0.1 * np.log(0.1 / mean) + 0.9 * np.log(0.9 / (1 - mean))
    assert float(model.penalty(x, model(x))[0]) == pytest.approx(2 * expected.mean(), rel=1e-4)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "linear"])
@pytest.mark.parametrize("output", ["sigmoid", "tanh"])
def test_the_contractive_penalty_is_the_jacobian(activation, output):
    x = pictures((4, 4, 1), 3)
    options = {"latent_activation": activation, "output_activation": output}
    analytic = ContractiveAutoencoder((4, 4, 1), 5, (), **options)
    analytic.build()
    estimate = ContractiveAutoencoder((4, 4, 1), 5, (), jacobian="estimate", probes=2, **options)
    estimate.build()
    estimate.set_weights(analytic.get_weights())
    expected = _squared_jacobian(analytic, x)
    np.testing.assert_allclose(analytic.squared_jacobian(x), expected, rtol=1e-4)
    np.testing.assert_allclose(_estimate(estimate, x), expected, rtol=0.08)


def test_the_estimate_is_right_for_deep_encoders_too():
    model = made("contractive, estimate", activation="tanh")
    x = pictures(model.shape, 3)
    np.testing.assert_allclose(_estimate(model, x), _squared_jacobian(model, x), rtol=0.08)


def _estimate(model, x, copies=3000):
    """The mean over many copies of a picture, which is as good as many probes of one."""
    found = np.asarray(model.squared_jacobian(np.repeat(x, copies, axis=0), seed=(1, 2)))
    return found.reshape(len(x), copies).mean(axis=1)


def _squared_jacobian(model, x):
    with tf.GradientTape() as tape:
        inputs = tf.constant(x)
        tape.watch(inputs)
        latents = model.encode(inputs)
    return np.sum(np.square(tape.batch_jacobian(latents, inputs)), axis=(1, 2, 3, 4))


def test_denoising_damages_in_training_alone():
    model = made("denoising, missing pixels")
    x = pictures(model.shape)
    inputs, targets = model.examples(x, seed=(1, 2))
    lost = np.all(np.asarray(inputs) == 0.0, axis=-1)
    assert 0.35 < lost.mean() < 0.65
    np.testing.assert_array_equal(targets, x)
    np.testing.assert_allclose(np.asarray(inputs)[~lost], x[~lost], atol=1e-6)


def test_divergence_is_that_of_normal_distributions():
    rng = np.random.default_rng(1)
    mean, deviation = np.array([0.7]), np.array([0.5])
    z = mean + deviation * rng.normal(size=400_000)
    log_q = -0.5 * np.square((z - mean) / deviation) - np.log(deviation)
    log_p = -0.5 * np.square(z)
    found = divergence(mean[None].astype("float32"), 2 * np.log(deviation)[None].astype("float32"))
    assert float(found[0]) == pytest.approx(np.mean(log_q - log_p), abs=0.01)


def test_the_elbo_is_a_bound_of_the_likelihood():
    """With one latent, the likelihood is an integral that can be computed."""
    keras.utils.set_random_seed(5)
    model = VariationalAutoencoder((2, 2, 1), 1, (4,))
    model.build()
    # Far from the prior, so that the bound is not tight.
    model.latent.bias.assign([0.8])
    model.log_variance.bias.assign([-1.0])
    x = np.array([[[[0.0], [1.0]], [[1.0], [1.0]]]], "float32")
    z = np.linspace(-8, 8, 4001, dtype="float32")[:, None]
    logits = np.asarray(model._decoded(z)["logits"])
    log_joint = -np.sum(cross_entropy(logits, np.repeat(x, len(z), 0)), axis=(1, 2, 3))
    log_joint = log_joint - 0.5 * np.square(z[:, 0]) - 0.5 * np.log(2 * np.pi)
    truth = np.log(np.sum(np.exp(log_joint)) * (z[1, 0] - z[0, 0]))
    estimate = float(model.log_likelihood(x, 5000, seed=(1, 2), chunk=999)[0])
    assert estimate == pytest.approx(truth, abs=0.02)
    bounds = [float(model.elbo(x, seed=(3, i))["elbo"][0]) for i in range(300)]
    assert np.mean(bounds) < truth - 0.05
    parts = model.elbo(x, seed=(1, 1))
    np.testing.assert_allclose(parts["elbo"], parts["log_likelihood"] - parts["kl"], rtol=1e-5)
    # What is logged in training is the same bound.
    _, logged = model.objective(x, training=False, seed=(1, 1))
    np.testing.assert_allclose(logged["elbo"], parts["elbo"][0], rtol=1e-4)


def test_pictures_are_drawn_and_interpolated():
    model = made("variational")
    x = pictures(model.shape)
    one, same, other = (np.asarray(model.generate(4, seed=s)) for s in (1, 1, 2))
    assert one.shape == (4, *model.shape)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    path = np.asarray(model.interpolate(x[0], x[1], 5))
    np.testing.assert_allclose(path[[0, -1]], model.reconstruct(x[:2]), atol=1e-5)


def test_binarized_pictures_are_drawn_anew():
    model = made("variational, beta, binarized")
    x = np.full((400, *model.shape), 0.25, "float32")
    one, other = (np.asarray(model.binarized(x, seed=(1, s))) for s in (1, 2))
    assert set(np.unique(one)) == {0.0, 1.0} and not np.array_equal(one, other)
    assert one.mean() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: DenseAutoencoder((28, 28), 4), "shape"),
        (lambda: DenseAutoencoder((28, 28, 2), 4), "shape"),
        (lambda: DenseAutoencoder((8, 8, 1), 0), "latent_size"),
        (lambda: DenseAutoencoder((8, 8, 1), 4, coder="linear"), "coder"),
        (lambda: DenseAutoencoder((8, 8, 1), 4, blocks=1), "blocks"),
        (lambda: DenseAutoencoder((8, 8, 1), 4, dropout=1.0), "dropout"),
        (lambda: DenseAutoencoder((8, 8, 1), 4, loss="mae"), "loss"),
        (
            lambda: DenseAutoencoder(
                (8, 8, 1), 4, loss="binary_crossentropy", output_activation="linear"
            ),
            "output_activation",
        ),
        (lambda: SparseAutoencoder((8, 8, 1), 4, penalty="l2"), "penalty"),
        (
            lambda: SparseAutoencoder((8, 8, 1), 4, penalty="kl", latent_activation="relu"),
            "latent_activation",
        ),
        (lambda: ContractiveAutoencoder((8, 8, 1), 4, jacobian="analytic"), "jacobian"),
        (lambda: VariationalAutoencoder((8, 8, 1), 4, loss="mse", binarize=True), "binarize"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(make, told):
    with pytest.raises(UsageError, match=told):
        make()


def test_there_are_no_nats_without_a_likelihood():
    model = made("variational, mse")
    with pytest.raises(UsageError, match="nats"):
        model.elbo(pictures(model.shape))
