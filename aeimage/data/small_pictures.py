"""Whole data sets of small pictures of one size, in memory, with their labels.

    FOLDER       with the four IDX files of MNIST, or of a data set in its format
    FOLDER       of pictures, at any depth: cut to their middle square and resized; what a picture
                 shows is the name of the sub-folder that it lies in, if there are any; sub-folders
                 `train` and `test` are the splits
    tfds:NAME    a data set of TensorFlow Datasets, with labels where it has any
    digits       1,797 digits of 8x8 pixels that come with scikit-learn, a fifth of them for testing

Neither TensorFlow nor Keras is needed, but for TensorFlow Datasets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aeimage.data.examples import as_rgb, is_data_set, open_data_set
from aeimage.data.idx import MNIST, read_mnist
from aeimage.data.pictures import decode, picture_paths
from aeimage.errors import MissingDependencyError, UsageError

DIGITS = "digits"
SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False)
class SmallPictures:
    """Pictures of one size.

    Attributes:
        pixels: uint8 (count, height, width, channels); 1 channel or 3.
        labels: int64 (count,), or None where nothing says what a picture shows.
        names: of the pictures: paths of files, else their numbers.
        classes: what the labels 0, 1 ... stand for; empty without labels.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    names: tuple[str, ...]
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        return tuple(self.pixels.shape[1:])

    def take(self, which) -> SmallPictures:
        """Return some of the pictures: those with the numbers, or of the mask, `which`."""
        rows = np.arange(len(self))[which]
        return replace(
            self,
            pixels=self.pixels[rows],
            labels=None if self.labels is None else self.labels[rows],
            names=tuple(self.names[row] for row in rows),
        )


def load_pictures(
    data: Path | str,
    *,
    size: int | None = None,
    channels: int = 1,
    split: str = "train",
    report=None,
) -> SmallPictures:
    """Load a data set.

    Args:
        data: see the module.
        size: side to which pictures are resized; None leaves them as they are, if they are all of
            one size.
        channels: 1 for grey, 3 for colour.
        split: "train" or "test". A folder without such sub-folders has no pictures for testing.
        report: function that takes a line of text about files that were left out.

    Raises:
        UsageError: there is no such data set or split, it has no pictures, or an argument makes no
            sense.
        MissingDependencyError: scikit-learn or tensorflow-datasets is needed and not installed.
        DamagedPictureError: an IDX file is damaged.
    """
    if split not in SPLITS:
        raise UsageError.for_value("split", " or ".join(SPLITS), split)
    if channels not in (1, 3):
        raise UsageError.for_value("channels", "1 or 3", channels)
    if size is not None and not 1 <= size <= 1024:
        raise UsageError.for_value("size", "a number of pixels from 1 to 1024", size)
    if is_data_set(data):
        return _of_data_set(str(data), split, size, channels)
    if is_mnist(data):
        pixels, labels = read_mnist(Path(data), split)
        return _numbered(pixels[..., None], labels, size, channels)
    if str(data) == DIGITS and not Path(data).exists():
        return _numbered(*_digits(split), size, channels)
    return _of_folder(Path(data), split, size, channels, report)


def is_mnist(data: Path | str) -> bool:
    """Return whether `data` is a folder with IDX files named as MNIST's."""
    folder = Path(data)
    names = [name for pair in MNIST.values() for name in pair]
    names += [name.replace("-idx", ".idx") for name in names]
    return any((folder / f"{name}{end}").is_file() for name in names for end in ("", ".gz"))


def fit_picture(pixels: NDArray[np.uint8], size: int | None, channels: int) -> NDArray[np.uint8]:
    """Cut a picture to its middle square and resize it.

    Args:
        pixels: uint8 (height, width, 1 or 3).
        size: side of the result; None leaves the picture as it is.
        channels: of the result. Grey is Rec. 601 luma, as in Pillow.

    Returns:
        uint8 (size, size, channels).
    """
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    if size is not None and image.size != (size, size):
        width, height = image.size
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        box = (left, top, left + side, top + side)
        image = image.resize((size, size), Image.Resampling.LANCZOS, box)
    fitted = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return fitted[..., None] if channels == 1 else fitted


def _fit_all(pictures: Iterable[NDArray], size: int | None, channels: int) -> NDArray[np.uint8]:
    fitted = [fit_picture(picture, size, channels) for picture in pictures]
    shapes = {picture.shape for picture in fitted}
    if len(shapes) != 1:
        raise UsageError(
            f"The pictures are of {len(shapes)} sizes. Expected all of one size, or a size to "
            "bring them to. Give a size."
        )
    return np.stack(fitted)


def _numbered(pixels, labels, size, channels, classes=()) -> SmallPictures:
    """Return pictures of an array, or of a list, which go by their numbers."""
    fits = isinstance(pixels, np.ndarray) and (size is None or pixels.shape[1:3] == (size, size))
    if not (fits and pixels.shape[-1] == channels):
        pixels = _fit_all(pixels, size, channels)
    names = tuple(f"{number:06d}" for number in range(len(pixels)))
    if labels is not None:
        labels = np.asarray(labels, np.int64)
        classes = tuple(classes) or tuple(map(str, range(int(labels.max()) + 1)))
    return SmallPictures(pixels, labels, names, tuple(classes))


def _digits(split: str):
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingDependencyError.for_package(
            "sklearn", "family", "Loading scikit-learn's digits"
        ) from error
    found = load_digits()
    pixels = np.round(found.images * (255.0 / 16.0)).astype(np.uint8)[..., None]
    # In the files' own order one writer comes after the other.
    order = np.random.default_rng(0).permutation(len(pixels))
    rows = order[len(order) // 5 :] if split == "train" else order[: len(order) // 5]
    return pixels[rows], found.target[rows]


def _of_data_set(name: str, split: str, size, channels) -> SmallPictures:
    kinds, examples = open_data_set(name, split=split)
    image = next(key for key, kind in kinds.items() if kind == "picture")
    label = next((key for key, kind in kinds.items() if kind == "label"), None)
    pictures, labels = [], []
    for example in examples:
        pictures.append(fit_picture(as_rgb(example[image]), size, channels))
        if label is not None:
            labels.append(int(example[label]))
    if not pictures:
        raise UsageError(f"{name}: the split {split!r} is empty. Choose another one.")
    return _numbered(pictures, labels or None, None, channels)


def _of_folder(folder: Path, split: str, size, channels, report) -> SmallPictures:
    if (folder / split).is_dir() and all((folder / s).is_dir() for s in SPLITS):
        folder = folder / split
    elif split == "test":
        raise UsageError(
            f"{folder}: has no pictures for testing. Expected sub-folders {' and '.join(SPLITS)}. "
            "Give a folder of held-out pictures instead."
        )
    pictures, names, classes = [], [], []
    for path in picture_paths([folder]):
        pixels = decode(path, report)
        if pixels is None:
            continue
        # Here, not later: photographs are large.
        pictures.append(fit_picture(pixels, size, channels))
        names.append(str(path))
        inside = path.relative_to(folder).parts if path != folder else (path.name,)
        classes.append(inside[0] if len(inside) > 1 else "")
    if not pictures:
        raise UsageError(f"{folder}: none of its pictures can be read. Give other ones.")
    known = tuple(sorted(set(classes)))
    labelled = len(known) > 1
    labels = np.array([known.index(c) for c in classes], np.int64) if labelled else None
    pixels = _fit_all(pictures, None, channels)
    return SmallPictures(pixels, labels, tuple(names), known if labelled else ())
