"""Pictures and folder trees restored: what is kept, what is copied, what is refused."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from aeimage.apps.folders import compress_paths, denoise_paths
from aeimage.apps.plan import plan_denoise, restored_name
from aeimage.errors import ModelNotFoundError, UsageError
from aeimage.images import count_pages, read_picture, write_pages

pytestmark = pytest.mark.usefixtures("restorers")

MAKER = 0x010F


def statuses(report):
    return [result.status for result in report.files]


@pytest.fixture
def make_scan():
    """Write a page of 150 x 100 pixels, with specks or clean."""

    def make(path, *, specks=True, mode="L", **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        make_page(specks, mode).save(path, **options)
        return path

    return make


def make_page(specks=True, mode="L"):
    pixels = np.full((100, 150), 255, np.uint8)
    pixels[10:90:16] = pixels[11:91:16] = pixels[12:92:16] = 0
    if specks:
        pixels[np.random.default_rng(1).random(pixels.shape) < 0.01] = 0
    return Image.fromarray(pixels).convert(mode)


def is_clean(path, page=None):
    return (read_picture(path, page=page).rgb[14:24] > 200).all()


@pytest.fixture
def scans(tmp_path, make_scan):
    folder = tmp_path / "scans"
    make_scan(folder / "a.png", dpi=(300, 300))
    make_scan(folder / "b" / "a.jpg", quality=100)
    make_scan(folder / "b" / "clean.tif", specks=False, compression="group4", mode="1")
    (folder / "b" / "notes.txt").write_text("no picture")
    (folder / "b" / "old.aei").write_text("no picture either")
    return folder


def test_a_tree_keeps_its_names_and_times(scans, tmp_path, tree):
    os.utime(scans / "a.png", ns=(0, 1_600_000_000_123_456_789))
    out = tmp_path / "out"
    report = denoise_paths([scans], out)
    assert tree(out) == ["a.png", "b/a.jpg", "b/clean.tif"]
    assert statuses(report) == ["ok", "ok", "copied"]
    assert [os.path.basename(path) for path in report.left_out] == ["notes.txt", "old.aei"]
    assert (out / "a.png").stat().st_mtime_ns == 1_600_000_000_123_456_789
    assert is_clean(out / "a.png") and not is_clean(scans / "a.png")
    assert (out / "b" / "clean.tif").read_bytes() == (scans / "b" / "clean.tif").read_bytes()
    with Image.open(out / "a.png") as image:
        assert (image.mode, image.size) == ("L", (150, 100))
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_the_report(scans, tmp_path):
    report = denoise_paths([scans], tmp_path / "out")
    json.dumps(report.as_dict(), allow_nan=False)
    first, _, last = report.files
    assert (first.width, first.height, first.restorer, first.sigma) == (150, 100, "scan", None)
    assert (first.pages, first.clean_pages, first.bpp) == (1, 0, None)
    assert (last.pages, last.clean_pages) == (1, 1)
    assert report.totals()["pixels"] == 3 * 150 * 100
    assert report.totals()["bpp"] is None
    (result,) = denoise_paths([scans / "a.png"], tmp_path / "x.png", model="photo", sigma=30).files
    assert (result.restorer, result.sigma) == ("photo", 30)


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("a.jpeg", None, "a.jpeg"),
        ("a.bmp", None, "a.bmp.png"),
        ("a.jpg", "png", "a.jpg.png"),
        ("a.TIFF", "tif", "a.TIFF"),
        ("a.gif", "tif", "a.gif.tif"),
    ],
)
def test_names(name, format, expected):
    assert restored_name(name, format) == expected


def test_formats(scans, tmp_path, tree):
    report = denoise_paths([scans], tmp_path / "out", format="png")
    assert tree(tmp_path / "out") == ["a.png", "b/a.jpg.png", "b/clean.tif.png"]
    assert statuses(report) == ["ok"] * 3
    assert report.files[2].clean_pages == 1
    with Image.open(tmp_path / "out" / "b" / "clean.tif.png") as image:
        assert image.mode == "1"
        assert (np.asarray(image.convert("L")) == np.asarray(make_page(False))).all()
    kinds = {}
    for name, options in (("x.webp", {}), ("x", {}), ("x.dat", {"format": "jpg"})):
        denoise_paths([scans / "a.png"], tmp_path / name, **options)
        with Image.open(tmp_path / name) as image:
            kinds[name] = image.format
    assert list(kinds.values()) == ["WEBP", "PNG", "JPEG"]
    with pytest.raises(UsageError, match="name for png"):
        denoise_paths([scans / "a.png"], tmp_path / "y.png", format="jpg")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_metadata_are_kept(tmp_path, make_scan, suffix):
    exif = Image.Exif()
    exif[MAKER] = "a scanner"
    options = {"exif": exif, "quality": 100, "dpi": (200, 200)}
    if suffix == ".webp":
        del options["dpi"]
    path = make_scan(tmp_path / f"a{suffix}", mode="RGB", **options)
    assert statuses(denoise_paths([path], tmp_path / f"b{suffix}")) == ["ok"]
    before, after = read_picture(path), read_picture(tmp_path / f"b{suffix}")
    assert after.dpi == before.dpi
    assert after.source_mode == "RGB"
    tags = Image.Exif()
    tags.load(after.exif)
    assert tags[MAKER] == "a scanner"


@pytest.fixture
def book(tmp_path):
    """Three pages: bilevel with specks, bilevel and clean, colour with specks."""
    pages = [make_page(mode="1"), make_page(False, "1"), make_page(mode="RGB")]
    pages[0].save(tmp_path / "book.tif", save_all=True, append_images=pages[1:], dpi=(300, 300))
    return tmp_path / "book.tif"


def test_every_page_of_a_tiff_is_restored(book, tmp_path):
    out = tmp_path / "out.tif"
    (result,) = denoise_paths([book], out).files
    assert (result.status, result.pages, result.clean_pages) == ("ok", 3, 1)
    assert not result.warnings
    assert count_pages(out) == 3
    assert all(is_clean(out, number) for number in range(3))
    assert [read_picture(out, page=n).source_mode for n in range(3)] == ["L", "1", "RGB"] or [
        read_picture(out, page=n).source_mode for n in range(3)
    ] == ["1", "1", "RGB"]  # a median filter keeps two levels
    assert all(read_picture(out, page=n).dpi == (300, 300) for n in range(3))
    assert (read_picture(out, page=1).rgb == read_picture(book, page=1).rgb).all()
    (result,) = denoise_paths([book], tmp_path / "out.png").files
    assert "3 pages, and png files hold one" in result.error


def test_a_tiff_of_clean_pages_is_copied(tmp_path):
    pages = [make_page(False, mode) for mode in ("1", "L")]
    pages[0].save(tmp_path / "book.tif", save_all=True, append_images=pages[1:])
    (result,) = denoise_paths([tmp_path / "book.tif"], tmp_path / "out.tif").files
    assert (result.status, result.clean_pages) == ("copied", 2)
    assert (tmp_path / "out.tif").read_bytes() == (tmp_path / "book.tif").read_bytes()


def test_a_damaged_page_leaves_no_file(book, tmp_path, tree):
    write_pages([read_picture(book, page=number) for number in range(3)], book)
    with Image.open(book) as image:
        image.seek(2)
        start = image.tag_v2[273][0]
    data = bytearray(book.read_bytes())
    data[start : start + 100] = bytes(100)
    book.write_bytes(data)
    (result,) = denoise_paths([book], tmp_path / "out" / "out.tif").files
    assert result.status == "failed"
    assert not tree(tmp_path / "out")


def test_before_and_after(scans, book, tmp_path, tree):
    out = tmp_path / "out"
    report = denoise_paths([scans, book], out, compare=True)
    assert tree(out) == [
        "book.tif",
        "book.tif.compare.png",
        "scans/a.png",
        "scans/a.png.compare.png",
        "scans/b/a.jpg",
        "scans/b/a.jpg.compare.png",
        "scans/b/clean.tif",
    ]
    with Image.open(out / "scans" / "a.png.compare.png") as image:
        assert (image.mode, image.size) == ("L", (308, 100))
        both = np.asarray(image)
    assert (both[:, :150] == read_picture(scans / "a.png").rgb[..., 0]).all()
    assert (both[:, 158:] == read_picture(out / "scans" / "a.png").rgb[..., 0]).all()
    (out / "scans" / "a.png").unlink()
    report = denoise_paths([scans / "a.png"], out / "scans", compare=True)
    assert report.files[0].error_type == "OutputExistsError"
    assert not (out / "scans" / "a.png").exists()
    assert statuses(denoise_paths([scans / "a.png"], out / "scans", compare=True, force=True)) == [
        "ok"
    ]


def test_existing_outputs(scans, tmp_path):
    denoise_paths([scans / "a.png"], tmp_path / "out" / "a.png")
    assert statuses(denoise_paths([scans], tmp_path / "out")) == ["failed", "ok", "copied"]
    again = denoise_paths([scans], tmp_path / "out", skip_existing=True)
    assert statuses(again) == ["skipped"] * 3
    assert statuses(denoise_paths([scans], tmp_path / "out", force=True)).count("ok") == 2


def test_refusals(scans, tmp_path, tree):
    for options, message in (
        ({"sigma": 20}, "no single noise level"),
        ({"sigma": 100, "model": "photo"}, "0 to 75"),
        ({"ensemble": 3, "model": "photo"}, "1, 2, 4 or 8"),
        ({"format": "bmp"}, "format"),
        ({"jobs": 0}, "jobs"),
    ):
        with pytest.raises(UsageError, match=message):
            denoise_paths([scans], tmp_path / "out", **options)
    with pytest.raises(TypeError, match="job"):
        denoise_paths([scans], tmp_path / "out", job=2)
    with pytest.raises(ModelNotFoundError):
        denoise_paths([scans], tmp_path / "out", model="other")
    with pytest.raises(UsageError, match="-o OUT"):
        plan_denoise([scans / "a.png"], None, None)
    with pytest.raises(UsageError, match="an input itself"):
        plan_denoise([scans / "a.png"], scans, None)
    with pytest.raises(UsageError, match="beside standard output"):
        denoise_paths([scans / "a.png"], "-", compare=True)
    assert not tree(tmp_path / "out")


def test_pdf_files_belong_to_ocrmypdf(tmp_path, make_scan):
    make_scan(tmp_path / "a.pdf")
    (result,) = denoise_paths([tmp_path / "a.pdf"], tmp_path / "b.pdf").files
    assert "ocrmypdf --plugin aeimage.ocrmypdf_plugin" in result.error
    assert result.error_type == "UnsupportedPictureError"
    (result,) = denoise_paths([tmp_path / "none.png"], tmp_path / "b.png").files
    assert result.error_type == "PictureNotFoundError"


def test_several_processes(scans, book, tmp_path, tree, make_picture, monkeypatch):
    monkeypatch.setattr("aeimage.apps.batch.available_cores", lambda: 2)
    make_picture(scans / "deadly.png", 13)
    reports = [denoise_paths([scans, book], tmp_path / "two", jobs=2, model="auto")]
    (scans / "deadly.png").unlink()
    reports.append(denoise_paths([scans, book], tmp_path / "one", model="auto"))
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    for name in tree(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    failed = [result for result in reports[0].files if result.status == "failed"]
    assert len(failed) == 1 and "SIGKILL" in failed[0].error


def test_compressing_what_was_restored(codec, scans, tmp_path, make_picture):
    """The original is not kept, however small, if it is not what the .aei file would hold."""
    report = compress_paths([scans / "a.png"], tmp_path / "a.aei", denoise="scan", always=True)
    assert [result.restorer for result in report.files] == ["scan"]
    picture = codec().decompress_picture((tmp_path / "a.aei").read_bytes())
    assert (picture.rgb[14:24] > 150).all()
    large = make_picture(tmp_path / "large.png", 19)  # so that its .aei file is larger
    report = compress_paths([large], tmp_path / "b.aei", denoise="photo")
    assert statuses(report) == ["ok"] and report.files[0].sigma > 10
    assert statuses(compress_paths([large], tmp_path / "c.aei")) == ["copied"]
    with pytest.raises(ModelNotFoundError):
        compress_paths([scans], tmp_path / "again", denoise="other")
