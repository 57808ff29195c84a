"""What happens to a run at its edges: stopped early, diverged, resumed wrongly, no TensorFlow."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tensorflow", reason="training needs the train extra")

from aeimage.apps.training import require_training
from aeimage.errors import ModelFileError, TrainingDivergedError, UsageError
from aeimage.export.run import export_run
from aeimage.training.board import Board
from aeimage.training.codec_task import CodecTask
from aeimage.training.csv_log import append_row, drop_rows_after, set_aside
from aeimage.training.request import TrainingRequest
from aeimage.training.run import train
from aeimage.training.trainer import Trainer, TrainerConfig


def test_an_exact_reconstruction_has_a_finite_psnr(draw):
    picture = draw(1, 64, 64)

    def forward(pixels, quality):
        return {"reconstruction": pixels, "latent_bits": [64.0], "hyper_bits": [0.0]}

    result, _ = CodecTask(None, [picture]).validate(forward)
    assert np.isfinite(result["psnr_q85"])


def test_a_run_needs_a_held_out_picture_of_some_size(photo_folder, tmp_path):
    small = tmp_path / "small.png"
    Image.new("RGB", (63, 200)).save(small)
    request = TrainingRequest(
        "codec-tiny", [photo_folder], tmp_path / "run", validation_data=[small]
    )
    with pytest.raises(UsageError, match="held-out picture of at least 64x64"):
        train(request, lambda line: None)


def test_a_run_of_another_preset_is_not_resumed(tiny_run, photo_folder):
    before = (tiny_run / "run.json").read_text()
    request = TrainingRequest("codec", [photo_folder], tiny_run, resume=True)
    with pytest.raises(UsageError, match=r"'codec-tiny'.*'codec'"):
        train(request, lambda line: None)
    assert (tiny_run / "run.json").read_text() == before


class _Diverging:
    """A task of a single layer, and an engine whose first step gives no number."""

    calibrated = True

    def __init__(self, **logs):
        self.logs = logs

    def build(self):
        import keras

        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])

    def batch(self, step):
        return ()

    scalars = batch
    chief, several = True, False

    def put(self, *args):
        return ()

    def train(self, *args):
        return self.logs

    def fetch(self, logs):
        return logs

    def write(self):
        pass

    def any(self, flag):
        return flag

    def of_chief(self, value):
        return value


@pytest.mark.parametrize("name", ["loss", "gradient_norm"])
def test_the_last_save_keeps_a_good_checkpoint_from_a_diverged_model(tmp_path, name):
    task = _Diverging(**{"loss": 1.0, "gradient_norm": 1.0, name: float("nan")})
    trainer = Trainer(task, TrainerConfig(tmp_path, steps=7, validate_every=100), print)
    trainer.engine = task
    trainer.validate = lambda: None
    trainer.checkpoint_path.write_bytes(b"good")
    with pytest.raises(TrainingDivergedError, match="nan"):
        trainer.run()
    assert trainer.checkpoint_path.read_bytes() == b"good"
    assert not trainer.weights_path.exists()


def test_export_says_that_there_are_no_weights_yet(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"preset": "codec-tiny", "data": []}))
    with pytest.raises(ModelFileError, match=r"no weights yet: .*best\.weights\.h5"):
        export_run(tmp_path, tmp_path / "model")


def test_export_refuses_another_backend(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(UsageError, match="KERAS_BACKEND=tensorflow"):
        require_training("Exporting", backend="tensorflow")
    monkeypatch.delenv("KERAS_BACKEND")
    require_training("Exporting", backend="tensorflow")


def test_without_tensorflow_pictures_become_files(monkeypatch, tmp_path, draw):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    lines = []
    board = Board(tmp_path, lines.append)
    board.scalars(3, "training", {"loss": 1.0})
    board.images(3, {"original_and_q25/0": draw(1, 64, 64)})
    assert len(lines) == 1
    assert "TensorBoard logs are off" in lines[0]
    with Image.open(tmp_path / "pictures" / "3_original_and_q25_0.png") as picture:
        assert picture.size == (64, 64)


def test_steps_do_not_repeat_in_a_csv_log(tmp_path):
    path = tmp_path / "metrics.csv"
    for step in (10, 20, 30):
        append_row(path, {"step": step, "loss": "1"})
    with path.open("a") as file:
        file.write("1")  # cut short
    drop_rows_after(path, 20)
    append_row(path, {"step": 30, "loss": "2"})
    assert path.read_text().split() == ["step,loss", "10,1", "20,1", "30,2"]


def test_a_csv_log_with_other_columns_is_set_aside(tmp_path):
    path = tmp_path / "metrics.csv"
    append_row(path, {"step": 10, "loss": "1"})
    append_row(path, {"step": 20, "loss": "1", "bpp": "2"})
    assert (tmp_path / "metrics.1.csv").read_text().split() == ["step,loss", "10,1"]
    assert path.read_text().split() == ["step,loss,bpp", "20,1,2"]
    set_aside(path)
    assert (tmp_path / "metrics.2.csv").exists()
