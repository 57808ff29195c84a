"""Classifiers from a few labels: choice of labels, logistic regression, comparison, bundle."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from aeimage.apps.transfer import (
    Labelled,
    compare,
    few_labels,
    fit_classifier,
    trials_csv,
    trials_markdown,
)
from aeimage.errors import UsageError
from aeimage.runtime.classifier import LinearClassifier

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pictures():
    """Two classes that differ in one latent, and pixels that are mostly noise."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400)
    latents = rng.normal(0, 1, (400, 4)).astype(np.float32)
    latents[:, 1] += 6 * labels
    pixels = rng.integers(0, 256, (400, 4, 4, 1)).astype(np.uint8)
    return Labelled(pixels, latents, labels)


def test_labels_are_drawn_evenly():
    labels = np.repeat(np.arange(4), [100, 50, 30, 5])
    for count in (4, 10, 30, 185):
        chosen = few_labels(labels, count, seed=1)
        counts = np.bincount(labels[chosen], minlength=4)
        assert len(set(chosen.tolist())) == count
        room = np.bincount(labels)
        assert all(n == full or n >= counts.max() - 1 for n, full in zip(counts, room, strict=True))
    assert not np.array_equal(few_labels(labels, 10, 0), few_labels(labels, 10, 1))
    for count in (3, 186):
        with pytest.raises(UsageError, match="one a class"):
            few_labels(labels, count)


def test_logistic_regression_as_arrays(pictures, tmp_path):
    chosen = few_labels(pictures.labels, 20)
    for known in (pictures.labels, pictures.labels + 1, np.where(pictures.labels, 2, 0)):
        linear = fit_classifier(pictures.latents[chosen], known[chosen], ["a", "b", "c"])
        found = linear.probabilities(pictures.latents)
        assert found.shape == (400, 3) and np.allclose(found.sum(axis=1), 1)
        assert np.mean(found.argmax(axis=1) == known) > 0.97
        missing = set(range(3)) - set(known.tolist())
        assert all(found[:, number].max() == 0 for number in missing)
    path = tmp_path / "classifier.npz"
    path.write_bytes(linear.to_bytes())
    again = LinearClassifier.read(path)
    assert np.array_equal(again.probabilities(pictures.latents), found)
    assert again.classes.tolist() == ["a", "b", "c"]
    with pytest.raises(UsageError, match="all the same"):
        fit_classifier(pictures.latents[:5], np.zeros(5, int), ["a", "b"])


def test_it_agrees_with_scikit_learn(pictures):
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 4 * 3)  # too few a class to choose a strength
    labels[:3] = 0, 1, 2
    inputs = pictures.latents[: len(labels)]
    linear = fit_classifier(inputs, labels, ["a", "b", "c"])
    scaled = (inputs - linear.mean) / linear.scale
    model = LogisticRegression(C=1 / np.sqrt(4 / 32), max_iter=400).fit(scaled, labels)
    assert np.allclose(linear.probabilities(inputs), model.predict_proba(scaled), atol=1e-3)


def test_comparison(pictures):
    calls = []

    def scratch(pixels, labels, asked, seed):
        calls.append((len(pixels), len(labels), seed))
        return np.zeros(len(asked), int)

    trials = compare(pictures, pictures, ["a", "b"], [2, 20], seeds=2, scratch=scratch)
    assert len(trials) == 2 * 2 * 3
    assert calls == [(2, 2, 0), (2, 2, 1), (20, 20, 0), (20, 20, 1)]
    best = {(t.method, t.labels, t.seed): t.accuracy for t in trials}
    assert all(best["latents", 20, s] > best["pixels", 20, s] + 0.2 for s in (0, 1))
    table = trials_markdown(trials)
    assert table.count("\n") == 5 and "±" in table and "| 2 | 20 |" in table
    assert trials_csv(trials).count(b"\n") == 13
    without = compare(pictures, pictures, ["a", "b"], [20], seeds=1)
    assert {t.method for t in without} == {"latents", "pixels"}
