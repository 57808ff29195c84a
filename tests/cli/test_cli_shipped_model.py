"""The shipped model at work, in processes of its own, as a user starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import aeimage as package
from aeimage.runtime.bundle import installed_bundles
from aeimage.samples import sample_paths

# The aeimage that is tested here, installed or not.
PACKAGE = Path(package.__file__).parents[1]

pytestmark = pytest.mark.skipif(
    "photo" not in {bundle.name for bundle in installed_bundles("codec")},
    reason="the photo model is not shipped yet",
)


def aeimage(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "aeimage.cli.main", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def photos(tmp_path):
    """Two crops of photographs, and a picture that no codec makes smaller."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, path in enumerate(sample_paths()[:2]):
        with Image.open(path) as image:
            image.convert("RGB").crop((0, 0, 200 + 17 * number, 150)).save(
                folder / f"{path.stem}.png", dpi=(300, 300)
            )
    noise = np.random.default_rng(0).integers(0, 2, (64, 64), bool)
    Image.fromarray(noise).save(folder / "dither.gif")
    return folder


def test_a_folder_there_and_back(photos, tmp_path):
    packed, back = tmp_path / "packed", tmp_path / "back"
    result = aeimage("compress", photos, "-o", packed, "--json", "--jobs", 2)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["totals"]["ok"], report["totals"]["copied"]) == (2, 1)
    assert report["totals"]["bpp"] < 3

    # The same bytes, whatever --jobs says and with another number of threads.
    again = aeimage("compress", photos, "-o", tmp_path / "again", "--quiet")
    assert again.returncode == 0
    for path in packed.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()

    assert aeimage("verify", packed).returncode == 0
    assert aeimage("decompress", packed, "-o", back).returncode == 0
    assert sorted(p.name for p in back.iterdir()) == sorted(p.name for p in photos.iterdir())
    for path in photos.glob("*.png"):
        with Image.open(path) as before, Image.open(back / path.name) as after:
            assert after.info["dpi"] == pytest.approx((300, 300), abs=0.01)
            error = np.asarray(before, "float32") - np.asarray(after, "float32")
            assert np.sqrt((error**2).mean()) < 12


def test_a_target_is_met(photos, tmp_path):
    path = next(photos.glob("*.png"))
    result = aeimage("compress", path, "-o", tmp_path / "x.aei", "--max-bytes", "1.5k", "--json")
    report = json.loads(result.stdout)["files"][0]
    assert 500 < report["bytes_out"] <= 1500
    assert not report["warnings"]
    info = json.loads(aeimage("info", tmp_path / "x.aei", "--json").stdout)
    assert (info["model"], info["quality"]) == ("photo", report["quality"])


def test_a_changed_byte_is_found(photos, tmp_path):
    path = next(photos.glob("*.png"))
    aeimage("compress", path, "-o", tmp_path / "x.aei", "--quiet")
    data = bytearray((tmp_path / "x.aei").read_bytes())
    data[len(data) // 2] ^= 4
    (tmp_path / "x.aei").write_bytes(data)
    for command in (("verify",), ("decompress", "-o", tmp_path / "y.png"), ("info",)):
        result = aeimage(*command, tmp_path / "x.aei")
        assert result.returncode == 1
        assert "is damaged: the CRC-32" in result.stderr
    assert not (tmp_path / "y.png").exists()
