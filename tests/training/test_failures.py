"""Whatever goes wrong in training, the message is clear and the last checkpoint intact."""

import numpy as np
import pytest
from PIL import Image
from small_training import SmallTask

pytest.importorskip("tensorflow", reason="training needs the train extra")

from aeimage.errors import AEImageError, ModelFileError, UsageError
from aeimage.training.checkpoint import load_checkpoint
from aeimage.training.devices import choose_precision, make_strategy
from aeimage.training.request import TrainingRequest
from aeimage.training.run import prepare, train
from aeimage.training.trainer import Trainer, TrainerConfig


def quiet(line: str) -> None:
    pass


def request(folder, out, **options) -> TrainingRequest:
    return TrainingRequest("codec-tiny", [folder], out, **options)


# ---- the system ----------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_checkpoint(start, finish, tmp_path):
    out = tmp_path / "run"
    finish("train", out=out, steps=3)
    size = (out / "checkpoint.npz").stat().st_size
    child = start("train", out=out, steps=12, resume=True, largest_file=size // 2)
    assert child.wait() == 1
    # Of a disk, it would be "No space left on device": the way is the same.
    assert "OSError" in child.text and "checkpoint.npz" in child.text
    assert load_checkpoint(out / "checkpoint.npz")[1]["step"] == 3
    assert not [path for path in out.iterdir() if "tmp" in path.name]
    finish("train", out=out, steps=12, resume=True)
    assert load_checkpoint(out / "checkpoint.npz")[1]["step"] == 12


@pytest.mark.parametrize("devices", [None, ["cpu:0", "cpu:1"]], ids=["one", "mirrored"])
def test_ctrl_c_saves_and_a_resumed_run_goes_on(devices, start, finish, tmp_path):
    where = {"strategy": "mirrored", "devices": devices} if devices else {}
    out, result, whole = tmp_path / "run", tmp_path / "result.npz", tmp_path / "whole.npz"
    child = start("train", out=out, interrupt_at=4, **where)
    assert child.wait() == 0
    assert "Stopping after this step" in child.text
    assert load_checkpoint(out / "checkpoint.npz")[1]["step"] == 4
    finish("train", out=out, result=result, resume=True, **where)
    finish("train", out=tmp_path / "whole", result=whole, **where)
    with np.load(result) as a, np.load(whole) as b:
        assert all(np.array_equal(a[name], b[name]) for name in b.files)


# ---- what was asked for --------------------------------------------------------------------------


def test_a_folder_without_pictures_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty.*no pictures"):
        prepare(request(tmp_path / "empty", tmp_path / "run"), quiet)
    with pytest.raises(UsageError, match="nowhere"):
        prepare(request(tmp_path / "nowhere", tmp_path / "run"), quiet)
    assert not (tmp_path / "run").exists()


def test_a_corrupt_picture_is_reported_and_skipped(photo_folder, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, path in enumerate(sorted(photo_folder.rglob("*.png"))):
        Image.open(path).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes((folder / "0.png").read_bytes()[:500])
    (folder / "wrong.jpg").write_bytes(b"no picture at all")
    lines = []
    trainer, _ = prepare(
        request(folder, tmp_path / "run", validation_data=[photo_folder]), lines.append
    )
    skipped = [line for line in lines if line.startswith("skipped")]
    assert len(skipped) == 2 and "broken.png" in " ".join(skipped)
    assert len(trainer.task.batch(0)[0]) == 4


def test_epochs_are_counted_in_pictures(photo_folder, tmp_path, monkeypatch):
    trainer, settled = prepare(request(photo_folder, tmp_path / "run", epochs=3), quiet)
    assert settled.steps == -(-3 * trainer.task.examples // 4)
    monkeypatch.setattr(type(trainer.task), "examples", None)
    with pytest.raises(UsageError, match="--steps"):
        prepare(request(photo_folder, tmp_path / "run", epochs=3), quiet)


def test_strategies_and_devices_that_make_no_sense(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(UsageError, match="one of auto, one, mirrored"):
        make_strategy("parameter-server")
    with pytest.raises(UsageError, match="TF_CONFIG"):
        make_strategy("multiworker")
    with pytest.raises(UsageError, match="gpu:7"):
        make_strategy("one", ["gpu:7"])
    with pytest.raises(UsageError, match="cpu:0"):
        make_strategy("one", ["the fast one"])
    for text in ("{", "[]", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}'):
        monkeypatch.setenv("TF_CONFIG", text)
        with pytest.raises(UsageError, match="Expected JSON such as"):
            make_strategy("auto")


def test_precision_follows_device_and_preset(monkeypatch):
    for fast, expected in ((True, "mixed_bfloat16"), (False, "float32")):
        monkeypatch.setattr("aeimage.training.devices.fast_at_bfloat16", lambda fast=fast: fast)
        assert choose_precision("auto", "mixed_bfloat16") == expected
        assert choose_precision("auto", "float32") == "float32"
        assert choose_precision("mixed_float16", "float32") == "mixed_float16"
    with pytest.raises(UsageError, match="mixed_bfloat16"):
        choose_precision("float8", "float32")


# ---- what is there already -----------------------------------------------------------------------


def test_a_damaged_checkpoint_is_left_alone(tiny_run, photo_folder, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    for name in ("run.json", "best.weights.h5"):
        (out / name).write_bytes((tiny_run / name).read_bytes())
    whole = (tiny_run / "checkpoint.npz").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"nothing of the kind"):
        (out / "checkpoint.npz").write_bytes(damaged)
        with pytest.raises(ModelFileError, match=r"damaged.*--init"):
            train(request(photo_folder, out, resume=True), quiet)
        assert (out / "checkpoint.npz").read_bytes() == damaged


def test_damaged_weights_are_refused(photo_folder, tmp_path):
    (tmp_path / "bad.weights.h5").write_bytes(b"nothing of the kind")
    with pytest.raises(AEImageError, match=r"bad\.weights\.h5"):
        train(request(photo_folder, tmp_path / "run", init=tmp_path / "bad.weights.h5"), quiet)
    assert not (tmp_path / "run" / "checkpoint.npz").exists()


# ---- the end of a run ----------------------------------------------------------------------------


def small_run(out, validations, **options):
    config = TrainerConfig(out, log_every=5, save_every=5, validate_every=2, **options)
    lines = []
    trainer = Trainer(SmallTask(validations=validations), config, lines.append)
    trainer.run(resume=True)
    return trainer, lines


def test_patience_stops_a_run_that_no_longer_improves(tmp_path):
    trainer, lines = small_run(tmp_path, (3.0, 2.0, 2.5, 2.0, 1.0), steps=100, patience=2)
    assert trainer.step == 8 and trainer.best == 2.0
    assert any("Stopped early" in line for line in lines)
    assert load_checkpoint(tmp_path / "checkpoint.npz")[1]["stale"] == 2
    # More patience goes on where it stopped.
    trainer, _ = small_run(tmp_path, (1.0, 1.0, 1.0, 1.0, 1.0), steps=100, patience=3)
    assert trainer.step == 16 and trainer.best == 1.0


def test_a_run_without_patience_comes_to_its_end(tmp_path):
    trainer, _ = small_run(tmp_path, (1.0, 2.0), steps=12)
    assert trainer.step == 12 and not trainer.stopping
