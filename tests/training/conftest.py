"""Children of the test process that train: started fast, killed when they like."""

import multiprocessing
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:  # child processes inherit it
    sys.path.insert(0, HERE)

import small_training  # noqa: E402


@dataclass
class Child:
    """A process that runs a function of `small_training`.

    Attributes:
        process: what runs it.
        log: file with all that it prints.
    """

    process: multiprocessing.Process
    log: Path

    def wait(self, seconds: float = 300.0) -> int:
        """Return the exit code, negative for a signal; kill a process that hangs."""
        self.process.join(seconds)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
            pytest.fail(f"a process did not end in {seconds} s:\n{self.text}")
        return self.process.exitcode

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """Start ``small_training.NAME(**options)`` in a process of its own; returns a `Child`.

    TensorFlow's import takes most of a training this small, so all children are forked from one
    process that has done it and nothing else: no device is opened yet.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tensorflow", "keras", "h5py"])
    folder = tmp_path_factory.mktemp("logs")
    children = []

    def run(name: str, **options) -> Child:
        log = folder / f"{len(children)}_{name}.txt"
        process = context.Process(target=small_training.child, args=(name, str(log), options))
        process.start()
        children.append(process)
        return Child(process, log)

    yield run
    for process in children:
        if process.is_alive():
            process.kill()


@pytest.fixture(scope="session")
def finish(start):
    """Like `start`, and wait: the process must end well."""

    def run(name: str, **options) -> None:
        one = start(name, **options)
        assert one.wait() == 0, one.text

    return run
