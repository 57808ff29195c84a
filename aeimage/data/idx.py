"""IDX files, in which MNIST and its like come, as NumPy arrays.

    0, 0, type code, number of axes | length of each axis, uint32 | values, all big-endian

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from aeimage.errors import DamagedPictureError, UsageError

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MNIST = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def read_idx(path: Path) -> np.ndarray:
    """Read an IDX file, compressed with gzip or not.

    Returns:
        an array of its own type in native byte order; for pictures uint8 (count, height, width).

    Raises:
        DamagedPictureError: the file is no IDX file, or cut short.
        OSError: it cannot be read.
    """
    path = Path(path)
    data = path.read_bytes()
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        zeros, code, axes = int.from_bytes(data[:2], "big"), data[2], data[3]
        shape = np.frombuffer(data, ">u4", axes, 4).tolist()
        dtype = np.dtype(TYPES[code])
        if zeros or len(data) != 4 + 4 * axes + math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{len(data)} bytes for the shape {shape}")
    except (KeyError, IndexError, ValueError, EOFError, OSError, zlib.error) as error:
        raise DamagedPictureError(
            f"{path}: no whole IDX file ({error}). Expected one such as MNIST's, compressed with "
            "gzip or not. Get it again."
        ) from error
    values = np.frombuffer(data, dtype, offset=4 + 4 * axes).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


def find_idx(folder: Path, name: str) -> Path:
    """Return the file of this name in `folder`: with ``.gz`` or without, and ``-idx`` or ``.idx``.

    Raises:
        UsageError: there is none.
    """
    names = [name, name.replace("-idx", ".idx")]
    for candidate in [n + end for n in names for end in ("", ".gz")]:
        if (Path(folder) / candidate).is_file():
            return Path(folder) / candidate
    raise UsageError(
        f"{folder}: no {name}. Expected the four IDX files of MNIST, with or without .gz. Give the "
        "folder that holds them."
    )


def read_mnist(folder: Path, split: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Read MNIST, or a data set in its format, from its IDX files.

    Args:
        folder: holds them.
        split: "train" or "test".

    Returns:
        pictures, uint8 (count, 28, 28), white on black, and labels, uint8 (count,).

    Raises:
        UsageError: a file is missing, or there is no such split.
        DamagedPictureError: a file is damaged, or the two do not belong together.
    """
    if split not in MNIST:
        raise UsageError.for_value("split", " or ".join(MNIST), split)
    pictures, labels = (read_idx(find_idx(folder, name)) for name in MNIST[split])
    if pictures.ndim != 3 or labels.shape != pictures.shape[:1]:
        raise DamagedPictureError(
            f"{folder}: pictures of shape {pictures.shape} with labels of shape {labels.shape}. "
            "Expected a label for each picture. Get the files again."
        )
    return pictures, labels
