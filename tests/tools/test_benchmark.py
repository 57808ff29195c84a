"""The benchmark on two small pictures: its files, columns and plots, with a stand-in for ours."""

import csv
import io
import math
import sys

import numpy as np
import pytest
from PIL import Image

import aeimage

pytest.importorskip("scipy")
pytest.importorskip("matplotlib")

import benchmark
import benchmark_codecs
import benchmark_run
from benchmark_codecs import CodecUnavailableError, jpeg_tables, open_codec
from benchmark_crops import Window, busiest_window, equal_bytes, parse_crop
from benchmark_run import find_pictures, is_kodak, load_rgb
from benchmark_summary import Point, mean_curve

pytestmark = pytest.mark.skipif(
    not benchmark_codecs.features.check("webp"), reason="this Pillow has no WebP"
)


class FakeCodec:
    """The interface of `aeimage.Codec`, made of WebP."""

    kmac_per_pixel = 16.4

    def __init__(self, model):
        assert model == "photo"

    def compress(self, picture, quality=50.0):
        file = io.BytesIO()
        picture.save(file, "WEBP", quality=0.95 * quality, method=0)
        return b"fake" + file.getvalue()

    def decompress(self, data):
        return Image.open(io.BytesIO(data[4:]))


@pytest.fixture
def pictures(tmp_path):
    """A folder of a colour picture and a 1-bit page, and something that is no picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:180, :240]
    smooth = np.stack([np.sin(x / (9 + c)) + np.cos(y / (13 - c)) for c in range(3)], -1)
    colour = np.clip(128 + 45 * smooth + rng.normal(0, 10, smooth.shape), 0, 255)
    Image.fromarray(colour.astype(np.uint8)).save(folder / "a.png")
    Image.fromarray(smooth[..., 0] > 0.2).convert("1").save(folder / "b.png")
    (folder / "b.txt").write_text("the page's text")
    return folder


def _records(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_whole_run(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(aeimage, "Codec", FakeCodec, raising=False)
    out = tmp_path / "out"
    arguments = ["--data", str(pictures), "--out", str(out), "--codecs", "jpeg,webp,aeimage"]
    arguments += ["--qualities", "jpeg=5,50,95", "--qualities", "webp=5,90", "--crops", "a.png"]
    assert benchmark.main(arguments) == 0

    rows = _records(out / "results.csv")
    assert len(rows) == 2 * (3 + 2 + len(benchmark_codecs.DEFAULT_QUALITIES["aeimage"]))
    assert set(rows[0]) == set(benchmark_run.Row.__dataclass_fields__)
    for row in rows:
        pixels = int(row["width"]) * int(row["height"])
        assert float(row["bpp"]) == pytest.approx(8 * int(row["bytes"]) / pixels, rel=1e-5)
        assert float(row["encode_s_per_mp"]) > 0
        assert 0 < float(row["ms_ssim"]) <= 1

    points = _records(out / "curves.csv")
    first = next(p for p in points if p["codec"] == "jpeg" and p["quality"] == "5")
    same = [float(r["psnr"]) for r in rows if r["codec"] == "jpeg" and r["quality"] == "5"]
    assert float(first["psnr"]) == pytest.approx(sum(same) / 2, abs=1e-3)

    summary = {record["codec"]: record for record in _records(out / "summary.csv")}
    assert list(summary) == ["jpeg", "webp", "aeimage"]
    assert float(summary["jpeg"]["bd_rate_run"]) == 0
    assert summary["aeimage"]["bd_rate_published"] == ""  # these are not the Kodak pictures
    assert summary["aeimage"]["decoder_kmac_per_pixel"] == "16.4"
    text = (out / "summary.md").read_text(encoding="utf-8")
    assert "| **aeimage** |" in text
    assert text.strip() in capsys.readouterr().out

    for name in ("rd_psnr.png", "rd_ms_ssim.png", "crops.png"):
        with Image.open(out / name) as plot:
            plot.load()
            assert plot.width > 600


def test_several_processes_give_the_same_bytes_but_no_seconds(pictures, tmp_path):
    settings = ["--data", str(pictures), "--codecs", "jpeg", "--qualities", "jpeg=20,70"]
    assert benchmark.main([*settings, "--out", str(tmp_path / "1")]) == 0
    assert benchmark.main([*settings, "--out", str(tmp_path / "2"), "--jobs", "2"]) == 0
    one, two = (_records(tmp_path / name / "results.csv") for name in "12")
    assert [row["bytes"] for row in one] == [row["bytes"] for row in two]
    assert {row["encode_s_per_mp"] for row in two} == {""}


def test_a_missing_plugin_is_reported_and_left_out(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    arguments = ["--data", str(pictures), "--out", str(tmp_path / "out"), "--limit", "1"]
    arguments += ["--codecs", "jpeg,jxl", "--qualities", "jpeg=30,60"]
    assert benchmark.main(arguments) == 0
    assert "pip install pillow-jxl-plugin" in capsys.readouterr().err
    with pytest.raises(CodecUnavailableError):
        open_codec("jxl")


def test_a_cut_interval_is_said_loudly(pictures, tmp_path, capsys):
    arguments = ["--data", str(pictures), "--out", str(tmp_path / "out"), "--limit", "1"]
    arguments += ["--codecs", "jpeg,webp", "--qualities", "jpeg=30,60", "--qualities", "webp=40,60"]
    assert benchmark.main(arguments) == 0
    captured = capsys.readouterr()
    assert "dB ONLY" in captured.err
    assert "not comparable" in captured.out


@pytest.mark.parametrize(
    "wrong",
    [
        ["--codecs", "gif"],
        ["--qualities", "jpeg"],
        ["--qualities", "jpeg=high"],
        ["--limit", "0"],
        ["--data", "does-not-exist"],
        ["--crops", "unknown.png"],
        ["--crops", "rocket.jpg:1,2,3"],
    ],
)
def test_arguments_without_sense_exit_with_2(wrong):
    with pytest.raises(SystemExit) as exit_info:
        benchmark.main(wrong)
    assert exit_info.value.code == 2


def test_equal_bytes(pictures):
    picture = load_rgb(pictures / "a.png")
    codecs = {name: open_codec(name) for name in ("jpeg", "webp")}
    files = equal_bytes(codecs, picture, our_quality=60)
    assert len(files["jpeg"]) == pytest.approx(len(files["webp"]), rel=0.02)


def test_fractional_jpeg_qualities_lie_between_whole_ones(pictures):
    codec = open_codec("jpeg")
    picture = load_rgb(pictures / "a.png")
    sizes = [len(codec.encode(picture, quality)) for quality in (20, 20.5, 21)]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("quality", [3, 20, 50, 77, 95])
def test_jpeg_tables_are_those_of_libjpeg(pictures, quality):
    data = open_codec("jpeg").encode(load_rgb(pictures / "a.png"), quality)
    with Image.open(io.BytesIO(data)) as picture:
        assert list(picture.quantization.values()) == jpeg_tables(quality)


def test_busiest_window_and_crop_arguments():
    picture = Image.new("RGB", (600, 400), "white")
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    picture.paste(Image.fromarray(noise), (410, 30))
    window = busiest_window(picture)
    assert window.x <= 410
    assert window.x + window.width >= 570
    assert busiest_window(Image.new("RGB", (5, 7))) == Window(0, 0, 5, 7)
    assert parse_crop("a.png:1,2,30,40") == ("a.png", Window(1, 2, 30, 40))
    assert parse_crop("a.png") == ("a.png", None)


def test_pictures_are_found_by_suffix_and_become_plain_rgb(pictures):
    paths = find_pictures(pictures)
    assert [path.name for path in paths] == ["a.png", "b.png"]
    assert not is_kodak(paths)
    page = load_rgb(paths[1])
    assert page.mode == "RGB"
    assert set(np.unique(page)) == {0, 255}


def test_points_without_finite_values_are_left_out_of_curves():
    points = [
        Point("c", q, 1, bpp, psnr, 0.9, 1.0, 1.0)
        for q, bpp, psnr in ((1, 0.5, 30.0), (2, 1.0, math.inf), (3, math.nan, math.nan))
    ]
    assert mean_curve(points).bpp == [0.5]
