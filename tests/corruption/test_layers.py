"""What holds for every layer: shapes, seeds, configs, files, tf.data, the other backend."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="corruption layers need the train extra")

import corruption_cases as cases
import keras
import tensorflow as tf

from aeimage import corruption
from aeimage.errors import UsageError

HERE = Path(__file__).resolve().parent
every_layer = pytest.mark.parametrize("name", cases.LAYERS)


def run(name, layer, images, seed):
    return np.asarray(cases.damaged(name, layer(images, seed=seed)))


def test_every_layer_is_tried():
    public = {getattr(corruption, name) for name in corruption.__all__}
    bases = {corruption.Corruption, corruption.Masking}
    layers = {c for c in public - bases if isinstance(c, type) and issubclass(c, keras.Layer)}
    assert {layer.__name__ for layer in layers} == set(cases.LAYERS)


@every_layer
@pytest.mark.parametrize("channels", [1, 3])
def test_seeds_say_everything(name, channels):
    layer = cases.LAYERS[name]()
    images = cases.pictures(name, channels)
    result = run(name, layer, images, [1, 2])
    assert result.dtype == np.float32 and np.isfinite(result).all()
    assert result.shape == (4, *cases.SIZE, channels)
    assert np.array_equal(result, run(name, layer, images, np.array([1, 2], "uint32")))
    assert np.array_equal(result, run(name, cases.LAYERS[name](seed=9), images, [1, 2]))
    others = [run(name, layer, images, seed) for seed in ([1, 3], [2, 2], [2, 1])]
    assert all(np.abs(result - other).max() > 0.1 for other in others)
    # Equal pictures, yet each has a damage of its own.
    assert len({picture.tobytes() for picture in result}) > 1


@every_layer
def test_without_a_seed_each_call_draws_another(name):
    images = cases.pictures(name, 1)
    first, second = cases.LAYERS[name](seed=5), cases.LAYERS[name](seed=5)
    calls = [np.asarray(cases.damaged(name, first(images))) for _ in range(2)]
    again = np.asarray(cases.damaged(name, second(images)))
    assert np.array_equal(calls[0], again)
    assert not np.array_equal(calls[0], calls[1])


@every_layer
def test_config_and_keras_file_bring_it_back(name, tmp_path):
    layer = cases.LAYERS[name](seed=3, name="damage")
    images = cases.pictures(name, 3)
    config = json.loads(json.dumps(layer.get_config()))
    result = run(name, layer, images, [1, 2])
    assert np.array_equal(result, run(name, type(layer).from_config(config), images, [1, 2]))

    inputs = keras.Input(images.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    assert cases.damaged(name, model.output_shape)[1:] == result.shape[1:]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").get_layer("damage")
    assert np.array_equal(result, run(name, loaded, images, [1, 2]))


@every_layer
def test_in_a_dataset_it_makes_the_same_pictures_whatever_the_order(name):
    layer = cases.LAYERS[name]()
    images = cases.pictures(name, 1, count=6)

    def worn(index, image):
        seed = tf.stack([7, tf.cast(index, tf.int32)])
        return index, cases.damaged(name, layer(image[None], seed=seed))[0]

    # Pictures of a folder have any size.
    spec = tf.TensorSpec((None, None, 1), tf.float32)
    dataset = tf.data.Dataset.from_generator(lambda: iter(images), output_signature=spec)
    dataset = dataset.enumerate().shuffle(6, seed=1)
    dataset = dataset.map(worn, num_parallel_calls=2, deterministic=False)
    pictures = dict(dataset.as_numpy_iterator())
    for index in range(0, 6, 2):
        alone = run(name, layer, images[index : index + 1], [7, index])[0]
        # A graph may add in another order.
        assert np.abs(alone - pictures[index]).mean() < 0.1
    assert len({picture.tobytes() for picture in pictures.values()}) > 1


@pytest.mark.parametrize("name", [n for n in cases.LAYERS if n != "RandomCrop"])
def test_probability_is_the_share_of_pictures_that_change(name):
    images = cases.pictures(name, 1, count=8)
    assert np.array_equal(run(name, cases.LAYERS[name](probability=0.0), images, [1, 2]), images)
    some = run(name, cases.LAYERS[name](probability=0.5), images, [1, 2])
    changed = np.any(some != images, axis=(1, 2, 3))
    assert 0 < changed.sum() < 8


def test_float32_whatever_the_policy():
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        result = corruption.GaussianNoise(sigma=0.0)(cases.pictures("GaussianNoise", 1) + 0.125)
    finally:
        keras.config.set_dtype_policy(before)
    assert np.array_equal(result, cases.pictures("GaussianNoise", 1) + 0.125)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: corruption.GaussianNoise(sigma=-1.0), "sigma=-1"),
        (lambda: corruption.GaussianNoise(sigma=(5.0, 1.0)), "low, high"),
        (lambda: corruption.Blur(sigma="wide"), "sigma='wide'"),
        (lambda: corruption.JPEGArtefacts(quality=(0, 50)), "within 1 to 100"),
        (lambda: corruption.SaltAndPepper(probability=1.5), "probability=1.5"),
        (lambda: corruption.OccludingBoxes(count=0), "count=0"),
        (lambda: corruption.RandomCrop(0, 8), "height=0"),
        (lambda: corruption.PaperTexture(textures=np.zeros((2, 4))), "textures"),
    ],
)
def test_senseless_parameters_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()


def test_streams_of_a_seed_differ():
    seed = np.array([0, 1], "int32")
    seeds = {tuple(np.asarray(corruption.fold_in(seed, i)).tolist()) for i in range(50)}
    nested = {
        tuple(np.asarray(corruption.fold_in(corruption.fold_in(seed, i), j)).tolist())
        for i in range(8)
        for j in range(8)
    }
    assert len(seeds) == 50 and len(nested) == 64 and not seeds & nested
    # Seeds that do not fit into a signed number are good seeds too.
    assert corruption.fold_in([2**32 - 1, 2**31], 3).shape == (2,)


def _started(name: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, HERE / name],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module", autouse=True)
def workers():
    """Processes that need a set-up of their own; they run while the other tests do."""
    # Compiled once, run once: optimising would be the longest part.
    flags = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    jax = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    started = {
        "replicas": _started("corruption_replicas.py"),
        "jax": _started("corruption_jax.py", **jax),
    }
    yield started
    for process in started.values():
        process.kill()
        process.communicate()


def _output(process: subprocess.Popen) -> str:
    out, errors = process.communicate(timeout=500)
    assert process.returncode == 0, errors[-3000:]
    return out


def test_each_replica_gets_noise_of_its_own(workers):
    assert json.loads(_output(workers["replicas"])) == {
        "same seed": True,
        "replica_seed": False,
        "own generator": False,
        "first replica as alone": True,
    }


def test_every_layer_runs_compiled_on_jax(workers):
    pytest.importorskip("jax")
    assert set(_output(workers["jax"]).split()) == set(cases.LAYERS)
