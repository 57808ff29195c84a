"""Initial kernels that make an untrained codec a JPEG-like transform codec.

A block transform is a convolution, so the analysis and synthesis transforms of the codec can start
as an orthonormal 16x16 DCT over a luma-chroma rotation, factored into two strided convolutions:

    picture --(16x16, stride 8; inner 8x8 = 8x8 DCT)--> 192 channels --(4x4, stride 2; inner 2x2 =
    2x2 DCT of neighbouring blocks)--> the latents of highest expected energy

The outer rings of the kernels start at zero and are there to be learned (a lapped transform). All
channels are scaled by the amplitude that natural photographs are expected to show in them, so that
the residual blocks between the transforms see activations of about unit size.

NumPy only. Kernels are float32 in the layout of Keras: (rows, columns, inputs, outputs).
"""

import functools

import numpy as np

PATCH = 8
CHANNELS = 3 * PATCH * PATCH
LUMA_CHROMA = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [-0.5, 1.0, -0.5]])
LUMA_CHROMA /= np.linalg.norm(LUMA_CHROMA, axis=1, keepdims=True)
# Mean absolute 16x16 DCT coefficient of photographs (pixels in [0, 1]) at frequency r = u + v is
# close to a / r * exp(-(r / 20)^2); measured on 40 training photographs, one constant a per colour
# plane.
_PLANE_AMPLITUDE = (0.6, 0.14, 0.07)
_AMPLITUDE_FLOOR = 0.01


def dct_matrix(size: int) -> np.ndarray:
    """Return the orthonormal DCT-II matrix, shape (size, size); row u is the basis function u."""
    positions = np.arange(size)
    matrix = np.cos(np.pi * (2 * positions[None, :] + 1) * positions[:, None] / (2 * size))
    matrix *= np.sqrt(2.0 / size)
    matrix[0] /= np.sqrt(2.0)
    return matrix


def expected_amplitude(plane: int, frequency: float) -> float:
    """Return the expected size of a 16x16 DCT coefficient at frequency u + v, pixels in [0, 1]."""
    r = max(frequency, 0.1)
    return max(_PLANE_AMPLITUDE[plane] / r * np.exp(-((r / 20.0) ** 2)), _AMPLITUDE_FLOOR * 0.1)


@functools.cache
def _patch_basis() -> tuple[tuple[int, int, int], ...]:
    """Return (u, v, plane) of the 192 channels of the first convolution, lowest frequency first."""
    basis = [(u, v, c) for c in range(3) for u in range(PATCH) for v in range(PATCH)]
    return tuple(sorted(basis, key=lambda t: -expected_amplitude(t[2], 2 * (t[0] + t[1]))))


@functools.cache
def _pair_basis() -> tuple[tuple[float, int, int, int], ...]:
    """Return (amplitude, channel, a, b) of the 768 second-level coefficients, largest first."""
    pairs = []
    for channel, (u, v, plane) in enumerate(_patch_basis()):
        for a in (0, 1):
            for b in (0, 1):
                # An odd patch frequency mirrors within its block, so the order of the pair flips.
                rows, columns = 2 * u + (a ^ (u & 1)), 2 * v + (b ^ (v & 1))
                pairs.append((expected_amplitude(plane, rows + columns), channel, a, b))
    return tuple(sorted(pairs, key=lambda t: -t[0]))


def patch_amplitudes() -> np.ndarray:
    """Return the expected amplitude of each of the 192 patch channels, shape (192,), never tiny."""
    amplitudes = [expected_amplitude(c, 2 * (u + v) + 0.2) for u, v, c in _patch_basis()]
    return np.maximum(amplitudes, _AMPLITUDE_FLOOR).astype("float32")


def latent_amplitudes(latents: int) -> np.ndarray:
    """Return the expected amplitude of the first `latents` second-level channels, never tiny."""
    amplitudes = [pair[0] for pair in _pair_basis()[:latents]]
    return np.maximum(amplitudes, _AMPLITUDE_FLOOR).astype("float32")


def patch_kernel() -> np.ndarray:
    """Return the orthonormal patch transform as a 16x16 kernel, shape (16, 16, 3, 192)."""
    dct = dct_matrix(PATCH)
    kernel = np.zeros((2 * PATCH, 2 * PATCH, 3, CHANNELS), "float32")
    inner = slice(PATCH // 2, PATCH // 2 + PATCH)
    for out, (u, v, plane) in enumerate(_patch_basis()):
        kernel[inner, inner, :, out] = np.outer(dct[u], dct[v])[:, :, None] * LUMA_CHROMA[plane]
    return kernel


def pair_kernel(latents: int) -> np.ndarray:
    """Return the 2x2 DCT of neighbouring patches as a 4x4 kernel, shape (4, 4, 192, latents)."""
    dct = dct_matrix(2)
    kernel = np.zeros((4, 4, CHANNELS, latents), "float32")
    for out, (_, channel, a, b) in enumerate(_pair_basis()[:latents]):
        kernel[1:3, 1:3, channel, out] = np.outer(dct[a], dct[b])
    return kernel


def luma_dc_channels(latents: int) -> list[int]:
    """Return the latents that hold the mean of each colour plane: worth spatial prediction."""
    dc = [i for i, (u, v, _) in enumerate(_patch_basis()) if u == v == 0]
    return [k for k, (_, i, a, b) in enumerate(_pair_basis()[:latents]) if i in dc and a == b == 0]
