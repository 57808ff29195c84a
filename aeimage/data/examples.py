"""Pictures to train on, from folders and from TensorFlow Datasets alike.

    holidays/                         every picture file below a folder
    tfds:NAME                         a TensorFlow data set with pictures, its split `train`
    tfds:NAME/CONFIG:VERSION@SPLIT    with all that may be said: tfds:imagenette/160px@train[:9%]

TensorFlow Datasets keeps what it has downloaded or prepared in the folder that the environment
variable TFDS_DATA_DIR names, by default ``~/tensorflow_datasets``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from aeimage.data.pictures import Example, picture_paths
from aeimage.errors import AEImageError, MissingDependencyError, UsageError

PREFIX = "tfds:"
MAX_BYTES = 4 << 30


def find_pictures(names: Iterable[Path | str], report=None) -> list[Path | Example]:
    """Return all pictures of some folders, files and data sets.

    Args:
        names: see the module.
        report: function that takes a line of text; by default lines are dropped.

    Raises:
        UsageError: one does not exist, or holds no pictures.
        MissingDependencyError: a data set is named, and tensorflow-datasets is not installed.
    """
    names = list(names)
    folders = [Path(name) for name in names if not is_data_set(name)]
    found: list[Path | Example] = [*picture_paths(folders)] if folders else []
    for name in filter(is_data_set, names):
        found += load_data_set(str(name), report=report)
    return found


def is_data_set(name: Path | str) -> bool:
    """Return whether a name is one of a TensorFlow data set."""
    return str(name).startswith(PREFIX)


def load_data_set(
    name: str, *, data_dir: Path | None = None, max_bytes: int = MAX_BYTES, report=None
) -> list[Example]:
    """Decode the pictures of a TensorFlow data set into memory.

    Args:
        name: see the module. If it is not there yet, it is downloaded and prepared.
        data_dir: where TensorFlow Datasets keeps its files.
        max_bytes: the first pictures that fit; the others are not decoded.
        report: function that takes a line of text.

    Raises:
        UsageError: there is no such data set, split, or picture in it.
        MissingDependencyError: tensorflow-datasets is not installed.
    """
    features, examples = open_data_set(name, data_dir=data_dir)
    image = next(key for key, kind in features.items() if kind == "picture")
    found, used = [], 0
    for number, example in enumerate(examples):
        pixels = as_rgb(example[image])
        used += pixels.nbytes
        if used > max_bytes:
            if report is not None:
                report(f"{name}: the first {number} pictures fit into memory and are used")
            break
        found.append(Example((name, f"{number:09d}"), pixels))
    return found


def open_data_set(
    name: str, *, split: str = "train", data_dir: Path | None = None
) -> tuple[dict[str, str], Iterable[dict[str, np.ndarray]]]:
    """Open a TensorFlow data set that has pictures.

    Args:
        name: see the module. If it is not there yet, it is downloaded and prepared.
        split: taken where the name does not say which.
        data_dir: where TensorFlow Datasets keeps its files.

    Returns:
        what its examples hold: the first "picture" and, where there is one, the first "label", by
        the key they have; and the examples, with these keys.

    Raises:
        UsageError, MissingDependencyError: as `load_data_set`.
    """
    try:
        import tensorflow_datasets as tfds

        import aeimage.data.builders  # noqa: F401 (makes our builders known by name)
    except ImportError as error:
        raise MissingDependencyError.for_package(
            "tensorflow_datasets", "train", "Training on a TensorFlow data set"
        ) from error
    data_set, _, asked = name.removeprefix(PREFIX).partition("@")
    try:
        builder = tfds.builder(data_set, data_dir=data_dir)
        builder.download_and_prepare()
        features = builder.info.features
        images = [key for key, f in features.items() if isinstance(f, tfds.features.Image)]
        labels = [key for key, f in features.items() if isinstance(f, tfds.features.ClassLabel)]
        if not images:
            raise UsageError(
                f"{name}: has no pictures, but {', '.join(features)}. Expected a data set with a "
                "picture in each example. Choose another one."
            )
        kinds = {images[0]: "picture", **dict.fromkeys(labels[:1], "label")}
        decoders = tfds.decode.PartialDecoding(dict.fromkeys(kinds, True))
        examples = builder.as_dataset(split=asked or split, decoders=decoders)
    except AEImageError:
        raise
    except Exception as error:  # whatever a data set's own code raises
        raise UsageError(
            f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:300]} Expected "
            "tfds:NAME[/CONFIG][:VERSION][@SPLIT] of a data set that TensorFlow Datasets knows, "
            "or can download."
        ) from error
    return kinds, tfds.as_numpy(examples)


def as_rgb(pixels: np.ndarray) -> np.ndarray:
    """Return a picture as uint8 (height, width, 3).

    Args:
        pixels: uint8, uint16, or floats in 0...1; (height, width) or with a last axis of 1
            (grey), 3 or 4 channels (alpha is dropped).
    """
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif pixels.dtype != np.uint8:
        pixels = np.clip(np.round(pixels * 255.0), 0, 255).astype(np.uint8)
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels[..., :3]
