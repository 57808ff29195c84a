"""The measurement on damaged office pages: its arithmetic, and its split by clean page."""

import math

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2")

import noisy_office
from noisy_office import Row, pooled_rmse, remove_background, summary_markdown


def test_pooled_over_pixels_not_over_pages():
    rows = [Row("a", "raw", "1", 100, 0.04), Row("b", "raw", "1", 300, 0.0)]
    assert pooled_rmse(rows) == pytest.approx(0.1)


def test_best_method_comes_last():
    rows = [Row("a", "ours", "1", 9, 0.01), Row("a", "raw", "1", 9, 0.09)]
    lines = summary_markdown(rows, {"ours": "aeimage", "raw": "raw"}, 1).splitlines()
    assert "raw | 0.3000" in lines[2] and "**aeimage** | **0.1000**" in lines[3]


def test_background_goes_and_strokes_stay():
    page = np.tile(np.linspace(120, 250, 200).astype(np.uint8), (60, 1))
    page[20:40, 50:54] = 10
    cleaned = remove_background(page)
    assert cleaned[:15].min() > 240 and cleaned[30, 52] < 160


def test_measures_pages_of_which_training_sees_no_damage(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for folder in ("train", "train_cleaned"):
        (tmp_path / folder).mkdir()
    for number in range(12):  # two damaged pages of each clean one
        clean = np.random.default_rng(number // 2).integers(0, 2, (20, 30)) * 255
        damaged = np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255)
        for folder, page in (("train", damaged), ("train_cleaned", clean)):
            Image.fromarray(page.astype(np.uint8)).save(tmp_path / folder / f"{number}.png")
    arguments = ["--data", str(tmp_path), "--out", str(tmp_path / "out"), "--model", "none-such"]
    assert noisy_office.main(arguments) == 0
    output = capsys.readouterr()
    assert "2 damaged pages of 1 clean ones" in output.out
    assert "none-such" in output.err and "aeimage" not in output.out
    rows = (tmp_path / "out" / "results.csv").read_text().splitlines()[1:]
    raw = [float(row.split(",")[-1]) for row in rows if ",raw," in row]
    assert len(raw) == 2
    assert all(0.01 < math.sqrt(mse) < 0.1 for mse in raw)
