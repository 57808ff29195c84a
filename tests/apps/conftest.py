"""A fake codec, and folders of pictures."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

FAKES = str(Path(__file__).parents[1] / "fakes")
if FAKES not in sys.path:  # worker processes inherit it
    sys.path.insert(0, FAKES)

import fake_codec  # noqa: E402
import fake_restorer  # noqa: E402


@pytest.fixture
def codec(monkeypatch, tmp_path_factory):
    return fake_codec.install(monkeypatch, tmp_path_factory.mktemp("models"))


@pytest.fixture
def restorers(monkeypatch, tmp_path_factory):
    return fake_restorer.install(monkeypatch, tmp_path_factory.mktemp("restorers"))


@pytest.fixture
def make_picture():
    """Write a noisy picture of 40x30 pixels, by default larger than what the fake codec makes."""

    def make(path, width=40, height=30, mode="RGB", **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        depth = len(Image.new(mode, (1, 1)).getbands())
        pixels = np.random.default_rng(width).integers(0, 256, (height, width, depth), np.uint8)
        if path.suffix in (".jpg", ".webp"):
            options.setdefault("quality", 100)
        Image.fromarray(pixels.squeeze(), mode).save(path, **options)
        return path

    return make


@pytest.fixture
def photos(tmp_path, make_picture):
    """A tree of three pictures, and things that are none."""
    folder = tmp_path / "photos"
    make_picture(folder / "b.png")
    make_picture(folder / "2024" / "a.jpg", 60)
    make_picture(folder / "2024" / "a.png", 50, mode="RGBA")
    (folder / "2024" / "notes.txt").write_text("not a picture")
    (folder / ".thumbnails").mkdir()
    make_picture(folder / ".thumbnails" / "b.png")
    (folder / "2024" / "._a.jpg").write_bytes(b"what macOS leaves")
    return folder


@pytest.fixture
def tree():
    """The files below a folder, relative, sorted."""

    def list_tree(folder):
        return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())

    return list_tree
