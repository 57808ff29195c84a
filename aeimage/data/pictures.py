"""Folders of pictures: which files there are, and a fixed split of them."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aeimage.errors import AEImageError, UsageError
from aeimage.images import is_picture_path, read_picture


@dataclass(frozen=True)
class Example:
    """A picture in memory, which may stand where otherwise the path of one stands.

    Attributes:
        parts: its name, as `Path.parts`.
        pixels: uint8 (height, width, 3).
    """

    parts: tuple[str, ...]
    pixels: np.ndarray = field(compare=False, repr=False)

    def __str__(self) -> str:
        return "/".join(self.parts)


def by_name(picture: Path | Example) -> tuple[str, ...]:
    """Return the key that puts files and examples in order."""
    return picture.parts


def picture_paths(folders: Iterable[Path]) -> list[Path]:
    """Return all picture files below some folders, sorted; a file may also be given itself.

    Raises:
        UsageError: a folder does not exist, or there is no picture in any.
    """
    found: list[Path] = []
    folders = [Path(folder) for folder in folders]
    for folder in folders:
        if folder.is_file():
            found.append(folder)
        elif folder.is_dir():
            found += [p for p in folder.rglob("*") if p.is_file() and is_picture_path(p)]
        else:
            raise UsageError(
                f"{folder}: no such folder. Give a folder of pictures to train on, or tfds:NAME "
                "for a data set of TensorFlow Datasets."
            )
    if not found:
        names = ", ".join(map(str, folders))
        raise UsageError(
            f"{names}: no pictures. Expected JPEG, PNG, WebP, TIFF, BMP or GIF files, in the "
            "folder or below it."
        )
    return sorted(found)


def split(
    paths: list[Path | Example], *, share: float = 0.05, most: int = 24, seed: int = 0
) -> tuple[list[Path | Example], list[Path | Example]]:
    """Split pictures into training and validation, the same for the same files and seed.

    Args:
        paths: at least one file or example; a single one serves both.
        share: held out for validation, at least one file.
        most: held out at most.
        seed: of the draw.
    """
    shuffled = sorted(paths, key=by_name)
    random.Random(seed).shuffle(shuffled)
    count = min(most, max(1, round(share * len(shuffled))))
    return (shuffled[count:] or shuffled), shuffled[:count]


def decode_all(paths: Iterable[Path | Example], report=None) -> list[np.ndarray]:
    """Decode pictures to uint8 (height, width, 3); unreadable ones are reported and left out.

    Args:
        paths: picture files.
        report: function that takes a line of text; by default lines are dropped.
    """
    decoded = []
    for path in paths:
        rgb = decode(path, report)
        if rgb is not None:
            decoded.append(rgb)
    return decoded


def decode(path: Path | Example, report=None) -> np.ndarray | None:
    """Decode one picture to uint8 (height, width, 3), or report why not and return None."""
    if isinstance(path, Example):
        return path.pixels
    try:
        return read_picture(path).rgb
    except (AEImageError, OSError) as error:
        if report is not None:
            report(f"skipped: {error}")
        return None


def centre_crop(rgb: np.ndarray, size: int = 512, multiple: int = 64) -> np.ndarray | None:
    """Return the middle of a picture, sides at most `size` and divisible by `multiple`.

    None where the picture is smaller than `multiple`.
    """
    height, width = (min(n, size) // multiple * multiple for n in rgb.shape[:2])
    if not height or not width:
        return None
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return np.ascontiguousarray(rgb[top : top + height, left : left + width])
