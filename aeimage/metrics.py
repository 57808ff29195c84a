"""How far two pictures are apart: MSE, PSNR, MS-SSIM, GMSD; how large a file is: bits per pixel.

A ground module: NumPy only. Everything here is measured on 8-bit RGB, as it would be seen or saved,
never on a network's floats; that is what published curves measure too.

Memory stays small beside the pictures: MSE and PSNR work in bands of rows, MS-SSIM in float32 one
channel at a time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from aeimage.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["bits_per_pixel", "gmsd", "ms_ssim", "mse", "psnr"]

# Wang, Simoncelli, Bovik: "Multiscale structural similarity for image quality assessment", 2003.
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_WINDOW = 11
_SIGMA = 1.5
_C1 = (0.01 * 255) ** 2
_C2 = (0.03 * 255) ** 2
# Xue, Zhang, Mou, Bovik: "Gradient magnitude similarity deviation", 2014.
_C_GRADIENT = 170.0

# Small enough for a band and its temporaries to stay in the processor's cache.
_BAND_PIXELS = 1 << 16


def mse(a: ArrayLike, b: ArrayLike) -> float:
    """Mean squared error over pixels and channels, in squared 8-bit levels (0 to 65025).

    Args:
        a, b: pictures of the same size: uint8 arrays of shape `(height, width, 3)`, or Pillow
            images of mode RGB.

    Raises:
        UsageError: if a picture is not 8-bit RGB, is empty, or the two differ in size.
    """
    a, b = _checked_pair(a, b)
    rows = max(1, _BAND_PIXELS // a.shape[1])
    total = 0.0
    for top in range(0, a.shape[0], rows):
        difference = np.subtract(a[top : top + rows], b[top : top + rows], dtype=np.float64).ravel()
        total += float(difference @ difference)  # sums of integers below 2**53: exact
    return total / a.size


def psnr(a: ArrayLike, b: ArrayLike) -> float:
    """Peak signal-to-noise ratio in dB, 10·log10(255² / MSE); `inf` for identical pictures.

    The MSE is taken over the three channels of RGB together. For a set of pictures the field's
    convention, kept here, is the mean of the pictures' PSNRs, not the PSNR of their mean MSE.

    Args and Raises: as for `mse`.
    """
    error = mse(a, b)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ms_ssim(a: ArrayLike, b: ArrayLike) -> float:
    """Multi-scale structural similarity (Wang et al. 2003), 1 for identical pictures.

    Five scales, an 11-tap Gaussian window with sigma 1.5, K1 = 0.01, K2 = 0.03; computed for each
    channel of RGB, then averaged over the channels: the definition of `tf.image.ssim_multiscale`,
    with which it agrees to 1e-4 on photographs. (On white pages TensorFlow's float32 is off by up
    to 6e-4; this stays within 1e-6 of float64.)

    Pictures with a side under 161 pixels have no five scales. They get as many scales as the window
    fits in (the smaller side of the smallest scale is at least 11 pixels) and the weights of those,
    divided by their sum. Where not even one fits, the window is cut to the picture's side. Such
    values compare among themselves only.

    Args and Raises: as for `mse`.
    """
    a, b = _checked_pair(a, b)
    scales = _scale_count(min(a.shape[:2]))
    weights = np.array(_SCALE_WEIGHTS[:scales])
    if scales < len(_SCALE_WEIGHTS):
        weights /= weights.sum()
    values = []
    for channel in range(3):
        # Centred values lose less to cancellation in float32 and have the same covariances.
        x = a[..., channel].astype(np.float32) - 128
        y = b[..., channel].astype(np.float32) - 128
        factors = []
        for scale in range(scales):
            if scale:
                x, y = _halve(x), _halve(y)
            similarity, contrast = _ssim(x, y)
            factors.append(contrast if scale < scales - 1 else similarity)
        # A negative mean would have no real power; like tf.image.ssim_multiscale, take it as 0.
        values.append(float(np.prod(np.maximum(factors, 0.0) ** weights)))
    return float(np.mean(values))


def gmsd(a: ArrayLike, b: ArrayLike) -> float:
    """Gradient magnitude similarity deviation (Xue et al. 2014): 0 for identical pictures.

    How unevenly the edges of one picture are found again in the other, from 0 to about 0.35; blur
    and ringing raise it, an even change of brightness does not. Luminance of Rec. 601, halved in
    size, Prewitt gradients, c = 170, as in the authors' code.

    Args and Raises: as for `mse`; sides from 4 pixels.
    """
    a, b = _checked_pair(a, b)
    if min(a.shape[:2]) < 6:
        raise UsageError.for_value("a", "sides of 6 pixels and more", a.shape)
    first, second = (_gradient_magnitude(_luminance(picture)) for picture in (a, b))
    similarity = (2.0 * first * second + _C_GRADIENT) / (first**2 + second**2 + _C_GRADIENT)
    return float(similarity.std())


def bits_per_pixel(n_bytes: int, width: int, height: int) -> float:
    """Bits of a whole file per pixel: the field's bpp, but of the bytes as they lie on disk.

    Raises:
        UsageError: if `n_bytes` is negative or a side is below 1.
    """
    if n_bytes < 0:
        raise UsageError(
            f"Invalid value for `n_bytes`. Expected at least 0. Received: n_bytes={n_bytes}"
        )
    if width < 1 or height < 1:
        raise UsageError(
            "Invalid value for `width` or `height`. Expected at least 1. "
            f"Received: width={width}, height={height}"
        )
    return 8 * n_bytes / (width * height)


def _checked_pair(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    pictures = []
    for name, value in (("a", a), ("b", b)):
        array = np.asarray(value)
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
            raise UsageError(
                f"Invalid value for `{name}`. Expected an 8-bit RGB picture: uint8 of shape "
                f"(height, width, 3). Received: {name} of dtype {array.dtype} and shape "
                f"{array.shape}"
            )
        pictures.append(array)
    if pictures[0].shape != pictures[1].shape:
        (height_a, width_a), (height_b, width_b) = (array.shape[:2] for array in pictures)
        raise UsageError(
            "Invalid values for `a` and `b`. Expected two pictures of the same size. "
            f"Received: {width_a}x{height_a} and {width_b}x{height_b} pixels"
        )
    return pictures[0], pictures[1]


def _luminance(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Rec. 601 luminance in levels, averaged over blocks of 2x2 pixels."""
    grey = picture.astype(np.float64) @ (0.299, 0.587, 0.114)
    height, width = (side // 2 * 2 for side in grey.shape)
    return grey[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def _gradient_magnitude(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of the Prewitt gradient, a pixel less on each side."""
    across = grey[:, 2:] - grey[:, :-2]
    down = grey[2:] - grey[:-2]
    x = (across[:-2] + across[1:-1] + across[2:]) / 3.0
    y = (down[:, :-2] + down[:, 1:-1] + down[:, 2:]) / 3.0
    return np.sqrt(x**2 + y**2)


def _scale_count(side: int) -> int:
    count = 1
    while count < len(_SCALE_WEIGHTS) and (side := (side + 1) // 2) >= _WINDOW:
        count += 1
    return count


def _halve(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of 2x2 blocks; an odd side is first lengthened by repeating its last row or column."""
    height, width = x.shape
    if height % 2 or width % 2:
        x = np.pad(x, ((0, height % 2), (0, width % 2)), mode="edge")
    halved = x[0::2, 0::2] + x[1::2, 0::2]
    halved += x[0::2, 1::2]
    halved += x[1::2, 1::2]
    halved *= np.float32(0.25)
    return halved


def _ssim(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float]:
    """Mean SSIM and mean contrast–structure term of two channels from which 128 is taken off."""
    height, width = x.shape
    vertical, horizontal = (_gaussian(min(_WINDOW, side)) for side in (height, width))
    halo = len(vertical) - 1
    rows = max(len(vertical), _BAND_PIXELS // width)
    similarity_sum = contrast_sum = 0.0
    for top in range(0, height - halo, rows):
        band_x, band_y = (v[top : top + rows + halo] for v in (x, y))

        def mean(v: NDArray[np.float32]) -> NDArray[np.float32]:
            return _filter(_filter(v, vertical, axis=0), horizontal, axis=1)

        mean_x, mean_y = mean(band_x), mean(band_y)
        product = 2 * mean_x * mean_y
        power = mean_x * mean_x + mean_y * mean_y
        covariance = 2 * mean(band_x * band_y) - product
        variance = mean(band_x * band_x + band_y * band_y) - power
        contrast = (covariance + _C2) / (variance + _C2)
        # The means' own term needs the true means: add 128 back to both.
        shift = 256 * (mean_x + mean_y) + 2 * 128**2
        luminance = (product + shift + _C1) / (power + shift + _C1)
        contrast_sum += float(contrast.sum(dtype=np.float64))
        similarity_sum += float((contrast * luminance).sum(dtype=np.float64))
    count = (height - halo) * (width - len(horizontal) + 1)
    return similarity_sum / count, contrast_sum / count


def _gaussian(taps: int) -> NDArray[np.float32]:
    offsets = np.arange(taps) - (taps - 1) / 2
    window = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    return (window / window.sum()).astype(np.float32)


def _filter(v: NDArray[np.float32], window: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Correlation with a symmetric window along one axis, where the window fits ("valid")."""
    taps = len(window)
    length = v.shape[axis] - taps + 1

    def shifted(offset: int) -> NDArray[np.float32]:
        return v[offset : offset + length] if axis == 0 else v[:, offset : offset + length]

    middle = taps // 2
    total = shifted(middle) * window[middle] if taps % 2 else np.zeros_like(shifted(0))
    for tap in range(middle):  # the window is symmetric: one product for two taps
        pair = shifted(tap) + shifted(taps - 1 - tap)
        pair *= window[tap]
        total += pair
    return total
