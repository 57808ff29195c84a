"""Several devices train as one does: same gradients, other noise, and nothing lost to kill -9."""

import signal

import numpy as np
import pytest
from small_training import free_addresses

pytest.importorskip("tensorflow", reason="training needs the train extra")

MIRRORED = {"strategy": "mirrored", "devices": ["cpu:0", "cpu:1"]}


def load(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def assert_same_bits(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


# ---- one device, two devices ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def quiet(finish, tmp_path_factory):
    """Eight steps on one device and on two, without noise."""
    path = tmp_path_factory.mktemp("compare") / "quiet.npz"
    finish("compare", result=path, noise=False)
    return load(path)


@pytest.fixture(scope="module")
def noisy(finish, tmp_path_factory):
    path = tmp_path_factory.mktemp("compare") / "noisy.npz"
    finish("compare", result=path, noise=True)
    return load(path)


def test_two_devices_take_the_gradients_of_one(quiet):
    # Adam's first momentum is a tenth of the gradient, clipped: its norm is 1 where it was longer.
    names = [name for name in quiet if name.endswith("_momentum") and name.startswith("one/")]
    assert len(names) == 4
    norm = np.sqrt(sum(np.sum(quiet[name] ** 2) for name in names)) * 10
    assert norm == pytest.approx(min(1.0, quiet["one/gradient_norm"][0]), rel=1e-5)
    for name in names:
        other = quiet[name.replace("one/", "two/")]
        np.testing.assert_allclose(other, quiet[name], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(quiet["two/gradient_norm"], quiet["one/gradient_norm"], rtol=1e-4)


def test_two_devices_have_the_loss_curve_of_one(quiet):
    np.testing.assert_allclose(quiet["two/loss"], quiet["one/loss"], rtol=1e-5)
    assert quiet["one/loss"][-1] != quiet["one/loss"][0]


def test_regularisation_counts_once(quiet):
    assert np.all(quiet["one/regularisation"] > 0)
    np.testing.assert_allclose(quiet["two/regularisation"], quiet["one/regularisation"], rtol=1e-5)


def test_each_replica_draws_its_own_noise(noisy):
    variance = noisy["two/square"] - noisy["two/draw"] ** 2
    assert np.all(variance > 1e-8)
    assert np.all(np.abs(noisy["one/square"] - noisy["one/draw"] ** 2) < 1e-6)
    # In each step another.
    assert len(set(noisy["two/draw"].tolist())) == len(noisy["two/draw"])


def test_dropout_differs_from_replica_to_replica(quiet, noisy):
    # Same examples, same weights at the start: what differs is the noise.
    assert noisy["two/loss"][0] != pytest.approx(noisy["one/loss"][0], rel=1e-4)


def test_running_means_are_those_of_all_replicas(noisy):
    means = [noisy[f"{name}/first/model/norm/moving_mean"] for name in ("one", "two")]
    assert np.any(means[0] != 0.0)
    assert np.any(means[1] != 0.0)


# ---- kill -9 -------------------------------------------------------------------------------------


@pytest.fixture(
    scope="module", params=[{}, MIRRORED], ids=["one_device", "mirrored"], name="survived"
)
def killed_and_resumed(request, start, finish, tmp_path_factory):
    """A run that was never killed, and one that was, at a random step, and then restarted."""
    folder = tmp_path_factory.mktemp("killed")
    step = int(np.random.default_rng().integers(5, 12))
    whole, resumed = folder / "whole.npz", folder / "resumed.npz"
    never = start("train", out=folder / "whole", result=whole, **request.param)
    killed = start("train", out=folder / "run", task={"kill_at": step}, **request.param)
    assert killed.wait() == -signal.SIGKILL, killed.text
    at = int(load_meta(folder / "run" / "checkpoint.npz")["step"])
    finish("train", out=folder / "run", result=resumed, resume=True, **request.param)
    assert never.wait() == 0, never.text
    return {"folder": folder, "killed": step, "saved": at, "whole": whole, "resumed": resumed}


def load_meta(path):
    from aeimage.training.checkpoint import load_checkpoint

    return load_checkpoint(path)[1]


def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(survived):
    assert 0 < survived["saved"] <= survived["killed"]
    whole = load(survived["whole"])
    assert whole["step"] == 12
    assert_same_bits(whole, load(survived["resumed"]))


def test_a_killed_run_logs_each_step_once(survived):
    for name in ("metrics.csv", "validation.csv"):
        logs = [(survived["folder"] / run / name).read_text().split() for run in ("whole", "run")]
        steps = [[row.split(",")[0] for row in log] for log in logs]
        assert steps[0] == steps[1]


# ---- two workers ---------------------------------------------------------------------------------


def two_workers(start, folder, **options):
    """Start both; worker 1 has a folder of its own, as on another machine."""
    addresses = free_addresses(2)
    return [
        start(
            "train",
            out=folder / f"out_{number}",
            result=folder / f"result_{number}.npz",
            strategy="multiworker",
            worker=number,
            addresses=addresses,
            **options,
        )
        for number in range(2)
    ]


@pytest.fixture(scope="module")
def workers(start, tmp_path_factory):
    """The folder of two workers that came to their end undisturbed."""
    folder = tmp_path_factory.mktemp("workers")
    for worker in two_workers(start, folder):
        assert worker.wait() == 0, worker.text
    return folder


def test_two_workers_end_with_identical_weights(workers):
    results = [load(workers / f"result_{number}.npz") for number in range(2)]
    assert results[0]["step"] == 12
    assert_same_bits(*results)


def test_only_the_chief_writes(workers):
    written = {path.name for path in (workers / "out_0").iterdir()}
    assert {"checkpoint.npz", "metrics.csv", "validation.csv", "best.weights.h5"} <= written
    assert not (workers / "out_1").exists()


def test_ctrl_c_at_one_worker_stops_all_at_the_same_step(start, tmp_path):
    for worker in two_workers(start, tmp_path, interrupt_at=4, steps=60):
        assert worker.wait() == 0, worker.text
    results = [load(tmp_path / f"result_{number}.npz") for number in range(2)]
    assert results[0]["step"] == 10
    assert_same_bits(*results)


@pytest.mark.parametrize("victim", [0, 1], ids=["chief", "worker"])
def test_both_workers_restart_from_the_last_common_checkpoint(victim, start, workers, tmp_path):
    addresses = free_addresses(2)
    both = [
        start(
            "train",
            out=tmp_path / f"out_{number}",
            strategy="multiworker",
            worker=number,
            addresses=addresses,
            task={"kill_at": 8} if number == victim else {},
        )
        for number in range(2)
    ]
    assert both[victim].wait() == -signal.SIGKILL
    assert both[1 - victim].wait() == 1, both[1 - victim].text
    assert "WorkerLostError: Another worker" in both[1 - victim].text
    assert 0 < load_meta(tmp_path / "out_0" / "checkpoint.npz")["step"] <= 8
    for worker in two_workers(start, tmp_path, resume=True):
        assert worker.wait() == 0, worker.text
    results = [load(tmp_path / f"result_{number}.npz") for number in range(2)]
    assert_same_bits(*results)
    assert_same_bits(results[0], load(workers / "result_0.npz"))
