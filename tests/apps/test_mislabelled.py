"""Wrong labels among pictures whose classes lie apart."""

import csv
import io

import numpy as np
import pytest

pytest.importorskip("sklearn")

from aeimage.apps.mislabelled import confident_errors, find_mislabelled, mislabelled_paths
from aeimage.errors import UsageError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def changed():
    """Latents of three classes, labels of which 5 % are wrong, and which those are."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 600)
    latents = rng.normal(0, 1, (600, 6)) + 4 * np.eye(6)[truth]
    wrong = np.zeros(600, bool)
    wrong[rng.permutation(600)[:30]] = True
    return latents, np.where(wrong, (truth + 1) % 3, truth), wrong, truth


def test_wrong_labels_come_first(changed):
    latents, labels, wrong, truth = changed
    found = find_mislabelled(latents, labels, ["a", "b", "c"])
    assert wrong[found.order[:30]].mean() >= 0.9
    assert sorted(found.order) == list(range(600))
    # Counted are those that are as sure as is usual: most, and hardly any other.
    assert 15 <= found.wrong.sum() <= 36 and wrong[found.wrong].mean() >= 0.8
    right = found.suggested[wrong] == truth[wrong]
    assert right.mean() > 0.9
    assert (found.suggested != found.given).all()
    assert found.confidence.min() >= 0 and found.confidence.max() <= 1


def test_the_same_seed_finds_the_same(changed):
    latents, labels, *_ = changed
    one, two = (find_mislabelled(latents, labels, "abc", seed=3) for _ in range(2))
    assert np.array_equal(one.order, two.order)


def test_classes_must_be_large_enough(changed):
    latents, labels, *_ = changed
    rare = labels.copy()
    rare[rare == 2] = 1
    rare[:3] = 2
    with pytest.raises(UsageError, match="'c' has 3 pictures"):
        find_mislabelled(latents, rare, ["a", "b", "c"])


def test_confident_errors_respect_how_sure_each_class_is():
    # The second class is never likelier than 0.4: that is enough for it.
    probabilities = np.array([[0.9, 0.1], [0.95, 0.05], [0.6, 0.4], [0.7, 0.3], [0.61, 0.39]])
    labels = np.array([0, 0, 1, 1, 0])
    assert confident_errors(probabilities, labels).tolist() == [False] * 4 + [True]


def test_a_data_set_by_its_pixels(tmp_path):
    found, pictures = mislabelled_paths("digits", model="pixels", split="test")
    assert len(pictures) == len(found.order) == 359
    # Its labels are right: few are doubted.
    assert found.wrong.mean() < 0.05
    rows = list(csv.DictReader(io.StringIO(found.as_csv(pictures.names).decode())))
    assert [int(row["rank"]) for row in rows] == list(range(1, 360))
    assert rows[0].keys() == {"rank", "name", "label", "suggested", "confidence", "wrong"}
    assert found.sheet(pictures, 12).shape[2] == 3
