"""The classical filters that ours is compared with before OCR, each with fixed parameters.

What a careful person would use, with parameters fixed before the benchmark was run, by trials of
mild damage on pages of books that are not in it. A filter takes and gives a grey page, uint8 of
shape `(height, width)`, 255 for white paper.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

try:
    import cv2
except ImportError as error:
    raise ImportError(
        f"{error}: the classical filters need OpenCV: pip install opencv-python-headless"
    ) from error

Page = NDArray[np.uint8]

BLUR_SIGMA = 1.5
MEDIAN_SIDE = 3
# 25 leaves dirt and dead pixels, 40 takes faint text with the noise.
NLM_STRENGTH = 30
SAUVOLA_WINDOW = 51
SAUVOLA_K = 0.2


@dataclass(frozen=True)
class Filter:
    """A filter, the name it has in tables, and what its cached results are known by."""

    label: str
    version: str
    apply: Callable[[Page], Page]


def gaussian_blur(page: Page) -> Page:
    """Gaussian blur of 1.5 pixels."""
    return cv2.GaussianBlur(page, (0, 0), BLUR_SIGMA)


def median(page: Page) -> Page:
    """The median of 3x3 pixels."""
    return cv2.medianBlur(page, MEDIAN_SIDE)


def non_local_means(page: Page) -> Page:
    """Buades, Coll, Morel: "A non-local algorithm for image denoising", 2005; OpenCV's."""
    return cv2.fastNlMeansDenoising(page, None, NLM_STRENGTH, 7, 21)


def otsu(page: Page) -> Page:
    """One threshold for the page: Otsu 1979."""
    return cv2.threshold(page, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[1]


def sauvola(page: Page) -> Page:
    """A threshold of its own for every pixel, from the mean and deviation around it.

    Sauvola, Pietikäinen: "Adaptive document image binarization", 2000:
    `mean * (1 + k * (deviation / 128 - 1))`.
    """
    window = (SAUVOLA_WINDOW, SAUVOLA_WINDOW)
    values = page.astype(np.float64)
    mean = cv2.blur(values, window)
    variance = cv2.blur(values * values, window) - mean * mean
    threshold = mean * (1 + SAUVOLA_K * (np.sqrt(np.maximum(variance, 0)) / 128 - 1))
    return np.where(values > threshold, 255, 0).astype(np.uint8)


def blur_then_sauvola(page: Page) -> Page:
    """Noise first, light second."""
    return sauvola(gaussian_blur(page))


# What OCRmyPDF calls it with (`--clean`).
_UNPAPER = ("--layout", "none", "--mask-scan-size", "100", "--no-border-align", "--no-mask-center")
_UNPAPER += ("--no-grayfilter", "--no-blackfilter", "--no-deskew")


def unpaper(page: Page) -> Page:
    """The program `unpaper`, as OCRmyPDF calls it; the page as it was if unpaper fails."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.pgm", Path(folder) / "after.pgm"
        Image.fromarray(page).save(before)
        command = ["unpaper", "--quiet", *_UNPAPER, str(before), str(after)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=120)
            with Image.open(after) as cleaned:
                return np.array(cleaned.convert("L"))
        except (subprocess.SubprocessError, OSError):
            return page


FILTERS: dict[str, Filter] = {
    "raw": Filter("raw", "1", lambda page: page),
    "blur": Filter("Gaussian blur", f"sigma {BLUR_SIGMA:g}", gaussian_blur),
    "median": Filter("median", f"{MEDIAN_SIDE}x{MEDIAN_SIDE}", median),
    "nlm": Filter("non-local means", f"h {NLM_STRENGTH:g}", non_local_means),
    "otsu": Filter("Otsu", "1", otsu),
    "sauvola": Filter("Sauvola", f"window {SAUVOLA_WINDOW}, k {SAUVOLA_K:g}", sauvola),
    "blur-sauvola": Filter(
        "blur, Sauvola",
        f"sigma {BLUR_SIGMA:g}, window {SAUVOLA_WINDOW}, k {SAUVOLA_K:g}",
        blur_then_sauvola,
    ),
    "unpaper": Filter("unpaper", "as OCRmyPDF calls it", unpaper),
}


def missing(name: str) -> str | None:
    """Why a filter cannot run here, or None."""
    if name == "unpaper" and shutil.which("unpaper") is None:
        return "unpaper is not installed: apt-get install unpaper"
    return None
