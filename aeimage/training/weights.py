"""Weights of a model in one HDF5 file, at half precision where that is enough."""

import os
from pathlib import Path

import h5py
import numpy as np

from aeimage.errors import ModelFileError

SUFFIX = ".weights.h5"


def save_weights(model, path: Path, *, precision: str = "float16") -> None:
    """Write the weights of `model` to `path`, which ends in ``.weights.h5``, whole or not at all.

    Args:
        model: a built Keras model.
        path: the file.
        precision: "float16" or "float32" of the stored numbers.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        model.save_weights(temporary)
        if precision == "float16":
            halve_weights(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def halve_weights(path: Path) -> None:
    """Rewrite an HDF5 file with its floating-point numbers as float16."""
    halved = path.with_name(f"{path.name}.half")

    def copy(name, item):
        if isinstance(item, h5py.Dataset):
            data = item[()]
            if np.issubdtype(data.dtype, np.floating):
                data = data.astype(np.float16)
            target.create_dataset(name, data=data)
        else:
            target.require_group(name).attrs.update(item.attrs)

    try:
        with h5py.File(path) as source, h5py.File(halved, "w") as target:
            target.attrs.update(source.attrs)
            source.visititems(copy)
        os.replace(halved, path)
    finally:
        halved.unlink(missing_ok=True)


def find_weights(path: Path) -> Path:
    """Return the file of weights that `path` is or holds: that of a run, or of a bundle.

    Raises:
        ModelFileError: there is none, or more than one.
    """
    path = Path(path)
    if not path.is_dir():
        return path
    files = sorted(path.glob(f"*{SUFFIX}"))
    if len(files) != 1:
        raise ModelFileError(
            f"{path}: a folder with {len(files)} files *{SUFFIX}, expected one. Runs have "
            "best.weights.h5 once they have validated or were stopped. Packages leave the weights "
            "of models out: take those of a checkout of aeimage, or give a file."
        )
    return files[0]


def load_weights(model, path: Path) -> None:
    """Read weights that `save_weights` wrote.

    Raises:
        ModelFileError: no such file, damaged, or of another architecture.
    """
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise ModelFileError(
            f"{path}: these weights do not fit the model: {str(error).splitlines()[0]} Expected a "
            f"file ending in {SUFFIX} of the same preset."
        ) from error
