"""What every runtime is asked to do, in the tests' own process and in workers alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import FileFormatError
from aeimage.runtime.bundle import CodecTables, load_tables
from aeimage.runtime.geometry import Geometry, checkerboard
from aeimage.runtime.latent_codec import Engine, LatentCodec
from aeimage.scale_network import FILE_NAME, PASSES, ScaleNetwork


@dataclass(frozen=True)
class Case:
    """Inputs of one coding pass, whole numbers: see `ScaleNetwork.indexes`."""

    number: int
    z: NDArray
    contexts: tuple[NDArray, ...]
    base: NDArray


@dataclass(frozen=True)
class Recording:
    """What an encoder found for a picture: everything but the scale indices."""

    name: str
    geometry: Geometry
    quality: float
    z: NDArray
    symbols: NDArray


@dataclass(frozen=True)
class Coded:
    """A picture's streams."""

    geometry: Geometry
    quality: float
    hyper: bytes
    stripes: tuple[bytes, ...]


class Setting:
    """The tables and sizes of a bundle, without its graphs."""

    def __init__(self, bundle: Path) -> None:
        self.tables: CodecTables = load_tables(bundle)
        self.network = ScaleNetwork.read(bundle / FILE_NAME)
        self.slices = tuple(int(self.network.passes[i][-1].bias.size) for i in (1, 2, 3))

    def codec(self, engine: Engine) -> LatentCodec:
        """Return a codec that runs on `engine`."""
        return LatentCodec(engine, self.tables, self.slices)


def indexes(engine: Engine, cases: Sequence[Case]) -> list[NDArray[np.float32]]:
    """Run the scale network on every case."""
    results = []
    for case in cases:
        contexts = {f"symbols_{i}": _batch(c) for i, c in enumerate(case.contexts)}
        z, base = _batch(case.z), _batch(case.base[None, None])
        out = engine.run(f"scales_{case.number}", hyper_latents=z, base=base, **contexts)
        results.append(out["indexes"][0])
    return results


class ReplayingEngine:
    """Engine whose encoder repeats a recording, with the scale indices of another engine."""

    def __init__(self, engine: Engine, recording: Recording, slices: Sequence[int]) -> None:
        self.engine = engine
        self.recording = recording
        self.slices = slices
        self.calls = 0

    def run(self, signature: str, **inputs):
        """Run ``encode``."""
        assert signature == "encode" and self.calls == 0, "the picture should fit in one window"
        self.calls = 1
        z, symbols = self.recording.z, self.recording.symbols.astype(np.int64)
        board = checkerboard(*symbols.shape[:2])[..., None]
        valid = inputs["valid"][0] > 0
        bounds = np.cumsum(self.slices)[:2]
        # Views: what is written to a part below, later passes see.
        parts = low, middle, _ = np.split(symbols, bounds, axis=-1)
        bases = np.split(inputs["base"].ravel(), bounds)
        found = []
        for number in range(PASSES):
            group = max(number - 1, 0)
            contexts = ((), (np.where(board, low, 0),), (low,), (low, middle))[number]
            (k,) = indexes(self.engine, [Case(number, z, contexts, bases[group])])
            coded = valid & (k > 0)
            if number < 2:
                here = board if number == 0 else ~board
                coded |= ~here
                found = [k] if number == 0 else [np.where(board, found[0], k)]
            else:
                found.append(k)
            # What is not coded is zero for whoever decodes.
            parts[group][~coded] = 0
        return {
            "hyper_latents": _batch(z),
            "symbols": _batch(np.concatenate(parts, axis=-1)),
            "indexes": _batch(np.concatenate(found, axis=-1)),
        }


def encode(engine: Engine, recordings: Sequence[Recording], setting: Setting) -> list[Coded]:
    """Write the symbols of recordings with an engine's scale indices."""
    results = []
    for recording in recordings:
        geometry = recording.geometry
        codec = setting.codec(ReplayingEngine(engine, recording, setting.slices))
        unused = np.zeros((*geometry.latents, codec.channels), np.float16)
        hyper, stripes = codec.encode(unused, geometry, recording.quality)
        results.append(Coded(geometry, recording.quality, hyper, tuple(stripes)))
    return results


def decode(engine: Engine, coded: Sequence[Coded], setting: Setting) -> list:
    """Read (z, symbols) of every file, or the error that reading it gives."""
    codec, results = setting.codec(engine), []
    for file in coded:
        try:
            results.append(
                codec.decode_symbols(file.hyper, list(file.stripes), file.geometry, file.quality)
            )
        except FileFormatError as error:
            results.append(error)
    return results


def _batch(array: NDArray) -> NDArray[np.float32]:
    return np.asarray(array, np.float32)[None]
