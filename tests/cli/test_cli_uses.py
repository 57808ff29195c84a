"""features, similar, anomaly and transfer on the command line, with a stand-in for the network."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

from aeimage.runtime import autoencoder

pytestmark = pytest.mark.usefixtures("one_thread")


class FakeSession:
    """Latents are the mean colours of sixteen parts."""

    def __init__(self, path, threads=None):
        pass

    def run(self, signature, **inputs):
        pixels = inputs["pixels"]
        parts = pixels.reshape(len(pixels), 4, 4, 4, 4, 3).mean(axis=(2, 4))
        return {"latents": parts.reshape(len(pixels), 48) - np.float32(0.5)}


@pytest.fixture
def model(monkeypatch, tmp_path):
    """A bundle with nothing behind it, where `features` is looked for."""
    monkeypatch.setattr(autoencoder.Autoencoder, "session_class", FakeSession)
    folder = tmp_path / "installed" / "features"
    folder.mkdir(parents=True)
    manifest = {"format": 1, "name": "features", "kind": "autoencoder", "id": "00", "files": {}}
    manifest |= {"family": "convolutional", "shape": [16, 16, 3], "latent_size": 48}
    (folder / "model.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("AEIMAGE_MODELS", str(folder.parent))


@pytest.fixture
def place(monkeypatch, tmp_path, draw, model):
    """A folder with pictures of two classes, a copy, and a file that is none."""
    folder = tmp_path / "place"
    for number in range(12):
        path = folder / "zoo" / ("cats" if number % 2 else "dogs") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw(number, 64, 48)).save(path)
    Image.open(folder / "zoo" / "dogs" / "4.png").resize((50, 38)).save(folder / "copy.jpg")
    (folder / "zoo" / "notes.txt").write_text("no picture")
    monkeypatch.chdir(folder)
    return folder


def test_features(shell, place):
    result = shell("aeimage features zoo copy.jpg -o latents.npz --map map.png --json")
    assert result.code == 0, result.errors
    report = json.loads(result.text)
    assert (report["pictures"], report["latents"], report["failed"]) == (13, 48, [])
    with np.load("latents.npz") as file:
        assert file["latents"].shape == (13, 48) and str(file["names"][-1]) == "copy.jpg"
        assert set(file["labels"].tolist()) == {"cats", "dogs", ""}
    assert Image.open("map.png").width > 500
    again = shell("aeimage features zoo -o latents.npz")
    assert again.code == 1 and "--force" in again.errors
    assert shell("aeimage features zoo -o latents.npz --force --map map2.png").code == 0
    assert shell("aeimage features zoo -o latents.txt").code == 2
    assert shell("aeimage features nowhere -o n.npz").code == 1
    assert not Path("n.npz").exists()


def test_a_broken_file_fails_and_the_others_do_not(shell, place):
    Path("zoo/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = shell("aeimage features zoo -o latents.csv")
    assert result.code == 1 and "zoo/broken.png" in result.errors
    rows = list(csv.DictReader(Path("latents.csv").read_text().splitlines()))
    assert len(rows) == 12 and {row["label"] for row in rows} == {"cats", "dogs"}


def test_similar(shell, place):
    result = shell("aeimage similar . --threshold 0.01 -o groups.csv --sheet groups.png")
    assert result.code == 0, result.errors
    assert "group 1" in result.text and "copy.jpg" in result.text and "4.png" in result.text
    assert "group 2" not in result.text
    assert Path("groups.csv").read_text().count("\n") == 3
    assert Image.open("groups.png").mode == "RGB"
    found = json.loads(shell("aeimage similar zoo --query copy.jpg --count 3 --json").text)
    assert found[0]["query"] == "copy.jpg" and len(found[0]["pictures"]) == 3
    assert found[0]["pictures"][0]["name"] == "zoo/dogs/4.png"
    assert "no near-duplicates" in shell("aeimage similar zoo --threshold 1e-6").text
    assert shell("aeimage similar zoo --count 3").code == 2
    assert shell("aeimage similar zoo --threshold -1").code == 2


def test_mislabelled(shell, place):
    Path("zoo/dogs/1.png").write_bytes(Path("zoo/cats/1.png").read_bytes())
    result = shell(
        "aeimage anomaly mislabelled zoo --model features -o s.csv --sheet s.png --json --quiet"
    )
    assert result.code == 0, result.errors
    assert json.loads(result.text)["pictures"] == 13
    rows = list(csv.DictReader(Path("s.csv").read_text().splitlines()))
    assert [row["rank"] for row in rows] == [str(n) for n in range(1, 14)]
    assert Image.open("s.png").width > 500
    few = shell("aeimage anomaly mislabelled zoo/cats --model features -o t.csv")
    assert few.code == 2 and "not labelled" in few.errors


def test_an_anomaly_model_must_be_one(shell, place):
    for model in ("features", "zoo", "nowhere/at/all"):
        result = shell(f"aeimage anomaly score {model} copy.jpg")
        assert result.code == 1 and "aeimage: error:" in result.errors
    result = shell("aeimage anomaly fit zoo -o zoo")
    assert result.code == 1 and "exists already" in result.errors
    assert shell("aeimage anomaly").code == 2


def test_a_missing_package_is_named(shell, place, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "sklearn" else real(name, *a)
    )
    for line in (
        "aeimage similar zoo",
        "aeimage features zoo -o l.npz --map m.png",
        "aeimage anomaly mislabelled zoo -o s.csv",
        "aeimage transfer fit zoo -o out",
    ):
        result = shell(line)
        assert result.code == 1 and 'pip install "aeimage[family]"' in result.errors, line
