"""What the photo benchmark compares: the input itself, non-local means, BM3D, and ours.

Every method is told the noise's level, as usual in the field, but ours `blind`. Nothing was tuned
on the test pictures: non-local means' strength was chosen on photographs of the training set.

BM3D is not among the project's dependencies: its licence allows only non-commercial use. Whoever
may use it installs it: `pip install bm3d`.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from our_restorer import RestorerUnavailableError, open_restorer
from photo_noise import KINDS, READ_NOISE, to_uint8

Picture = NDArray[np.float32]


class MethodUnavailableError(Exception):
    """A method's library or model is missing; the message says what to do."""


@dataclass(frozen=True)
class PhotoMethod:
    """A way to restore a photograph.

    Attributes:
        name: its key in files, e.g. "bm3d".
        label: its name in tables.
        version: of the library or model and of its parameters: results are cached by it.
        kinds: of `photo_noise.KINDS`, those it is measured on.
        restore: takes the picture, float32 `(height, width, 3)`, the kind and the level, and gives
            the restored picture, of which values outside [0, 1] will be clipped.
    """

    name: str
    label: str
    version: str
    kinds: tuple[str, ...]
    restore: Callable[[Picture, str, float], Picture]


def open_method(name: str, model: str = "photo") -> PhotoMethod:
    """The method of this name, ready to run; `model` is a shipped model's name or a bundle's path.

    Raises:
        MethodUnavailableError: if its library or model is not here.
        KeyError: if there is no such method.
    """
    makers = {
        "input": _input,
        "nlm": _non_local_means,
        "nlm-opencv": _opencv_non_local_means,
        "bm3d": _bm3d,
        "ours": lambda: _ours(model, blind=False),
        "ours-ensemble": lambda: _ours(model, blind=False, ensemble=8),
        "ours-blind": lambda: _ours(model, blind=True),
    }
    try:
        return makers[name]()
    except (ImportError, RestorerUnavailableError) as error:
        raise MethodUnavailableError(f"{name}: {error}") from error


METHODS = ("input", "nlm", "nlm-opencv", "ours", "ours-ensemble", "ours-blind", "bm3d")
_GAUSSIAN = ("gaussian", "gaussian-8bit")

# Times the noise's sigma: the best of a grid on four photographs of the training set.
NLM_STRENGTH = 0.6
OPENCV_STRENGTH = 0.9


def _input() -> PhotoMethod:
    return PhotoMethod("input", "input", "1", KINDS, lambda picture, kind, level: picture)


def _non_local_means() -> PhotoMethod:
    """Buades, Coll, Morel 2005, in scikit-image's version, which subtracts the noise's variance."""
    from skimage.restoration import denoise_nl_means

    def restore(picture: Picture, kind: str, level: float) -> Picture:
        sigma = level / 255
        return denoise_nl_means(
            picture,
            patch_size=5,
            patch_distance=6,
            h=NLM_STRENGTH * sigma,
            sigma=sigma,
            fast_mode=True,
            channel_axis=-1,
        )

    version = f"scikit-image {importlib.metadata.version('scikit-image')}, h {NLM_STRENGTH:g} sigma"
    return PhotoMethod("nlm", "non-local means", version, _GAUSSIAN, restore)


def _opencv_non_local_means() -> PhotoMethod:
    """The one most people have at hand; it takes 8 bits only."""
    import cv2

    def restore(picture: Picture, kind: str, level: float) -> Picture:
        strength = OPENCV_STRENGTH * level
        restored = cv2.fastNlMeansDenoisingColored(
            cv2.cvtColor(to_uint8(picture), cv2.COLOR_RGB2BGR), None, strength, strength, 5, 21
        )
        return cv2.cvtColor(restored, cv2.COLOR_BGR2RGB).astype(np.float32) / 255

    version = f"opencv {cv2.__version__}, h {OPENCV_STRENGTH:g} sigma"
    return PhotoMethod(
        "nlm-opencv", "non-local means, OpenCV", version, ("gaussian-8bit",), restore
    )


def _bm3d() -> PhotoMethod:
    """CBM3D: Dabov, Foi, Katkovnik, Egiazarian 2007, as published by its authors on PyPI.

    Shot noise is made nearly Gaussian first by the generalised Anscombe transform, as its authors
    do, with the asymptotically unbiased inverse (Mäkitalo, Foi: "Optimal inversion of the
    generalized Anscombe transformation for Poisson-Gaussian noise", 2013).
    """
    import bm3d

    profile = bm3d.BM3DProfile()
    profile.num_threads = 1  # the order of its sums, and so its last digit, stays the same

    def restore(picture: Picture, kind: str, level: float) -> Picture:
        if kind != "shot":
            return bm3d.bm3d_rgb(picture.astype(np.float64), level / 255, profile)
        gain, read = 1 / level, READ_NOISE**2
        low, high = anscombe(np.array([0.0, 1.0]), gain, read)
        stable = (anscombe(picture.astype(np.float64), gain, read) - low) / (high - low)
        restored = bm3d.bm3d_rgb(stable, 1 / (high - low), profile)
        return inverse_anscombe(restored * (high - low) + low, gain, read)

    version = f"bm3d {importlib.metadata.version('bm3d')}, normal profile"
    return PhotoMethod("bm3d", "BM3D", version, (*_GAUSSIAN, "shot"), restore)


def anscombe(value: NDArray, gain: float, read: float) -> NDArray:
    """Values of variance `gain * value + read` to values of variance about 1."""
    return 2 / gain * np.sqrt(np.maximum(gain * value + 3 / 8 * gain**2 + read, 0))


def inverse_anscombe(stable: NDArray, gain: float, read: float) -> NDArray:
    """The inverse of `anscombe` for means, not for single values: asymptotically unbiased."""
    return gain * ((np.maximum(stable, 0) / 2) ** 2 - 1 / 8) - read / gain


def _ours(model: str, *, blind: bool, ensemble: int = 1) -> PhotoMethod:
    restorer = open_restorer(model, ensemble)

    def restore(picture: Picture, kind: str, level: float) -> Picture:
        # It is told the sigma of Gaussian noise; of anything else there is no one sigma to tell.
        sigma = level if kind in _GAUSSIAN and not blind else None
        if kind == "gaussian":
            return restorer.restore(picture * np.float32(255), sigma) / 255
        return restorer.restore(to_uint8(picture), sigma).astype(np.float32) / 255

    name, label, kinds = "ours", "aeimage", _GAUSSIAN
    if blind:
        name, label, kinds = "ours-blind", "aeimage, blind", KINDS
    elif ensemble > 1:
        name, label, kinds = "ours-ensemble", f"aeimage, mean of {ensemble} turns", ("gaussian",)
    return PhotoMethod(
        name,
        label,
        restorer.version,
        kinds,
        restore,
    )
