"""OCRmyPDF reads cleaned pages with this plugin, and shows them on request.

::

    ocrmypdf --plugin aeimage.ocrmypdf_plugin in.pdf out.pdf
    ocrmypdf --plugin aeimage.ocrmypdf_plugin --aeimage-clean-visible in.pdf out.pdf

The first cleans only what OCR sees and leaves the pages themselves untouched. The second replaces
the visible pages as well. ``--aeimage-model`` says whether they are scans (the default) or
photographs, or has that decided for each page. Clean pages pass unchanged.

Both filters are hooks of which OCRmyPDF takes the first result. They are wrappers here, so that
those of other plugins, and Tesseract's own reduction of huge pages, still do their part first.
"""

from __future__ import annotations

import logging
import os
import threading
from argparse import ArgumentParser
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from aeimage.errors import AEImageError, MissingDependencyError
from aeimage.images import from_pillow, to_pillow
from aeimage.runtime import restorer
from aeimage.runtime.session import available_cores

try:
    from ocrmypdf import hookimpl
    from ocrmypdf.exceptions import BadArgsError
    from ocrmypdf.exceptions import MissingDependencyError as HostLacksDependencyError
except ImportError as error:
    raise MissingDependencyError.for_package("ocrmypdf", "ocr", "This plugin") from error

if TYPE_CHECKING:
    from ocrmypdf import OcrOptions, PageContext
    from ocrmypdf.pdfinfo import PdfInfo

JPEG_QUALITY = 90
"""Of visible pages whose pictures were JPEG before."""

_log = logging.getLogger(__name__)


@hookimpl
def add_options(parser: ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("aeimage", "Cleaning of scanned pages")
    group.add_argument(
        "--aeimage-model",
        choices=["scan", "photo", "auto"],
        default="scan",
        help="what the pages are: scans (default), photographs, or to be decided for each page",
    )
    group.add_argument(
        "--aeimage-clean-visible",
        action="store_true",
        help="replace the visible pages by cleaned ones, too; by default only OCR sees these",
    )


@hookimpl
def check_options(options: OcrOptions) -> None:
    """Refuse what cannot work, before anything is done."""
    if _cleans_visible(options) and options.redo_ocr:
        raise BadArgsError(
            "--aeimage-clean-visible draws pages anew, --redo-ocr leaves them as they are: choose "
            "one. Without --aeimage-clean-visible, what OCR sees is cleaned all the same."
        )
    try:
        restorer.Restorer(_model(options))
    except AEImageError as error:
        raise HostLacksDependencyError(str(error)) from error


@hookimpl
def validate(pdfinfo: PdfInfo, options: OcrOptions) -> None:
    """Have the pages drawn anew where they are to be shown clean.

    OCRmyPDF does so, and calls `filter_page_image`, only where an option of its own asks for it.
    The one that does nothing else to pixels is ``--force-ocr``. It is given here, for those pages
    alone that lose nothing by it: without text, and with a picture.
    """
    chosen = [
        page
        for page in pdfinfo.pages
        if page is not None and (not options.pages or page.pageno in options.pages)
    ]
    workers = min(options.jobs or available_cores(), max(1, len(chosen)))
    options.extra_attrs["aeimage_threads"] = max(1, available_cores() // workers)
    if not _cleans_visible(options) or options.mode not in ("default", "skip"):
        return
    if not options.lossless_reconstruction:
        return  # another option has the pages drawn anew
    if options.mode == "default" and any(page.has_text for page in chosen):
        return  # OCRmyPDF ends here, and says what can be done
    scans = {page.pageno for page in chosen if page.images and not page.has_text}
    if not scans:
        return
    without = [page.pageno + 1 for page in chosen if not (page.images or page.has_text)]
    if without:
        _log.warning(
            "Pages without a picture stay as they are, without OCR: %s. Add --force-ocr to have "
            "them drawn anew, or leave out --aeimage-clean-visible.",
            ", ".join(map(str, without)),
        )
    if len(scans) < len(pdfinfo.pages):
        options.pages = scans
        # OCRmyPDF (17.13) fails to send a choice of pages to other processes.
        options.use_threads = True
    options.mode = "force"


@hookimpl(wrapper=True)
def filter_ocr_image(
    page: PageContext, image: Image.Image
) -> Generator[None, Image.Image | None, Image.Image]:
    """Clean what OCR sees; size and resolution stay."""
    image = (yield) or image
    cleaned = _cleaned(image, page)
    _LOCAL.seen = _Seen(_identity(page), image.size, cleaned) if _shows_the_same(page) else None
    return cleaned or image


@hookimpl(wrapper=True)
def filter_page_image(
    page: PageContext, image_filename: Path
) -> Generator[None, Path | None, Path]:
    """Clean the visible page where that was asked for; returns the path of the picture to show."""
    path = Path((yield) or image_filename)
    if not _cleans_visible(page.options):
        return path
    with Image.open(path) as image:
        is_jpeg, dpi = image.format == "JPEG", image.info.get("dpi")
        seen, _LOCAL.seen = _LOCAL.seen, None
        if seen is not None and (seen.page, seen.size) == (_identity(page), image.size):
            cleaned = seen.cleaned
        else:
            cleaned = _cleaned(image, page)
    if cleaned is None:
        return path
    target = path.with_name(f"{path.stem}_aeimage.{'jpg' if is_jpeg else 'png'}")
    options = {"quality": JPEG_QUALITY} if is_jpeg else {}
    if dpi is not None:
        options["dpi"] = tuple(map(round, dpi))  # JPEG holds whole numbers
    cleaned.save(target, **options)
    return target


@dataclass(frozen=True)
class _Seen:
    """What was cleaned for OCR and is to be shown, too: it need not be cleaned twice."""

    page: str
    size: tuple[int, int]
    cleaned: Image.Image | None  # None: it was clean


class _Local(threading.local):
    """What each thread keeps. An open network serves one caller at a time, and no other process."""

    def __init__(self) -> None:
        self.seen: _Seen | None = None
        self.restorers: dict[tuple, restorer.Restorer] = {}


_LOCAL = _Local()


def _cleaned(image: Image.Image, page: PageContext) -> Image.Image | None:
    """The cleaned picture, mode L or RGB; None if there is nothing to clean."""
    model = _model(page.options)
    key = (os.getpid(), model)
    if key not in _LOCAL.restorers:
        threads = getattr(page.options, "aeimage_threads", 1)
        _LOCAL.restorers[key] = restorer.Restorer(model, threads)
    result = _LOCAL.restorers[key].restore_picture(from_pillow(image))
    if not result.changed:
        _log.debug("page %d is clean", page.pageno + 1)
        return None
    cleaned = to_pillow(result.image, like_source=True)
    if "dpi" in image.info:
        cleaned.info["dpi"] = image.info["dpi"]
    return cleaned


def _shows_the_same(page: PageContext) -> bool:
    """Whether the page that is shown is made of the very picture that OCR sees."""
    options = page.options
    masked = page.pageinfo.has_text and not options.force_ocr
    return (
        _cleans_visible(options)
        and not options.lossless_reconstruction
        and options.clean == options.clean_final
        and not (options.remove_vectors or masked)
    )


def _identity(page: PageContext) -> str:
    return os.fspath(page.get_path("aeimage"))


def _model(options: OcrOptions) -> str:
    return getattr(options, "aeimage_model", restorer.DEFAULT_MODEL)


def _cleans_visible(options: OcrOptions) -> bool:
    return getattr(options, "aeimage_clean_visible", False)
