"""Files are written whole or not at all."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aeimage.errors import OutputExistsError
from aeimage.files import atomic_write, set_mtime

ROOT = Path(__file__).parents[1]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_bytes_and_writers(tmp_path):
    path = tmp_path / "a.bin"
    atomic_write(path, b"one")
    assert path.read_bytes() == b"one"

    def write(stream):
        stream.write(b"tXo")
        stream.seek(1)
        stream.write(b"w")
        stream.seek(0)
        assert stream.read() == b"two"
        assert path.read_bytes() == b"one"  # readers still see the old file
        assert len(names(tmp_path)) == 2

    atomic_write(str(path), write)
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError(28, "disk full")])
def test_failures_leave_nothing_behind(tmp_path, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write(stream):
        stream.write(b"half of it")
        raise error

    with pytest.raises(error if isinstance(error, type) else OSError):
        atomic_write(path, write)
    assert path.read_bytes() == b"old"
    with pytest.raises(error if isinstance(error, type) else OSError):
        atomic_write(tmp_path / "b.bin", write, overwrite=False)
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("hard_links", [True, False])
def test_nothing_is_overwritten_unless_asked_for(tmp_path, monkeypatch, hard_links):
    if not hard_links:

        def refuse(*_):
            raise OSError(1, "no hard links here")

        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "a.bin"
    atomic_write(path, b"one", overwrite=False)
    assert path.read_bytes() == b"one"

    def never(stream):
        raise AssertionError("the work was in vain")

    with pytest.raises(OutputExistsError, match=r"a\.bin exists already.*--force"):
        atomic_write(path, never, overwrite=False)

    def race(stream):
        (tmp_path / "b.bin").write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        atomic_write(tmp_path / "b.bin", race, overwrite=False)
    assert (tmp_path / "b.bin").read_bytes() == b"theirs"
    assert names(tmp_path) == ["a.bin", "b.bin"]


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_permissions(tmp_path):
    code = "import os; os.umask(0o027); from aeimage.files import atomic_write as w; w('a', b'')"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    path = tmp_path / "a"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    atomic_write(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.skipif(os.name != "posix", reason="symbolic links and devices")
def test_what_is_no_regular_file(tmp_path):
    (tmp_path / "folder").mkdir()
    real, link = tmp_path / "folder" / "real", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to(real)
    atomic_write(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert names(tmp_path) == ["folder", "link"]
    atomic_write("/dev/null", b"gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(IsADirectoryError):
        atomic_write(tmp_path / "folder", b"")
    with pytest.raises(FileNotFoundError):
        atomic_write(tmp_path / "nowhere" / "a", b"")


def test_the_longest_name(tmp_path):
    path = tmp_path / ("n" * 255)
    atomic_write(path, b"x")
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("mtime", [0, 1_700_000_000_123_456_789, 1_763_683_200_999_999_999, -1])
def test_modification_time(tmp_path, mtime):
    path = tmp_path / "a"
    path.write_bytes(b"")
    before = path.stat()
    set_mtime(path, mtime)
    assert path.stat().st_mtime_ns == mtime
    assert path.stat().st_atime_ns == before.st_atime_ns
    set_mtime(path, time.time_ns())


def test_nothing_heavy_is_imported():
    code = "import sys, aeimage.files, aeimage.images; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"tensorflow", "keras", "scipy", "matplotlib"} & set(result.stdout.split())
