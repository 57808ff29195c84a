"""The measurement of a fine-tuned codec against another one, with codecs that cost nothing."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")
pytest.importorskip("scipy", reason="needs the benchmark extra")
pytest.importorskip("matplotlib", reason="needs the benchmark extra")

TOOLS = Path(__file__).parents[2] / "tools"
if str(TOOLS) not in sys.path:
    sys.path.insert(0, str(TOOLS))

import domain_gain  # noqa: E402


class Coarse:
    """Takes the place of a codec: rounds levels; files of a folder's codec are a fifth smaller."""

    def __init__(self, name: str):
        self.name, self.share, self.coded = name, 0.8 if name.endswith("/") else 1.0, []

    def compress(self, rgb, quality):
        step = 1 + (100 - quality) / 5
        self.coded.append(np.clip(np.round(rgb / step) * step, 0, 255).astype("uint8"))
        return bytes(int(rgb.size * np.log2(256 / step) / 8 * self.share))

    def decompress(self, data):
        return self.coded.pop(0)


def test_the_gain_is_that_of_the_files(photo_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(domain_gain, "Codec", Coarse)
    command = ["x", "mine", "--data", str(photo_folder), "--most", "3", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", command)
    domain_gain.main()
    assert "3 pictures: -20.0 %" in capsys.readouterr().out
    with (tmp_path / "gain.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(domain_gain.QUALITIES)
    assert (tmp_path / "gain.png").stat().st_size > 1000
