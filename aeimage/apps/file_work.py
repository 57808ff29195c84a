"""The work on one file: read, work, write; whatever goes wrong becomes part of the result.

Objects of these classes hold settings only until they are first called, so that they can be sent
to a worker process; there they keep their models open from file to file. What a command does to a
file stands in `aeimage.apps.codec_work` and `aeimage.apps.picture_work`.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aeimage.apps.coded_files import open_input
from aeimage.apps.plan import STREAM, Task
from aeimage.apps.report import FileResult
from aeimage.errors import OutputExistsError, UsageError
from aeimage.files import atomic_write, set_mtime
from aeimage.images import DEFAULT_MAX_PIXELS

Write = Callable[[Path | BinaryIO, bool], list[str] | None]


@dataclass(kw_only=True)
class FileWork:
    """What all commands do alike.

    Attributes:
        threads: of each model.
        max_pixels: largest picture to accept; None for any.
        force: whether an existing output is replaced.
        skip_existing: whether an existing output counts as done.
    """

    threads: int | None = None
    max_pixels: int | None = DEFAULT_MAX_PIXELS
    force: bool = False
    skip_existing: bool = False

    def __call__(self, task: Task) -> FileResult:
        """Do it. Raises nothing but what must end the program: Ctrl-C, a closed pipe."""
        started = time.perf_counter()
        result = FileResult(task.name)
        if task.input is not None:
            result.bytes_in = task.size
        try:
            if task.clash:
                raise UsageError(task.clash)
            if not self._is_done(task, result):
                if task.copy:
                    self.copy(task, result)
                else:
                    self.work(task, result)
        except BrokenPipeError:
            raise
        except Exception as error:
            result.fail(error)
        result.seconds = round(time.perf_counter() - started, 4)
        return result

    def work(self, task: Task, result: FileResult) -> None:
        """The command's own part."""
        raise NotImplementedError

    def copy(self, task: Task, result: FileResult) -> None:
        """Take over a file that this command has nothing to do to."""
        result.status = "copied"
        self.copy_to(task, task.output, result)

    def write(self, task: Task, data: bytes, result: FileResult) -> None:
        """Write the output, or to standard output, and note what was written."""
        if task.output is None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            result.output, result.bytes_out = STREAM, len(data)
            return
        self.write_by(
            task, lambda target, overwrite: atomic_write(target, data, overwrite=overwrite), result
        )

    def write_by(self, task: Task, write: Write, result: FileResult) -> None:
        """Write the output, or to standard output, by a function of `aeimage.images`.

        Args:
            task: whose output it is.
            write: takes a path or a binary stream, and whether a file may be replaced; returns
                sentences for the user, or None.
            result: takes the note of what was written, and the sentences.
        """
        if task.output is None:
            result.warnings += write(sys.stdout.buffer, True) or []
            sys.stdout.buffer.flush()
            result.output = STREAM
            return
        task.output.parent.mkdir(parents=True, exist_ok=True)
        result.warnings += write(task.output, self.force) or []
        _finish(task, task.output, result)

    def copy_to(self, task: Task, target: Path, result: FileResult) -> None:
        """Copy the input as it is; where it would be copied to itself, it stays."""
        if not same_file(task.input, target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_input(task.input) as source:
                atomic_write(
                    target,
                    lambda stream: shutil.copyfileobj(source, stream, 2**20),
                    overwrite=self.force,
                )
        _finish(task, target, result)

    def _is_done(self, task: Task, result: FileResult) -> bool:
        """Whether the output exists and may stay.

        Raises:
            OutputExistsError: it exists and may neither stay nor be replaced.
        """
        if self.force:
            return False
        kept = task.keep if task.keep and not same_file(task.keep, task.input) else None
        existing = next((p for p in (task.output, kept) if p and os.path.lexists(p)), None)
        if existing is None or _is_device(existing):
            return False
        if not self.skip_existing:
            raise OutputExistsError.for_path(existing)
        result.status, result.output = "skipped", os.fspath(existing)
        # FAT keeps times to two seconds.
        if task.input is not None and _mtime_ns(existing) + 2 * 10**9 < _mtime_ns(task.input):
            result.warnings.append(
                f"The input is newer than {existing}, which was left as it is (--skip-existing)."
            )
        return True


def same_file(a: Path | None, b: Path | None) -> bool:
    """Whether two paths lead to the same file."""
    return a is not None and b is not None and os.path.realpath(a) == os.path.realpath(b)


def _finish(task: Task, target: Path, result: FileResult) -> None:
    """Note what was written and give it its source's modification time."""
    result.output = os.fspath(target)
    result.bytes_out = target.stat().st_size
    if task.input is not None and target.is_file() and not same_file(task.input, target):
        set_mtime(target, _mtime_ns(task.input))


def _is_device(path: Path) -> bool:
    """Whether it is something like /dev/null, which is written to, not replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _mtime_ns(path: Path) -> int:
    return os.stat(path).st_mtime_ns
