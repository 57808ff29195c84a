"""Random squares of photographs, of any size, brought to one size: what small pictures are like."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from aeimage.data.crops import load_ahead
from aeimage.data.pictures import Example, by_name, decode
from aeimage.errors import UsageError

LARGEST = 4
"""Pictures are held with a shorter side of at most so many times the squares' size."""


class SquareSampler:
    """Random squares, from the size itself up to the picture's shorter side, with flips.

    Pictures are held in memory, reduced; the squares of a step depend on the seed and the number
    of the step alone.

    Args:
        paths: picture files, or examples in memory; those smaller than a square, or unreadable,
            are left out.
        size: side of the result in pixels.
        batch_size: squares a step.
        seed: of the whole run.
        report: function that takes a line of text about files left out.

    Attributes:
        pictures: those in memory, each uint8 (height, width, 3).

    Raises:
        UsageError: no picture is large enough.
    """

    def __init__(
        self,
        paths: Sequence[Path | Example],
        *,
        size: int = 64,
        batch_size: int = 64,
        seed: int = 0,
        report=None,
    ):
        self.size, self.batch_size, self.seed = size, batch_size, seed

        def load(path):
            picture = decode(path, report)
            return None if picture is None else _reduced(picture, LARGEST * size)

        found = [p for p in load_ahead(load, sorted(paths, key=by_name)) if p is not None]
        self.pictures = [p for p in found if min(p.shape[:2]) >= size]
        if not self.pictures:
            raise UsageError(
                f"No readable picture of at least {size}x{size} pixels among {len(paths)} files. "
                "Give larger pictures or a smaller size."
            )
        self._images = [Image.fromarray(picture) for picture in self.pictures]

    def batch(self, step: int) -> np.ndarray:
        """Return the squares of `step`, uint8 (batch_size, size, size, 3)."""
        rng = np.random.default_rng((self.seed, step))
        squares = np.empty((self.batch_size, self.size, self.size, 3), np.uint8)
        for i in range(self.batch_size):
            image = self._images[rng.integers(len(self._images))]
            # Even in the logarithm: each octave of sizes is seen as often.
            most = min(image.size)
            side = round(self.size * (most / self.size) ** rng.random())
            left = int(rng.integers(image.width - side + 1))
            top = int(rng.integers(image.height - side + 1))
            box = (left, top, left + side, top + side)
            square = image.resize((self.size, self.size), Image.Resampling.BILINEAR, box)
            squares[i] = np.asarray(square)[:, :: 1 if rng.random() < 0.5 else -1]
        return squares


def _reduced(picture: np.ndarray, side: int) -> np.ndarray:
    height, width = picture.shape[:2]
    share = side / min(height, width)
    if share >= 1.0:
        return picture
    target = (max(side, round(width * share)), max(side, round(height * share)))
    return np.asarray(Image.fromarray(picture).resize(target, Image.Resampling.LANCZOS))
