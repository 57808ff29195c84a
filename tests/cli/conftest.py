"""A fake codec, a folder to work in, and a small shell that runs command lines in this process."""

import io
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FAKES = str(Path(__file__).parents[1] / "fakes")
if FAKES not in sys.path:  # worker processes inherit it
    sys.path.insert(0, FAKES)

import fake_codec  # noqa: E402
import fake_photo_models  # noqa: E402
import fake_restorer  # noqa: E402


@dataclass
class Result:
    code: int
    output: bytes
    errors: str

    @property
    def text(self):
        return self.output.decode()


@pytest.fixture
def codec(monkeypatch, tmp_path_factory):
    """Fakes in the place of the codec, the restorers and the other models."""
    codec = fake_codec.install(monkeypatch, tmp_path_factory.mktemp("models"))
    fake_restorer.install(monkeypatch, tmp_path_factory.mktemp("restorers"))
    fake_photo_models.install(monkeypatch, tmp_path_factory.mktemp("photo_models"))
    return codec


@pytest.fixture
def shell(monkeypatch):
    """Run ``aeimage ... < file > file``; returns the exit code and what was printed."""
    from aeimage.cli.main import main

    def run(line, stdin=b"", terminal=False):
        words = shlex.split(line)
        assert words.pop(0) == "aeimage"
        files = {}
        for sign in ("<", ">"):
            if sign in words:
                at = words.index(sign)
                files[sign] = Path(words[at + 1])
                del words[at : at + 2]
        if "<" in files:
            stdin = files["<"].read_bytes()
        streams = {"stdin": io.BytesIO(stdin), "stdout": io.BytesIO(), "stderr": io.BytesIO()}
        with monkeypatch.context() as patch:
            for name, raw in streams.items():
                stream = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
                stream.isatty = lambda: terminal
                patch.setattr(sys, name, stream)
            code = main(words)
            output, errors = streams["stdout"].getvalue(), streams["stderr"].getvalue()
        if ">" in files:
            files[">"].write_bytes(output)
        return Result(code, output, errors.decode())

    return run


def noise(path, width=40, height=30, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)


def scan(path, specks=True, **options):
    """A page of 120 x 90 pixels, with specks or clean."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((90, 120), 235, np.uint8)
    pixels[10:80:12] = pixels[11:81:12] = 40
    if specks:
        pixels[np.random.default_rng(1).random(pixels.shape) < 0.02] = 0
    Image.fromarray(pixels).save(path, **options)


def mask(path, width, height):
    """A mask with a white box."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((height, width), np.uint8)
    pixels[5:12, 8:20] = 255
    Image.fromarray(pixels).save(path)


def cutout(path, width=40, height=30):
    """A picture with a transparent hole."""
    pixels = np.full((height, width, 4), 200, np.uint8)
    pixels[..., 3] = 255
    pixels[10:20, 10:30] = 0
    Image.fromarray(pixels).save(path)


@pytest.fixture
def workplace(tmp_path, monkeypatch, codec):
    """The folder that examples in help texts and documents refer to, as current folder."""
    folder = tmp_path / "work"
    noise(folder / "photo.jpg", quality=100)
    noise(folder / "photo.png")
    scan(folder / "scan.png", dpi=(300, 300))
    scan(folder / "scans" / "a.png")
    scan(folder / "scans" / "b" / "clean.tif", specks=False)
    # Large enough for the examples that train: a crop's side is 64 pixels.
    noise(folder / "photos" / "one.jpg", 80, 70, quality=100)
    noise(folder / "photos" / "2024" / "two.png", 90, 70)
    mask(folder / "mask.png", 40, 30)
    mask(folder / "masks" / "one.png", 80, 70)
    mask(folder / "masks" / "2024" / "two.png", 90, 70)
    cutout(folder / "cutout.png")
    monkeypatch.chdir(folder)
    for name in ("photos/one.jpg", "photos/2024/two.png", "photo.jpg"):
        packed = Path("packed" if "/" in name else "", name.removeprefix("photos/") + ".aei")
        packed.parent.mkdir(parents=True, exist_ok=True)
        packed.write_bytes(fake_codec.compress(name))
    return folder
