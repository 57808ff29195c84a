"""Trained autoencoders as encoders, wherever they come from.

- the name of an installed model, such as ``features``, or the folder of a bundle: LiteRT alone,
- the folder of a training run: Keras, which needs the train extra.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aeimage.apps.plan import PathLike
from aeimage.errors import MissingDependencyError, ModelFileError

DEFAULT_MODEL = "features"
RUN_FILE = "run.json"
BATCH = 256


class Encoder(Protocol):
    """What turns pictures into latents.

    Attributes:
        name: of the model.
        shape: of a picture: height, width, channels; pictures are squares.
        latent_size: number of latents.
    """

    name: str
    shape: tuple[int, int, int]
    latent_size: int

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the latents, float32 (count, latents), of pictures, uint8 (count, *shape)."""


def open_encoder(model: PathLike = DEFAULT_MODEL) -> Encoder:
    """Open an autoencoder.

    Args:
        model: see the module.

    Raises:
        ModelNotFoundError: no installed model has this name.
        ModelFileError: the folder is damaged, or holds no autoencoder.
        MissingDependencyError: it is a run, and the train extra is not installed.
    """
    path = Path(model)
    if (path / RUN_FILE).is_file():
        return _RunEncoder(path)
    from aeimage.runtime.autoencoder import Autoencoder
    from aeimage.runtime.bundle import named_or_path

    return Autoencoder(named_or_path(model))


def load_trained(model: PathLike):
    """Return the Keras model of a run, or of a bundle that still has its weights, in float32.

    Raises:
        ModelFileError: `model` is neither, or no autoencoder.
        MissingDependencyError: the train extra is not installed.
    """
    from aeimage.apps.training import require_training

    require_training("Opening a training run")
    from aeimage.export.kinds import load_kind
    from aeimage.export.source import open_source

    source = open_source(Path(model))
    kind = source.preset.KIND
    if kind != "autoencoder":
        raise ModelFileError(
            f"{model}: a model of kind {kind!r}, expected an autoencoder. Train one: aeimage train "
            "convolutional --data PICTURES --out RUN"
        )
    return source.load(load_kind(kind))


class _RunEncoder:
    """The encoder of a training run."""

    def __init__(self, path: Path) -> None:
        self._model = load_trained(path)
        self.name = path.name
        self.shape = tuple(self._model.shape)
        self.latent_size = self._model.latent_size

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return encode_with(self._model, pixels)


def encode_with(model, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the latents that a Keras autoencoder has for pictures, in batches.

    Args:
        model: see `aeimage.models.autoencoder.Autoencoder`.
        pixels: uint8 (count, height, width, channels).
    """
    from keras import ops

    parts = [
        ops.convert_to_numpy(model.encode(batch.astype(np.float32) / 255.0))
        for batch in batches(pixels)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, model.latent_size), np.float32)


def batches(pixels: NDArray, size: int = BATCH):
    """Yield the rows of an array, so many at a time."""
    for first in range(0, len(pixels), size):
        yield pixels[first : first + size]


def require_family(purpose: str) -> None:
    """Check that scikit-learn and Matplotlib are installed.

    Args:
        purpose: what needs them, as the start of a sentence.

    Raises:
        MissingDependencyError: one is not; names the extra.
    """
    import importlib.util

    for package in ("sklearn", "matplotlib"):
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError.for_package(package, "family", purpose)
