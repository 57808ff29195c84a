"""Pictures, hostile numbers and extreme weights."""

from __future__ import annotations

import dataclasses

import exactness_tasks as tasks
import numpy as np
from numpy.typing import NDArray

from aeimage.runtime.geometry import Geometry
from aeimage.runtime.latent_codec import Engine
from aeimage.scale_network import HYPER_MAX, PASSES, IntegerLayer, ScaleNetwork

# 2 x 3 hyper-latents: compilers work once for all pictures and cases.
GEOMETRY = Geometry(width=170, height=100)
QUALITIES = (0.0, 37.5, 100.0)
SYMBOL_MAX = 32767


def pictures() -> dict[str, NDArray[np.uint8]]:
    """Return small pictures: drawn shapes, noise, and nothing but the extremes."""
    rows, columns = np.mgrid[: GEOMETRY.height, : GEOMETRY.width]
    drawn = np.stack([rows * 2, columns, 255 - rows - columns // 2], axis=-1).clip(0, 255)
    drawn[(rows - 50) ** 2 + (columns - 90) ** 2 < 900] = (250, 40, 10)
    drawn[20:24, 10:160] = 0
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, drawn.shape)
    extremes = 255 * rng.integers(0, 2, (*drawn.shape[:2], 1)).repeat(3, axis=-1)
    extremes[:, 85:] = 255 * ((rows + columns) % 2)[:, 85:, None]
    found = {"drawn": drawn, "noise": noise, "extremes": extremes}
    return {name: picture.astype(np.uint8) for name, picture in found.items()}


class _Recorder:
    """Engine that keeps what the encoder's graph returned."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.out = None

    def run(self, signature: str, **inputs):
        self.out = self.engine.run(signature, **inputs)
        return self.out


def recordings(
    engine: Engine, setting: tasks.Setting
) -> tuple[list[tasks.Recording], list[tasks.Coded]]:
    """Encode the pictures with a bundle's graphs; return symbols, and files written at once."""
    found, written = [], []
    for name, picture in pictures().items():
        recorder = _Recorder(engine)
        codec = setting.codec(recorder)
        u = codec.analyse(picture)
        for quality in QUALITIES:
            hyper, stripes = codec.encode(u, GEOMETRY, quality)
            z, symbols = (
                recorder.out[key][0].astype(np.int64) for key in ("hyper_latents", "symbols")
            )
            found.append(tasks.Recording(name, GEOMETRY, quality, z, symbols))
            written.append(tasks.Coded(GEOMETRY, quality, hyper, tuple(stripes)))
    return found, written


def hostile_recordings(setting: tasks.Setting) -> list[tasks.Recording]:
    """Return symbols that no picture gives, up to the limits of the format."""
    rng = np.random.default_rng(1)
    shape = (*GEOMETRY.latents, sum(setting.slices))
    channels = setting.network.features[0].kernel.shape[2]
    z = rng.integers(-HYPER_MAX, HYPER_MAX + 1, (*GEOMETRY.hyper, channels))
    return [tasks.Recording("hostile", GEOMETRY, q, z, wild(rng, shape)) for q in QUALITIES]


def wild(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Draw whole numbers of every order of magnitude up to the largest symbol, and its negative."""
    size = rng.integers(0, 2 ** rng.integers(0, 16, shape))
    return size * rng.choice((-1, 1), shape)


def hostile_cases(network: ScaleNetwork) -> list[tasks.Case]:
    """Return inputs of every pass at random and at the limits."""
    rng = np.random.default_rng(2)
    channels = network.features[0].kernel.shape[2]
    sizes = [network.passes[i][-1].bias.size for i in (1, 2)]
    cases = []
    for number in range(PASSES):
        seen = sizes[: (0, 1, 1, 2)[number]]
        outputs = network.passes[number][-1].bias.size

        def case(z, symbols, base, number=number, seen=seen, outputs=outputs):
            whole = np.zeros((*GEOMETRY.latents, 1), np.int64)
            contexts = tuple(whole + symbols(n) for n in seen)
            return tasks.Case(number, z, contexts, np.zeros(outputs, np.int64) + base)

        hyper = (*GEOMETRY.hyper, channels)
        at_random = rng.integers(-HYPER_MAX, HYPER_MAX + 1, hyper)
        signs = HYPER_MAX * rng.choice((-1, 1), hyper)
        bases = rng.integers(-20, 84, outputs)
        cases += [
            case(at_random, lambda n: wild(rng, (*GEOMETRY.latents, n)), bases),
            case(
                signs,
                lambda n: SYMBOL_MAX * rng.choice((-1, 0, 1), (*GEOMETRY.latents, n)),
                bases // 2,
            ),
            case(np.full(hyper, HYPER_MAX), lambda n: np.full(n, SYMBOL_MAX), 20),
            case(np.full(hyper, -HYPER_MAX), lambda n: np.full(n, -1), -300),
            case(np.zeros(hyper, np.int64), lambda n: np.zeros(n, np.int64), 300),
            case(np.zeros(hyper, np.int64), lambda n: np.arange(n), bases),
        ]
    return cases


def extreme_network(like: ScaleNetwork) -> ScaleNetwork:
    """Return a network with the largest weights that a trained one may have, of random sign.

    Half of a channel's weights share a sign over all of their inputs, so that sums come as close
    to 2^24 as they ever can and roundings happen at every place.
    """
    rng = np.random.default_rng(3)

    def extreme(layer: IntegerLayer) -> IntegerLayer:
        rows, columns, inputs, outputs = layer.kernel.shape
        fan_in = rows * columns * inputs // layer.upsample**2
        largest = min(127, 2**23 // (layer.input_max * fan_in))
        kernel = largest * rng.choice((-1, 1), layer.kernel.shape)
        sign = rng.choice((-1, 1), outputs)
        alike = largest * sign - rng.integers(0, 2, (rows, columns, inputs, 1))
        kernel[..., ::2] = alike[..., ::2]
        bias = rng.integers(-2047, 2048, outputs)
        return dataclasses.replace(
            layer,
            kernel=np.clip(kernel, -largest, largest).astype(np.int8),
            bias=bias.astype(np.int32),
        )

    return ScaleNetwork(
        tuple(map(extreme, like.features)), tuple(tuple(map(extreme, p)) for p in like.passes)
    )
