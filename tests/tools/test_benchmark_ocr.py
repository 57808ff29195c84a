"""The OCR benchmark from end to end, with a stand-in for Tesseract: files, resumption, filters."""

import shutil

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("cv2")
pytest.importorskip("matplotlib")
pytest.importorskip("scipy")

import benchmark_ocr
import ocr_engine
import ocr_pages
import ocr_run
from ocr_engine import TesseractTimeoutError, TextLine
from ocr_examples import draw_page
from ocr_filters import FILTERS, missing
from our_restorer import OurRestorer

TEXT = "it was a dark and stormy night. " * 4


@pytest.fixture
def pages(tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("d1", "d2", "x1"):
        ink = rng.random((240, 200)) < 0.1
        Image.fromarray(np.where(ink, 0, 255).astype(np.uint8)).save(folder / f"{name}.png")
        (folder / f"{name}.txt").write_text(TEXT)
    (folder / "notes.txt").write_text("no page")
    return folder


@pytest.fixture
def reads(monkeypatch):
    """Reads the truth, with an error for every level of noise; counts how often."""
    calls = []

    def read_text(page):
        calls.append(page.shape)
        noise = int(np.std(page) * 7) % 3
        return TEXT[: len(TEXT) // 4 - noise] if page.shape[0] < 240 else TEXT

    def lines(page):
        return [TextLine(top, top + 20, 20, 180, "night.") for top in range(20, 220, 50)]

    for module in (ocr_run, ocr_pages):
        monkeypatch.setattr(module, "read_text", read_text)
    monkeypatch.setattr(ocr_pages, "text_lines", lines)
    for module in (benchmark_ocr, ocr_pages):
        monkeypatch.setattr(module, "tesseract_version", lambda: "stand-in 1")
    return calls


def run(pages, out, *arguments):
    common = ["--pages", str(pages), "--out", str(out), "--books", "d", "--damages", "pepper"]
    return benchmark_ocr.main([*common, *arguments])


def test_writes_its_files_and_resumes(pages, reads, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(pages, out, "--methods", "raw,blur,median", "--levels", "1,3") == 0
    assert {path.name for path in out.iterdir()} == {
        "results.csv",
        "strips.csv",
        "summary.md",
        "summary.csv",
        "errors.png",
    }
    lines = (out / "results.csv").read_text().splitlines()
    assert len(lines) == 1 + 2 * 3 * 3  # pages, methods, conditions
    assert "d1-1" in lines[1]
    assert "salt and pepper" in capsys.readouterr().out

    reads.clear()
    assert run(pages, out, "--methods", "raw,blur,median", "--levels", "1,3") == 0
    assert not reads
    # A run that was killed in the middle of a row.
    kept = "\n".join(lines[:-3]) + "\n" + lines[-3][:20]
    (out / "results.csv").write_text(kept)
    assert run(pages, out, "--methods", "raw,blur,median", "--levels", "1,3", "--jobs", "2") == 0
    assert len(reads) == 3
    assert run(pages, out, "--levels", "1,3", "--methods", "blur", "--again", "blur") == 0
    assert len(reads) == 3 + 2 * 3


def test_ours_is_kept_by_the_models_id(pages, reads, tmp_path, monkeypatch):
    class Restorer:
        @staticmethod
        def restore(pixels, sigma=None):
            return 255 - pixels

    out = tmp_path / "out"
    arguments = ("--methods", "raw,ours", "--levels", "1")
    for model_id, calls in (("1", 2 * 2 * 2), ("1", 0), ("2", 2 * 2)):
        monkeypatch.setattr(
            benchmark_ocr, "open_restorer", lambda m, i=model_id: OurRestorer(f"{m} {i}", Restorer)
        )
        count = len([shape for shape in reads if shape[0] < 240])
        strips = 0 if (out / "strips.csv").exists() else 2
        assert run(pages, out, *arguments) == 0
        now = len([shape for shape in reads if shape[0] < 240])
        # Cutting strips reads each undamaged one, and the page down to its end.
        assert now - count - 2 * strips == calls
    assert run(pages, out, "--methods", "raw", "--levels", "1") == 0
    assert "aeimage: scan 2" in (out / "summary.md").read_text()
    assert "2 strips undamaged" not in (out / "summary.md").read_text()


def test_a_timeout_counts_as_all_wrong(pages, reads, tmp_path, monkeypatch):
    def times_out(page):
        raise TesseractTimeoutError

    out = tmp_path / "out"
    run(pages, out, "--methods", "raw", "--levels", "1")  # cuts the strips
    monkeypatch.setattr(ocr_run, "read_text", times_out)
    assert run(pages, out, "--methods", "raw", "--levels", "1", "--again", "raw") == 0
    last = (out / "results.csv").read_text().splitlines()[-1].split(",")
    assert last[-4] == "1" and last[-2] == "1"


def test_refuses_unknown_names(pages, tmp_path, capsys):
    for arguments in (("--methods", "magic"), ("--levels", "4")):
        with pytest.raises(SystemExit) as stopped:
            run(pages, tmp_path / "out", *arguments)
        assert stopped.value.code == 2
    assert "there are raw,".replace(",", ", ") in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize("name", FILTERS)
def test_filters_keep_shape_and_clean_pages(name):
    if reason := missing(name):
        pytest.skip(reason)
    page = draw_page()[:200, :300]
    filtered = FILTERS[name].apply(page)
    assert filtered.shape == page.shape and filtered.dtype == np.uint8
    assert np.mean((filtered > 127) != (page > 127)) < 0.1


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_tesseract_reads_a_drawn_page():
    text = ocr_engine.read_text(draw_page())
    assert "White Rabbit with pink eyes" in " ".join(text.split())
    lines = ocr_engine.text_lines(draw_page())
    assert len(lines) == 10 and lines[0].last_word == "the"
    assert all(line.top < line.bottom and line.left < line.right for line in lines)
