"""Random crops of clean pages for training a restorer of scans.

Four sources, mixed in every batch: synthetic pages, clean scans, real pairs of a damaged scan
and its original, and photographs (so that pictures inside pages are left alone). The crops of a
step depend on the seed, the step and the sources alone: an interrupted run repeats exactly.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from aeimage.data.crops import load_ahead
from aeimage.data.fonts import Face, find_faces
from aeimage.data.page_pairs import Pair, read_pair
from aeimage.data.page_pool import PagePool
from aeimage.data.pages import draw_page
from aeimage.data.pictures import decode, picture_paths
from aeimage.data.words import Vocabulary
from aeimage.errors import PictureError, UsageError

DARK = 128
PHOTO_SIDE = 1024

# Clean and damaged.
Crop = tuple[np.ndarray, np.ndarray]


def page_paths(
    folders: Sequence[Path], *, include: Sequence[str] = ("*",), exclude: Sequence[str] = ()
) -> list[Path]:
    """Return the picture files below folders whose names match; e.g. ``exclude=("d0*",)``.

    Args:
        folders: folders, or files themselves.
        include: shell patterns of file names, at least one of which must match.
        exclude: patterns, none of which may match.

    Raises:
        UsageError: a folder is missing or without pictures, or no name matches.
    """

    def among(path: Path, patterns: Sequence[str]) -> bool:
        return any(fnmatch(path.name, pattern) for pattern in patterns)

    found = picture_paths(folders)
    kept = [path for path in found if among(path, include) and not among(path, exclude)]
    if not kept:
        raise UsageError(
            f"None of {len(found)} pictures has a name that matches {list(include)} "
            f"and not {list(exclude)}. Give other patterns."
        )
    return kept


class PageSampler:
    """Crops of pages with and without a real damaged counterpart.

    Shares of sources that are not there (no `paths`, `pairs` or `photos`) go to the others;
    synthetic pages are always there.

    Args:
        paths: clean scans; those smaller than a crop, or unreadable, are left out.
        size: side of a crop in pixels.
        batch_size: crops a step.
        seed: of the whole run.
        synthetic: share of synthetic pages among crops that are neither of pairs nor photographs.
        pairs: damaged scans with their clean originals, from `aeimage.data.page_pairs`.
        pair_share: of the crops that are from `pairs`.
        photos: pictures of any kind; held in memory with sides of at most 1,024 pixels.
        photo_share: of the crops that are from `photos`.
        inset_share: of the pages' crops that have a part of a photograph pasted in, so that
            pictures keep their edges beside print.
        channels: 1 for grey or 3 for colour.
        faces: fonts of synthetic pages; by default all that `find_faces` finds.
        words: words of real texts for them, besides made-up ones; see `read_words`.
        soften: share of crops of clean scans that are rescaled by 0.6 to 1.5 and blurred a
            little: scans of two levels become grey at the edges, as scanners see them.
        page_size: (height, width) of a synthetic page; they are larger where crops are.
        pool: synthetic pages held at a time.
        refresh: steps after which one of them is replaced.
        max_bytes: of pictures held in memory: a random subset, as many as fit.
        report: function that takes a line of text about files left out.

    Raises:
        UsageError: a value makes no sense, `paths` hold no page that is large enough, a pair
            differs in size, or there are no fonts.
    """

    def __init__(
        self,
        paths: Sequence[Path] = (),
        *,
        size: int = 160,
        batch_size: int = 16,
        seed: int = 0,
        synthetic: float = 0.5,
        pairs: Sequence[Pair] = (),
        pair_share: float = 0.12,
        photos: Sequence[Path] = (),
        photo_share: float = 0.08,
        inset_share: float = 0.15,
        channels: int = 1,
        faces: Sequence[Face] | None = None,
        words: Sequence[str] = (),
        soften: float = 0.6,
        page_size: tuple[int, int] = (1100, 900),
        pool: int = 64,
        refresh: int = 4,
        max_bytes: int = 1 << 30,
        report: Callable[[str], None] | None = None,
    ):
        if channels not in (1, 3):
            raise UsageError.for_value("channels", "1 or 3", channels)
        self.size, self.batch_size, self.seed, self.channels = size, batch_size, seed, channels
        self.soften, self.page_size = soften, page_size
        self._report = report
        self._bytes_left = max_bytes
        self._pairs = self._load_pairs(pairs)
        self._scans = self._load(paths, None)
        if paths and not self._scans:
            raise UsageError(
                f"No readable page of at least {size}x{size} pixels among {len(paths)} files. "
                "Give larger pages or a smaller crop size."
            )
        self._photos = self._load(photos, PHOTO_SIDE)
        pair_share *= bool(self._pairs)
        photo_share *= bool(self._photos)
        self._inset_share = inset_share * bool(self._photos)
        drawn = synthetic if self._scans else 1.0
        shares = [pair_share, photo_share]
        pages = 1.0 - sum(shares)
        if not (0 <= drawn <= 1 and min(*shares, pages) >= 0):
            raise UsageError.for_value(
                "synthetic, pair_share, photo_share",
                "shares from 0 to 1, the last two with a sum of at most 1",
                (synthetic, pair_share, photo_share),
            )
        self._ends = np.cumsum([*shares, pages * drawn])
        self._faces = faces
        if pages * drawn and faces is None:
            self._faces = find_faces()
        self._vocabulary = Vocabulary(words)
        self._pool = PagePool(self._draw, count=pool, refresh=refresh)

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the crops of `step`.

        Returns:
            clean: uint8 (batch_size, size, size, channels).
            damaged: of the same shape; equal to clean where there is no real damaged scan.
            has_pair: float32 (batch_size,), 1 where there is one, else 0.
        """
        rng = np.random.default_rng((self.seed, step))
        shape = (self.batch_size, self.size, self.size, self.channels)
        clean, damaged = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
        has_pair = np.zeros(self.batch_size, np.float32)
        for i in range(self.batch_size):
            source = int(np.searchsorted(self._ends, rng.random(), side="right"))
            has_pair[i] = source == 0
            clean[i], damaged[i] = self._crop(source, rng, step)
        return clean, damaged, has_pair

    def _crop(self, source: int, rng: np.random.Generator, step: int) -> Crop:
        if source == 0:
            return self._pair_crop(rng)
        if source == 1:
            crop = self._photo_crop(rng)
            return crop, crop
        # Blank paper teaches little: most of it is passed over.
        reject = rng.random() < 0.8
        for _ in range(6):
            if source == 2:
                page = self._pool.page(step, rng.random())
                crop = page[self._window(rng, page, self.size)]
            else:
                crop = self._scan_crop(rng)
            if not reject or 0.01 < np.mean(crop[::3, ::3] < DARK) < 0.6:
                break
        if rng.random() < self._inset_share:
            crop = self._with_inset(crop, rng)
        return crop, crop

    def _with_inset(self, crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Paste a part of a photograph over a part of a page; it may reach beyond the crop."""
        photo = self._photo_crop(rng)
        (top, bottom), (left, right) = (
            sorted(rng.integers(-self.size // 2, self.size * 3 // 2, 2)) for _ in range(2)
        )
        inset = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        channels = max(crop.shape[-1], photo.shape[-1])
        crop = np.repeat(crop, channels // crop.shape[-1], axis=-1)
        crop[inset] = photo[inset]
        return crop

    def _scan_crop(self, rng: np.random.Generator) -> np.ndarray:
        page = self._scans[rng.integers(len(self._scans))]
        if rng.random() >= self.soften:
            return page[self._window(rng, page, self.size)]
        scale = rng.uniform(0.6, 1.5)
        side = min(*page.shape[:2], round(self.size / scale))
        return self._resized(page[self._window(rng, page, side)], blur=rng.uniform(0.3, 0.9))

    def _pair_crop(self, rng: np.random.Generator) -> Crop:
        clean, damaged = self._pairs[rng.integers(len(self._pairs))]
        side = self.size
        if rng.random() < 0.3:
            side = min(*clean.shape[:2], round(self.size / rng.uniform(0.8, 1.6)))
        window = self._window(rng, clean, side)
        clean, damaged = clean[window], damaged[window]
        if side != self.size:
            clean, damaged = self._resized(clean), self._resized(damaged)
        return clean, damaged

    def _photo_crop(self, rng: np.random.Generator) -> np.ndarray:
        photo = self._photos[rng.integers(len(self._photos))]
        # The busier of two: sky and walls teach little.
        crops = [photo[self._window(rng, photo, self.size)] for _ in range(2)]
        return max(crops, key=lambda crop: float(crop[::4, ::4].std()))

    def _window(self, rng: np.random.Generator, page: np.ndarray, side: int):
        top = rng.integers(0, page.shape[0] - side + 1)
        left = rng.integers(0, page.shape[1] - side + 1)
        return slice(top, top + side), slice(left, left + side)

    def _resized(self, crop: np.ndarray, blur: float = 0.0) -> np.ndarray:
        image = _image(crop).resize((self.size, self.size), Image.Resampling.BICUBIC)
        if blur:
            image = image.filter(ImageFilter.GaussianBlur(blur))
        return np.asarray(image).reshape(self.size, self.size, -1)

    def _draw(self, number: int) -> np.ndarray:
        # Not the state of any step: a step's number has no third part.
        rng = np.random.default_rng((self.seed, number, 1))
        high, wide = (max(side, self.size) for side in self.page_size)
        page = draw_page(
            rng, self._faces, self._vocabulary, size=(high, wide), channels=self.channels
        )
        return page.reshape(high, wide, self.channels)

    def _load(self, paths: Sequence[Path], most: int | None) -> list[np.ndarray]:
        order = sorted(map(Path, paths))
        random.Random(self.seed).shuffle(order)

        def read(path: Path) -> np.ndarray | None:
            rgb = decode(path, self._report)
            if rgb is None:
                return None
            image = Image.fromarray(rgb)
            if most:
                image.thumbnail((most, most), Image.Resampling.LANCZOS)
            return self._channels(np.asarray(image)) if min(image.size) >= self.size else None

        loaded = []
        for page in load_ahead(read, order):
            if page is None:
                continue
            if page.nbytes > self._bytes_left:
                break
            self._bytes_left -= page.nbytes
            loaded.append(page)
        return loaded

    def _load_pairs(self, pairs: Sequence[Pair]) -> list[Crop]:
        loaded = []
        for pair in sorted(pairs, key=str):
            try:
                damaged, clean = map(self._channels, read_pair(pair))
            except (PictureError, OSError) as error:
                if self._report is not None:
                    self._report(f"skipped: {error}")
                continue
            if min(clean.shape[:2]) >= self.size:
                loaded.append((clean, damaged))
                self._bytes_left -= clean.nbytes + damaged.nbytes
        return loaded

    def _channels(self, rgb: np.ndarray) -> np.ndarray:
        """Return (height, width, 3), or with one channel where that says as much."""
        if self.channels == 3 and (rgb != rgb[..., :1]).any():
            return rgb
        return np.asarray(Image.fromarray(rgb).convert("L"))[..., np.newaxis]


def _image(crop: np.ndarray) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(crop[..., 0] if crop.shape[-1] == 1 else crop))
