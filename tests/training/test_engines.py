"""What an engine computes: the formula of Adam, the same on both backends, safe in float16."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_training
from small_training import SmallTask

pytest.importorskip("tensorflow", reason="training needs the train extra")

import keras

from aeimage.training.distribution import is_chief, share_of
from aeimage.training.engines import make_engine
from aeimage.training.feeding import ahead
from aeimage.training.packing import Packing
from aeimage.training.step import FIRST_SCALE, Step


@pytest.fixture
def policy():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def make(**options):
    task = SmallTask(**options)
    model = task.build()
    engine = make_engine(task, model)
    engine.write()
    return task, model, engine


def take(task, engine, step, rate=0.01):
    inputs = engine.put(task.batch(step), task.scalars(step), 5, step)
    return engine.fetch([engine.train(inputs, rate, step, False)])[0]


def test_packing_is_a_round_trip():
    _, model, _ = make()
    packing = Packing(model.trainable_variables)
    values = [np.random.default_rng(i).normal(size=s) for i, s in enumerate(packing.shapes)]
    vector = packing.pack(values)
    assert vector.shape == (packing.size,) and vector.dtype == np.float32
    tensors = packing.split(keras.ops.convert_to_tensor(vector))
    for back in (packing.unpack(vector), map(np.asarray, tensors)):
        for value, one in zip(values, back, strict=True):
            np.testing.assert_array_equal(one, value.astype("float32"))
    np.testing.assert_array_equal(np.asarray(packing.join(tensors)), vector)
    packing.assign(vector)
    np.testing.assert_array_equal(packing.values(), vector)
    nothing = Packing([])
    assert nothing.size == 0 and nothing.split(nothing.pack([])) == []


def test_a_step_is_that_of_keras_adam():
    task, model, engine = make(noise=False)
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    adam = keras.optimizers.Adam(0.01, beta_2=0.99, global_clipnorm=1.0)

    import tensorflow as tf

    for step in range(4):
        take(task, engine, step)
        with tf.GradientTape() as tape:
            loss, _ = task.loss(twin, task.batch(step), None)
            loss += sum(twin.losses)
        adam.apply(tape.gradient(loss, twin.trainable_variables), twin.trainable_variables)
    arrays = engine.read()
    for ours, theirs in zip(model.trainable_variables, twin.trainable_variables, strict=True):
        np.testing.assert_allclose(arrays[f"model/{ours.path}"], theirs, rtol=1e-4, atol=1e-6)


def test_noise_depends_on_seed_and_step_alone():
    rows = []
    for order in ((3, 4), (4, 3)):
        keras.utils.set_random_seed(2)
        task, _, engine = make()
        arrays = engine.read()
        found = {}
        for step in order:
            engine.write(arrays)
            found[step] = take(task, engine, step)["loss"]
        rows.append(found)
    assert rows[0] == rows[1]
    assert rows[0][3] != rows[0][4]


def test_every_random_layer_is_seeded_step_by_step():
    from aeimage.training.codec_task import CodecTask
    from aeimage.training.presets.codec_tiny import CONFIG

    for task in (SmallTask(), CodecTask(None, config=CONFIG)):
        step = Step(task, task.build(), clip_norm=1.0)
        assert len(step.generators) == 1
        seeds = {step.seeds(3, n, replica).tobytes() for n in range(4) for replica in range(4)}
        assert len(seeds) == 16


def test_float16_skips_steps_that_overflow(policy):
    policy("mixed_float16")
    task, _, engine = make(noise=False)
    before = engine.read()
    assert before["optimizer/loss_scaling"][0] == FIRST_SCALE
    huge = {**before, "optimizer/loss_scaling": np.array([2.0**40, 5.0], "float32")}
    engine.write(huge)
    logs = take(task, engine, 0)
    assert logs["skipped"] == 1.0 and np.isfinite(logs["loss"]) and logs["gradient_norm"] == 0.0
    after = engine.read()
    np.testing.assert_array_equal(after.pop("optimizer/loss_scaling"), [2.0**39, 0.0])
    for name, value in after.items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    engine.write(before)
    logs = take(task, engine, 0)
    assert logs["skipped"] == 0.0 and logs["gradient_norm"] > 0.0
    after = engine.read()
    assert np.any(after["model/decoder/kernel"] != before["model/decoder/kernel"])
    assert after["optimizer/loss_scaling"][1] == 1.0


def test_float16_grows_its_scale_when_all_is_calm(policy):
    policy("mixed_float16")
    task, _, engine = make(noise=False)
    engine.write({**engine.read(), "optimizer/loss_scaling": np.array([64.0, 1999.0], "float32")})
    take(task, engine, 0)
    np.testing.assert_array_equal(engine.read()["optimizer/loss_scaling"], [128.0, 0.0])


def test_frozen_weights_stay_as_they_are():
    task = SmallTask()
    model = task.build()
    model.get_layer("encoder").trainable = False
    engine = make_engine(task, model)
    engine.write()
    before = engine.read()
    for step in range(3):
        take(task, engine, step)
    after = engine.read()
    np.testing.assert_array_equal(after["model/encoder/kernel"], before["model/encoder/kernel"])
    assert "ema/encoder/kernel" not in after
    assert np.any(after["model/norm/moving_mean"] != before["model/norm/moving_mean"])
    assert np.any(after["model/decoder/kernel"] != before["model/decoder/kernel"])


def test_shares_make_up_the_batch():
    batch = np.arange(24).reshape(12, 2)
    shares = [share_of(batch, replica, 4) for replica in range(4)]
    np.testing.assert_array_equal(np.concatenate(shares), batch)
    with pytest.raises(ValueError, match="batch_size"):
        share_of(batch, 0, 5)
    seed = np.array([3, 4], "uint32")
    seeds = {tuple(share_of(seed, replica, 8).tolist()) for replica in range(8)}
    assert len(seeds) == 8 and (3, 4) in seeds


def test_the_chief_is_named_or_the_first():
    assert is_chief("worker", 0, {"worker": ["a", "b"]})
    assert not is_chief("worker", 1, {"worker": ["a", "b"]})
    cluster = {"chief": ["a"], "worker": ["b"]}
    assert is_chief("chief", 0, cluster) and not is_chief("worker", 0, cluster)


@pytest.mark.parametrize("threads", [1, 4])
def test_inputs_come_in_order_and_errors_where_they_belong(threads):
    assert list(ahead(lambda step: step * step, 3, 9, threads)) == [9, 16, 25, 36, 49, 64]

    def fail(step):
        if step == 4:
            raise OSError("unreadable")
        return step

    got = []
    with pytest.raises(OSError, match="unreadable"):
        got.extend(ahead(fail, 0, 9, threads))
    assert got == [0, 1, 2, 3]


def test_jax_takes_the_steps_of_tensorflow(tmp_path):
    pytest.importorskip("jax")
    _, _, engine = make(noise=False)
    np.savez(tmp_path / "start.npz", **engine.read())
    start, result = tmp_path / "start.npz", tmp_path / "jax.npz"
    call = f"import small_training; small_training.follow({str(start)!r}, {str(result)!r})"
    paths = [str(Path(small_training.__file__).parent), *filter(None, sys.path)]
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    subprocess.run([sys.executable, "-c", call], check=True, env=environment, timeout=500)
    small_training.follow(start, tmp_path / "tf.npz")
    with np.load(result) as jax, np.load(tmp_path / "tf.npz") as tensorflow:
        assert jax.files == tensorflow.files
        for name in jax.files:
            np.testing.assert_allclose(
                jax[name], tensorflow[name], rtol=1e-3, atol=1e-5, err_msg=name
            )
