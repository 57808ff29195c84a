"""Classifiers from folders: runs and bundles as encoders, few labels, files to classify."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn")
pytest.importorskip("tensorflow", reason="training needs the train extra")

from aeimage.apps.classifying import classify_paths, transfer_paths
from aeimage.apps.encoders import open_encoder
from aeimage.data.small_pictures import load_pictures
from aeimage.errors import ModelFileError, ModelNotFoundError, OutputExistsError, UsageError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A training run of an autoencoder of digits."""
    from aeimage.training.request import TrainingRequest
    from aeimage.training.run import train

    out = tmp_path_factory.mktemp("runs") / "dense"
    options = {"latent": "16", "widths": "64"}
    request = TrainingRequest(
        "dense", ["digits"], out, steps=300, crop=8, options=options, log_every=300
    )
    train(request, report=lambda line: None)
    return out


@pytest.fixture(scope="module")
def classifier(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "reader"
    report = transfer_paths("digits", out, model=run, counts=[10, 200], seeds=1)
    return out, report


def test_a_run_encodes(run):
    encoder = open_encoder(run)
    pixels = load_pictures("digits", split="test").pixels[:30]
    latents = encoder.encode(pixels)
    assert encoder.shape == (8, 8, 1) and latents.shape == (30, encoder.latent_size)
    assert latents.dtype == np.float32 and np.isfinite(latents).all()


def test_more_labels_are_better(classifier):
    out, report = classifier
    found = {(t.method, t.labels): t.accuracy for t in report.trials}
    assert found["latents", 200] > found["latents", 10] > 0.2
    assert report.accuracy > 0.85 and report.labels == 1438 and len(report.classes) == 10
    text = (out / "report.md").read_text()
    assert "1438 labels" in text and "logistic regression on the pixels" in text
    assert (out / "trials.csv").read_text().count("\n") == 5


def test_classifying_needs_no_labels(classifier, tmp_path):
    out, report = classifier
    digits = load_pictures("digits", split="test")
    found = classify_paths(out, "digits")
    best = [int(found.classes[n]) for n in found.probabilities.argmax(axis=1)]
    # As measured, up to the rounding of the weights.
    assert np.mean(best == digits.labels) == pytest.approx(report.accuracy, abs=0.02)
    for number in (0, 1):
        picture = Image.fromarray(digits.pixels[number, ..., 0])
        picture.resize((64, 64), Image.Resampling.BICUBIC).save(tmp_path / f"{number}.png")
    files = classify_paths(out, tmp_path)
    assert [row["label"] for row in files.rows()] == [str(n) for n in digits.labels[:2]]
    assert len(list(csv.reader(io.StringIO(files.as_csv().decode())))) == 3


def test_what_cannot_work_is_refused(run, classifier, tmp_path):
    out, _ = classifier
    with pytest.raises(OutputExistsError):
        transfer_paths("digits", out, model=run)
    with pytest.raises(UsageError, match="one a class"):
        transfer_paths("digits", tmp_path / "x", model=run, counts=[5])
    with pytest.raises(UsageError, match="architecture"):
        transfer_paths("digits", tmp_path / "x", model="features", scratch=True)
    with pytest.raises(ModelNotFoundError):
        transfer_paths("digits", tmp_path / "x", model="nonesuch")
    with pytest.raises(ModelFileError):
        open_encoder(out)  # a classifier is no autoencoder
    (tmp_path / "cats").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "cats" / "1.png")
    with pytest.raises(UsageError, match="not labelled"):
        transfer_paths(tmp_path, tmp_path / "x", model=run)


def test_training_from_scratch(run):
    from aeimage.apps.encoders import load_trained
    from aeimage.apps.transfer_training import from_scratch

    digits = load_pictures("digits", split="test")
    compare = from_scratch(load_trained(run), classes=10, steps=600)
    found = compare(digits.pixels[:200], digits.labels[:200], digits.pixels[200:], 0)
    assert np.mean(found == digits.labels[200:]) > 0.6
