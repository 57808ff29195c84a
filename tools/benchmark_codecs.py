"""The codecs of the benchmark behind one small interface: picture to bytes, bytes to picture.

Settings are each encoder at its practical best without tricks, and the same for every picture:

| codec | settings | why (points of BD-rate on Kodak) |
| --- | --- | --- |
| JPEG | `optimize`, `progressive`, 4:2:0 | progressive gains 1 point over baseline; 4:4:4 loses 5 |
| WebP | `method=6`, its slowest | gains 1.5 points over the default, method 4 |
| AVIF | `speed=6`, its default, 4:4:4 | colour kept as ours keeps it |
| JPEG XL | `effort=7`, its default | as people use it |

Encoders may use all cores of the machine, as they do for their users.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import numpy as np
from PIL import Image, features

DEFAULT_QUALITIES: dict[str, tuple[float, ...]] = {
    "jpeg": (5, 10, 20, 30, 40, 50, 60, 75, 85, 95),
    "webp": (0, 5, 15, 30, 50, 65, 75, 85, 92, 96),
    "avif": (10, 20, 30, 40, 50, 60, 70, 80, 90),
    "jxl": (10, 20, 30, 40, 55, 70, 80, 90, 95),
    "aeimage": (0, 5, 20, 35, 50, 65, 80, 95, 100),
    "compressai": (4, 5),  # its settings 1-4 share one network, 5-8 a larger one
}


class CodecUnavailableError(Exception):
    """A codec's library is missing; the message says what to install."""


class BenchmarkCodec(Protocol):
    """What the benchmark needs of a codec.

    `dial` is (lowest, highest, step) of its quality setting, for searches. A `speed_only` codec's
    pictures and bytes mean nothing (untrained weights). `kmac_per_pixel` is the decoder's, if
    known.
    """

    name: str
    label: str
    version: str
    dial: tuple[float, float, float]
    speed_only: bool
    kmac_per_pixel: float | None

    def encode(self, picture: Image.Image, quality: float) -> bytes: ...

    def decode(self, data: bytes) -> Image.Image: ...


@dataclass
class PillowCodec:
    """A format that Pillow writes, itself or by a plugin. Bytes are the whole file's."""

    name: str
    label: str
    format: str
    dial: tuple[float, float, float]
    options: dict[str, Any] = field(default_factory=dict)
    quality_options: Callable[[float], dict[str, Any]] = lambda quality: {"quality": quality}
    version: str = ""
    speed_only: bool = False
    kmac_per_pixel: float | None = None

    def encode(self, picture: Image.Image, quality: float) -> bytes:
        file = io.BytesIO()
        picture.save(file, self.format, **self.options, **self.quality_options(quality))
        return file.getvalue()

    def decode(self, data: bytes) -> Image.Image:
        return Image.open(io.BytesIO(data)).convert("RGB")


class AeimageCodec:
    """Our codec, its model opened once."""

    name = "aeimage"
    dial = (0.0, 100.0, 0.0625)
    speed_only = False

    def __init__(self, model: str = "photo", effort: int | None = None) -> None:
        try:
            import aeimage

            codec_class = aeimage.Codec
        except (ImportError, AttributeError) as error:
            raise CodecUnavailableError(
                f"aeimage has no usable Codec here ({error}): pip install aeimage"
            ) from error
        self._codec = codec_class(model=model)
        self._options = {} if effort is None else {"effort": effort}
        self.label = "aeimage" if effort is None else f"aeimage (effort {effort})"
        self.version = f"{getattr(aeimage, '__version__', 'unreleased')}, model {model}"
        self.kmac_per_pixel: float | None = getattr(self._codec, "kmac_per_pixel", None)

    def encode(self, picture: Image.Image, quality: float) -> bytes:
        return self._codec.compress(picture, quality=quality, **self._options)

    def decode(self, data: bytes) -> Image.Image:
        return self._codec.decompress(data).convert("RGB")


class CompressAICodec:
    """CompressAI's `mbt2018_mean` with untrained weights: for its speed only.

    Its networks take as long whatever their weights are. Its bytes here are the bare latent strings
    with no header, kept in memory (`decode` takes the shape from the last `encode`).
    """

    name = "compressai"
    label = "mbt2018_mean (CompressAI, untrained)"
    dial = (1.0, 8.0, 1.0)
    speed_only = True
    kmac_per_pixel: float | None = None

    def __init__(self) -> None:
        try:
            import compressai
            import torch
            from compressai.zoo import mbt2018_mean
        except ImportError as error:
            raise CodecUnavailableError(f"{error}: pip install torch compressai") from error
        self.version = f"{compressai.__version__}, torch {torch.__version__}"
        self._torch = torch
        self._network = cache(
            lambda quality: self._updated(mbt2018_mean(quality, pretrained=False).eval())
        )
        self._last: tuple[int, tuple[int, int], dict[str, Any]] | None = None

    def encode(self, picture: Image.Image, quality: float) -> bytes:
        torch = self._torch
        network = self._network(int(quality))
        pixels = np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / 255
        height, width = pixels.shape[2:]
        padding = (0, -width % 64, 0, -height % 64)
        with torch.inference_mode():
            x = torch.nn.functional.pad(torch.from_numpy(pixels), padding)
            coded = network.compress(x)
        self._last = int(quality), (height, width), coded
        return b"".join(part for stream in coded["strings"] for part in stream)

    def decode(self, data: bytes) -> Image.Image:
        torch = self._torch
        if self._last is None:
            raise RuntimeError("decode() before encode(): CompressAI's strings alone are no file")
        quality, (height, width), coded = self._last
        with torch.inference_mode():
            x_hat = self._network(quality).decompress(coded["strings"], coded["shape"])["x_hat"]
            levels = x_hat[0, :, :height, :width].clamp(0, 1).mul(255).round().byte()
        return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy())

    @staticmethod
    def _updated(network: Any) -> Any:
        network.update(force=True)  # builds the entropy coder's tables
        return network


def open_codec(name: str, *, model: str = "photo", effort: int | None = None) -> BenchmarkCodec:
    """Opens a codec by its name in `DEFAULT_QUALITIES`.

    Raises:
        CodecUnavailableError: if its library is not installed.
        ValueError: if there is no such codec.
    """
    if name == "aeimage":
        return AeimageCodec(model, effort)
    if name == "compressai":
        return CompressAICodec()
    if name == "jpeg":
        return PillowCodec(
            "jpeg",
            "JPEG",
            "JPEG",
            (1.0, 95.0, 0.0625),
            {"optimize": True, "progressive": True, "subsampling": "4:2:0"},
            _jpeg_quality,
            f"libjpeg-turbo {features.version('libjpeg_turbo') or features.version('jpg')}",
        )
    if name == "webp":
        _require(features.check("webp"), "WebP", "pillow")
        version = f"libwebp {features.version('webp')}"
        return PillowCodec(
            "webp", "WebP", "WEBP", (0.0, 100.0, 0.125), {"method": 6}, version=version
        )
    if name == "avif":
        _require(features.check("avif"), "AVIF", '"pillow>=11.3"')
        version = f"libavif {features.version('avif')}"
        options = {"speed": 6, "subsampling": "4:4:4"}
        return PillowCodec(
            "avif", "AVIF (speed 6)", "AVIF", (0.0, 100.0, 1.0), options, _integer, version
        )
    if name == "jxl":
        try:
            importlib.import_module("pillow_jxl")
        except ImportError as error:
            raise CodecUnavailableError(
                f"JPEG XL: {error}: pip install pillow-jxl-plugin"
            ) from error
        version = f"pillow-jxl-plugin {importlib.metadata.version('pillow-jxl-plugin')}"
        return PillowCodec(
            "jxl", "JPEG XL (effort 7)", "JXL", (0.0, 99.0, 0.125), {"effort": 7}, version=version
        )
    raise ValueError(
        f"Invalid codec. Expected one of {', '.join(DEFAULT_QUALITIES)}. Received: {name}"
    )


def _require(present: bool, what: str, package: str) -> None:
    if not present:
        raise CodecUnavailableError(
            f"{what}: this Pillow was built without it: pip install -U {package}"
        )


def _integer(quality: float) -> dict[str, Any]:
    return {"quality": round(quality)}


def _jpeg_quality(quality: float) -> dict[str, Any]:
    if float(quality).is_integer():
        return {"quality": int(quality)}
    return {"qtables": jpeg_tables(quality)}


def jpeg_tables(quality: float) -> list[list[int]]:
    """libjpeg's scaling of its standard tables, also for fractions, for searches of a size."""
    percent = 5000 / quality if quality < 50 else 200 - 2 * quality
    return [
        [min(255, max(1, math.floor((entry * percent + 50) / 100))) for entry in table]
        for table in _standard_jpeg_tables()
    ]


@cache
def _standard_jpeg_tables() -> list[list[int]]:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=50)  # at 50 the tables are the standard's
    return [list(table) for table in Image.open(file).quantization.values()]
