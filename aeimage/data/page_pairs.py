"""Damaged pictures beside their clean originals, and splits of them that do not leak."""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aeimage.data.pictures import picture_paths
from aeimage.errors import UsageError
from aeimage.images import read_picture

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Pair:
    """A damaged picture and its clean original, of the same size."""

    damaged: Path
    clean: Path


def group_pairs(damaged: Path, clean: Path) -> list[list[Pair]]:
    """Match the pictures of two folders, and group what has the same clean picture.

    A damaged file belongs to the clean one of the same name (whatever the suffix), or else to
    that whose name has most letters in common with it at the beginning and the end, and no other
    numbers: ``page7_coffee`` to ``page7``, ``a_noisy_3`` to ``a_clean_3``. Clean pictures with
    the same pixels make one group, whatever they are called: data sets scan one page several
    times, and a test on a page that was trained on measures nothing.

    Args:
        damaged, clean: folders.

    Returns:
        Groups in the order of their names, pairs in each likewise.

    Raises:
        UsageError: a folder is missing or empty, or a file has no counterpart or several.
    """
    originals = {path.stem: path for path in picture_paths([clean])}
    digests: dict[Path, bytes] = {}
    groups: dict[bytes, list[Pair]] = defaultdict(list)
    for path in picture_paths([damaged]):
        original = originals[_counterpart(path, clean, originals)]
        if original not in digests:
            rgb = read_picture(original).rgb
            digests[original] = hashlib.sha256(repr(rgb.shape).encode() + rgb.tobytes()).digest()
        groups[digests[original]].append(Pair(path, original))
    return sorted((sorted(group, key=str) for group in groups.values()), key=str)


def split_groups(
    groups: Sequence[Sequence[Pair]], *, share: float = 0.2, seed: int = 0
) -> tuple[list[Pair], list[Pair]]:
    """Split pairs into training and test so that no clean picture is on both sides.

    Args:
        groups: as `group_pairs` returns, at least two.
        share: of the groups that are held out, at least one.
        seed: of the draw.

    Raises:
        UsageError: fewer than two groups.
    """
    if len(groups) < 2:
        raise UsageError.for_value("groups", "at least two different clean pictures", groups)
    shuffled = list(groups)
    random.Random(seed).shuffle(shuffled)
    count = min(len(groups) - 1, max(1, round(share * len(groups))))
    test, training = shuffled[:count], shuffled[count:]
    return _flat(training), _flat(test)


def _flat(groups: Sequence[Sequence[Pair]]) -> list[Pair]:
    return sorted((pair for group in groups for pair in group), key=str)


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return (damaged, clean), uint8 (height, width, 3).

    Raises:
        PictureError: a file cannot be read.
        UsageError: the two differ in size.
    """
    damaged, clean = read_picture(pair.damaged).rgb, read_picture(pair.clean).rgb
    if damaged.shape != clean.shape:
        sizes = [f"{rgb.shape[1]}x{rgb.shape[0]}" for rgb in (damaged, clean)]
        raise UsageError(
            f"{pair.damaged} is {sizes[0]} pixels, {pair.clean} {sizes[1]}. The two of a pair "
            "have the same size and lie on each other pixel by pixel."
        )
    return damaged, clean


def _counterpart(path: Path, folder: Path, originals: dict[str, Path]) -> str:
    if path.stem in originals:
        return path.stem
    numbers = set(_NUMBER.findall(path.stem))
    shared = {
        stem: _shared(path.stem, stem)
        for stem in originals
        if numbers.issuperset(_NUMBER.findall(stem))
    }
    best = max(shared.values(), default=0)
    alike = sorted(stem for stem in shared if shared[stem] == best and 3 * best >= len(stem))
    if len(alike) != 1:
        found = f"{len(alike)} alike, {', '.join(alike[:3])}" if alike else "none"
        raise UsageError(
            f"{path}: no clean original of it in {folder}. Expected one file of the same name, or "
            f"one whose name begins and ends most like it, with the same numbers. Found {found}."
        )
    return alike[0]


def _shared(first: str, second: str) -> int:
    """Count the letters two names have in common at the beginning and the end."""
    start = _same_start(first, second)
    return start + _same_start(first[start:][::-1], second[start:][::-1])


def _same_start(first: str, second: str) -> int:
    both = zip(first, second, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda letters: letters[0] == letters[1], both))
