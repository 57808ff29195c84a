"""The work on one file: read, code, write; whatever goes wrong becomes part of the result.

Objects of these classes hold settings only until they are first called, so that they can be sent
to a worker process; there they keep their codecs open from file to file.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aeimage.apps.coded_files import open_input, read_coded_bytes
from aeimage.apps.plan import STREAM, Task, is_coded_path
from aeimage.apps.report import FileResult
from aeimage.codec.header import read_header
from aeimage.errors import (
    OutputExistsError,
    UnsupportedPictureError,
    UsageError,
)
from aeimage.files import atomic_write, set_mtime
from aeimage.images import DEFAULT_MAX_PIXELS, read_picture, write_picture

if TYPE_CHECKING:
    from aeimage.runtime.compressor import Codec, Target


@dataclass
class FileWork:
    """What all commands do alike.

    Attributes:
        codec_class: `aeimage.runtime.compressor.Codec`, or one that behaves like it.
        threads: of each codec.
        max_pixels: largest picture to accept; None for any.
        force: whether an existing output is replaced.
        skip_existing: whether an existing output counts as done.
    """

    codec_class: type[Codec]
    threads: int | None = None
    max_pixels: int | None = DEFAULT_MAX_PIXELS
    force: bool = False
    skip_existing: bool = False
    _codecs: dict[bytes | str, Codec] = field(default_factory=dict, init=False, repr=False)

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
        _copy(task, task.output, result, overwrite=self.force)

    def codec_for(self, data: bytes) -> Codec:
        """The open codec that made `data`."""
        model_id = read_header(data, max_pixels=None).model_id
        if model_id not in self._codecs:
            self._codecs[model_id] = self.codec_class.for_file(data, self.threads)
        return self._codecs[model_id]

    def read_coded(self, task: Task, result: FileResult) -> bytes:
        """The bytes of an .aei file; not many more than its header says, whatever it is."""
        with open_input(task.input) as stream:
            data = read_coded_bytes(stream, self.max_pixels)
        result.bytes_in = len(data)
        return data

    def _is_done(self, task: Task, result: FileResult) -> bool:
        """Whether the output exists and may stay.

        Raises:
            OutputExistsError: it exists and may neither stay nor be replaced.
        """
        if self.force:
            return False
        kept = task.keep if task.keep and not _same(task.keep, task.input) else None
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


@dataclass
class CompressWork(FileWork):
    """Picture files to .aei files.

    Attributes:
        model: name of the codec.
        target: what to reach.
        strip: leave out metadata. Nothing is copied then: an original keeps its metadata.
        effort: see `aeimage.runtime.compressor.Codec.compress`.
        always: make an .aei file even where it is no smaller than the original.
    """

    model: str = "photo"
    target: Target | None = None
    strip: bool = False
    effort: int | None = None
    always: bool = False

    @property
    def codec(self) -> Codec:
        """The open codec."""
        if self.model not in self._codecs:
            self._codecs[self.model] = self.codec_class(self.model, self.threads)
        return self._codecs[self.model]

    def copy(self, task: Task, result: FileResult) -> None:
        """Take over an .aei file."""
        super().copy(task, result)
        if self.strip:
            result.warnings.append("It is an .aei file already and was copied with its metadata.")

    def work(self, task: Task, result: FileResult) -> None:
        """Read, compress, and write the smaller one of original and result."""
        if task.input is not None and is_coded_path(task.input):
            raise UnsupportedPictureError("It is an .aei file already.")
        if task.input is None:
            data = sys.stdin.buffer.read()
            result.bytes_in = len(data)
            picture = read_picture(data, max_pixels=self.max_pixels)
        else:
            picture = read_picture(task.input, max_pixels=self.max_pixels)
        result.warnings += picture.warnings
        made = self.codec.compress_picture(
            picture, self.target, strip=self.strip, effort=self.effort
        )
        width, height = picture.width, picture.height
        may_copy = task.keep is not None and not self.always and not self.strip
        if may_copy and 0 < task.size <= len(made.data):
            result.status = "copied"
            _copy(task, task.keep, result, overwrite=self.force)
            # That of an earlier run would be a second, other version.
            if self.force and task.output.is_file() and not _same(task.output, task.keep):
                task.output.unlink()
            result.warnings.clear()  # they are about what the .aei file would have lost
            result.met = made.met or self._is_met_by_original(task.size, width * height)
            if not result.met:
                result.warnings.append(
                    "The original is smaller than any .aei file and was kept, "
                    "but it misses the target."
                )
            result.measure(width, height, task.size)
            return
        if not made.met:
            result.warnings.append(
                f"No quality reaches the target: {made.quality:g} comes nearest "
                f"({len(made.data)} bytes)."
            )
        result.quality, result.psnr, result.met = made.quality, made.psnr, made.met
        result.measure(width, height, len(made.data))
        _write(task, made.data, result, overwrite=self.force)
        if task.keep is not None and task.keep.is_file():
            self._drop_kept_original(task, result)

    def _is_met_by_original(self, size: int, pixels: int) -> bool:
        target = self.target
        if target is None or (target.max_bytes is None and target.bpp is None):
            return True
        limit = target.max_bytes if target.bpp is None else target.bpp * pixels / 8
        return size <= limit

    def _drop_kept_original(self, task: Task, result: FileResult) -> None:
        """Remove what an earlier run kept: it would come back under the same name as this file."""
        if _same(task.keep, task.output) or _same(task.keep, task.input):
            return
        is_copy = not task.keep.is_symlink() and not task.keep.samefile(task.input)
        filecmp.clear_cache()  # it goes by size and time
        if self.force and is_copy and filecmp.cmp(task.keep, task.input, shallow=False):
            task.keep.unlink()
        else:
            result.warnings.append(
                f"{task.keep} is still there, perhaps the original that an earlier run kept."
            )


@dataclass
class DecompressWork(FileWork):
    """.aei files to pictures.

    Attributes:
        format: one of `aeimage.images.OUTPUT_FORMATS`.
    """

    format: str = "png"

    def work(self, task: Task, result: FileResult) -> None:
        """Read, decompress, write."""
        data = self.read_coded(task, result)
        picture = self.codec_for(data).decompress_picture(data, max_pixels=self.max_pixels)
        result.quality = read_header(data, max_pixels=None).quality
        result.measure(picture.width, picture.height, len(data))
        if task.output is None:
            result.warnings += write_picture(picture, sys.stdout.buffer, self.format)
            sys.stdout.buffer.flush()
            result.output = STREAM
            return
        task.output.parent.mkdir(parents=True, exist_ok=True)
        result.warnings += write_picture(picture, task.output, self.format, overwrite=self.force)
        _finish(task, task.output, result)


@dataclass
class VerifyWork(FileWork):
    """.aei files read to the last symbol, and nothing written."""

    def work(self, task: Task, result: FileResult) -> None:
        """Check every byte, decode every symbol."""
        data = self.read_coded(task, result)
        self.codec_for(data).verify(data, max_pixels=self.max_pixels)
        header = read_header(data, max_pixels=None)
        result.quality = header.quality
        result.measure(header.width, header.height, len(data))


def _write(task: Task, data: bytes, result: FileResult, *, overwrite: bool) -> None:
    if task.output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        result.output, result.bytes_out = STREAM, len(data)
        return
    task.output.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(task.output, data, overwrite=overwrite)
    _finish(task, task.output, result)


def _copy(task: Task, target: Path, result: FileResult, *, overwrite: bool) -> None:
    """Copy the input as it is; where it would be copied to itself, it stays."""
    if not _same(task.input, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_input(task.input) as source:
            atomic_write(
                target,
                lambda stream: shutil.copyfileobj(source, stream, 2**20),
                overwrite=overwrite,
            )
    _finish(task, target, result)


def _finish(task: Task, target: Path, result: FileResult) -> None:
    """Note what was written and give it its source's modification time."""
    result.output = os.fspath(target)
    result.bytes_out = target.stat().st_size
    if task.input is not None and target.is_file() and not _same(task.input, target):
        set_mtime(target, _mtime_ns(task.input))


def _same(a: Path | None, b: Path | None) -> bool:
    return a is not None and b is not None and os.path.realpath(a) == os.path.realpath(b)


def _is_device(path: Path) -> bool:
    """Whether it is something like /dev/null, which is written to, not replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _mtime_ns(path: Path) -> int:
    return os.stat(path).st_mtime_ns
