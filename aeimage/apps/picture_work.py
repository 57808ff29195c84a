"""The work of commands that turn pictures into pictures, TIFF files of several pages too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

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

_PDF = b"%PDF-"


@dataclass(kw_only=True)
class PictureWork(FileWork):
    """Picture files to changed ones.

    What need not be changed is not written anew: where the format may stay, the file is copied as
    it is.

    Attributes:
        format: one of `aeimage.images.OUTPUT_FORMATS`; None for what the output's name says, or
            the input's own.
        compare: whether a picture of before and after is written beside the output.
    """

    format: str | None = None
    compare: bool = False

    about_pdf = "PDF files are not worked on by this command. Take pictures out of them first."

    def change(self, picture: Picture, task: Task, result: FileResult) -> Picture | None:
        """Return a page changed, None where there is nothing to do; note things in `result`."""
        raise NotImplementedError

    def work(self, task: Task, result: FileResult) -> None:
        """Read, change and write every page."""
        source: Path | bytes = sys.stdin.buffer.read() if task.input is None else task.input
        if isinstance(source, bytes):
            result.bytes_in = len(source)
        _refuse_pdf(source, self.about_pdf)
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
        """Change page after page.

        Raises:
            _NothingToDo: after the last one, if all may stay and the file may be copied.
        """
        compared = False
        for number in range(result.pages):
            picture = read_picture(source, max_pixels=self.max_pixels, page=number)
            changed = self.change(picture, task, result)
            result.warnings += [w for w in picture.warnings if w not in result.warnings]
            if number == 0:
                result.width, result.height = picture.width, picture.height
            if changed is None:
                result.clean_pages += 1
            elif self.compare and not compared:
                compared = True
                self._write_comparison(task, picture, changed, result)
            yield picture if changed is None else changed
        if may_copy and result.clean_pages == result.pages:
            raise _NothingToDo

    def _write_comparison(
        self, task: Task, before: Picture, after: Picture, result: FileResult
    ) -> None:
        target = comparison_path(task.output)
        target.parent.mkdir(parents=True, exist_ok=True)
        both = replace(beside(before, after), source_mode=after.source_mode)
        result.warnings += write_picture(both, target, like_source=True, overwrite=self.force)


class _NothingToDo(Exception):
    """All pages may stay: the file can be copied as it is."""


def comparison_path(output: Path) -> Path:
    """Where the picture of before and after goes."""
    return output.with_name(output.name + ".compare.png")


def _refuse_pdf(source: Path | bytes, message: str) -> None:
    if isinstance(source, bytes):
        start = source[: len(_PDF)]
    else:
        try:
            with open(source, "rb") as stream:
                start = stream.read(len(_PDF))
        except OSError:
            return  # whoever reads it says why
    if start == _PDF:
        raise UnsupportedPictureError(message)
