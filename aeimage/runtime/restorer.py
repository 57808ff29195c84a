"""Damaged scans and noisy photographs to clean pictures: the restorers as users meet them."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import UsageError
from aeimage.images import DEFAULT_MAX_PIXELS, Picture, as_picture, to_pillow
from aeimage.runtime.bundle import find_bundle
from aeimage.runtime.clean_page import is_bilevel, is_clean_page
from aeimage.runtime.jpeg_level import jpeg_level
from aeimage.runtime.noise_level import white_noise_level
from aeimage.runtime.page_or_photo import looks_like_page
from aeimage.runtime.pixels import check_pixels
from aeimage.runtime.restorer_network import FILE_NAME, TASKS, RestorerNetwork
from aeimage.runtime.session import Session
from aeimage.runtime.whole_page import correct_page

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_MODEL = "scan"
AUTO = "auto"
MAX_TILE_PIXELS = 2_000_000
"""What a network sees at once. Half as much takes a tenth more time, for tiles' halos, and 250 MB
less: a grey A4 page at 300 dpi takes 620 MB in all, instead of 390."""

MAX_SIGMA = 75.0
"""The highest noise level that networks are trained for, RMS in levels."""
ENSEMBLES = (1, 2, 4, 8)
NOISELESS = 5.0
"""A photograph whose noise level is at most this stays as it is: on textured ones the network takes
away more than so little noise does."""
MOST_TEXTURE = 12.0
"""Noise that a network finds in photographs without any: less than this, in their crops' lowest
tenth."""

# A bilevel page has even paper whatever was done to it, for instance by a fax machine. So it is
# clean only if the network agrees, which softens the edges of ink there, but changes little else.
LARGE_CHANGE = 80
"""Levels by which a pixel changes where a speck goes or a stroke is mended."""
CLEAN_LARGE_CHANGES = 0.0016
"""The share of such pixels that a clean page stays below: up to 0.0003 on most clean book pages, up
to 0.003 in dense print with rough edges; 0.0006 to 0.009 on pages that came through a fax machine,
with the least of all damage. Such a page left alone costs less than a clean one changed."""

Restored = TypeVar("Restored", "NDArray", Picture)


@dataclass(frozen=True)
class RestoreResult(Generic[Restored]):
    """What became of a picture.

    Attributes:
        image: the restored picture, or the very input if nothing was to be done.
        changed: whether anything was done.
        model: name of the model that looked at it.
        sigma: the noise level that was assumed, RMS in levels; None for scans.
    """

    image: Restored
    changed: bool
    model: str
    sigma: float | None = None


class Restorer:
    """An open restorer; keeps its networks in memory between pictures.

    Args:
        model: ``"scan"``, ``"photo"``, or another installed restorer's name or folder; ``"auto"``
            chooses between the first two for each picture, see
            `aeimage.runtime.page_or_photo.looks_like_page`.
        threads: of the networks; by default one for each core.
        max_tile_pixels: larger tiles overlap less and take more memory.
        ensemble: 1, 2, 4 or 8: photographs become the mean of what the network makes of so many of
            their turns and flips, in so many times the time ("self-ensemble", Lim et al., "EDSR",
            2017). Pages are restored once: letters have a right way up.

    Raises:
        UsageError: `ensemble` is none of these.
        ModelNotFoundError: no such model.
        ModelFileError: the bundle is damaged.
    """

    session_class = Session

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        threads: int | None = None,
        max_tile_pixels: int = MAX_TILE_PIXELS,
        ensemble: int = 1,
    ) -> None:
        if ensemble not in ENSEMBLES:
            raise UsageError.for_value("ensemble", "1, 2, 4 or 8", ensemble)
        self.name = model
        self._ensemble = ensemble
        self._networks: dict[str, RestorerNetwork] = {}
        for name in TASKS if model == AUTO else (model,):
            bundle = find_bundle(name, kind="restorer")
            bundle.verify()
            session = self.session_class(bundle.path / FILE_NAME, threads)
            network = RestorerNetwork(bundle, session, max_tile_pixels)
            self._networks[network.task] = network

    def restore(self, pixels: NDArray, sigma: float | None = None) -> NDArray:
        """Restore a picture given as an array; see `examine`, whose `image` this is."""
        return self.examine(pixels, sigma).image

    def examine(self, pixels: NDArray, sigma: float | None = None) -> RestoreResult[NDArray]:
        """Restore a picture given as an array, and tell what was done.

        Clean pages and noiseless photographs come back as they are.

        Args:
            pixels: uint8, or float32 in levels, which may lie outside 0 to 255; (height, width,
                3), or (height, width) for grey.
            sigma: noise level of a photograph, 0 to 75, RMS in levels; estimated if not given.

        Returns:
            the result; its `image` has the shape and dtype of `pixels`. float32 comes back neither
            clipped nor rounded.

        Raises:
            UsageError: an argument is not as described.
        """
        check_pixels(pixels, "uint8", "float32")
        self.check_sigma(sigma)
        network = self._network_for(pixels)
        if network.task == "photo":
            level = estimate_level(network, pixels) if sigma is None else float(sigma)
            level = min(max(level, 0.0), MAX_SIGMA)
            if level <= NOISELESS:
                return RestoreResult(pixels, False, network.name, level)
            restored, _ = network.run(pixels, level, self._ensemble)
            return RestoreResult(restored, True, network.name, level)
        clean = is_clean_page(pixels)
        if clean and not is_bilevel(pixels):
            return RestoreResult(pixels, False, network.name)
        restored, changes = network.run(pixels, None)
        if clean and changes_little(changes):
            return RestoreResult(pixels, False, network.name)
        return RestoreResult(correct_page(pixels, restored), True, network.name)

    def restore_picture(
        self, picture: Picture, sigma: float | None = None
    ) -> RestoreResult[Picture]:
        """Restore a picture with its metadata; transparency stays as it is. See `examine`."""
        # Grey takes a third of the memory, and stays exactly neutral.
        pixels = np.ascontiguousarray(picture.rgb[..., 0]) if picture.is_grey else picture.rgb
        result = self.examine(pixels, sigma)
        if not result.changed:
            return replace(result, image=picture)
        rgb = result.image
        if rgb.ndim == 2:
            rgb = np.repeat(rgb[..., None], 3, axis=-1)
        return replace(result, image=replace(picture, rgb=rgb))

    def check_sigma(self, sigma: float | None) -> None:
        """Check that a noise level makes sense for this model.

        Raises:
            UsageError: it does not.
        """
        if sigma is None:
            return
        if not 0.0 <= sigma <= MAX_SIGMA:
            raise UsageError.for_value(
                "sigma", f"a noise level from 0 to {MAX_SIGMA:g}, or None", sigma
            )
        if "photo" not in self._networks:
            raise UsageError(
                f"The model {self.name!r} restores scans, which have no single noise level. Leave "
                "`sigma` out, or use the model 'photo'."
            )

    def _network_for(self, pixels: NDArray) -> RestorerNetwork:
        if len(self._networks) > 1:
            return self._networks["scan" if looks_like_page(pixels) else "photo"]
        return next(iter(self._networks.values()))


def estimate_level(network: RestorerNetwork, pixels: NDArray) -> float:
    """Estimate the noise level of a photograph, RMS in levels.

    The network takes texture for noise of up to 10 levels; patches tell white noise from texture to
    a fraction of a level, where there are three channels, but are blind to noise that a file's
    compression has blurred. So the network is believed where it finds more than any texture makes.
    What JPEG has done is told by the edges of its blocks, which neither sees.
    """
    low, middle = network.estimate(pixels)
    if low > MOST_TEXTURE:
        return middle
    return max(min(middle, white_noise_level(pixels)), jpeg_level(pixels))


def changes_little(changes: NDArray[np.int64]) -> bool:
    """Whether a network for scans changed so little that there was no need to.

    Args:
        changes: histogram (256,): how many pixels changed by so many levels.
    """
    return bool(changes[LARGE_CHANGE + 1 :].sum() < CLEAN_LARGE_CHANGES * changes.sum())


@functools.lru_cache(maxsize=4)
def _opened(model: str, ensemble: int, bundles: tuple[Path, ...]) -> Restorer:
    return Restorer(model, ensemble=ensemble)


def open_restorer(model: str = DEFAULT_MODEL, ensemble: int = 1) -> Restorer:
    """Return an open restorer; the same one for the same arguments.

    Raises:
        UsageError, ModelNotFoundError, ModelFileError: as for `Restorer`.
    """
    names = TASKS if model == AUTO else (model,)
    paths = (find_bundle(name, kind="restorer").path.resolve() for name in names)
    return _opened(model, ensemble, tuple(paths))


def denoise(
    image: Image.Image | NDArray[np.uint8] | str | Path,
    model: str = DEFAULT_MODEL,
    sigma: float | None = None,
    *,
    ensemble: int = 1,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> Image.Image:
    """Clean a scanned page or take the noise out of a photograph.

    Args:
        image: Pillow image; uint8 array (height, width, 3), or (height, width) for grey; or path
            of a picture file.
        model: ``"scan"``, ``"photo"``, ``"auto"`` to choose by the picture, or another restorer.
        sigma: noise level of a photograph, 0 to 75, RMS in levels; estimated if not given.
        ensemble: 1, 2, 4 or 8: of so many turns and flips of a photograph the mean is taken, which
            takes away a little more noise in so many times the time.
        max_pixels: largest picture file to read, in pixels; None reads any.

    Warns:
        UserWarning: for what was lost or assumed on reading, such as 16-bit samples.

    Returns:
        an image of mode RGB, or L where `image` was grey or bilevel, with an A where it was
        transparent; upright, of the same size, with ICC profile, EXIF, XMP and DPI in its `info`.

    Raises:
        UsageError: an argument is out of range.
        PictureError: the picture cannot be read.
        ModelNotFoundError: the model is not installed.
    """
    restorer = open_restorer(model, ensemble)
    picture = as_picture(image, max_pixels)
    for warning in picture.warnings:
        warnings.warn(warning, stacklevel=2)
    return to_pillow(restorer.restore_picture(picture, sigma).image, like_source=True)
