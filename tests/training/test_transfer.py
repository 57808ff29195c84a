"""Starting from weights that are there, and keeping parts of them."""

import shutil

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training needs the train extra")

from aeimage.errors import ModelFileError, UsageError
from aeimage.training.checkpoint import load_checkpoint
from aeimage.training.presets import load_preset
from aeimage.training.request import TrainingRequest
from aeimage.training.run import train
from aeimage.training.weights import find_weights, load_weights

FROZEN = ("analysis_transform", "hyper_analysis")


def weights(out) -> dict[str, np.ndarray]:
    """The weights in a run's checkpoint."""
    arrays, _ = load_checkpoint(out / "checkpoint.npz")
    return {name: array for name, array in arrays.items() if name.startswith("model/")}


def test_frozen_parts_stay_and_others_learn(tiny_run, photo_folder, tmp_path):
    def run(**options):
        request = TrainingRequest("codec-tiny", [photo_folder], tmp_path, log_every=1, **options)
        train(request, lambda line: None)
        return weights(tmp_path)

    model = (
        load_preset("codec-tiny")
        .make_task(
            TrainingRequest("codec-tiny", [photo_folder], tmp_path, crop=64, batch_size=2, seed=0),
            lambda line: None,
        )
        .build()
    )
    load_weights(model, find_weights(tiny_run))
    start = {f"model/{v.path}": np.asarray(v.value) for v in model.trainable_variables}
    freeze = ["analysis_transform", "hyper_a*"]
    tuned = run(init=tiny_run, freeze=freeze, steps=2, learning_rate=1e-3)
    # A resumed run keeps its parts frozen, and has them from its checkpoint.
    resumed = run(steps=3, resume=True)
    for path, value in start.items():
        frozen = any(part in path for part in FROZEN)
        for later in (tuned, resumed):
            assert np.array_equal(later[path], value) or not frozen, path
    for before, after in ((start, tuned), (tuned, resumed)):
        assert any(not np.array_equal(after[path], value) for path, value in before.items())


@pytest.mark.parametrize(("freeze", "message"), [(["analysis"], "mean_0"), (["*"], "not every")])
def test_what_cannot_be_frozen(photo_folder, tmp_path, freeze, message):
    request = TrainingRequest("codec-tiny", [photo_folder], tmp_path / "out", freeze=freeze)
    with pytest.raises(UsageError, match=message):
        train(request, lambda line: None)


def test_weights_of_folders(tiny_run, tmp_path):
    assert find_weights(tiny_run) == tiny_run / "best.weights.h5"
    assert find_weights(tmp_path / "a.weights.h5") == tmp_path / "a.weights.h5"
    for count in (0, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        for i in range(count):
            shutil.copy(tiny_run / "best.weights.h5", folder / f"{i}.weights.h5")
        with pytest.raises(ModelFileError, match=f"{count} files"):
            find_weights(folder)
