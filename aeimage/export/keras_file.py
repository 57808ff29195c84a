"""`.keras` files: architecture and weights, for whoever has Keras and aeimage."""

import os
import tempfile
import zipfile
from pathlib import Path

import keras

from aeimage.training.weights import halve_weights


def write_keras(model: keras.Model, out: Path, *, precision: str = "float16") -> None:
    """Write `model` so that `keras.saving.load_model` reads it, in safe mode.

    Whoever reads it imports the module of its class first: that registers it with Keras.

    Args:
        model: built.
        out: file that ends in ``.keras``.
        precision: of the stored weights, "float16" or "float32"; loaded, they are what the dtype
            policy says.
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        file = Path(folder) / out.name
        model.save(file)
        if precision == "float16":
            file = _halved(file)
        os.replace(file, out)


def _halved(path: Path) -> Path:
    """Return a copy of a `.keras` file with weights of half precision."""
    smaller = path.with_name("smaller.keras")
    weights = path.with_name("model.weights.h5")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(smaller, "w") as target:
        for name in source.namelist():
            if name == weights.name:
                weights.write_bytes(source.read(name))
                halve_weights(weights)
                target.write(weights, name)
            else:
                target.writestr(name, source.read(name))
    return smaller
