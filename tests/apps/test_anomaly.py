"""Anomaly models of scikit-learn's digits, trained for a moment, scored without TensorFlow."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn")
pytest.importorskip("tensorflow", reason="training needs the train extra")

from aeimage.apps.anomaly import fit_detector, fit_paths, paint_heat, score_pictures
from aeimage.data.small_pictures import load_pictures
from aeimage.errors import OutputExistsError, UsageError
from aeimage.runtime.anomaly import AnomalyDetector


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """Knows the digit 0."""
    out = tmp_path_factory.mktemp("models") / "zero"
    found, failed = fit_paths("digits", out, label="0", steps=150, seed=1)
    assert not failed
    return found


@pytest.fixture(scope="module")
def digits():
    return load_pictures("digits", split="test")


def test_other_digits_are_found(detector, digits):
    from sklearn.metrics import roc_auc_score

    scores, _ = detector.measure(digits.pixels)
    for values in (scores.total, scores.reconstruction, scores.neighbours):
        assert roc_auc_score(digits.labels != 0, values) > 0.97
    normal = scores.total[digits.labels == 0]
    assert np.mean(normal <= detector.threshold(0.99)) > 0.7
    assert detector.threshold(0.5) < detector.threshold(0.99)
    assert detector.shape == (8, 8, 1) and detector.name == "zero"
    assert detector.bundle.info["training"]["pictures"] > 100


def test_scores_of_files(detector, digits, tmp_path):
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    zeros, others = (digits.pixels[mask] for mask in (digits.labels == 0, digits.labels != 0))
    for name, pixels in {"a": zeros[0], "sub/a": others[0], "b": 255 - zeros[1]}.items():
        Image.fromarray(pixels[..., 0]).resize((80, 80), 0).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    report = score_pictures(
        detector, folder, output=tmp_path / "s.csv", heatmaps=tmp_path / "heat", quantile=1.0
    )
    found = dict(zip(report.names, report.anomalous, strict=True))
    assert found == {
        str(folder / "a.png"): False,
        str(folder / "b.png"): True,
        str(folder / "sub" / "a.png"): True,
    }
    assert [result.input for result in report.failed] == [str(folder / "broken.png")]
    rows = list(csv.DictReader((tmp_path / "s.csv").open()))
    assert len(rows) == 3 and rows[0]["anomalous"] == "1" and rows[-1]["anomalous"] == "0"
    assert sorted(path.name for path in (tmp_path / "heat").iterdir()) == [
        "a.png.heat.png",
        "b.png.heat.png",
    ]
    painted = Image.open(tmp_path / "heat" / "b.png.heat.png")
    assert painted.height >= 112 and painted.width > 2 * painted.height
    assert json.loads(json.dumps(report.as_dict()))["threshold"] == round(report.threshold, 4)
    with pytest.raises(OutputExistsError):
        score_pictures(detector, folder, output=tmp_path / "s.csv")
    again = score_pictures(detector, folder, output=tmp_path / "s.csv", force=True)
    assert np.array_equal(again.scores.total, report.scores.total)


def test_the_heat_is_where_something_was_added(detector, digits):
    zero = digits.pixels[digits.labels == 0][:8].copy()
    before, _ = detector.measure(zero)
    zero[:, 3:5, 3:5] = 255  # the hole of the zero is filled
    after, heat = detector.measure(zero, heatmaps=True)
    assert np.mean(after.total > before.total) > 0.8
    inside = heat[:, 2:6, 2:6].mean(axis=(1, 2))
    assert np.mean(inside > heat.mean(axis=(1, 2))) > 0.8


def test_the_same_seed_gives_the_same_model(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    made = [
        fit_detector(pixels, tmp_path / name, steps=3, seed=5, latent_size=4) for name in ("a", "b")
    ]
    scores = [detector.score(pixels) for detector in made]
    assert np.allclose(*scores, rtol=1e-2)
    assert made[0].shape == (8, 8, 3)
    assert len(made[0].calibration.latents) == 35 and len(made[0].calibration.scores) == 5
    assert AnomalyDetector(tmp_path / "a").bundle.model_id == made[0].bundle.model_id


def test_what_cannot_work_is_refused(detector, tmp_path):
    pixels = np.zeros((10, 8, 8, 1), np.uint8)
    with pytest.raises(UsageError, match="at least 20"):
        fit_detector(pixels, tmp_path / "few")
    assert not (tmp_path / "few").exists()
    with pytest.raises(OutputExistsError):
        fit_detector(pixels, detector.bundle.path)
    with pytest.raises(UsageError, match="one of those there are"):
        fit_paths("digits", tmp_path / "x", label="cat")
    with pytest.raises(UsageError, match="size"):
        fit_paths("digits", tmp_path / "x", size=4)


def test_heat_is_painted_red():
    rgb = np.full((40, 40, 3), 100, np.uint8)
    heat = np.zeros((8, 8), np.float32)
    heat[2, 2] = 9.0
    painted = paint_heat(rgb, heat)
    assert np.array_equal(painted[:, :40], rgb)
    right = painted[:, -40:].astype(int)
    assert right[12, 12, 0] - right[12, 12, 1] > 150
    assert (right[30:, 30:, 0] == right[30:, 30:, 1]).all()
