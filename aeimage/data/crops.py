"""Random crops of photographs from memory, the same again for the same (seed, step).

A NumPy sampler that feeds TensorFlow and JAX alike. Pictures are decoded once, with a half-size
neighbour of each, so that a crop costs a copy; the crops of a step depend on the seed and the
number of the step alone, which makes an interrupted run repeat exactly.
"""

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from aeimage.data.pictures import Example, by_name, decode
from aeimage.errors import UsageError

SMALLER = 0.62


class CropSampler:
    """Random crops with flips and quarter turns, from pictures held in memory.

    Args:
        paths: picture files, or examples in memory; those smaller than a crop, or unreadable, are
            left out.
        size: side of a crop in pixels.
        batch_size: crops a step.
        seed: of the whole run.
        scales: hold a reduced copy of every picture too and draw a third of the crops from it.
        max_bytes: hold a random subset of the pictures: as many as fit, the rest is not decoded.
        report: function that takes a line of text about files left out.

    Raises:
        UsageError: no picture is large enough.
    """

    def __init__(
        self,
        paths: Sequence[Path | Example],
        *,
        size: int = 256,
        batch_size: int = 8,
        seed: int = 0,
        scales: bool = True,
        max_bytes: int = 4 << 30,
        report=None,
    ):
        self.size, self.batch_size, self.seed = size, batch_size, seed
        order = sorted(paths, key=by_name)
        random.Random(seed).shuffle(order)
        self.pictures: list[np.ndarray] = []
        used = 0

        def load(path):
            picture = decode(path, report)
            if picture is None:
                return []
            height, width = picture.shape[:2]
            if not scales or min(height, width) * SMALLER < size:
                return [(picture, 1.0)]
            target = (round(width * SMALLER), round(height * SMALLER))
            reduced = Image.fromarray(picture).resize(target, Image.Resampling.LANCZOS)
            return [(picture, 1.0), (np.asarray(reduced), 0.5)]

        weights = []
        full = False
        for loaded in load_ahead(load, order):
            for image, share in loaded:
                if min(image.shape[:2]) < size:
                    continue
                if used + image.nbytes > max_bytes:
                    # A first picture that is too large alone says nothing about the others.
                    full = bool(self.pictures)
                    continue
                used += image.nbytes
                self.pictures.append(image)
                # Between one vote a picture and one vote a pixel.
                weights.append(share * np.sqrt(image.shape[0] * image.shape[1]))
            if full:
                break
        if not self.pictures:
            raise UsageError(
                f"No readable picture of at least {size}x{size} pixels among {len(order)} files. "
                "Give larger pictures or a smaller crop size."
            )
        self._cumulative = np.cumsum(weights) / np.sum(weights)

    def batch(self, step: int) -> np.ndarray:
        """Return the crops of `step`, uint8 (batch_size, size, size, 3)."""
        rng = np.random.default_rng((self.seed, step))
        crops = np.empty((self.batch_size, self.size, self.size, 3), np.uint8)
        for i in range(self.batch_size):
            picture = self.pictures[int(np.searchsorted(self._cumulative, rng.random()))]
            top = rng.integers(0, picture.shape[0] - self.size + 1)
            left = rng.integers(0, picture.shape[1] - self.size + 1)
            crop = picture[top : top + self.size, left : left + self.size]
            if rng.random() < 0.5:
                crop = crop[:, ::-1]
            crops[i] = np.rot90(crop, rng.integers(0, 4)) if rng.random() < 0.25 else crop
        return crops


def load_ahead(load: Callable, paths: Sequence[Path], ahead: int = 4) -> Iterator:
    """Yield ``load(path)`` in order, from two threads that are never more than `ahead` in front."""
    with ThreadPoolExecutor(2) as pool:
        futures = deque()
        for path in paths:
            futures.append(pool.submit(load, path))
            if len(futures) > ahead:
                yield futures.popleft().result()
        while futures:
            yield futures.popleft().result()
