"""Pictures to latents and back with an autoencoder's bundle: LiteRT alone, no TensorFlow.

    autoencoder.tflite   encode      pixels float32 (n, h, w, c) in [0, 1] -> latents (n, latents)
                         decode      latents -> pixels
                         reconstruct pixels -> pixels

The manifest says of which family the model is; a `variational` one can `generate`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aeimage.errors import UsageError
from aeimage.latents import interpolate
from aeimage.runtime.bundle import find_bundle
from aeimage.runtime.session import Session

FILE_NAME = "autoencoder.tflite"
KIND = "autoencoder"
DIGITS, FEATURES = "digits", "features"
AT_A_TIME = 256


class Autoencoder:
    """An open autoencoder; keeps its network in memory between calls.

    Args:
        model: name or folder of an installed bundle of the kind "autoencoder", such as "digits"
            (MNIST, variational) or "features" (photographs).
        threads: of the network; by default one for each core.

    Raises:
        ModelNotFoundError: no such model.
        ModelFileError: the bundle is damaged, or of another kind.
    """

    session_class = Session

    def __init__(self, model: str | Path = FEATURES, threads: int | None = None) -> None:
        self.bundle = find_bundle(str(model), kind=KIND)
        self.bundle.verify()
        self._session = self.session_class(self.bundle.path / FILE_NAME, threads)

    @property
    def info(self) -> dict:
        """The bundle's manifest: name, family, shape, latent_size, training and more."""
        return self.bundle.info

    @property
    def name(self) -> str:
        """The model's name."""
        return self.bundle.name

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of its pictures."""
        return tuple(self.info["shape"])

    @property
    def latent_size(self) -> int:
        """Number of latents of a picture."""
        return int(self.info["latent_size"])

    @property
    def generative(self) -> bool:
        """Whether pictures can be drawn: it was trained so that its latents are normal."""
        return self.info.get("family") == "variational"

    def encode(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the latents of pictures.

        Args:
            pixels: uint8 (count, *shape).

        Returns:
            float32 (count, latent_size); of a variational model, the means.

        Raises:
            UsageError: the pictures are of another shape or dtype.
        """
        inputs = self._as_floats(pixels)
        return self._run("encode", "latents", (self.latent_size,), pixels=inputs)

    def decode(self, latents: ArrayLike) -> NDArray[np.float32]:
        """Return the pictures of latents.

        Args:
            latents: float32 (count, latent_size).

        Returns:
            float32 (count, *shape), in [0, 1].

        Raises:
            UsageError: the latents are of another shape.
        """
        latents = np.asarray(latents, np.float32)
        if latents.ndim != 2 or latents.shape[1] != self.latent_size:
            expected = f"numbers of shape (count, {self.latent_size})"
            raise UsageError.for_value("latents", expected, f"shape {latents.shape}")
        pixels = self._run("decode", "pixels", self.shape, latents=latents)
        return np.clip(pixels, 0.0, 1.0)

    def reconstruct(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return pictures after encoding and decoding, float32 (count, *shape), in [0, 1].

        Args and Raises: as for `encode`.
        """
        inputs = self._as_floats(pixels)
        restored = self._run("reconstruct", "pixels", self.shape, pixels=inputs)
        return np.clip(restored, 0.0, 1.0)

    def generate(self, count: int, seed: int | None = None) -> NDArray[np.float32]:
        """Draw pictures: decode latents drawn from a normal distribution.

        Args:
            count: how many.
            seed: a whole number from 0; None: other pictures each time.

        Returns:
            float32 (count, *shape), in [0, 1].

        Raises:
            UsageError: the model is none that can do so.
        """
        self.check_generative()
        rng = np.random.default_rng(seed)
        return self.decode(rng.normal(size=(count, self.latent_size)))

    def interpolate(self, first: ArrayLike, last: ArrayLike, count: int) -> NDArray[np.float32]:
        """Return pictures on the way between two latents, see `aeimage.latents.interpolate`.

        Args:
            first, last: float32 (latent_size,).
            count: pictures, both ends included.

        Returns:
            float32 (count, *shape), in [0, 1].
        """
        return self.decode(interpolate(first, last, count))

    def check_generative(self) -> None:
        """Check that pictures can be drawn.

        Raises:
            UsageError: they cannot.
        """
        if not self.generative:
            raise UsageError(
                f"The model {self.name!r} is of the family {self.info.get('family')!r}, whose "
                "latents follow no known distribution, so that no pictures can be drawn from it. "
                "Expected a variational one, such as 'digits'. Train one with `aeimage train "
                "variational`."
            )

    def _as_floats(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        pixels = np.asarray(pixels)
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1:] != self.shape:
            expected = f"uint8 of shape (count, {', '.join(map(str, self.shape))})"
            raise UsageError.for_value("pixels", expected, f"{pixels.dtype} {pixels.shape}")
        return pixels.astype(np.float32) / np.float32(255.0)

    def _run(self, signature: str, output: str, shape: tuple[int, ...], **inputs: NDArray):
        ((name, array),) = inputs.items()
        results = [np.empty((0, *shape), np.float32)]
        for start in range(0, len(array), AT_A_TIME):
            part = np.ascontiguousarray(array[start : start + AT_A_TIME])
            results.append(self._session.run(signature, **{name: part})[output])
        return np.concatenate(results)
