"""Training of the smallest preset: it learns, logs, resumes, and refuses what makes no sense."""

import csv
import itertools
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training needs the train extra")

from aeimage.errors import AEImageError, ModelFileError, OutputExistsError, UsageError
from aeimage.training.checkpoint import load_checkpoint, save_checkpoint
from aeimage.training.losses import rate_distortion_loss
from aeimage.training.request import TrainingRequest
from aeimage.training.run import train
from aeimage.training.schedules import warmup_cosine
from aeimage.training.weights import load_weights, save_weights


def quiet(line: str) -> None:
    pass


def request(folder, out, **options) -> TrainingRequest:
    return TrainingRequest("codec-tiny", [folder], out, **{"log_every": 2, **options})


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_logs_weights_and_checkpoint(tiny_run):
    names = {p.name for p in tiny_run.iterdir()}
    assert {"metrics.csv", "validation.csv", "checkpoint.npz", "best.weights.h5"} <= names
    assert list((tiny_run / "tensorboard").iterdir())
    assert json.loads((tiny_run / "run.json").read_text())["preset"] == "codec-tiny"
    logged = rows(tiny_run / "metrics.csv")
    assert {"bpp", "hyper_bpp", "mse", "rate_distortion", "learning_rate"} <= logged[0].keys()
    assert not [p for p in names if p.endswith(".tmp")]


def test_training_lowers_the_objective(tiny_run, photo_folder):
    from aeimage.training.presets import load_preset

    asked = request(photo_folder, photo_folder.parent, crop=64, batch_size=4, seed=0)
    task = load_preset("codec-tiny").make_task(asked, quiet)
    model = task.build()
    task.calibrate(model)

    def objective():
        return task.validate(lambda x, q: model(x, q, training=False))[0]["objective"]

    untrained = objective()
    load_weights(model, tiny_run / "best.weights.h5")
    assert objective() < 0.98 * untrained


def test_resume_gives_the_weights_of_an_uninterrupted_run(photo_folder, tmp_path):
    settings = {"steps": 5, "batch_size": 2, "learning_rate": 5e-4, "seed": 3}
    whole = train(request(photo_folder, tmp_path / "whole", **settings), quiet)
    out = tmp_path / "half"
    half = train(request(photo_folder, out, **settings), _interrupt_at_first_line)
    assert half.step == 2
    load_weights(half.model, out / "best.weights.h5")  # there before the first validation
    lines = (out / "metrics.csv").read_text().splitlines()
    killed_later = [lines[1].replace("2,", f"{step},", 1) for step in (4, 6)]
    (out / "metrics.csv").write_text("\n".join([*lines, *killed_later]) + "\n")
    # The settings are the run's.
    resumed = train(request(photo_folder, out, resume=True), quiet)
    assert resumed.step == 5
    assert [row["step"] for row in rows(out / "metrics.csv")] == ["2", "4"]
    assert settings.items() <= json.loads((out / "run.json").read_text()).items()
    for a, b in zip(
        whole.model.trainable_variables, resumed.model.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-6)


def _interrupt_at_first_line(line: str) -> None:
    """Take the place of a report function and end the process as `kill` does."""
    if line.startswith("step="):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_run_is_not_overwritten(tiny_run, photo_folder):
    before = (tiny_run / "checkpoint.npz").stat().st_mtime_ns
    with pytest.raises(OutputExistsError, match="--resume"):
        train(request(photo_folder, tiny_run, steps=1), quiet)
    assert (tiny_run / "checkpoint.npz").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "options",
    [
        {"crop": 100},
        {"steps": 0},
        {"batch_size": -1},
        {"seed": -1},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
    ],
    ids=lambda o: "{}={}".format(*next(iter(o.items()))),
)
def test_bad_numbers_are_refused(photo_folder, tmp_path, options):
    with pytest.raises(UsageError, match=next(iter(options))):
        train(request(photo_folder, tmp_path / "run", **options), quiet)


def test_an_unknown_preset_names_those_there_are(photo_folder, tmp_path):
    with pytest.raises(UsageError, match="codec-tiny"):
        train(TrainingRequest("nonsense", [photo_folder], tmp_path), quiet)


def test_weights_of_another_architecture_are_refused(tiny_run, tmp_path):
    import keras

    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ModelFileError, match="do not fit"):
        load_weights(other, tiny_run / "best.weights.h5")
    with pytest.raises(AEImageError):
        load_weights(other, tmp_path / "missing.weights.h5")


def test_weights_survive_half_precision(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    expected = [np.asarray(v) for v in model.weights]
    save_weights(model, tmp_path / "a.weights.h5")
    for v in model.weights:
        v.assign(np.full(v.shape, 9.0))
    load_weights(model, tmp_path / "a.weights.h5")
    for v, e in zip(model.weights, expected, strict=True):
        np.testing.assert_allclose(np.asarray(v), e, rtol=1e-3, atol=1e-6)
    assert [p.name for p in tmp_path.iterdir()] == ["a.weights.h5"]


def test_an_interrupted_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, {"a": np.arange(3)}, {"step": 1})

    def full_disk(*args, **kwargs):
        args[0].write(b"half of")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, {"a": np.arange(9)}, {"step": 2})
    arrays, meta = load_checkpoint(path)
    assert meta == {"step": 1}
    np.testing.assert_array_equal(arrays["a"], np.arange(3))
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_schedule_warms_up_and_falls_to_its_floor():
    options = {"total": 1000, "peak": 1.0, "floor": 0.1, "warmup": 100}
    values = [warmup_cosine(step, **options) for step in range(1001)]
    assert values[0] == pytest.approx(0.01)
    assert max(values) == pytest.approx(1.0)
    assert values.index(max(values)) in (99, 100)
    assert all(a >= b for a, b in itertools.pairwise(values[100:]))
    assert values[-1] == pytest.approx(0.1)


def test_the_loss_is_the_formula():
    from aeimage.models.hyperprior import CodecOutput

    pixels = np.zeros((2, 64, 64, 3), "uint8")
    quality = np.array([0.0, 100.0], "float32")
    output = CodecOutput(
        reconstruction=np.full(pixels.shape, 3.0, "float32"),
        latent_bits=np.array([4096.0, 8192.0], "float32"),
        hyper_bits=np.array([409.6, 819.2], "float32"),
    )
    _, parts = rate_distortion_loss(output, pixels, quality)
    assert float(parts["mse"]) == pytest.approx(9.0)
    assert float(parts["bpp"]) == pytest.approx((1.1 + 2.2) / 2)
    expected = np.mean([1.1 + 0.0018 * 9, 2.2 + 0.36 * 9])
    assert float(parts["rate_distortion"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.skipif(
    not (os.environ.get("CI") or os.environ.get("AEIMAGE_SLOW_TESTS")),
    reason="slow: set AEIMAGE_SLOW_TESTS=1 to run it",
)
def test_jax_trains_what_tensorflow_can_load(photo_folder, tmp_path):
    pytest.importorskip("jax")
    out = tmp_path / "jax"
    command = [sys.executable, "-m", "aeimage", "train", "codec-tiny", "--data", photo_folder]
    command += ["--out", out, "--steps", "3", "--log-every", "1"]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=500)
    on_tensorflow = train(request(photo_folder, tmp_path / "tf", steps=3, log_every=1), quiet)
    losses = [[float(r["loss"]) for r in rows(d / "metrics.csv")] for d in (out, tmp_path / "tf")]
    # Another generator draws the noise: alike, not equal.
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.05)
    model = on_tensorflow.task.build()
    load_weights(model, out / "best.weights.h5")
    arrays, meta = load_checkpoint(out / "checkpoint.npz")
    assert meta["step"] == 3
    for v in model.trainable_variables:
        np.testing.assert_allclose(np.asarray(v), arrays[f"ema/{v.path}"], rtol=2e-3, atol=1e-5)
