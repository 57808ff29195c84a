"""OCRmyPDF with the plugin: real PDF files, real Tesseract, and a median filter for a model."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from aeimage.runtime.bundle import installed_bundles

FAKES = str(Path(__file__).parent / "fakes")
if FAKES not in sys.path:
    sys.path.insert(0, FAKES)

import fake_restorer  # noqa: E402

ocrmypdf = pytest.importorskip("ocrmypdf", reason='needs pip install "aeimage[ocr]"')
pikepdf = pytest.importorskip("pikepdf")

from ocrmypdf import exceptions  # noqa: E402

from aeimage import ocrmypdf_plugin  # noqa: E402

pytestmark = pytest.mark.skipif(
    shutil.which("tesseract") is None or shutil.which("gs") is None,
    reason="needs tesseract and ghostscript: apt install tesseract-ocr ghostscript",
)

WORDS = ["Seven wizards", "box a quart", "of liquor jugs"]
DPI = 150
NO_OCR = {"ocr_engine": "none"}
"""The filters work all the same."""


@pytest.fixture(autouse=True)
def restorers(monkeypatch, tmp_path_factory):
    fake_restorer.install(monkeypatch, tmp_path_factory.mktemp("models"))
    ocrmypdf_plugin._LOCAL.restorers.clear()


def page(mode="L"):
    """Three lines of text in salt and pepper."""
    image = Image.new("L", (700, 400), 255)
    draw = ImageDraw.Draw(image)
    for line, text in enumerate(WORDS):
        draw.text((60, 60 + 90 * line), text, fill=0, font=ImageFont.load_default(56))
    pixels = np.array(image)
    chance = np.random.default_rng(0).random(pixels.shape)
    pixels[chance < 0.06] = 0
    pixels[chance > 0.94] = 255
    return Image.fromarray(pixels).convert(mode)


def clean_page(mode="1"):
    """Three bars, in which a median filter finds nothing to do."""
    pixels = np.full((400, 700), 255, np.uint8)
    pixels[100:130] = pixels[200:230] = pixels[300:330] = 0
    return Image.fromarray(pixels).convert(mode)


@pytest.fixture
def pdf(tmp_path):
    def make(*pages, **options):
        path = tmp_path / "in.pdf"
        pages[0].save(path, save_all=True, append_images=pages[1:], resolution=DPI, **options)
        return path

    return make


@pytest.fixture
def read(tmp_path):
    """Run OCRmyPDF; returns the words it read and the pictures that its pages show."""

    def run(path, *, plugin=True, **options):
        out, text = tmp_path / "out.pdf", tmp_path / "out.txt"
        defaults = {"output_type": "pdf", "optimize": 0, "progress_bar": False, "sidecar": text}
        if plugin:
            defaults["plugins"] = ["aeimage.ocrmypdf_plugin"]
        ocrmypdf.ocr(path, out, **(defaults | options))
        return text.read_text().split(), shown(out)

    return run


def shown(path):
    with pikepdf.open(path) as document:
        return [
            [pikepdf.PdfImage(image).as_pil_image() for image in page.get_images().values()]
            for page in document.pages
        ]


def found(words):
    return len(set(" ".join(WORDS).split()) & set(words))


def is_clean(image):
    """Whether the margin is as white as paper."""
    return (np.asarray(image.convert("L"))[5:40, 5:-5] > 200).mean() > 0.999


def test_ocr_sees_clean_pages_and_people_the_old_ones(pdf, read):
    path = pdf(page())
    raw, _ = read(path, plugin=False)
    words, [[image]] = read(path)
    assert found(words) >= 7 > found(raw)
    (before,) = shown(path)[0]
    assert (np.asarray(image) == np.asarray(before)).all()


@pytest.mark.parametrize("mode", ["L", "1", "RGB"])
def test_people_see_clean_pages_too_where_they_ask_for_it(pdf, read, mode, monkeypatch, tmp_path):
    runs = []
    restore = fake_restorer.FakeRestorer.restore_picture
    monkeypatch.setattr(
        fake_restorer.FakeRestorer,
        "restore_picture",
        lambda self, picture: runs.append(picture.source_mode) or restore(self, picture),
    )
    options = {} if mode == "RGB" else NO_OCR
    words, [[image]] = read(pdf(page(mode)), aeimage_clean_visible=True, **options)
    assert found(words) >= (0 if options else 7)
    assert image.size == (700, 400) and is_clean(image)
    assert len(runs) == 1
    with pikepdf.open(tmp_path / "out.pdf") as document:
        box = [float(side) for side in document.pages[0].mediabox]
    assert box == pytest.approx([0, 0, 700 / DPI * 72, 400 / DPI * 72], abs=0.5)


def test_a_clean_page_passes_unchanged(pdf, read):
    path = pdf(clean_page())
    _, [[image]] = read(path, aeimage_clean_visible=True, **NO_OCR)
    assert image.mode == "1"
    assert (np.asarray(image) == np.asarray(clean_page())).all()


def test_pages_with_text_are_left_alone(pdf, read, tmp_path):
    with pikepdf.open(pdf(clean_page(), page("1"))) as document:
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1)
        font.BaseFont = pikepdf.Name.Helvetica
        first = document.pages[0]
        first.add_resource(document.make_indirect(font), pikepdf.Name.Font, pikepdf.Name.F1)
        first.contents_add(b"BT /F1 20 Tf 50 20 Td (some words of text) Tj ET")
        document.add_blank_page(page_size=(300, 200))
        document.save(tmp_path / "text.pdf")
    with pytest.raises(exceptions.PriorOcrFoundError):
        read(tmp_path / "text.pdf", aeimage_clean_visible=True)
    options = {"aeimage_clean_visible": True, "skip_text": True, "use_threads": False} | NO_OCR
    _, pages = read(tmp_path / "text.pdf", **options)
    assert [len(images) for images in pages] == [1, 1, 0]
    assert (np.asarray(pages[0][0]) == np.asarray(clean_page())).all()
    assert is_clean(pages[1][0])


def test_beside_options_that_draw_pages_anew(pdf, read):
    path = pdf(page())
    _, [[image]] = read(path, aeimage_clean_visible=True, deskew=True, **NO_OCR)
    assert is_clean(image)
    _, [[image]] = read(path, force_ocr=True, **NO_OCR)
    assert not is_clean(image)


def test_what_contradicts_itself_is_refused(pdf, read):
    path = pdf(page())
    with pytest.raises(exceptions.BadArgsError, match="choose one"):
        read(path, aeimage_clean_visible=True, redo_ocr=True)
    with pytest.raises(exceptions.MissingDependencyError, match="'other' is not installed"):
        read(path, aeimage_model="other")


class Page:
    """As much of OCRmyPDF's page as filters look at."""

    pageno = 0

    def __init__(self, folder, **options):
        self.folder = folder
        defaults = {"clean": False, "clean_final": False, "remove_vectors": False}
        defaults |= {"lossless_reconstruction": True, "force_ocr": False}
        self.options = type("Options", (), defaults | options)
        self.pageinfo = type("PageInfo", (), {"has_text": False})

    def get_path(self, name):
        return self.folder / name


def through(hook, inner, *arguments):
    """Call a wrapper as pluggy does."""
    generator = hook(*arguments)
    next(generator)
    with pytest.raises(StopIteration) as stop:
        generator.send(inner)
    return stop.value.value


def test_the_filters_of_others_come_first(tmp_path):
    image = page()
    image.info["dpi"] = (300, 300)
    smaller = image.resize((350, 200))
    smaller.info["dpi"] = (150, 150)
    out = through(ocrmypdf_plugin.filter_ocr_image, smaller, Page(tmp_path), image)
    assert out.size == (350, 200) and out.info["dpi"] == (150, 150) and out.mode == "L"
    out = through(ocrmypdf_plugin.filter_ocr_image, None, Page(tmp_path), image)
    assert out.size == (700, 400) and out.info["dpi"] == (300, 300)
    clean = clean_page("L")
    assert through(ocrmypdf_plugin.filter_ocr_image, None, Page(tmp_path), clean) is clean


@pytest.mark.parametrize("name", ["visible.jpg", "visible.png"])
def test_the_format_of_visible_pages_stays(tmp_path, name):
    page().save(tmp_path / name, dpi=(300, 300))
    arguments = (Page(tmp_path, aeimage_clean_visible=True), tmp_path / name)
    out = through(ocrmypdf_plugin.filter_page_image, None, *arguments)
    assert out.parent == tmp_path and out.suffix == Path(name).suffix
    with Image.open(out) as image:
        assert image.size == (700, 400) and image.mode == "L"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert through(ocrmypdf_plugin.filter_page_image, None, Page(tmp_path), out) == out


@pytest.mark.skipif(
    not any(b.name == "scan" for b in installed_bundles("restorer")),
    reason="the shipped restorer is not in this checkout",
)
def test_the_command_line_with_the_shipped_model(pdf, tmp_path, monkeypatch):
    monkeypatch.delenv("AEIMAGE_MODELS")
    command = [sys.executable, "-m", "ocrmypdf", "--plugin", "aeimage.ocrmypdf_plugin"]
    command += ["--aeimage-clean-visible", "--aeimage-model", "scan", "--output-type", "pdf"]
    done = subprocess.run(
        [*command, "--sidecar", tmp_path / "out.txt", pdf(page()), tmp_path / "out.pdf"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert found((tmp_path / "out.txt").read_text().split()) >= 6
    assert is_clean(shown(tmp_path / "out.pdf")[0][0])
