"""Starting from weights that are there, and keeping parts of them."""

import shutil

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training needs the train extra")

from aeimage.errors import ModelFileError, UsageError
from aeimage.training.request import TrainingRequest
from aeimage.training.run import train
from aeimage.training.weights import find_weights

FROZEN = ("analysis_transform", "hyper_analysis")


def values(model, frozen: bool) -> dict[str, np.ndarray]:
    """The weights of the parts that are frozen, or of the others."""
    return {
        v.path: np.asarray(v.value).copy()
        for v in model.variables
        if "seed" not in v.path and frozen == any(part in v.path for part in FROZEN)
    }


def test_frozen_parts_stay_and_others_learn(tiny_run, photo_folder, tmp_path):
    def run(out, **options):
        asked = {"log_every": 1, "learning_rate": 1e-3, **options}
        return train(TrainingRequest("codec-tiny", [photo_folder], out, **asked), lambda line: None)

    options = {"init": tiny_run, "freeze": ["analysis_transform", "hyper_a*"]}
    # One step of nothing but the start: its weights are those that were loaded.
    start = run(tmp_path / "start", steps=1, learning_rate=1e-12, **options)
    tuned = run(tmp_path / "tuned", steps=3, **options)
    for path, value in values(start.model, True).items():
        np.testing.assert_array_equal(values(tuned.model, True)[path], value, err_msg=path)
    # The average lags behind, but moves.
    moved = values(tuned.model, False)
    assert any(not np.array_equal(moved[p], v) for p, v in values(start.model, False).items())
    # A resumed run keeps its parts frozen, and has them from its checkpoint.
    resumed = run(tmp_path / "tuned", steps=4, resume=True)
    for path, value in values(start.model, True).items():
        np.testing.assert_array_equal(values(resumed.model, True)[path], value, err_msg=path)


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
