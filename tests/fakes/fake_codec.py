"""A codec without a model: real .aei files, pixels by zlib, and misbehaviour on demand.

A module of its own, not a fixture, since worker processes import it by name.
"""

from __future__ import annotations

import json
import os
import signal
import time
import zlib

import numpy as np

from aeimage.codec.alpha import decode_alpha, encode_alpha
from aeimage.codec.container import Container, Header, read_container, read_header, write_container
from aeimage.codec.stripes import stripe_count
from aeimage.errors import MalformedFileError, ModelNotFoundError
from aeimage.images import Picture, to_pillow
from aeimage.runtime import compressor

MODEL_ID = bytes.fromhex("fa4efa4efa4efa4e")
# Pictures of these widths make the codec die, take long, or write large files.
DEADLY, SLOW, LARGE = 13, 17, 19


class FakeCodec:
    name = "photo"
    model_id = MODEL_ID.hex()

    def __init__(self, model="photo", threads=None):
        if model != "photo":
            raise ModelNotFoundError.for_model(model, installed=["photo"])
        self.threads = threads

    @classmethod
    def for_file(cls, data, threads=None):
        model_id = read_header(data, max_pixels=None).model_id
        if model_id != MODEL_ID:
            raise ModelNotFoundError.for_model(model_id.hex(), needed_by="The file")
        return cls(threads=threads)

    def compress_picture(self, picture, target=None, *, strip=False, effort=None):
        if picture.width == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        if picture.width == SLOW:
            time.sleep(30)
        target = target or compressor.Target()
        quality = 50.0 if target.quality is None else target.quality
        step = 1 + int((100 - quality) // 4)
        pixels = zlib.compress((picture.rgb // step).tobytes())
        if picture.width == LARGE:
            pixels += bytes(50_000)
        header = Header(picture.width, picture.height, quality, MODEL_ID)
        stripes = [b""] * stripe_count(picture.width, picture.height)
        extras = {} if picture.alpha is None else {"alpha": encode_alpha(picture.alpha)}
        if not strip:
            extras |= {key: getattr(picture, key) for key in ("icc", "exif", "xmp", "dpi")}
        data = write_container(Container(header, bytes([step]) + pixels, stripes, **extras))
        limit = target.max_bytes or 10**9
        return compressor.Compressed(data, quality, target.psnr, len(data) <= limit)

    def decompress_picture(self, data, *, max_pixels=None):
        container = read_container(data, max_pixels=max_pixels)
        header = container.header
        alpha = None
        if container.alpha is not None:
            alpha = decode_alpha(container.alpha, header.width, header.height)
        fields = {key: getattr(container, key) for key in ("icc", "exif", "xmp", "dpi")}
        return Picture(self._pixels(container), alpha, **fields)

    def verify(self, data, *, max_pixels=None):
        self._pixels(read_container(data, max_pixels=max_pixels))

    def _pixels(self, container):
        header, step = container.header, container.hyper[0]
        try:
            data = zlib.decompressobj().decompress(container.hyper[1:])
        except zlib.error as error:
            raise MalformedFileError("The latents make no sense.") from error
        shape = (header.height, header.width, 3)
        return np.frombuffer(data, np.uint8).reshape(shape) * np.uint8(step)


def compress(image, quality=None, *, model="photo", strip=False, effort=None, **target):
    target = compressor.Target(quality, **target)
    picture = compressor.as_picture(image)
    return FakeCodec(model).compress_picture(picture, target, strip=strip, effort=effort).data


def decompress(data, *, max_pixels=None):
    return to_pillow(FakeCodec.for_file(data).decompress_picture(data, max_pixels=max_pixels))


def install(monkeypatch, folder):
    """Put the fake in the place of the real codec, and its bundle into `folder`."""
    for name, value in (("Codec", FakeCodec), ("compress", compress), ("decompress", decompress)):
        monkeypatch.setattr(compressor, name, value)
    bundle = folder / "fake-models" / "photo"
    bundle.mkdir(parents=True)
    info = {"format": 1, "name": "photo", "kind": "codec", "id": MODEL_ID.hex(), "files": {}}
    info["kmac_per_pixel"] = {"decoder": 18.125}
    info["slices"] = [48, 112, 224]
    (bundle / "model.json").write_text(json.dumps(info))
    (bundle / "README.md").write_text("# photo\n\nA fake.\n")
    others = os.environ.get("AEIMAGE_MODELS")
    folders = filter(None, [str(bundle.parent), others])
    monkeypatch.setenv("AEIMAGE_MODELS", os.pathsep.join(folders))
    return FakeCodec


def run_command_line(arguments):
    """Run `aeimage` with the fake codec; for processes of their own."""
    from aeimage.cli.main import main

    compressor.Codec = FakeCodec
    return main(arguments)
