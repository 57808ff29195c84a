"""How far pictures deviate from normal ones: LiteRT and NumPy, no TensorFlow.

A bundle of kind "anomaly" holds ``autoencoder.tflite``, trained on normal pictures alone (see
`aeimage.runtime.autoencoder` for its signatures), and ``anomaly.npz``, see `Calibration`.

What a picture x and its reconstruction g(f(x)) look like is compared after

    n(x) = blur(x - background) / |blur(x - background)|

so that pictures with little in them, whose squared errors are small whatever they show, count like
others, and a stroke that is moved by a pixel counts little. Three numbers tell how abnormal x is:

    reconstruction   |n(x) - n(g(f(x)))|^2: the autoencoder has not learned to make this
    neighbours       mean |n(x) - n(g(h))|^2 over the 3 nearest of the reconstructions of 2,000
                     normal pictures, whose latents h are kept: nothing normal looks like this
    contrast         log |blur(x - background)|

The first two are turned into standard scores, of their logarithms, by normal pictures that training
did not see; of the third counts by how much it lies outside the range of these. The score is their
sum: near 0 for normal pictures, larger for others.

Sources: reconstruction errors as scores: Hawkins et al., "Outlier Detection Using Replicator Neural
Networks", 2002; memory of normal pictures: Gong et al., "Memorizing Normality" (MemAE), ICCV 2019.
"""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import ModelFileError, UsageError
from aeimage.runtime.bundle import find_bundle, named_or_path
from aeimage.runtime.session import Session

KIND = "anomaly"
NETWORK, CALIBRATION = "autoencoder.tflite", "anomaly.npz"
DEFAULT_QUANTILE = 0.99
NEIGHBOURS = 3
AT_A_TIME = 250
BLUR = 1 / 28
"""Standard deviation of the blur as a share of the side: a pixel of MNIST's."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What normal pictures are like.

    Attributes:
        background: float32 (channels,), in [0, 1]: median of all their pixels.
        floor: contrasts below it are taken for it, in the division by the contrast.
        latents: float32 (count, latents) of the normal pictures that are remembered.
        centre, spread: float64 (2,): mean and standard deviation of the logarithms of
            `reconstruction` and `neighbours`.
        contrasts: float64 (3,): smallest and largest usual logarithm of the contrast, and its
            standard deviation.
        heat: float64: the heat that 1 % of the pixels of normal pictures exceed.
        scores: float64 (count,), sorted: those of held-out normal pictures.
    """

    background: NDArray[np.float32]
    floor: float
    latents: NDArray[np.float32]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    contrasts: NDArray[np.float64]
    heat: float
    scores: NDArray[np.float64]

    def to_bytes(self) -> bytes:
        """The contents of ``anomaly.npz``; latents as float16."""
        arrays = asdict(self) | {"latents": self.latents.astype(np.float16)}
        stream = io.BytesIO()
        np.savez(stream, **arrays)
        return stream.getvalue()

    @classmethod
    def read(cls, path: Path) -> Calibration:
        """Read ``anomaly.npz``.

        Raises:
            ModelFileError: it is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {field.name: file[field.name] for field in fields(cls)}
        except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
            raise ModelFileError(f"{path}: unreadable: {error}. Fit the model again.") from error
        numbers = {name: float(arrays[name]) for name in ("floor", "heat")}
        return cls(**arrays | numbers | {"latents": arrays["latents"].astype(np.float32)})


@dataclass(frozen=True, eq=False)
class Scores:
    """How abnormal pictures are; all float64 (count,).

    Attributes:
        total: the score: the sum of the others.
        reconstruction, neighbours: standard scores, about 0 for normal pictures.
        contrast: by how many standard deviations the contrast is outside its usual range, from 0.
    """

    total: NDArray[np.float64]
    reconstruction: NDArray[np.float64]
    neighbours: NDArray[np.float64]
    contrast: NDArray[np.float64]


class Comparison:
    """Pictures and their reconstructions, made comparable; see the module.

    Args:
        network: ``autoencoder.tflite``.
        background, floor: see `Calibration`.
    """

    def __init__(self, network: Session, background: NDArray, floor: float) -> None:
        self.network = network
        self.background = np.asarray(background, np.float32)
        self.floor = floor

    def reconstruct(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the autoencoder makes of pictures, float32 (count, h, w, c), in [0, 1]."""
        return np.clip(self.network.run("reconstruct", pixels=pictures)["pixels"], 0.0, 1.0)

    def encode(self, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return latents."""
        return self.network.run("encode", pixels=pictures)["latents"]

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the pictures of latents, in batches."""
        parts = [
            np.clip(self.network.run("decode", latents=part)["pixels"], 0.0, 1.0)
            for part in _parts(latents)
        ]
        return np.concatenate(parts)

    def normalise(self, pictures: NDArray) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return n(x), float32 of the shape of x, and the contrasts, float64 (count,)."""
        height, width = pictures.shape[1:3]
        centred = pictures - self.background
        # From the left along rows and columns; the sum goes first over the smaller axis.
        blurred = np.einsum("ij,njwc->niwc", _gaussian(height), centred, optimize=True)
        blurred = np.einsum("ij,nhjc->nhic", _gaussian(width), blurred, optimize=True)
        contrast = np.sqrt(np.sum(np.square(blurred, dtype=np.float64), axis=(1, 2, 3)))
        scale = 1.0 / np.maximum(contrast, self.floor)
        return blurred * scale.astype(np.float32)[:, None, None, None], contrast


class AnomalyDetector:
    """An open anomaly model; keeps its network in memory between calls.

    Args:
        model: name of an installed bundle of the kind "anomaly", or the path of one.
        threads: of the network; by default one for each core.

    Raises:
        ModelNotFoundError: no such model.
        ModelFileError: the bundle is damaged, or of another kind.
    """

    def __init__(self, model: str | Path, threads: int | None = None) -> None:
        self.bundle = find_bundle(named_or_path(model), kind=KIND)
        self.bundle.verify()
        self.calibration = Calibration.read(self.bundle.path / CALIBRATION)
        session = Session(self.bundle.path / NETWORK, threads)
        found = self.calibration
        self._comparison = Comparison(session, found.background, found.floor)
        self._remembered: NDArray[np.float32] | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.bundle.name

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of its pictures."""
        return tuple(self.bundle.info["shape"])

    def threshold(self, quantile: float = DEFAULT_QUANTILE) -> float:
        """Return the score that a share of `quantile` of held-out normal pictures stays below.

        Raises:
            UsageError: `quantile` is not between 0 and 1.
        """
        if not 0.0 <= quantile <= 1.0:
            raise UsageError.for_value("quantile", "a number from 0 to 1", quantile)
        return float(np.quantile(self.calibration.scores, quantile))

    def score(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return how abnormal pictures are, float64 (count,); arguments as for `measure`."""
        return self.measure(pixels)[0].total

    def measure(
        self, pixels: NDArray[np.uint8], *, heatmaps: bool = False
    ) -> tuple[Scores, NDArray[np.float32] | None]:
        """Measure how abnormal pictures are, and where.

        Args:
            pixels: uint8 (count, *shape).
            heatmaps: also return where.

        Returns:
            scores, and heat maps, float32 (count, height, width), or None: the squared difference
            of n(x) and n(g(f(x))), 1 where it exceeds that of 99 % of the pixels of normal
            pictures.

        Raises:
            UsageError: the pictures are of another shape or dtype.
        """
        pixels = np.asarray(pixels)
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1:] != self.shape:
            expected = f"uint8 of shape (count, {', '.join(map(str, self.shape))})"
            raise UsageError.for_value("pixels", expected, f"{pixels.dtype} {pixels.shape}")
        if self._remembered is None:
            self._remembered = remember(self._comparison, self.calibration.latents)
        rows, heat = [np.zeros((3, 0))], [np.zeros((0, *self.shape[:2]), np.float32)]
        for part in _parts(pixels):
            measured, map_ = raw_measures(self._comparison, self._remembered, part)
            rows.append(measured)
            if heatmaps:
                heat.append((map_ / self.calibration.heat).astype(np.float32))
        measures = np.concatenate(rows, axis=1)
        return combine(measures, self.calibration), np.concatenate(heat) if heatmaps else None


def remember(comparison: Comparison, latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return n(g(h)) of the latents h of normal pictures, float32 (count, values)."""
    normal, _ = comparison.normalise(comparison.decode(latents))
    return normal.reshape(len(latents), -1)


def raw_measures(
    comparison: Comparison, remembered: NDArray[np.float32], pixels: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure pictures, before anything is calibrated.

    Args:
        comparison: of pictures and reconstructions.
        remembered: see `remember`.
        pixels: uint8 (count, height, width, channels), a batch.

    Returns:
        float64 (3, count): logarithms of `reconstruction`, `neighbours` and the contrast; and heat
        maps, float64 (count, height, width).
    """
    pictures = pixels.astype(np.float32) / np.float32(255.0)
    normal, contrast = comparison.normalise(pictures)
    restored, _ = comparison.normalise(comparison.reconstruct(pictures))
    heat = np.square(normal - restored, dtype=np.float64).sum(axis=-1)
    flat = normal.reshape(len(normal), -1)
    products = flat @ remembered.T
    squares = np.sum(flat**2, axis=1)[:, None] + np.sum(remembered**2, axis=1) - 2.0 * products
    count = min(NEIGHBOURS, squares.shape[1])
    nearest = np.partition(squares, count - 1, axis=1)[:, :count].mean(axis=1, dtype=np.float64)
    tiny = 1e-6  # two pictures of float32 are never closer
    measures = (
        np.log(heat.sum(axis=(1, 2)) + tiny),
        np.log(np.maximum(nearest, 0.0) + tiny),
        np.log(np.maximum(contrast, tiny)),
    )
    return np.stack(measures), heat


def combine(measures: NDArray[np.float64], calibration: Calibration) -> Scores:
    """Turn the measures of `raw_measures` into scores."""
    scores = (measures[:2] - calibration.centre[:, None]) / calibration.spread[:, None]
    low, high, spread = calibration.contrasts
    outside = np.maximum(0.0, np.maximum(low - measures[2], measures[2] - high)) / spread
    return Scores(scores.sum(axis=0) + outside, *scores, outside)


def digest(*parts: bytes) -> bytes:
    """Return the SHA-256 over the files of a model, of which its id is the beginning."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


def _gaussian(side: int) -> NDArray[np.float32]:
    """The matrix that blurs a line of so many pixels; beyond its ends it is mirrored."""
    sigma = side * BLUR
    reach = max(1, math.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    matrix = np.zeros((side, side))
    for offset, weight in zip(range(-reach, reach + 1), weights, strict=True):
        places = np.arange(side) + offset
        places = np.where(places < 0, -places - 1, places) % (2 * side)
        places = np.where(places >= side, 2 * side - 1 - places, places)
        np.add.at(matrix, (np.arange(side), places), weight)
    return matrix.astype(np.float32)


def _parts(array: NDArray):
    for first in range(0, len(array), AT_A_TIME):
        yield np.ascontiguousarray(array[first : first + AT_A_TIME])
