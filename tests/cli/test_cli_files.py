"""compress, decompress, verify, info and compare, as typed."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aeimage.cli.options import byte_count, pixel_limit
from aeimage.cli.output import human_bytes
from aeimage.codec.container import read_header


@pytest.fixture(autouse=True)
def _here(workplace):
    """Everything here happens in the folder of the examples."""


def test_a_folder_there_and_back(shell):
    result = shell("aeimage compress photos -o small")
    assert result.code == 0
    assert result.output == b""
    assert result.errors.startswith("2 files: 2 compressed; ")
    result = shell("aeimage decompress small -o pictures --format tif")
    assert result.errors.startswith("2 files: 2 decompressed; ")
    assert Path("pictures/2024/two.png.tif").is_file()
    assert shell("aeimage verify small").errors.startswith("2 files: 2 are fine; ")


def test_options_reach_the_codec(shell):
    for option, quality in (("-q 12.34", 12.34), ("--quality 100", 100), ("", 50)):
        assert shell(f"aeimage compress photo.png -o q.aei {option} --force").code == 0
        assert read_header(Path("q.aei").read_bytes()).quality == quality
    report = json.loads(shell("aeimage compress photo.png -o p.aei --psnr 33 --json").text)
    assert report["files"][0]["psnr"] == 33
    result = shell("aeimage compress photo.png -o b.aei --max-bytes 0.01k")
    assert "aeimage: warning: photo.png: No quality reaches the target" in result.errors
    assert shell("aeimage compress photo.png -o m.aei --model other").code == 1
    assert shell("aeimage compress photo.png -o s.aei --strip --effort 0").code == 0


def test_json_goes_to_stdout_alone(shell):
    result = shell("aeimage compress photos photo.png -o small --json --quiet")
    report = json.loads(result.text)
    assert result.errors == ""
    assert report["totals"]["ok"] == 3
    assert report["files"][0] | {"seconds": 0, "bytes_out": 0, "bpp": 0} == {
        "input": str(Path("photos/one.jpg")),
        "output": str(Path("small/photos/one.jpg.aei")),
        "status": "ok",
        "bytes_in": os.path.getsize("photos/one.jpg"),
        "bytes_out": 0,
        "width": 80,
        "height": 70,
        "bpp": 0,
        "quality": 50.0,
        "psnr": None,
        "restorer": None,
        "sigma": None,
        "pages": None,
        "clean_pages": None,
        "missing": None,
        "met": True,
        "seconds": 0,
        "warnings": [],
        "error": None,
        "error_type": None,
    }


def test_one_failure_is_exit_code_1(shell):
    Path("photos/bad.jpg").write_bytes(b"\xff\xd8\xff")
    Path("photos/notes.txt").write_text("text")
    result = shell("aeimage compress photos -o small --quiet")
    assert result.code == 1
    assert result.errors.startswith(f"aeimage: error: {Path('photos/bad.jpg')}: the picture is")
    assert len(result.errors.splitlines()) == 1
    result = shell("aeimage compress photos -o small --skip-existing")
    assert "left out: 1 file of other kinds (.txt 1)" in result.errors
    assert "3 files: 2 skipped (there already), 1 failed" in result.errors
    assert shell("aeimage compress photos -o small").errors.count("exists already") == 2
    result = shell("aeimage compress nothing.jpg -o x.aei")
    assert (result.code, "nothing.jpg: there is no such file" in result.errors) == (1, True)


def test_a_kept_original_is_announced(shell):
    Image.new("RGB", (19, 2)).save("tiny.png")  # the fake codec makes this one larger
    result = shell("aeimage compress tiny.png -o out.aei")
    assert "tiny.png: copied to out.png; an .aei file would be no smaller" in result.errors
    assert not Path("out.aei").exists()
    result = shell("aeimage compress tiny.png")
    assert "tiny.png: left as it is" in result.errors
    assert shell("aeimage compress tiny.png --always").code == 0
    assert Path("tiny.png.aei").exists()


def test_streams(shell):
    data = Path("photo.png").read_bytes()
    packed = shell("aeimage compress -", stdin=data)
    assert packed.code == 0
    assert "1 file: 1 compressed" in packed.errors
    assert shell("aeimage verify - --quiet", stdin=packed.output).code == 0
    assert "40 x 30" in shell("aeimage info -", stdin=packed.output).text
    picture = shell("aeimage decompress - --format tif", stdin=packed.output)
    assert picture.output[:4] == b"II*\0"
    assert shell("aeimage compress photo.png -o -").output == packed.output
    assert shell("aeimage decompress - -o x.webp", stdin=packed.output).code == 0
    assert Path("x.webp").read_bytes()[8:12] == b"WEBP"
    result = shell("aeimage compress -", stdin=data, terminal=True)
    assert (result.code, "to a terminal" in result.errors) == (2, True)
    result = shell("aeimage decompress -", stdin=b"")
    assert (result.code, result.output) == (1, b"")


def test_progress_on_a_terminal(shell):
    result = shell("aeimage compress photos photo.png -o small", terminal=True)
    assert "0/3" in result.errors and "\r" in result.errors
    assert "\r" not in shell("aeimage verify small", terminal=False).errors
    Path("small/bad.aei").write_bytes(b"bad")
    result = shell("aeimage verify small", terminal=True)
    assert (
        "aeimage: error: small/bad.aei: This is no .aei file".replace("/", os.sep) in result.errors
    )
    assert shell("aeimage compress photos -o quiet --quiet", terminal=True).errors == ""


def test_info(shell):
    image = Image.open("photo.png").convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "A maker\x1b[2J", "A model"
    image.save("rich.png", exif=exif, dpi=(300, 300))
    assert shell("aeimage compress rich.png --always").code == 0
    text = shell("aeimage info rich.png.aei").text
    assert "A maker\\x1b[2J, A model" in text
    assert "300 x 300" in text and "(photo, installed)" in text
    info = json.loads(shell("aeimage info rich.png.aei --json").text)
    assert sum(info["chunks"].values()) == info["bytes"] == os.path.getsize("rich.png.aei")
    assert set(info["chunks"]) == {"header", "hyper", "stripe", "exif", "alpha", "resolution"}
    assert (info["alpha"], info["stripes"], info["icc"]) == (True, 1, None)
    data = bytearray(Path("rich.png.aei").read_bytes())
    data[40] ^= 1
    Path("rich.png.aei").write_bytes(data)
    result = shell("aeimage info rich.png.aei")
    assert result.code == 1
    assert result.errors.startswith("aeimage: error: rich.png.aei: The chunk")


def test_info_without_the_model(shell, monkeypatch):
    monkeypatch.delenv("AEIMAGE_MODELS")
    result = shell("aeimage info photo.jpg.aei")
    assert (result.code, "not installed" in result.text) == (0, True)


def test_compare(shell):
    result = shell("aeimage compare photo.jpg photo.jpg.aei -o both.png")
    assert result.code == 0
    assert "PSNR" in result.text and "MS-SSIM" in result.text
    assert "quality 50, model photo" in result.text
    with Image.open("both.png") as image:
        assert image.size == (88, 30)
        left = np.asarray(image)[:, :40]
    with Image.open("photo.jpg") as image:
        assert (np.asarray(image) == left).all()
    fields = json.loads(shell("aeimage compare photo.png photo.png --json").text)
    assert (fields["identical"], fields["psnr"], fields["ms_ssim"]) == (True, None, 1.0)
    assert "identical" in shell("aeimage compare photo.png photo.png").text
    assert shell("aeimage compare photo.png photo.png -o both.png").code == 1
    assert shell("aeimage compare photo.png photo.png -o both.png --force").code == 0
    assert shell("aeimage compare photo.png photo.png -o both.xyz").code == 2


def test_compare_refuses_and_warns(shell):
    result = shell("aeimage compare photo.png photos/2024/two.png")
    assert result.code == 2
    assert "photo.png has 40 x 30 pixels, photos/2024/two.png has 90 x 70" in result.errors
    Image.open("photo.png").convert("RGBA").save("alpha.png")
    assert "transparency" in shell("aeimage compare photo.png alpha.png").errors
    Path("bad.aei").write_bytes(b"bad")
    result = shell("aeimage compare photo.png bad.aei")
    assert (result.code, result.errors.count("bad.aei: This is no .aei file")) == (1, 1)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("200", 200),
        ("200k", 200_000),
        ("1.5M", 1_500_000),
        ("2 kB", 2000),
        ("64KiB", 65536),
        ("1Gi", 2**30),
        ("0", 0),
    ],
)
def test_sizes(text, count):
    assert byte_count(text) == count


def test_pixel_limits():
    assert pixel_limit("none") is None
    assert pixel_limit("500M") == 500_000_000
    assert pixel_limit("123") == 123


def test_human_bytes():
    shown = [human_bytes(n) for n in (0, 999, 1000, 99_960, 1_234_567, 5e12)]
    assert shown == ["0 bytes", "999 bytes", "1.0 kB", "100 kB", "1.2 MB", "5000 GB"]
