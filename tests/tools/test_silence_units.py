"""Units that never fire are silenced, and only they."""

import json

import numpy as np
import pytest
import silence_units
from keras import ops

from aeimage.corruption import PhotoDamage
from aeimage.models.restorer import Restorer, RestorerConfig
from aeimage.training.restorer_task import PhotoTask
from aeimage.training.weights import load_weights, save_weights


class Noise:
    def batch(self, step):
        return np.random.default_rng(step).integers(0, 256, (2, 32, 32, 3)).astype("uint8")


CONFIG = RestorerConfig((8, 12), (1, 1), (1,), level_map=True)


@pytest.fixture
def model():
    """A restorer, three of whose units never fire."""
    model = Restorer(CONFIG)
    model.build()
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0, 0.1, variable.shape))
    model.blocks[1].first.bias.assign(np.where(np.arange(12) < 3, -1e4, 0.5))
    return model


def task():
    return PhotoTask(Noise(), config=CONFIG, damage=PhotoDamage())


def test_only_units_that_never_fire_are_silenced(model):
    found = task()
    batches = [found.batch(step) for step in range(3)]
    pixels, level = np.full((1, 32, 32, 3), 99, "float32"), np.array([20], "float32")
    before = ops.convert_to_numpy(model(pixels, level)["pixels"])
    highest = silence_units.peaks(model, found, batches)
    assert [int((peak <= 0).sum()) for peak in highest] == [0, 3, 0]
    assert silence_units.silence(model, highest) == 3
    kernel = ops.convert_to_numpy(model.blocks[1].second.kernel)
    assert not kernel[:, :, :3].any() and kernel[:, :, 3:].any()
    after = ops.convert_to_numpy(model(pixels, level)["pixels"])
    np.testing.assert_array_equal(before, after)


def test_from_the_command_line(model, tmp_path, monkeypatch, capsys):
    preset = type("Preset", (), {"CONFIG": CONFIG, "make_task": lambda request: task()})
    monkeypatch.setattr(silence_units, "load_preset", lambda name: preset)
    record = {"preset": "photo", "data": [], "batch_size": 2, "crop": 32, "options": {}, "seed": 0}
    (tmp_path / "run.json").write_text(json.dumps(record))
    save_weights(model, tmp_path / "a.weights.h5", precision="float32")
    out = tmp_path / "b.weights.h5"
    silence_units.main(
        [str(tmp_path), str(tmp_path / "a.weights.h5"), "-o", str(out), "--batches", "2"]
    )
    assert "3 of 28 units silenced" in capsys.readouterr().out
    quiet = Restorer(CONFIG)
    quiet.build()
    load_weights(quiet, out)
    assert not ops.convert_to_numpy(quiet.blocks[1].second.kernel)[:, :, :3].any()
