"""Pictures of files, folders and data sets as one array, for models of a fixed size.

An input is a picture file, a folder of them, a folder with MNIST's IDX files, ``tfds:NAME`` or
``digits``; see `aeimage.data.small_pictures`. What a picture shows, its label, is the name of the
folder in the input folder that it lies in, where there are any.

A file that cannot be read fails alone: the others are worked on, and `PictureSet.failed` tells.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aeimage.apps.plan import PathLike
from aeimage.apps.report import FileResult, Progress, Silent
from aeimage.apps.scan import scan_tree
from aeimage.data.examples import is_data_set
from aeimage.data.small_pictures import DIGITS, fit_picture, is_mnist, load_pictures
from aeimage.errors import AEImageError, PictureNotFoundError, UsageError
from aeimage.images import DEFAULT_MAX_PIXELS, is_picture_path, read_picture

READERS = 4
"""Files that are read at a time; Pillow decodes without Python's lock."""


@dataclass(eq=False)
class PictureSet:
    """Pictures of one size.

    Attributes:
        pixels: uint8 (count, height, width, channels).
        names: of the pictures: paths of files, else ``DATA/NUMBER``.
        labels: what each picture shows, by name; None where nothing says so.
        paths: of files; None for pictures that are none.
        failed: one result for each file that could not be read.
    """

    pixels: NDArray[np.uint8]
    names: list[str]
    labels: list[str] | None = None
    paths: list[Path | None] = field(default_factory=list)
    failed: list[FileResult] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def classes(self) -> list[str]:
        """The labels that occur, sorted: numbers by value, names by the alphabet."""
        found = set(self.labels or ())
        return sorted(found, key=lambda label: (not label.isdecimal(), label.zfill(12)))

    def numbered_labels(self) -> NDArray[np.int64]:
        """Each picture's label as its place in `classes`.

        Raises:
            UsageError: there are no labels, or they are all the same.
        """
        classes = self.classes
        if len(classes) < 2:
            raise UsageError(
                "The pictures are not labelled. Expected a folder with at least two sub-folders, "
                "one for each class, named after it; or a data set with labels."
            )
        place = {label: number for number, label in enumerate(classes)}
        return np.array([place[label] for label in self.labels or ()], np.int64)


def collect_pictures(
    inputs: Sequence[PathLike] | PathLike,
    *,
    size: int,
    channels: int | None = None,
    whole: bool = False,
    split: str = "train",
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
) -> PictureSet:
    """Read pictures and bring them to one size.

    Args:
        inputs: see the module.
        size: side of the results in pixels.
        channels: 1 for grey, 3 for colour; None: 1 if all pictures are grey, else 3.
        whole: keep all of each picture and change its proportions; else its middle square is taken.
        split: of data sets, "train" or "test". Folders are read as a whole.
        max_pixels: largest picture file to read; None reads any.
        progress: is told of every file.

    Raises:
        UsageError: an input does not exist or makes no sense, or no picture could be found or read.
        MissingDependencyError: a data set needs a package that is not installed.
    """
    inputs = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    parts = [_of_data(name, size, channels, split) for name in inputs if _is_data(name)]
    files = [name for name in inputs if not _is_data(name)]
    if files:
        parts.append(_of_files(files, size, channels, whole, max_pixels, progress or Silent()))
    joined = _join(parts)
    if not joined.names:
        raise UsageError(
            f"{', '.join(map(os.fspath, inputs))}: none of the pictures can be read. Expected "
            "JPEG, PNG, WebP, TIFF, BMP or GIF files. Give other ones."
        )
    if channels is None and joined.pixels.shape[-1] == 3 and _is_grey(joined.pixels):
        joined.pixels = np.ascontiguousarray(joined.pixels[..., :1])
    return joined


def natural_size(inputs: Sequence[PathLike] | PathLike, largest: int = 64) -> int:
    """Return the side to which to resize pictures for a model that is to be trained.

    That of the pictures, if those looked at are squares of one size up to `largest`; else
    `largest`.

    Args:
        inputs: see the module.
        largest: in pixels.
    """
    sides = {side for shape in _natural_shapes(inputs) for side in shape}
    return min(sides) if len(sides) == 1 and max(sides) <= largest else largest


def _natural_shapes(
    inputs: Sequence[PathLike] | PathLike, looked_at: int = 16
) -> set[tuple[int, int]]:
    """Return the heights and widths of the first pictures of each input.

    Files that cannot be read are passed over here: `collect_pictures` tells about them.
    """
    inputs = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    shapes = set()
    for name in filter(_is_data, inputs):
        try:
            shapes.add(load_pictures(name, channels=1).shape[:2])
        except UsageError:  # pictures of several sizes
            shapes.add((0, 1))
    files = [path for path, _ in _find([name for name in inputs if not _is_data(name)])]
    for path in files[:looked_at]:
        with contextlib.suppress(AEImageError, OSError):
            shapes.add(read_picture(path).rgb.shape[:2])
    return shapes


def fit_whole(rgb: NDArray[np.uint8], size: int, channels: int) -> NDArray[np.uint8]:
    """Resize all of a picture to a square, whatever its proportions.

    Args:
        rgb: uint8 (height, width, 3).
        size: side of the result.
        channels: of the result; grey is Rec. 601 luma, as in Pillow.

    Returns:
        uint8 (size, size, channels).
    """
    image = Image.fromarray(rgb)
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.LANCZOS)
    return fit_picture(np.asarray(image), size, channels)


def _is_data(name: PathLike) -> bool:
    is_digits = str(name) == DIGITS and not Path(name).exists()
    return is_data_set(name) or is_digits or is_mnist(name)


def _of_data(name: PathLike, size: int, channels: int | None, split: str) -> PictureSet:
    found = load_pictures(name, size=size, channels=channels or 3, split=split)
    labels = None if found.labels is None else [found.classes[label] for label in found.labels]
    base = name if is_data_set(name) else Path(name).name
    names = [f"{base}/{split}/{number}" for number in found.names]
    return PictureSet(found.pixels, names, labels, [None] * len(names))


def _of_files(
    inputs: Sequence[PathLike],
    size: int,
    channels: int | None,
    whole: bool,
    max_pixels: int | None,
    progress: Progress,
) -> PictureSet:
    entries = list(_find(inputs))
    if not entries:
        raise UsageError(
            f"{', '.join(map(os.fspath, inputs))}: no pictures. Expected JPEG, PNG, WebP, TIFF, "
            "BMP or GIF files, in the folder or below it."
        )
    sizes = [path.stat().st_size if path.is_file() else 0 for path, _ in entries]
    progress.start(len(entries), sum(sizes))
    fit = fit_whole if whole else fit_picture

    def read(path: Path) -> NDArray[np.uint8] | Exception:
        try:
            return fit(read_picture(path, max_pixels=max_pixels).rgb, size, channels or 3)
        except (AEImageError, OSError) as error:
            return error

    pictures, names, labels, paths, failed = [], [], [], [], []
    with ThreadPoolExecutor(READERS) as pool:
        read_all = pool.map(read, [path for path, _ in entries])
        for (path, label), count, found in zip(entries, sizes, read_all, strict=True):
            result = FileResult(os.fspath(path), bytes_in=count)
            if isinstance(found, Exception):
                result.fail(found)
                failed.append(result)
            else:
                pictures.append(found)
                names.append(os.fspath(path))
                labels.append(label)
                paths.append(path)
            progress.finished(result)
    pixels = np.stack(pictures) if pictures else np.zeros((0, size, size, channels or 3), np.uint8)
    return PictureSet(pixels, names, labels if any(labels) else None, paths, failed)


def _find(inputs: Sequence[PathLike]) -> Iterator[tuple[Path, str]]:
    """Yield the picture files and what each shows: the first folder below the input folder."""
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            for file in scan_tree(path).files:
                if is_picture_path(file):
                    inside = file.relative_to(path).parts
                    yield file, inside[0] if len(inside) > 1 else ""
        elif path.exists():
            yield path, ""
        else:
            raise PictureNotFoundError(
                f"{name}: no such file or folder. Expected pictures, folders of them, a folder "
                "with MNIST's files, tfds:NAME or digits."
            )


def _join(parts: Sequence[PictureSet]) -> PictureSet:
    if len(parts) == 1:
        return parts[0]
    channels = max(part.pixels.shape[-1] for part in parts)
    pixels = [np.repeat(p, channels // p.shape[-1], axis=-1) for p in (q.pixels for q in parts)]
    labels: list[str] = []
    for part in parts:
        labels += part.labels or [""] * len(part)
    return PictureSet(
        np.concatenate(pixels),
        [name for part in parts for name in part.names],
        labels if any(labels) else None,
        [path for part in parts for path in part.paths],
        [result for part in parts for result in part.failed],
    )


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    return all(np.array_equal(pixels[..., 0], pixels[..., channel]) for channel in (1, 2))
