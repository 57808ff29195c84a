"""The initial kernels are an orthonormal transform of the picture."""

from __future__ import annotations

import numpy as np
import pytest

from aeimage.models import block_transform as bt


@pytest.mark.parametrize("size", [2, 8, 16])
def test_dct_matrices_are_orthonormal(size):
    matrix = bt.dct_matrix(size)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(size), atol=1e-12)
    np.testing.assert_allclose(matrix[0], size**-0.5)


def test_luma_and_chroma_are_orthonormal():
    np.testing.assert_allclose(bt.LUMA_CHROMA @ bt.LUMA_CHROMA.T, np.eye(3), atol=1e-12)


def test_patch_kernels_are_orthonormal():
    kernel = bt.patch_kernel()
    assert kernel.shape == (16, 16, 3, 192)
    flat = kernel.reshape(-1, 192)
    np.testing.assert_allclose(flat.T @ flat, np.eye(192), atol=1e-5)
    # The outer ring starts at zero and is there to be learned.
    assert not kernel[:4].any() and not kernel[12:].any()
    assert not kernel[:, :4].any() and not kernel[:, 12:].any()


def test_pair_kernels_are_orthonormal():
    kernel = bt.pair_kernel(768)
    assert kernel.shape == (4, 4, 192, 768)
    flat = kernel.reshape(-1, 768)
    np.testing.assert_allclose(flat.T @ flat, np.eye(768), atol=1e-6)
    np.testing.assert_array_equal(bt.pair_kernel(100), kernel[..., :100])


def cut(array: np.ndarray, size: int) -> np.ndarray:
    """(rows, columns, c) to (rows / size, columns / size, size, size, c)."""
    rows, columns, channels = array.shape
    parts = array.reshape(rows // size, size, columns // size, size, channels)
    return parts.swapaxes(1, 2)


def transform(picture: np.ndarray, latents: int) -> tuple[np.ndarray, np.ndarray]:
    """Latents of a picture, and the picture from these, with the inner parts of the kernels."""
    patch, pair = bt.patch_kernel()[4:12, 4:12], bt.pair_kernel(latents)[1:3, 1:3]
    first = np.einsum("rcijk,ijko->rco", cut(picture, 8), patch)
    u = np.einsum("rcijk,ijko->rco", cut(first, 2), pair)
    back = np.einsum("rco,ijko->rcijk", u, pair).swapaxes(1, 2).reshape(first.shape)
    return u, np.einsum("rco,ijko->rcijk", back, patch).swapaxes(1, 2).reshape(picture.shape)


def test_all_768_channels_reconstruct_perfectly():
    picture = np.random.default_rng(0).normal(0, 1, (48, 64, 3))
    u, back = transform(picture, 768)
    np.testing.assert_allclose(back, picture, atol=1e-5)
    assert np.sum(u**2) == pytest.approx(np.sum(picture**2), rel=1e-5)


def test_the_channels_kept_hold_most_of_a_smooth_picture():
    rows, columns = np.mgrid[:64, :64] / 64
    smooth = np.stack([np.sin(3 * rows + columns), np.cos(4 * columns), rows * columns], axis=-1)
    energies = [np.sum(transform(smooth, n)[0] ** 2) for n in (48, 160, 384, 768)]
    assert energies == sorted(energies)
    assert energies[0] > 0.97 * energies[-1]
    assert energies[2] > 0.9999 * energies[-1]


def test_amplitudes_fall_and_are_never_tiny():
    for amplitudes in (bt.patch_amplitudes(), bt.latent_amplitudes(384)):
        assert amplitudes.min() > 0.005
    latents = bt.latent_amplitudes(768)
    assert (np.diff(latents) <= 0).all()


def test_the_means_of_the_colour_planes_are_found():
    channels = bt.luma_dc_channels(384)
    assert channels[0] == 0
    assert len(channels) == 3
    planes = bt.LUMA_CHROMA
    for plane, channel in enumerate(channels):
        flat = np.ones((32, 32, 3)) * planes[plane]
        u, _ = transform(flat, 384)
        assert np.abs(u[..., channel]).min() == pytest.approx(16, rel=1e-5)
        assert np.delete(np.abs(u), channel, axis=-1).max() < 1e-4
