"""Measures of anomaly with a stand-in for the network: what they react to, and what not."""

import numpy as np
import pytest

from aeimage.errors import ModelFileError, UsageError
from aeimage.runtime import anomaly
from aeimage.runtime.anomaly import (
    AnomalyDetector,
    Calibration,
    Comparison,
    combine,
    raw_measures,
    remember,
)

SIDE = 28


class FakeNetwork:
    """Knows one picture, a bright bar, of any brightness."""

    def __init__(self, path=None, threads=None):
        pass

    def run(self, signature, **inputs):
        if signature == "encode":
            return {"latents": inputs["pixels"].mean(axis=(1, 2))}
        if signature == "decode":
            level = inputs["latents"][:, 0]
        else:
            level = inputs["pixels"][:, 8:20, 12:16].mean(axis=(1, 2, 3))
        return {"pixels": bar()[None] * level[:, None, None, None]}


def bar(top=8, left=12):
    picture = np.zeros((SIDE, SIDE, 1), np.float32)
    picture[top : top + 12, left : left + 4] = 1.0
    return picture


def as_bytes(*pictures):
    return np.stack([np.round(255 * np.clip(p, 0, 1)) for p in pictures]).astype(np.uint8)


@pytest.fixture
def comparison():
    return Comparison(FakeNetwork(), np.zeros(1, np.float32), 1e-3)


@pytest.fixture
def calibration():
    latents = np.linspace(0.5, 1.0, 8, dtype=np.float32)[:, None]
    low, high = np.log([3.0, 12.0])
    return Calibration(
        background=np.zeros(1, np.float32),
        floor=1e-3,
        latents=latents,
        centre=np.log([1e-3, 1e-3]),
        spread=np.ones(2),
        contrasts=np.array([low, high, 0.5]),
        heat=1e-3,
        scores=np.linspace(-2, 2, 101),
    )


def measured(comparison, calibration, *pictures):
    remembered = remember(comparison, calibration.latents)
    measures, heat = raw_measures(comparison, remembered, as_bytes(*pictures))
    return combine(measures, calibration), heat


def test_contrast_does_not_change_what_a_picture_looks_like(comparison):
    pictures = np.stack([bar(), 0.4 * bar(), np.roll(bar(), 1, axis=1)])
    normal, contrast = comparison.normalise(pictures)
    assert np.allclose(np.linalg.norm(normal.reshape(3, -1), axis=1), 1, atol=1e-5)
    assert np.allclose(normal[0], normal[1], atol=1e-5)
    assert contrast[1] == pytest.approx(0.4 * contrast[0], rel=1e-5)
    # Moved by a pixel it is nearly itself; elsewhere it is not.
    elsewhere, _ = comparison.normalise(bar(2, 4)[None])
    assert np.sum((normal[0] - normal[2]) ** 2) < 0.2 < np.sum((normal[0] - elsewhere) ** 2)


def test_an_empty_picture_has_no_direction(comparison):
    normal, contrast = comparison.normalise(np.zeros((1, SIDE, SIDE, 1), np.float32))
    assert not normal.any() and contrast[0] == 0
    assert np.isfinite(normal).all()


def test_the_background_may_be_bright():
    dark = Comparison(FakeNetwork(), np.zeros(1, np.float32), 1e-3)
    bright = Comparison(FakeNetwork(), np.ones(1, np.float32), 1e-3)
    one, _ = dark.normalise(bar()[None])
    other, _ = bright.normalise(1 - bar()[None])
    assert np.allclose(one, -other, atol=1e-6)


def test_blur_keeps_the_mean_and_is_even():
    for side in (1, 2, 8, 28, 64):
        matrix = anomaly._gaussian(side)
        assert np.allclose(matrix.sum(axis=1), 1, atol=1e-5)
        assert np.allclose(matrix.sum(axis=0), 1, atol=1e-5)
        assert np.allclose(matrix, matrix.T, atol=1e-6)


def test_what_is_not_normal_scores_higher(comparison, calibration):
    spot = bar()
    spot[2:6, 22:26] = 1.0
    scores, heat = measured(comparison, calibration, bar(), bar(2, 4), spot, 0 * bar())
    assert scores.total.argmin() == 0
    assert (scores.reconstruction[1:3] > scores.reconstruction[0] + 2).all()
    assert (scores.neighbours[1:] > scores.neighbours[0] + 2).all()
    # Only the empty picture, which this network can make, has an unusual contrast.
    assert scores.contrast[:2].tolist() == [0.0, 0.0] and scores.contrast[3] > 2
    assert np.allclose(scores.total, scores.reconstruction + scores.neighbours + scores.contrast)
    row, column = np.unravel_index(heat[2].argmax(), heat[2].shape)
    assert 1 <= row <= 6 and 21 <= column <= 26


def test_calibration_survives_a_file(calibration, tmp_path):
    path = tmp_path / "anomaly.npz"
    path.write_bytes(calibration.to_bytes())
    again = Calibration.read(path)
    for name, value in vars(calibration).items():
        assert np.allclose(getattr(again, name), value, atol=1e-3), name
    path.write_bytes(calibration.to_bytes()[:-40])
    with pytest.raises(ModelFileError, match="unreadable"):
        Calibration.read(path)


@pytest.fixture
def detector(monkeypatch, calibration, tmp_path):
    from aeimage.export.folder import write_folder

    monkeypatch.setattr(anomaly, "Session", FakeNetwork)
    manifest = {"name": "bar", "kind": "anomaly", "id": "00", "shape": [SIDE, SIDE, 1]}
    write_folder(tmp_path / "bar", manifest, {"anomaly.npz": calibration.to_bytes()})
    return AnomalyDetector(tmp_path / "bar")


def test_a_bundle_opens_and_scores(detector, comparison, calibration):
    pictures = as_bytes(bar(), bar(2, 4), 0 * bar())
    scores, heat = detector.measure(pictures, heatmaps=True)
    expected, _ = measured(comparison, calibration, bar(), bar(2, 4), 0 * bar())
    # Latents are stored at half precision.
    assert np.allclose(scores.total, expected.total, atol=0.1)
    assert heat.shape == (3, SIDE, SIDE) and heat.dtype == np.float32
    assert np.array_equal(detector.score(pictures), scores.total)
    empty, none = detector.measure(pictures[:0])
    assert empty.total.shape == (0,) and none is None
    assert detector.threshold(0.5) == pytest.approx(0.0)
    assert detector.threshold(0.99) == pytest.approx(1.96)
    with pytest.raises(UsageError, match="quantile"):
        detector.threshold(99)
    for wrong in (pictures.astype(np.float32), pictures[..., 0], pictures[:, :20]):
        with pytest.raises(UsageError, match="uint8 of shape"):
            detector.score(wrong)


def test_a_changed_file_is_noticed(detector):
    path = detector.bundle.path / "anomaly.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(ModelFileError, match="SHA-256"):
        AnomalyDetector(detector.bundle.path)
