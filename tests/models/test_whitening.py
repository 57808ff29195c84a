"""Whitened latents: another basis, the same function."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="models need the train extra")

from aeimage.errors import UsageError
from aeimage.models.convolutional import ConvolutionalAutoencoder
from aeimage.models.dense import DenseAutoencoder
from aeimage.models.variational import VariationalAutoencoder
from aeimage.models.whitening import whiten_latents


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (300, 8, 8, 1)).astype(np.uint8)


@pytest.mark.parametrize("kind", [DenseAutoencoder, ConvolutionalAutoencoder])
@pytest.mark.parametrize("widths", [(12,), (12, 16)])
def test_reconstructions_stay_and_latents_are_white(kind, widths, pixels):
    model = kind((8, 8, 1), 5, widths)
    pictures = pixels.astype("float32") / 255.0
    before = np.asarray(model.reconstruct(pictures))
    whiten_latents(model, pixels, floor=0.0)
    latents = np.asarray(model.encode(pictures))
    np.testing.assert_allclose(latents.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(latents, rowvar=False), np.eye(5), atol=1e-2)
    np.testing.assert_allclose(np.asarray(model.reconstruct(pictures)), before, atol=1e-4)


def test_a_floor_keeps_noise_small(pixels):
    model = DenseAutoencoder((8, 8, 1), 5, (12,))
    whiten_latents(model, pixels, floor=1.0)
    variances = np.asarray(model.encode(pixels.astype("float32") / 255.0)).var(axis=0)
    assert 0.45 < variances.max() <= 0.55


def test_what_cannot_be_whitened_is_refused(pixels):
    with pytest.raises(UsageError, match="linear"):
        whiten_latents(VariationalAutoencoder((8, 8, 1), 5, (12,)), pixels)
    model = DenseAutoencoder((8, 8, 1), 5, (12,), latent_activation="tanh")
    with pytest.raises(UsageError, match="linear"):
        whiten_latents(model, pixels)
    with pytest.raises(UsageError, match="more than 5"):
        whiten_latents(DenseAutoencoder((8, 8, 1), 5, (12,)), pixels[:5])
