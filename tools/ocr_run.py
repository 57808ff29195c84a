"""The OCR benchmark's measuring: strips x damages x methods to rows, kept as they come."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from ocr_damage import COMBINATIONS, DAMAGES, LEVELS, VERSION, damage_page
from ocr_engine import TesseractTimeoutError, read_text
from ocr_metric import character_error_rate
from ocr_pages import Page
from row_cache import RowCache

CLEAN = "clean"
COMBINED = "combined"
KEY = ("page", "damage", "level", "method", "version", "protocol")


@dataclass(frozen=True)
class Row:
    """One page (or strip) with one damage, through one method, then Tesseract.

    Attributes:
        page: name of the page or strip.
        damage: in `ocr_damage.DAMAGES` or `COMBINATIONS`, or "clean".
        level: "1", "2", "3"; "combined"; "clean".
        method: in `ocr_filters.FILTERS`, or "ours".
        version: of the method.
        protocol: of the damage's parameters and of the OCR engine; see `protocol`.
        rate: character error rate, 0 to 1; 1 after a timeout.
        letters: of the truth.
        timed_out: whether Tesseract used up its processor time.
        seconds: the method's, of the clock.
    """

    page: str
    damage: str
    level: str
    method: str
    version: str
    protocol: str
    rate: float
    letters: int
    timed_out: bool
    seconds: float


@dataclass(frozen=True)
class Condition:
    """What is done to a page before the methods get it."""

    damage: str
    level: str
    steps: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Method:
    """What restores a page: uint8 `(height, width)` to the same; its version keys its results."""

    name: str
    version: str
    apply: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def conditions(damages: Sequence[str] = (), levels: Sequence[str] = ()) -> list[Condition]:
    """All conditions, or those of these damages and levels; undamaged pages always come first.

    Args:
        damages: names in `DAMAGES` and `COMBINATIONS`; none: all.
        levels: "1", "2", "3", "combined"; none: all.
    """
    every = [Condition(CLEAN, CLEAN, ())]
    every += [Condition(name, str(level), ((name, level),)) for level in LEVELS for name in DAMAGES]
    every += [Condition(name, COMBINED, steps) for name, steps in COMBINATIONS.items()]
    return [
        condition
        for condition in every
        if condition.damage == CLEAN
        or (
            condition.damage in (damages or [condition.damage])
            and condition.level in (levels or [condition.level])
        )
    ]


def protocol(condition: Condition, engine: str) -> str:
    """What, besides the method, results depend on: the damage's parameters, and the OCR engine."""
    if not condition.steps:
        return engine
    parameters = [VERSION, *(DAMAGES[name].levels[level - 1] for name, level in condition.steps)]
    return f"{engine}, damage {zlib.crc32(repr(parameters).encode()):08x}"


def measure(
    pages: Sequence[Page],
    wanted: Sequence[Condition],
    methods: Mapping[str, Method],
    cache: RowCache[Row],
    engine: str,
    report: Callable[[Row, int, int], None],
    jobs: int = 1,
) -> None:
    """Measures what the cache lacks: page by page, so that what a killed run leaves is whole pages.

    Args:
        pages: undamaged.
        wanted: the conditions.
        methods: by name.
        cache: takes every row as soon as it is known.
        engine: version of the OCR engine.
        report: called with each new row, how many have come, and how many there will be.
        jobs: how many pages are worked on at once.
    """
    tasks = []
    for page in pages:
        for condition in wanted:
            missing = [
                method
                for method in methods.values()
                if _key(page, condition, method, engine) not in cache
            ]
            if missing:
                tasks.append(partial(_rows, page, condition, missing, engine))
    total = sum(len(task.args[2]) for task in tasks)
    done = 0
    with ThreadPoolExecutor(jobs) as pool:  # the work is Tesseract's, in processes of its own
        for rows in pool.map(lambda task: list(task()), tasks) if jobs > 1 else _each(tasks):
            for row in rows:
                cache.add(row)
                done += 1
                report(row, done, total)


def _each(tasks: Sequence[Callable[[], Iterator[Row]]]) -> Iterator[Iterator[Row]]:
    for task in tasks:
        yield task()


def _rows(
    page: Page,
    condition: Condition,
    methods: Sequence[Method],
    engine: str,
) -> Iterator[Row]:
    damaged = damage_page(page.picture, condition.steps, page.name, page.back)
    for method in methods:
        start = time.perf_counter()
        restored = method.apply(damaged)
        seconds = time.perf_counter() - start
        if restored.shape != damaged.shape or restored.dtype != np.uint8:
            raise RuntimeError(
                f"{method.name} made {restored.dtype} {restored.shape} of {damaged.shape}"
            )
        try:
            rate, timed_out = character_error_rate(read_text(restored), page.truth), False
        except TesseractTimeoutError:
            rate, timed_out = 1.0, True
        yield Row(
            *_key(page, condition, method, engine),
            rate=round(rate, 6),
            letters=len(page.truth),
            timed_out=timed_out,
            seconds=round(seconds, 3),
        )


def _key(page: Page, condition: Condition, method: Method, engine: str) -> tuple[str, ...]:
    return (
        page.name,
        condition.damage,
        condition.level,
        method.name,
        method.version,
        protocol(condition, engine),
    )
