"""aeimage denoise, as typed."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def _here(workplace):
    """Everything here happens in the folder of the examples."""


def test_a_page(shell):
    result = shell("aeimage denoise scan.png -o clean.png --compare")
    assert (result.code, result.output) == (0, b"")
    assert result.errors.startswith("1 file: 1 restored; ")
    with Image.open("clean.png") as image:
        assert (image.size, image.mode) == ((120, 90), "L")
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert np.asarray(image)[2:8].min() > 200
    with Image.open("clean.png.compare.png") as image:
        assert image.size == (248, 90)
    result = shell("aeimage denoise scan.png -o clean.png")
    assert (result.code, "clean.png exists already" in result.errors) == (1, True)


def test_what_is_clean_is_copied_and_said_so(shell):
    result = shell("aeimage denoise scans -o out")
    assert "2 files: 1 restored, 1 clean, copied; " in result.errors
    source = Path("scans/b/clean.tif")
    assert Path("out/b/clean.tif").read_bytes() == source.read_bytes()
    result = shell("aeimage denoise scans/b/clean.tif -o again.tif")
    assert result.errors.startswith(f"{source}: clean, copied to again.tif\n")


def test_the_report(shell):
    result = shell("aeimage denoise scans photo.jpg -o out --model auto --json --quiet")
    assert (result.code, result.errors) == (0, "")
    report = json.loads(result.text)
    assert report["command"] == "denoise"
    assert [file["restorer"] for file in report["files"]] == ["scan", "scan", "photo"]
    assert [file["status"] for file in report["files"]] == ["ok", "copied", "ok"]
    assert report["files"][2]["sigma"] > 10
    assert report["files"][1] | {"pages": 1, "clean_pages": 1, "bpp": None} == report["files"][1]


def test_streams(shell):
    data = Path("scan.png").read_bytes()
    result = shell("aeimage denoise -", stdin=data)
    assert result.code == 0
    with Image.open(io.BytesIO(result.output)) as image:
        assert (image.format, image.size) == ("PNG", (120, 90))
    clean = Path("scans/b/clean.tif").read_bytes()
    assert shell("aeimage denoise - -o -", stdin=clean).output == clean
    assert shell("aeimage denoise scans/b/clean.tif -o -").output == clean
    result = shell("aeimage denoise - --format tif", stdin=data)
    assert result.output[:4] == b"II*\0"
    pages = io.BytesIO()
    with Image.open("scan.png") as image:
        image.save(pages, "TIFF", save_all=True, append_images=[image])
    result = shell("aeimage denoise -", stdin=pages.getvalue())
    with Image.open(io.BytesIO(result.output)) as image:
        assert image.n_frames == 2
    result = shell("aeimage denoise -", stdin=data, terminal=True)
    assert (result.code, "to a terminal" in result.errors) == (2, True)


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("aeimage denoise scan.png", 2, "give it with -o OUT"),
        ("aeimage denoise scan.png -o scan.png", 2, "an input itself"),
        ("aeimage denoise scan.png -o x.png --sigma 5", 2, "no single noise level"),
        ("aeimage denoise scan.png -o x.png --model photo --sigma 80", 2, "0 to 75"),
        ("aeimage denoise scan.png -o x.png --format jpg", 2, "name for png"),
        ("aeimage denoise scan.png -o - --compare", 2, "give -o FILE"),
        ("aeimage denoise scan.png -o x.png --model other", 1, "Installed: photo, scan"),
        ("aeimage denoise none.png -o x.png", 1, "there is no such file"),
        ("aeimage denoise photo.jpg.aei -o x.png", 1, "not a picture"),
        ("aeimage denoise a.pdf -o b.pdf", 1, "ocrmypdf --plugin"),
        ("aeimage compress scan.png -o x.aei --denoise other", 1, "'other' is not installed"),
    ],
)
def test_errors(shell, line, code, message):
    Path("a.pdf").write_bytes(b"%PDF-1.4\n")
    result = shell(line)
    assert (result.code, message in result.errors) == (code, True), result.errors
    assert not Path("x.png").exists()


def test_restorers_are_listed(shell):
    text = shell("aeimage models").text
    assert "restorer" in text and "21.5" in text
    assert shell("aeimage models show scan").text.startswith("# scan")
    # A codec and a restorer share this name.
    assert shell("aeimage models show photo").text.count("# photo\n") == 2
    assert json.loads(shell("aeimage models show photo --json").text)["kind"] == "codec"
    listed = json.loads(shell("aeimage models --json").text)
    # Those of AEIMAGE_MODELS come before those that ship.
    restorer = next(m for m in listed if (m["name"], m["kind"]) == ("photo", "restorer"))
    assert json.loads(shell(f"aeimage models show {restorer['id']} --json").text) == restorer


def test_compress_restores_on_the_way_in(shell):
    result = shell("aeimage compress scan.png -o x.aei --denoise scan --always --json")
    assert json.loads(result.text)["files"][0]["restorer"] == "scan"
    shell("aeimage decompress x.aei -o x.png")
    with Image.open("x.png") as image:
        assert np.asarray(image)[2:8].min() > 180
