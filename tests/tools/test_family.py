"""The measurements of the family: PCA's error, likelihoods, sharpness, on things that are known."""

import argparse

import keras
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the family extra")
pytest.importorskip("matplotlib", reason="needs the family extra")
pytest.importorskip("tensorflow", reason="training needs the train extra")

import family_edges
import family_generation
import family_reconstruction
from PIL import Image, ImageFilter

from aeimage.models.dense import DenseAutoencoder
from aeimage.models.variational import VariationalAutoencoder


def test_pca_is_that_of_its_definition():
    rng = np.random.default_rng(1)
    train, test = (rng.normal(size=(n, 3, 4, 1)).cumsum(axis=1).astype("float32") for n in (90, 20))
    errors, reconstruct = family_reconstruction.pca_errors(train, test)
    mean = train.reshape(90, -1).mean(axis=0)
    _, _, components = np.linalg.svd(train.reshape(90, -1) - mean, full_matrices=False)
    for count in (0, 3, 12):
        kept = components[:count]
        centred = test.reshape(20, -1) - mean
        left = centred - centred @ kept.T @ kept
        assert errors[count] == pytest.approx(np.mean(np.square(left)), rel=1e-3, abs=1e-6)
    assert reconstruct(12).shape == test.shape


def test_reconstruction_compares_every_kind_with_pca(monkeypatch, tmp_path):
    kinds = {"dense": (lambda shape: DenseAutoencoder(shape, 16, (64,)), 400)}
    monkeypatch.setattr(family_reconstruction, "KINDS", kinds)
    options = argparse.Namespace(mnist="digits", out=tmp_path, share=0.05)
    rows = family_reconstruction.run(options)
    found = {(row["method"], row["measure"]): row["value"] for row in rows}
    share = found["dense", "MSE"] / found["PCA", "MSE"]
    assert found["dense", "MSE, share of PCA's"] == pytest.approx(share)
    assert found["dense", "steps"] == 20
    components = found["dense", "PCA components for the same MSE"]
    assert (components < 16) == (share > 1)
    assert (tmp_path / "reconstruction.png").stat().st_size > 1000


def test_likelihoods_are_in_order_and_the_binarisation_is_fixed(tmp_path):
    grey = np.random.default_rng(2).integers(0, 256, (30, 4, 4, 1), np.uint8)
    binary = family_generation.binarised(grey)
    np.testing.assert_array_equal(binary, family_generation.binarised(grey))
    assert set(np.unique(binary)) == {0.0, 1.0}
    keras.utils.set_random_seed(1)
    model = VariationalAutoencoder((4, 4, 1), 3, (8,))
    model.build()
    model.log_variance.bias.assign(np.full(3, -2.0))  # a bad posterior: a loose bound
    found = family_generation.measure(model, binary, samples=150)
    name = "log p(x), 200 importance samples, nats"  # whole rounds of a hundred
    assert found["ELBO, nats"] < found[name] < 0.0
    assert found["pictures"] == 30 and found["KL, nats"] > 0.0
    family_generation.draw(model, tmp_path)
    assert Image.open(tmp_path / "samples.png").width == 16 * 10 + 2


def test_blur_lowers_sharpness_and_raises_gmsd(draw):
    squares = np.stack([draw(seed, 64, 64) for seed in range(3)])
    soft = np.stack([_blurred(picture) for picture in squares])
    same = family_edges.compare(squares, squares / np.float32(255))
    worse = family_edges.compare(squares, soft / np.float32(255))
    assert same["sharpness"] == pytest.approx(1.0) and same["GMSD"] == 0.0
    assert worse["sharpness"] < 0.9 and worse["GMSD"] > 0.0 and worse["PSNR, dB"] < 50


def _blurred(picture):
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(1.5)))
