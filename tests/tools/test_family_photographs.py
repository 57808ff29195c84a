"""The measurement of inpaint and colorize: rows, pictures, masks that are what they say."""

import argparse
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("tensorflow", reason="masks need the train extra")
pytest.importorskip("cv2", reason="OpenCV comes with the benchmark extra")
pytest.importorskip("skimage", reason="scikit-image comes with the benchmark extra")

sys.path.insert(0, str(Path(__file__).parents[1] / "fakes"))
import fake_photo_models
import family_photographs as tool


@pytest.fixture
def fakes(monkeypatch, tmp_path):
    fake_photo_models.install(monkeypatch, tmp_path / "models")
    monkeypatch.setattr(tool, "Inpainter", fake_photo_models.FakeInpainter)
    monkeypatch.setattr(tool, "Colorizer", fake_photo_models.FakeColorizer)


def test_rows_and_pictures(fakes, draw, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number in range(3):
        Image.fromarray(draw(number, 256, 192)).save(photos / f"{number}.png")
    rows = tool.run(argparse.Namespace(photos=photos, out=out, share=0.7))
    assert {tuple(row) for row in rows} == {("part", "data", "method", "measure", "value")}
    assert all(np.isfinite(row["value"]) for row in rows)
    assert {row["part"] for row in rows} == {"photographs"}
    for kind in (*tool.LAYERS, *tool.UNSEEN):
        data = f"inpaint, 2 photographs, {kind}"
        scores = {r["method"]: r["value"] for r in rows if r["data"] == data}
        assert any(m.startswith("Telea, radius") for m in scores)
        # The fake is pull-push, two levels too bright; both beat the mean.
        assert scores["mean colour"] < scores["pull-push"]
    grey = {r["measure"]: r["value"] for r in rows if r["method"] == tool.GREY}
    assert grey["colourfulness, share of the original's"] == 0 < grey["chroma RMSE, levels"]
    assert sorted(p.name for p in out.iterdir()) == ["colorize.jpg", "inpaint.jpg"]


def test_masks():
    shape = (512, 512, 3)
    shares = {kind: tool.mask_of(kind, shape, 1).mean() for kind in (*tool.LAYERS, *tool.UNSEEN)}
    assert shares["50 % of the pixels"] == pytest.approx(0.5, abs=0.01)
    assert shares["80 % of the pixels"] == pytest.approx(0.8, abs=0.01)
    assert all(0.005 < shares[kind] < 0.35 for kind in ("scratches", "boxes", *tool.UNSEEN)), shares
    for kind in shares:
        masks = [tool.mask_of(kind, shape, number) for number in (1, 1, 2)]
        assert np.array_equal(*masks[:2]) and not np.array_equal(*masks[1:])
