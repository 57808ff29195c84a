"""Files and folder trees to .aei files and back, with nothing lost and nothing overwritten."""

import dataclasses
import errno
import json
import math
import os

import pytest
from PIL import Image

from aeimage.apps import file_work
from aeimage.apps.folders import compress_paths, decompress_paths, verify_paths
from aeimage.errors import ModelNotFoundError, UsageError
from aeimage.images import read_picture
from aeimage.runtime.compressor import Target

pytestmark = pytest.mark.usefixtures("codec")

LARGE = 19  # width for which the fake codec's files are larger than the original


def statuses(report):
    return [result.status for result in report.files]


def test_a_tree_keeps_its_shape_and_times(photos, tmp_path, tree):
    os.utime(photos / "b.png", ns=(0, 1_600_000_000_123_456_789))
    packed, back = tmp_path / "packed", tmp_path / "back"
    report = compress_paths([photos], packed)
    assert tree(packed) == ["2024/a.jpg.aei", "2024/a.png.aei", "b.png.aei"]
    assert statuses(report) == ["ok"] * 3
    assert [r.input for r in report.files] == [
        str(photos / name) for name in ("b.png", "2024/a.jpg", "2024/a.png")
    ]
    assert report.left_out == [str(photos / "2024" / "notes.txt")]
    report = decompress_paths([packed], back)
    assert tree(back) == ["2024/a.jpg.png", "2024/a.png", "b.png"]
    for folder, name in ((packed, "b.png.aei"), (back, "b.png")):
        assert (folder / name).stat().st_mtime_ns == 1_600_000_000_123_456_789
    assert read_picture(back / "2024" / "a.png").alpha is not None


def test_every_picture_comes_back(photos, tmp_path, tree, make_picture):
    """What was kept as it is, and what was an .aei file before, included."""
    make_picture(photos / "small.webp", LARGE, 2)
    compress_paths([photos / "b.png"], photos / "2023" / "old.png.aei")
    packed, back = tmp_path / "packed", tmp_path / "back"
    report = compress_paths([photos], packed)
    assert sorted(statuses(report)) == ["copied", "copied", "ok", "ok", "ok"]
    assert (packed / "small.webp").read_bytes() == (photos / "small.webp").read_bytes()
    (packed / "readme.md").write_text("left out")
    report = decompress_paths([packed], back, format="jpg")
    assert " ".join(tree(back)) == (
        "2023/old.png.jpg 2024/a.jpg 2024/a.png.jpg b.png.jpg small.webp"
    )
    assert statuses(report).count("copied") == 1
    assert len(report.left_out) == 1


def test_the_report(photos, tmp_path):
    photo = photos / "b.png"
    report = compress_paths([photo], tmp_path / "b.aei", target=Target(psnr=31.5))
    (result,) = report.files
    assert result.output == str(tmp_path / "b.aei")
    assert result.bytes_in == photo.stat().st_size
    assert result.bytes_out == (tmp_path / "b.aei").stat().st_size
    assert result.bpp == 8 * result.bytes_out / (40 * 30)
    assert (result.width, result.height, result.psnr) == (40, 30, 31.5)
    fields = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert fields["totals"] | {"seconds": 0} == {
        "files": 1,
        "ok": 1,
        "copied": 0,
        "skipped": 0,
        "failed": 0,
        "bytes_in": result.bytes_in,
        "bytes_out": result.bytes_out,
        "pixels": 1200,
        "bpp": pytest.approx(result.bpp),
        "seconds": 0,
    }
    assert {"input", "output", "status", "quality", "warnings", "error"} < set(fields["files"][0])
    result.psnr = math.inf
    assert report.as_dict()["files"][0]["psnr"] is None


def test_an_original_that_is_smaller_is_kept(tmp_path, make_picture, tree):
    small = make_picture(tmp_path / "in" / "small.png", LARGE, 2, dpi=(300, 300))
    os.utime(small, (5, 1_500_000_000))
    out = tmp_path / "out"
    out.mkdir()
    report = compress_paths([small], out)
    (result,) = report.files
    assert tree(out) == ["small.png"]
    assert (result.status, result.output) == ("copied", str(out / "small.png"))
    assert result.bytes_in == result.bytes_out
    assert result.bpp == 8 * result.bytes_out / (LARGE * 2)
    assert (out / "small.png").stat().st_mtime == 1_500_000_000

    assert statuses(compress_paths([small], out, always=True)) == ["failed"]  # it is there already
    (out / "small.png").unlink()
    assert statuses(compress_paths([small], out, always=True)) == ["ok"]
    (out / "small.png.aei").unlink()
    # A copy would keep what --strip is to remove.
    assert statuses(compress_paths([small], out, strip=True)) == ["ok"]
    assert tree(out) == ["small.png.aei"]
    # Replaced by a copy, the .aei file of an earlier run would be a second version.
    assert statuses(compress_paths([small], out, force=True)) == ["copied"]
    assert tree(out) == ["small.png"]


@pytest.mark.parametrize(
    ("output", "kept"),
    [(None, "small.png"), ("x.png.aei", "x.png"), ("x.aei", "x.png"), ("y/x.bin", "y/x.bin.png")],
)
def test_where_a_kept_original_goes(tmp_path, make_picture, output, kept):
    small = make_picture(tmp_path / "small.png", LARGE, 2)
    report = compress_paths([small], output and tmp_path / output)
    assert report.files[0].output == str(tmp_path / kept)
    assert (tmp_path / kept).is_file()
    assert not list(tmp_path.rglob("*.aei"))


def test_an_original_that_an_earlier_run_kept_goes_when_it_is_compressed(photos, tmp_path, tree):
    packed, back = tmp_path / "packed", tmp_path / "back"
    packed.mkdir()
    kept = packed / "b.png"
    kept.write_bytes((photos / "b.png").read_bytes())
    report = compress_paths([photos / "b.png"], packed, force=True)
    assert tree(packed) == ["b.png.aei"]
    assert report.files[0].met is True
    decompress_paths([packed], back)
    assert tree(back) == ["b.png"]
    # Something else of that name is not ours to remove.
    kept.write_bytes(b"another picture")
    report = compress_paths([photos / "b.png"], packed, force=True)
    assert tree(packed) == ["b.png", "b.png.aei"]
    assert "still there" in report.files[0].warnings[-1]


def test_nothing_is_overwritten_unless_asked_for(photos, tmp_path):
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "b.png.aei").write_bytes(b"precious")
    report = compress_paths([photos], packed)
    assert statuses(report) == ["failed", "ok", "ok"]
    assert report.failed
    assert report.files[0].error_type == "OutputExistsError"
    assert (packed / "b.png.aei").read_bytes() == b"precious"

    os.utime(packed / "b.png.aei", (0, 0))
    report = compress_paths([photos], packed, skip_existing=True)
    assert statuses(report) == ["skipped"] * 3
    assert not report.failed
    assert "newer" in report.files[0].warnings[0]
    assert not report.files[1].warnings

    report = compress_paths([photos], packed, force=True)
    assert statuses(report) == ["ok"] * 3
    assert verify_paths([packed]).totals()["ok"] == 3


def test_a_run_goes_on_where_it_was_interrupted(photos, tmp_path, make_picture):
    make_picture(photos / "small.png", LARGE, 2)
    compress_paths([photos / "small.png", photos / "b.png"], tmp_path / "packed")
    report = compress_paths([photos], tmp_path / "packed", skip_existing=True)
    assert statuses(report) == ["skipped", "skipped", "ok", "ok"]


def test_compressing_in_place_keeps_originals_where_they_are(photos, make_picture, tree):
    small = make_picture(photos / "small.png", LARGE, 2)
    report = compress_paths([small, photos / "b.png"], photos)
    assert statuses(report) == ["copied", "ok"]
    assert report.files[0].output == str(small)
    assert "small.png.aei" not in tree(photos)
    # What is an .aei file already stays where it is, too.
    report = compress_paths([small, photos / "b.png.aei"], photos)
    assert statuses(report) == ["copied"]


def test_one_bad_file_does_not_cost_the_others(photos, tmp_path, tree):
    (photos / "a.jpg").write_bytes(b"\xff\xd8\xff damaged")
    (photos / "c.png").symlink_to(photos / "nowhere.png")
    report = compress_paths([photos], tmp_path / "packed")
    assert statuses(report) == ["failed", "ok", "failed", "ok", "ok"]
    assert "damaged" in report.files[0].error
    assert not report.files[0].error.startswith(str(photos))  # `input` says it
    assert "no such file" in report.files[2].error
    (tmp_path / "packed" / "b.png.aei").write_bytes(b"\x89AEI\n")
    data = bytearray((tmp_path / "packed" / "2024" / "a.png.aei").read_bytes())
    data[-1] ^= 1
    (tmp_path / "packed" / "2024" / "a.png.aei").write_bytes(data)
    for report in (
        verify_paths([tmp_path / "packed"]),
        decompress_paths([tmp_path / "packed"], tmp_path / "back"),
    ):
        assert statuses(report) == ["failed", "ok", "failed"]
        assert report.files[2].error_type == "ChecksumError"
    assert tree(tmp_path / "back") == ["2024/a.jpg.png"]


def test_verify_decodes(photos, tmp_path):
    """A file whose checksums are right and whose latents make no sense."""
    from aeimage.codec.container import read_container, write_container

    path = tmp_path / "b.aei"
    compress_paths([photos / "b.png"], path)
    container = read_container(path.read_bytes())
    container.hyper = b"\1nonsense"
    path.write_bytes(write_container(container))
    report = verify_paths([path])
    assert report.files[0].error_type == "MalformedFileError"


def test_warnings_reach_the_report(tmp_path):
    Image.new("I;16", (40, 30), 777).save(tmp_path / "deep.png")
    report = compress_paths(
        [tmp_path / "deep.png"], tmp_path / "a.aei", target=Target(max_bytes=10), always=True
    )
    assert "8 bits" in report.files[0].warnings[0]
    assert "No quality reaches the target" in report.files[0].warnings[1]
    assert report.as_dict()["files"][0]["met"] is False


def test_limits(photos, tmp_path):
    report = compress_paths([photos], tmp_path / "packed", max_pixels=1600)
    assert statuses(report) == ["ok", "failed", "ok"]
    report = verify_paths([tmp_path / "packed"], max_pixels=1300)
    assert statuses(report) == ["ok", "failed"]
    assert report.files[1].error_type == "LimitExceededError"


def test_a_full_disk_ends_the_run(photos, tmp_path, monkeypatch, tree):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_work, "atomic_write", full)
    report = compress_paths([photos], tmp_path / "packed")
    assert statuses(report) == ["failed"] * 3
    assert "No space left on device. Make room" in report.files[0].error
    assert "Not tried" in report.files[1].error
    assert not tree(tmp_path / "packed")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_devices_are_written_to(photos):
    assert statuses(compress_paths([photos / "b.png"], "/dev/null")) == ["ok"]
    report = compress_paths([photos / "b.png"], "/dev/full")
    assert "No space left" in report.files[0].error


def test_usage_errors_come_before_any_work(photos, tmp_path, tree):
    for options in (
        {"jobs": 0},
        {"max_pixels": 0},
        {"effort": 10},
        {"force": True, "skip_existing": True},
    ):
        with pytest.raises(UsageError):
            compress_paths([photos], tmp_path / "packed", **options)
    with pytest.raises(ModelNotFoundError, match="'nothing'"):
        compress_paths([photos], tmp_path / "packed", model="nothing")
    with pytest.raises(UsageError, match="format"):
        decompress_paths([photos], tmp_path / "packed", format="bmp")
    assert not (tmp_path / "packed").exists()


def test_formats(photos, tmp_path):
    compress_paths([photos / "b.png"], tmp_path / "b.aei")
    decompress_paths([tmp_path / "b.aei"], tmp_path / "x.tif")
    decompress_paths([tmp_path / "b.aei"], tmp_path / "x.data", format="webp")
    decompress_paths([tmp_path / "b.aei"], tmp_path / "x")
    decompress_paths([tmp_path / "b.aei"], f"{tmp_path}/folder/", format="tif")
    kinds = {}
    for name in ("x.tif", "x.data", "x", "folder/b.tif"):
        with Image.open(tmp_path / name) as image:
            kinds[name] = image.format
    assert list(kinds.values()) == ["TIFF", "WEBP", "PNG", "TIFF"]
    with pytest.raises(UsageError, match="name for jpg"):
        decompress_paths([tmp_path / "b.aei"], tmp_path / "y.jpg", format="png")


def test_results_are_the_same_whatever_jobs_says(photos, tmp_path, tree, make_picture):
    for number in range(4):
        make_picture(photos / f"{number}.png", 30 + number)
    (photos / "bad.png").write_bytes(b"no picture")
    reports = []
    for jobs in (1, 2):
        out = tmp_path / f"packed{jobs}"
        reports.append(compress_paths([photos], out, jobs=jobs))
    first, second = (tmp_path / "packed1", tmp_path / "packed2")
    assert tree(first) == tree(second)
    assert all((first / n).read_bytes() == (second / n).read_bytes() for n in tree(first))
    one, two = (
        [dataclasses.replace(r, output=None, seconds=0) for r in report.files] for report in reports
    )
    assert one == two
    assert statuses(reports[0]).count("failed") == 1


def test_a_process_that_dies_costs_its_own_file_only(photos, tmp_path, make_picture, monkeypatch):
    monkeypatch.setattr("aeimage.apps.batch.available_cores", lambda: 2)
    make_picture(photos / "deadly.png", 13)
    for number in range(3):
        make_picture(photos / f"x{number}.png", 30 + number)
    report = compress_paths([photos], tmp_path / "packed", jobs=2)
    failures = [result for result in report.files if result.status == "failed"]
    assert [os.path.basename(result.input) for result in failures] == ["deadly.png"]
    assert "SIGKILL" in failures[0].error
    assert len(list((tmp_path / "packed").rglob("*.aei"))) == 6
