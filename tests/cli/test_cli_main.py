"""Starting, stopping and failing: what all commands share."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import aeimage
from aeimage.cli import main as main_module
from aeimage.cli.main import main

FAKES = Path(__file__).parents[1] / "fakes"
# The aeimage that is tested here, installed or not.
PACKAGE = Path(aeimage.__file__).parents[1]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{PACKAGE}{os.pathsep}{FAKES}"}


def start(*arguments, fake=True, **options):
    """Start aeimage in a process of its own."""
    code = "import sys; from aeimage.cli.main import main; sys.exit(main(sys.argv[1:]))"
    if fake:
        code = "import sys, fake_codec; sys.exit(fake_codec.run_command_line(sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def test_help_and_version(shell):
    result = shell("aeimage --help")
    assert (result.code, result.errors) == (0, "")
    assert shell("aeimage --version").text == f"aeimage {aeimage.__version__}\n"
    assert shell("aeimage").code == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("aeimage comprss x", "did you mean 'compress'?"),
        ("aeimage xyzzy", "there are compress, decompress"),
        ("aeimage --nonsense", "unrecognized arguments: --nonsense"),
        ("aeimage compress", "required: IN"),
        ("aeimage compress x --qual 5", "unrecognized arguments: --qual"),
        ("aeimage compress x -q 5 --bpp 1", "not allowed with"),
        ("aeimage compress x --max-bytes 1.5X", "a size such as 200k"),
        ("aeimage compress x --max-pixels few", "or none, received 'few'"),
        ("aeimage compress x --jobs 0", "a whole number from 1, received '0'"),
        ("aeimage compress x -q 101", "from 0 to 100. Received: quality=101.0"),
        ("aeimage compress x --force --skip-existing", "not allowed with"),
        ("aeimage compress - --json", "cannot both go to stdout"),
        ("aeimage compress photos", "give it with -o FOLDER"),
        ("aeimage decompress x --format bmp", "invalid choice: 'bmp'"),
        ("aeimage models show", "`aeimage models show NAME`"),
    ],
)
def test_usage_errors(shell, workplace, line, message):
    result = shell(line)
    assert result.code == 2
    assert result.output == b""
    assert result.errors.startswith("aeimage: error: ")
    assert message in result.errors
    assert len(result.errors.splitlines()) == 1


def test_unexpected_errors(shell, workplace, monkeypatch):
    def broken(*args, **kwargs):
        raise KeyError("oops")

    monkeypatch.setattr("aeimage.apps.inspecting.inspect_file", broken)
    monkeypatch.delenv("AEIMAGE_DEBUG", raising=False)
    result = shell("aeimage info photo.jpg.aei")
    assert result.code == 1
    assert "Unexpected KeyError: 'oops'" in result.errors and "AEIMAGE_DEBUG=1" in result.errors
    monkeypatch.setenv("AEIMAGE_DEBUG", "1")
    with pytest.raises(KeyError):
        main(["info", "photo.jpg.aei"])


def test_tracebacks_of_files_on_demand(shell, workplace, monkeypatch):
    Path("bad.aei").write_bytes(b"bad")
    assert "Traceback" not in shell("aeimage verify bad.aei").errors
    monkeypatch.setenv("AEIMAGE_DEBUG", "1")
    assert "Traceback" in shell("aeimage verify bad.aei").errors


def test_file_names_cannot_control_the_terminal(shell, workplace):
    Path("red\x1b[31m.aei").write_bytes(b"bad")
    for line in ("aeimage verify .", "aeimage info red\x1b[31m.aei"):
        errors = shell(line).errors
        assert "\x1b" not in errors and "red\\x1b[31m.aei" in errors


def test_interruption(shell, monkeypatch):
    def interrupted(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr(main_module, "_run", interrupted)
    result = shell("aeimage info x")
    assert result.code == 130
    assert result.errors.startswith("aeimage: error: Interrupted")


def test_starting_is_light():
    """What takes time, or need not be installed, is imported only where it is used."""
    code = (
        "import sys; from aeimage.cli.main import main\n"
        "assert main(['--help']) == 0 and main(['compress', '--help']) == 0\n"
        "heavy = {'numpy', 'PIL', 'tqdm', 'multiprocessing', 'ai_edge_litert', 'tensorflow'}\n"
        "print('heavy:', heavy & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert result.stdout.endswith("heavy: set()\n")


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("jobs", "number", "code"),
    [(1, signal.SIGINT, 130), (2, signal.SIGINT, 130), (2, signal.SIGTERM, 143)],
)
def test_stopping_leaves_no_partial_files(tmp_path, jobs, number, code):
    from PIL import Image

    photos, packed = tmp_path / "photos", tmp_path / "packed"
    photos.mkdir()
    Image.effect_noise((40, 30), 99).save(photos / "a.png")
    for name in "bc":
        Image.effect_noise((17, 30), 99).save(photos / f"{name}.png")  # 30 s with the fake codec
    # A group of its own, as a shell makes it: Ctrl-C reaches every process of the command.
    process = start("compress", photos, "-o", packed, "--jobs", jobs, start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while not (packed / "a.png.aei").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(process.pid, number)
        # Only when every process that holds the pipes has ended does this return.
        _, errors = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == code, errors
    assert [path.name for path in packed.iterdir()] == ["a.png.aei"]
    assert b"Traceback" not in errors


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_closed_pipe_is_no_error():
    process = start("models", "--json", fake=False)
    process.stdout.close()
    errors = process.stderr.read()
    assert (process.wait(10), errors) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_stdout(workplace):
    with open("/dev/full", "wb") as full:
        process = subprocess.run(
            [sys.executable, "-m", "aeimage.cli.main", "info", "photo.jpg.aei"],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert process.returncode == 1
    assert process.stderr.startswith("aeimage: error: No space left on device. Make room")
    assert len(process.stderr.splitlines()) == 1


def test_models(shell, workplace):
    result = shell("aeimage models")
    assert result.text.splitlines()[1].split()[:4] == ["photo", "codec", "fa4e" * 4, "18.1"]
    assert "A fake." in shell("aeimage models show photo").text
    assert json.loads(shell("aeimage models show photo --json").text)["id"] == "fa4e" * 4
    assert json.loads(shell("aeimage models --json").text)[0]["card"].endswith("README.md")
    result = shell("aeimage models show nothing")
    assert result.code == 1
    assert "'nothing' is not installed. Installed: photo" in result.errors
