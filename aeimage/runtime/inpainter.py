"""Pictures with missing parts to whole ones: the masked autoencoder as users meet it.

A bundle of kind "masked" holds ``masked.tflite`` with the signature ``inpaint``: `pixels` float32
(1, height, width, 3), filled by pull-push already, 0 to 255, and `mask` float32 (1, height, width,
1), 1 where they were missing; sides multiples of the manifest's `multiple`. Gives `pixels`, neither
clipped nor rounded. With the manifest's `halo` of context on each side, a tile equals the same part
of the whole.
"""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import UsageError
from aeimage.images import DEFAULT_MAX_PIXELS, Picture, as_picture, to_pillow
from aeimage.runtime.bundle import find_bundle, positive_whole
from aeimage.runtime.filling import Filling
from aeimage.runtime.masks import mask_of_picture, missing_parts
from aeimage.runtime.pixels import check_array, check_pixels
from aeimage.runtime.restorer_network import mirrored
from aeimage.runtime.session import Session
from aeimage.tiles import even_tiles

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_MODEL = "inpaint"
KIND, FILE_NAME = "masked", "masked.tflite"
MAX_TILE_PIXELS = 500_000
"""What the network sees at once. Tiles without a missing pixel cost nothing, which speaks for small
ones."""


@dataclass(frozen=True)
class InpaintResult:
    """What became of a picture.

    Attributes:
        image: the whole picture, or the very input if nothing is missing.
        missing: number of pixels that were missing.
        model: name of the model.
    """

    image: Picture
    missing: int
    model: str


class Inpainter:
    """An open masked autoencoder; keeps its network in memory between pictures.

    Args:
        model: ``"inpaint"``, or another installed one's name or folder.
        threads: of the network; by default one for each core.
        max_tile_pixels: larger tiles overlap less and take more memory.

    Raises:
        ModelNotFoundError: no such model.
        ModelFileError: the bundle is damaged.
    """

    session_class = Session

    def __init__(
        self,
        model: str = DEFAULT_MODEL,
        threads: int | None = None,
        max_tile_pixels: int = MAX_TILE_PIXELS,
    ) -> None:
        bundle = find_bundle(model, kind=KIND)
        bundle.verify()
        self.name = bundle.name
        self._multiple = positive_whole(bundle, "multiple")
        self._halo = positive_whole(bundle, "halo")
        self._session = self.session_class(bundle.path / FILE_NAME, threads)
        self._max_tile_pixels = max_tile_pixels

    def inpaint(self, pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Fill in what is missing of a picture.

        Args:
            pixels: uint8 (height, width, 3), or (height, width) for grey; whatever is missing may
                have any value.
            mask: bool (height, width): where pixels are missing.

        Returns:
            a new array of the shape of `pixels`; known pixels are the same, bit for bit.

        Raises:
            UsageError: an argument is not as described, or nothing is known.
        """
        _check(pixels, mask)
        whole = pixels.copy()
        if not mask.any():
            return whole
        if mask.all():
            raise UsageError(
                "The mask says that every pixel is missing, so there is nothing to go by. Expected "
                "white where pixels are missing and black where they are known: perhaps it is the "
                "other way round."
            )
        height, width = mask.shape
        filling = Filling(pixels, mask)
        padded = [-(-side // self._multiple) * self._multiple for side in (height, width)]
        for tile in even_tiles(*padded, self._multiple, self._halo, self._max_tile_pixels):
            missing = mask[tile.rows, tile.columns]
            if not missing.any():
                continue
            size = [part.stop - part.start for part in tile.window]
            rows, columns = (
                slice(part.start, min(part.stop, side))
                for part, side in zip(tile.window, mask.shape, strict=True)
            )
            filled = mirrored(filling.window(rows, columns), size)
            filled = np.broadcast_to(filled, (*size, 3))  # grey becomes three channels
            gaps = mirrored(mask[rows, columns].astype(np.float32), size)
            out = self._session.run(
                "inpaint", pixels=np.ascontiguousarray(filled)[None], mask=gaps[None, ..., None]
            )["pixels"][0][tile.inner][: missing.shape[0], : missing.shape[1]]
            if pixels.ndim == 2:
                out = out.mean(axis=-1)
            levels = np.clip(np.rint(out[missing]), 0, 255).astype(np.uint8)
            whole[tile.rows, tile.columns][missing] = levels
        return whole

    def inpaint_picture(self, picture: Picture, mask: NDArray[np.bool_]) -> InpaintResult:
        """Fill in what is missing of a picture with its metadata.

        Args:
            picture: filled pixels become opaque where they were transparent.
            mask: bool (height, width): where pixels are missing.

        Raises:
            UsageError: as for `inpaint`.
        """
        _check(picture.rgb, mask)
        if not mask.any():
            return InpaintResult(picture, 0, self.name)
        pixels = np.ascontiguousarray(picture.rgb[..., 0]) if picture.is_grey else picture.rgb
        rgb = self.inpaint(pixels, mask)
        if rgb.ndim == 2:
            rgb = np.repeat(rgb[..., None], 3, axis=-1)
        alpha = picture.alpha
        if alpha is not None:
            alpha = np.where(mask & (alpha == 0), np.uint8(255), alpha)
            alpha = None if (alpha == 255).all() else alpha
        whole = replace(picture, rgb=rgb, alpha=alpha)
        return InpaintResult(whole, int(np.count_nonzero(mask)), self.name)


def _check(pixels: NDArray, mask: NDArray) -> None:
    check_pixels(pixels, "uint8")
    check_array("mask", mask, "bool")
    if mask.shape != pixels.shape[:2]:
        raise UsageError.for_value("mask.shape", f"that of pixels, {pixels.shape[:2]}", mask.shape)


@functools.lru_cache(maxsize=2)
def _opened(model: str, path: Path) -> Inpainter:
    return Inpainter(model)


def open_inpainter(model: str = DEFAULT_MODEL) -> Inpainter:
    """Return an open masked autoencoder; the same one for the same model.

    Raises:
        ModelNotFoundError, ModelFileError: as for `Inpainter`.
    """
    return _opened(model, find_bundle(model, kind=KIND).path.resolve())


def inpaint(
    image: Image.Image | NDArray[np.uint8] | str | Path,
    mask: Image.Image | NDArray | str | Path | None = None,
    *,
    missing: str | tuple[int, int, int] | None = None,
    model: str = DEFAULT_MODEL,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> Image.Image:
    """Fill in missing pixels, scratches and holes of a photograph.

    Args:
        image: Pillow image; uint8 array (height, width, 3), or (height, width) for grey; or path
            of a picture file.
        mask: where pixels are missing: Pillow image or path of a picture, white (128 and more)
            where they are; or array (height, width), bool or uint8. Of the size of `image`.
        missing: instead of a mask, the colour that marks missing pixels: a name or "#rrggbb" as
            Pillow takes it, or (red, green, blue). Without both, what is fully transparent is
            missing.
        model: ``"inpaint"``, or another masked autoencoder.
        max_pixels: largest picture file to read, in pixels; None reads any.

    Warns:
        UserWarning: for what was lost or assumed on reading, or where nothing is missing.

    Returns:
        an image as `aeimage.denoise` returns it; known pixels are the same, bit for bit.

    Raises:
        UsageError: the mask is of another size, everything is missing, or there is no telling what
            is.
        PictureError: a picture cannot be read.
        ModelNotFoundError: the model is not installed.
    """
    inpainter = open_inpainter(model)
    picture = as_picture(image, max_pixels)
    for warning in picture.warnings:
        warnings.warn(warning, stacklevel=2)
    if mask is not None and missing is not None:
        raise UsageError("Give either `mask` or `missing`, the colour of missing pixels, not both.")
    if mask is None:
        found = missing_parts(picture, missing)
    elif isinstance(mask, np.ndarray):
        found = mask if mask.dtype == np.bool_ else mask >= 128
    else:
        found = mask_of_picture(as_picture(mask, max_pixels))
    result = inpainter.inpaint_picture(picture, found)
    if not result.missing:
        warnings.warn("Nothing is missing: the picture stays as it is.", stacklevel=2)
    return to_pillow(result.image, like_source=True)
