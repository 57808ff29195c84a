"""The work of ``aeimage inpaint`` and ``aeimage colorize`` on one file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aeimage.apps.picture_work import PictureWork
from aeimage.apps.plan import STREAM, PathLike, Task
from aeimage.apps.report import FileResult
from aeimage.errors import UsageError
from aeimage.images import Picture, is_picture_path, read_picture
from aeimage.runtime.masks import mask_of_picture, missing_parts, parse_colour

if TYPE_CHECKING:
    from aeimage.runtime.colorizer import Colorizer
    from aeimage.runtime.inpainter import Inpainter


@dataclass(kw_only=True)
class InpaintWork(PictureWork):
    """Picture files with missing parts to whole ones.

    Attributes:
        inpainter_class: `aeimage.runtime.inpainter.Inpainter`, or one that behaves like it.
        model: name of the masked autoencoder.
        mask: a picture, or a folder of them; see `aeimage.apps.folders.inpaint_paths`.
        missing: colour of missing pixels.
        roots: the inputs as they were given: masks lie as their pictures do below these.
    """

    inpainter_class: type[Inpainter]
    model: str
    mask: Path | None = None
    missing: str | None = None
    roots: tuple[str, ...] = ()
    _inpainter: Inpainter | None = field(default=None, init=False, repr=False)

    def change(self, picture: Picture, task: Task, result: FileResult) -> Picture | None:
        """Fill in what is missing of a page."""
        gaps = self._gaps(picture, task)
        if gaps.shape != (picture.height, picture.width):
            raise UsageError(
                f"The mask has {gaps.shape[1]} x {gaps.shape[0]} pixels, the picture "
                f"{picture.width} x {picture.height}. Expected the same size."
            )
        if not gaps.any():
            return None
        if self._inpainter is None:
            self._inpainter = self.inpainter_class(self.model, self.threads)
        found = self._inpainter.inpaint_picture(picture, gaps)
        result.missing = (result.missing or 0) + found.missing
        return found.image

    def _gaps(self, picture: Picture, task: Task) -> NDArray[np.bool_]:
        if self.mask is None:
            return missing_parts(picture, self.missing)
        path = self._mask_of(task) if self.mask.is_dir() else self.mask
        return mask_of_picture(read_picture(path, max_pixels=self.max_pixels))

    def _mask_of(self, task: Task) -> Path:
        if task.input is None:
            raise UsageError("Standard input has no name to find its mask by: give a file as mask.")
        root = task.input.parent if task.tree is None else Path(self.roots[task.tree])
        place = self.mask / task.input.relative_to(root)
        if place.is_file():
            return place
        others = place.parent.glob("*") if place.parent.is_dir() else ()
        found = sorted(p for p in others if p.stem == place.stem and is_picture_path(p))
        if len(found) != 1:
            raise UsageError(
                f"There {'is no mask' if not found else 'are several masks'} for it: expected one "
                f"picture {place.with_suffix('.*')}, white where pixels are missing, else black."
            )
        return found[0]


def check_masks(mask: PathLike | None, missing: str | None) -> Path | None:
    """Check what is to say which pixels are missing; return the mask's path.

    Raises:
        UsageError: both a mask and a colour, no such file or folder, no such colour.
    """
    if mask is not None and missing is not None:
        raise UsageError("Give either a mask or the colour of missing pixels, not both.")
    if missing is not None:
        parse_colour(missing)
    if mask is None:
        return None
    path = Path(mask)
    if os.fspath(mask) == STREAM or not path.exists():
        raise UsageError(
            f"{path}: no such mask. Expected a picture, white where pixels are missing, or a "
            "folder with one for each picture."
        )
    return path


@dataclass(kw_only=True)
class ColorizeWork(PictureWork):
    """Grey photographs to coloured ones.

    Attributes:
        colorizer_class: `aeimage.runtime.colorizer.Colorizer`, or one that behaves like it.
        model: name of the colorizer.
        saturation: factor of the chroma.
    """

    colorizer_class: type[Colorizer]
    model: str
    saturation: float = 1.0
    _colorizer: Colorizer | None = field(default=None, init=False, repr=False)

    def change(self, picture: Picture, task: Task, result: FileResult) -> Picture:
        """Colorize a page."""
        if self._colorizer is None:
            self._colorizer = self.colorizer_class(self.model, self.threads)
        return self._colorizer.colorize_picture(picture, self.saturation)
