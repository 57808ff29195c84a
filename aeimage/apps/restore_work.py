"""The work of ``aeimage denoise`` on one file: pictures, and TIFF files of several pages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aeimage.apps.comparing import beside
from aeimage.apps.file_work import FileWork
from aeimage.apps.plan import Task, format_of
from aeimage.apps.report import FileResult
from aeimage.errors import PictureFormatError, UnsupportedPictureError
from aeimage.images import (
    Picture,
    count_pages,
    picture_format,
    read_picture,
    write_pages,
    write_picture,
)

if TYPE_CHECKING:
    from aeimage.runtime.restorer import Restorer

_PDF = b"%PDF-"


@dataclass(kw_only=True)
class RestoreWork(FileWork):
    """Picture files to restored ones.

    What is clean is not written anew: where the format may stay, the file is copied as it is.

    Attributes:
        restorer_class: `aeimage.runtime.restorer.Restorer`, or one that behaves like it.
        model: name of the restorer.
        sigma: noise level of photographs; None to estimate it.
        format: one of `aeimage.images.OUTPUT_FORMATS`; None for what the output's name says, or
            the input's own.
        compare: whether a picture of before and after is written beside the output.
    """

    restorer_class: type[Restorer]
    model: str = "scan"
    sigma: float | None = None
    format: str | None = None
    compare: bool = False
    _restorer: Restorer | None = field(default=None, init=False, repr=False)

    def work(self, task: Task, result: FileResult) -> None:
        """Read, restore and write every page."""
        source: Path | bytes = sys.stdin.buffer.read() if task.input is None else task.input
        if isinstance(source, bytes):
            result.bytes_in = len(source)
        _refuse_pdf(source)
        own = picture_format(source)
        named = None if task.output is None else format_of(task.output)
        format = self.format or named or own or "png"
        result.pages, result.clean_pages = count_pages(source), 0
        if result.pages > 1 and format != "tif":
            raise PictureFormatError(
                f"It has {result.pages} pages, and {format} files hold one. Choose tif."
            )
        pages = self._pages(source, task, result, may_copy=format == own)
        try:
            if result.pages > 1:
                self.write_by(
                    task,
                    lambda target, overwrite: write_pages(
                        pages, target, like_source=True, overwrite=overwrite
                    ),
                    result,
                )
                return
            (page,) = pages
            self.write_by(
                task,
                lambda target, overwrite: write_picture(
                    page, target, format, like_source=True, overwrite=overwrite
                ),
                result,
            )
        except _NothingToDo:
            result.status = "copied"
            result.warnings.clear()  # they are about what a new file would have lost
            if isinstance(source, bytes):
                self.write(task, source, result)
            elif task.output is None:
                self.write(task, source.read_bytes(), result)
            else:
                self.copy_to(task, task.output, result)

    def _pages(
        self, source: Path | bytes, task: Task, result: FileResult, *, may_copy: bool
    ) -> Iterator[Picture]:
        """Restore page after page.

        Raises:
            _NothingToDo: after the last one, if all were clean and the file may be copied.
        """
        models: dict[str, None] = {}
        compared = False
        for number in range(result.pages):
            picture = read_picture(source, max_pixels=self.max_pixels, page=number)
            found = self._open_restorer().restore_picture(picture, self.sigma)
            models[found.model] = None
            result.warnings += [w for w in picture.warnings if w not in result.warnings]
            if number == 0:
                result.width, result.height = picture.width, picture.height
            if result.pages == 1:
                result.sigma = found.sigma
            if not found.changed:
                result.clean_pages += 1
            elif self.compare and not compared:
                compared = True
                self._write_comparison(task, picture, found.image, result)
            yield found.image
        result.restorer = ", ".join(models)
        if may_copy and result.clean_pages == result.pages:
            raise _NothingToDo

    def _open_restorer(self) -> Restorer:
        if self._restorer is None:
            self._restorer = self.restorer_class(self.model, self.threads)
        return self._restorer

    def _write_comparison(
        self, task: Task, before: Picture, after: Picture, result: FileResult
    ) -> None:
        target = comparison_path(task.output)
        target.parent.mkdir(parents=True, exist_ok=True)
        result.warnings += write_picture(
            beside(before, after), target, like_source=True, overwrite=self.force
        )


class _NothingToDo(Exception):
    """All pages are clean: the file can be copied as it is."""


def comparison_path(output: Path) -> Path:
    """Where the picture of before and after goes."""
    return output.with_name(output.name + ".compare.png")


def _refuse_pdf(source: Path | bytes) -> None:
    if isinstance(source, bytes):
        start = source[: len(_PDF)]
    else:
        try:
            with open(source, "rb") as stream:
                start = stream.read(len(_PDF))
        except OSError:
            return  # whoever reads it says why
    if start == _PDF:
        raise UnsupportedPictureError(
            "PDF files are not restored by this command. Use OCRmyPDF with aeimage's plugin: "
            "ocrmypdf --plugin aeimage.ocrmypdf_plugin --aeimage-clean-visible IN.pdf OUT.pdf "
            '(pip install "aeimage[ocr]").'
        )
