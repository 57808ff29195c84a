"""The commands of the codec on one file: compress, decompress, verify."""

from __future__ import annotations

import filecmp
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aeimage.apps.coded_files import open_input, read_coded_bytes
from aeimage.apps.file_work import FileWork, same_file
from aeimage.apps.plan import Task, is_coded_path
from aeimage.apps.report import FileResult
from aeimage.codec.header import read_header
from aeimage.errors import UnsupportedPictureError
from aeimage.images import read_picture, write_picture

if TYPE_CHECKING:
    from aeimage.runtime.compressor import Codec, Target
    from aeimage.runtime.restorer import Restorer


@dataclass(kw_only=True)
class CodecWork(FileWork):
    """What these commands do alike.

    Attributes:
        codec_class: `aeimage.runtime.compressor.Codec`, or one that behaves like it.
    """

    codec_class: type[Codec]
    _codecs: dict[bytes | str, Codec] = field(default_factory=dict, init=False, repr=False)

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


@dataclass(kw_only=True)
class CompressWork(CodecWork):
    """Picture files to .aei files.

    Attributes:
        model: name of the codec.
        target: what to reach.
        strip: leave out metadata. Nothing is copied then: an original keeps its metadata.
        effort: see `aeimage.runtime.compressor.Codec.compress`.
        always: make an .aei file even where it is no smaller than the original.
        denoise: restorer that the picture goes through first; None for none.
        restorer_class: `aeimage.runtime.restorer.Restorer`, or one that behaves like it.
    """

    model: str = "photo"
    target: Target | None = None
    strip: bool = False
    effort: int | None = None
    always: bool = False
    denoise: str | None = None
    restorer_class: type[Restorer] | None = None
    _restorer: Restorer | None = field(default=None, init=False, repr=False)

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
        restored = False
        if self.denoise is not None:
            found = self._open_restorer().restore_picture(picture)
            picture, restored = found.image, found.changed
            result.restorer, result.sigma = found.model, found.sigma
        made = self.codec.compress_picture(
            picture, self.target, strip=self.strip, effort=self.effort
        )
        width, height = picture.width, picture.height
        may_copy = task.keep is not None and not (self.always or self.strip or restored)
        if may_copy and 0 < task.size <= len(made.data):
            result.status = "copied"
            self.copy_to(task, task.keep, result)
            # That of an earlier run would be a second, other version.
            if self.force and task.output.is_file() and not same_file(task.output, task.keep):
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
        self.write(task, made.data, result)
        if task.keep is not None and task.keep.is_file():
            self._drop_kept_original(task, result)

    def _open_restorer(self) -> Restorer:
        if self._restorer is None:
            self._restorer = self.restorer_class(self.denoise, self.threads)
        return self._restorer

    def _is_met_by_original(self, size: int, pixels: int) -> bool:
        target = self.target
        if target is None or (target.max_bytes is None and target.bpp is None):
            return True
        limit = target.max_bytes if target.bpp is None else target.bpp * pixels / 8
        return size <= limit

    def _drop_kept_original(self, task: Task, result: FileResult) -> None:
        """Remove what an earlier run kept: it would come back under the same name as this file."""
        if same_file(task.keep, task.output) or same_file(task.keep, task.input):
            return
        is_copy = not task.keep.is_symlink() and not task.keep.samefile(task.input)
        filecmp.clear_cache()  # it goes by size and time
        if self.force and is_copy and filecmp.cmp(task.keep, task.input, shallow=False):
            task.keep.unlink()
        else:
            result.warnings.append(
                f"{task.keep} is still there, perhaps the original that an earlier run kept."
            )


@dataclass(kw_only=True)
class DecompressWork(CodecWork):
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
        self.write_by(
            task,
            lambda target, overwrite: write_picture(
                picture, target, self.format, overwrite=overwrite
            ),
            result,
        )


@dataclass(kw_only=True)
class VerifyWork(CodecWork):
    """.aei files read to the last symbol, and nothing written."""

    def work(self, task: Task, result: FileResult) -> None:
        """Check every byte, decode every symbol."""
        data = self.read_coded(task, result)
        self.codec_for(data).verify(data, max_pixels=self.max_pixels)
        header = read_header(data, max_pixels=None)
        result.quality = header.quality
        result.measure(header.width, header.height, len(data))
