"""Which file becomes which, and what is refused."""

import os
from pathlib import Path

import pytest

from aeimage.apps import scan
from aeimage.apps.plan import decompressed_name, plan_compress, plan_decompress, plan_verify
from aeimage.errors import UsageError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def touch(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")


def pairs(plan):
    return [(task.name, task.output and task.output.as_posix()) for task in plan.tasks]


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("a.jpg.aei", "png", "a.jpg.png"),
        ("a.png.aei", "png", "a.png"),
        ("a.JPEG.AEI", "jpg", "a.JPEG"),
        ("a.tiff.aei", "tif", "a.tiff"),
        ("a.aei", "webp", "a.webp"),
        ("photo", "png", "photo.png"),
        (".aei", "png", ".aei.png"),
    ],
)
def test_names_of_decompressed_files(name, format, expected):
    assert decompressed_name(name, format) == expected


def test_one_input_file():
    touch("in/a.jpg")
    Path("folder").mkdir()
    for output, expected in (
        (None, "in/a.jpg.aei"),
        ("x.aei", "x.aei"),
        ("folder", "folder/a.jpg.aei"),
        (f"new{os.sep}", "new/a.jpg.aei"),
        ("-", None),
    ):
        assert pairs(plan_compress(["in/a.jpg"], output)) == [("in/a.jpg", expected)]
    assert pairs(plan_compress(["-"], None)) == [("-", None)]
    assert pairs(plan_compress(["-"], "x.aei")) == [("-", "x.aei")]
    assert plan_compress(["-"], "x.aei").tasks[0].keep is None
    with pytest.raises(UsageError, match="no name"):
        plan_compress(["-"], "folder")


def test_several_inputs():
    touch("a/1.jpg", "a/b/2.png", "c/3.jpg", "c/old.aei")
    assert pairs(plan_compress(["a", "c", "c/3.jpg"], "out")) == [
        (str(Path("a/1.jpg")), "out/a/1.jpg.aei"),
        (str(Path("a/b/2.png")), "out/a/b/2.png.aei"),
        (str(Path("c/3.jpg")), "out/c/3.jpg.aei"),
        (str(Path("c/old.aei")), "out/c/old.aei"),
        ("c/3.jpg", "out/3.jpg.aei"),
    ]
    # "." has no name of its own; its real one is taken.
    os.chdir("c")
    assert pairs(plan_compress([".", "../a/1.jpg"], "../out"))[0][1] == "../out/c/3.jpg.aei"
    assert pairs(plan_compress(["."], "../out"))[0][1] == "../out/3.jpg.aei"


def test_pictures_among_aei_files_are_copied():
    touch("packed/a.jpg.aei", "packed/b.jpg", "packed/c.txt")
    plan = plan_decompress(["packed"], "out", "png")
    assert pairs(plan) == [
        (str(Path("packed/a.jpg.aei")), "out/a.jpg.png"),
        (str(Path("packed/b.jpg")), "out/b.jpg"),
    ]
    assert [task.copy for task in plan.tasks] == [False, True]
    # A shell's packed/* says the same; one picture alone is a mistake, which decoding reports.
    assert plan_decompress(["packed/a.jpg.aei", "packed/b.jpg"], "out", "png").tasks[1].copy
    assert not plan_decompress(["packed/b.jpg"], "out/", "png").tasks[0].copy


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        ([], "out", "no input"),
        (["a/1.jpg", "-"], "out", "cannot be combined"),
        (["a"], None, "need a folder"),
        (["a"], "-", "need a folder"),
        (["a", "c"], "c/1.jpg", "is a file"),
        (["a"], "a", "lies in the input folder"),
        (["a"], "a/packed", "lies in the input folder"),
        (["c", "a"], "link-to-a/x", "lies in the input folder"),
        (["a/1.jpg", "c/1.jpg"], "out", "would both be written"),
        (["c", "a/1.jpg", "a/../c/1.jpg"], "out", "would both be written"),
        (["a/1.jpg"], "a/1.jpg", "an input itself"),
        (["a/1.jpg", "e/1.jpg.aei"], "d", "would both be written"),
        (["empty"], "out", "nothing to do"),
    ],
)
def test_refusals(inputs, output, message):
    touch("a/1.jpg", "c/1.jpg", "d/1.jpg", "e/1.jpg.aei", "empty/notes.txt")
    Path("link-to-a").symlink_to("a", target_is_directory=True)
    with pytest.raises(UsageError, match=message):
        plan_compress(inputs, output)


def test_a_shell_pattern_may_name_earlier_results():
    """``aeimage compress photos/* -o photos --skip-existing`` once more."""
    touch("e/1.jpg", "e/1.jpg.aei")
    assert pairs(plan_compress(["e/1.jpg", "e/1.jpg.aei"], "e")) == [("e/1.jpg", "e/1.jpg.aei")]


def test_stale_originals_and_aei_files_do_not_meet():
    touch("packed/a.jpg", "packed/a.jpg.aei", "packed/b.jpg")
    for plan in (plan_decompress(["packed"], "out", "jpg"), plan_compress(["packed"], "out")):
        assert [bool(task.clash) for task in plan.tasks] == [True, True, False]
        assert f"{Path('packed/a.jpg.aei')} would both be written" in plan.tasks[0].clash
    plan = plan_decompress(["packed"], "out", "png")
    assert [task.clash for task in plan.tasks] == [None] * 3
    for inputs in (["packed/a.jpg", "packed/a.jpg.aei"], ["packed", "packed"]):
        with pytest.raises(UsageError, match="both be written"):
            plan_decompress(inputs, "out", "jpg")


def test_links_are_followed_but_not_in_circles():
    touch("photos/a.jpg", "elsewhere/b.jpg")
    Path("photos/more").symlink_to("../elsewhere", target_is_directory=True)
    Path("photos/more/again").symlink_to("../photos", target_is_directory=True)
    Path("photos/gone.jpg").symlink_to("nowhere.jpg")
    plan = plan_compress(["photos"], "out")
    assert [output for _, output in pairs(plan)] == [
        "out/a.jpg.aei",
        "out/gone.jpg.aei",  # reading it will say what is wrong
        "out/more/b.jpg.aei",
    ]
    assert len(plan.notes) == 1 and "again" in plan.notes[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_in_a_tree_are_left_alone():
    touch("photos/a.jpg")
    os.mkfifo("photos/b.jpg")
    plan = plan_compress(["photos"], "out")
    assert len(plan.tasks) == 1
    assert plan.left_out == [str(Path("photos/b.jpg"))]


def test_hidden_files_are_passed_over_unless_named():
    touch("photos/a.jpg", "photos/.b.jpg", "photos/.c/d.jpg", "photos/.aeimage-12.part")
    assert len(plan_compress(["photos"], "out").tasks) == 1
    assert len(plan_compress(["photos", "photos/.b.jpg"], "out").tasks) == 2
    assert not plan_compress(["photos"], "out").left_out


def test_folders_that_cannot_be_read_are_failures(monkeypatch):
    touch("photos/a.jpg", "photos/secret/b.jpg")
    visible = scan._visible

    def refuse(folder):
        if folder.name == "secret":
            raise PermissionError(13, "Permission denied", str(folder))
        return visible(folder)

    monkeypatch.setattr(scan, "_visible", refuse)
    plan = plan_compress(["photos"], "out")
    assert len(plan.tasks) == 1
    assert [(r.status, r.error) for r in plan.failed] == [("failed", "Permission denied.")]


def test_verify_takes_aei_files_in_folders_and_everything_that_is_named():
    touch("packed/a.jpg.aei", "packed/b.jpg", "x.bin")
    plan = plan_verify(["packed", "x.bin"])
    assert [task.name for task in plan.tasks] == [str(Path("packed/a.jpg.aei")), "x.bin"]
    assert plan.left_out == [str(Path("packed/b.jpg"))]
    Path("empty").mkdir()
    with pytest.raises(UsageError, match="nothing to do"):
        plan_verify(["empty"])
