"""What pictures show, by the latents of an autoencoder: LiteRT and NumPy.

A bundle of kind "classifier" holds ``autoencoder.tflite`` (see `aeimage.runtime.autoencoder`) and
``classifier.npz``: multinomial logistic regression on its latents h,

    p = softmax(W (h - mean) / scale + b)

with `mean` and `scale`, float32 (latents,), of pictures that need no labels; `weights`, float32
(classes, latents); `bias`, float32 (classes,); and `classes`, the names.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import ModelFileError, UsageError
from aeimage.runtime.bundle import find_bundle, named_or_path
from aeimage.runtime.session import Session

KIND = "classifier"
NETWORK, WEIGHTS = "autoencoder.tflite", "classifier.npz"
AT_A_TIME = 256


@dataclass(frozen=True, eq=False)
class LinearClassifier:
    """Logistic regression on latents; see the module for the attributes."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    classes: NDArray[np.str_]

    def probabilities(self, latents: NDArray) -> NDArray[np.float64]:
        """Return the probability of each class, float64 (count, classes)."""
        logits = ((latents - self.mean) / self.scale) @ self.weights.T + self.bias
        logits = np.asarray(logits, np.float64)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def to_bytes(self) -> bytes:
        """The contents of ``classifier.npz``."""
        stream = io.BytesIO()
        np.savez(stream, **asdict(self))
        return stream.getvalue()

    @classmethod
    def read(cls, path: Path) -> LinearClassifier:
        """Read ``classifier.npz``.

        Raises:
            ModelFileError: it is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(**{field.name: file[field.name] for field in fields(cls)})
        except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
            raise ModelFileError(f"{path}: unreadable: {error}. Make the model again.") from error


class Classifier:
    """An open classifier; keeps its network in memory between calls.

    Args:
        model: name of an installed bundle of the kind "classifier", or the path of one.
        threads: of the network; by default one for each core.

    Raises:
        ModelNotFoundError: no such model.
        ModelFileError: the bundle is damaged, or of another kind.
    """

    def __init__(self, model: str | Path, threads: int | None = None) -> None:
        self.bundle = find_bundle(named_or_path(model), kind=KIND)
        self.bundle.verify()
        self._linear = LinearClassifier.read(self.bundle.path / WEIGHTS)
        self._session = Session(self.bundle.path / NETWORK, threads)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.bundle.name

    @property
    def classes(self) -> list[str]:
        """What pictures may show."""
        return self._linear.classes.tolist()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of its pictures."""
        return tuple(self.bundle.info["shape"])

    def classify(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the probability of each class for pictures, float64 (count, classes).

        Args:
            pixels: uint8 (count, *shape).

        Raises:
            UsageError: the pictures are of another shape or dtype.
        """
        pixels = np.asarray(pixels)
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1:] != self.shape:
            expected = f"uint8 of shape (count, {', '.join(map(str, self.shape))})"
            raise UsageError.for_value("pixels", expected, f"{pixels.dtype} {pixels.shape}")
        found = [np.zeros((0, len(self.classes)))]
        for first in range(0, len(pixels), AT_A_TIME):
            batch = pixels[first : first + AT_A_TIME].astype(np.float32) / np.float32(255.0)
            latents = self._session.run("encode", pixels=batch)["latents"]
            found.append(self._linear.probabilities(latents))
        return np.concatenate(found)
