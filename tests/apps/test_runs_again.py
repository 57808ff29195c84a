"""Whether targets were met, and what --force removes and leaves when a folder is done again."""

import dataclasses

import pytest

from aeimage.apps.folders import compress_paths, decompress_paths
from aeimage.runtime.compressor import Target

pytestmark = pytest.mark.usefixtures("codec")

LARGE = 19  # width for which the fake codec's files are larger than the original


def statuses(report):
    return [result.status for result in report.files]


def test_whether_the_target_was_met(codec, photos, tmp_path, make_picture, monkeypatch):
    (result,) = compress_paths([photos / "b.png"], tmp_path / "b.aei").files
    assert result.met is True
    assert decompress_paths([tmp_path / "b.aei"], tmp_path / "b.png").files[0].met is None

    make = codec.compress_picture
    monkeypatch.setattr(
        codec, "compress_picture", lambda *a, **k: dataclasses.replace(make(*a, **k), met=False)
    )
    (result,) = compress_paths([photos / "b.png"], tmp_path / "c.aei").files
    assert (result.met, len(result.warnings)) == (False, 1)
    # A kept original may still reach what no .aei file does.
    small = make_picture(photos / "small.png", LARGE, 2)
    size = small.stat().st_size
    targets = [Target(max_bytes=size), Target(bpp=8 * size / (LARGE * 2)), Target(psnr=99)]
    targets += [Target(max_bytes=size - 1), Target(bpp=8 * (size - 1) / (LARGE * 2))]
    results = [
        compress_paths([small], tmp_path / "out.aei", target=target, force=True).files[0]
        for target in targets
    ]
    assert {result.status for result in results} == {"copied"}
    assert [result.met for result in results] == [True, True, True, False, False]
    assert [len(result.warnings) for result in results] == [0, 0, 0, 1, 1]


@pytest.fixture
def grown(photos, tmp_path, make_picture):
    """A folder whose `small.png` a first run keeps and a second one would compress."""
    make_picture(photos / "small.png", LARGE, 2)
    assert statuses(compress_paths([photos], tmp_path / "packed")).count("copied") == 1
    return tmp_path / "packed"


def test_force_removes_an_original_that_an_earlier_run_kept(grown, photos, tmp_path, tree):
    report = compress_paths([photos], grown, force=True, always=True)
    assert statuses(report) == ["ok"] * 4
    assert not any(result.warnings for result in report.files)
    assert "small.png.aei" in tree(grown) and "small.png" not in tree(grown)
    assert statuses(decompress_paths([grown], tmp_path / "back")) == ["ok"] * 4


def test_force_removes_nothing_else(grown, photos, tmp_path, tree):
    kept, small = grown / "small.png", photos / "small.png"
    kept.write_bytes(kept.read_bytes() + b"changed")
    report = compress_paths([photos], grown, force=True, always=True)
    assert "still there" in report.files[1].warnings[0]
    assert kept.is_file()
    # The two clash now; the others come back.
    report = decompress_paths([grown], tmp_path / "back")
    assert report.failed and sorted(statuses(report)) == ["failed"] * 2 + ["ok"] * 3
    assert f"{grown / 'small.png.aei'} would both be" in report.files[1].error
    assert tree(tmp_path / "back") == ["2024/a.jpg.png", "2024/a.png", "b.png"]
    # Identical, and the input itself by another name.
    for make in (kept.hardlink_to, kept.symlink_to):
        kept.unlink()
        make(small)
        compress_paths([photos], grown, force=True, always=True)
        assert kept.samefile(small)
    compress_paths([small], force=True, always=True)
    assert small.is_file()


def test_force_keeps_a_copy_that_has_the_name_of_the_output(tmp_path, make_picture):
    small = make_picture(tmp_path / "small.png", LARGE, 2)
    for always in (False, True):
        compress_paths([small], tmp_path / "out.png", force=True, always=always)
        assert (tmp_path / "out.png").is_file()
