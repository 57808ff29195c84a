"""The OCR benchmark's arithmetic: errors, the best single method, the oracle, reductions."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocr_filters import FILTERS
from ocr_metric import added_error
from ocr_run import CLEAN, COMBINED, Condition, Row, protocol

OURS = "ours"
MILD = ("1", "2")
HARD = ("3",)
BOTH = (COMBINED,)
TOLERANCE = 0.002  # within which two errors count as the same

Cell = tuple[str, str, str]  # damage, level, method


@dataclass(frozen=True)
class Error:
    """The errors of one method on all pages with one damage."""

    mean: float
    worst: float
    worst_page: str
    timeouts: int


@dataclass(frozen=True)
class Summary:
    """What was measured of every one of `pages`.

    Attributes:
        pages: names.
        methods: those measured on all of the pages, in the order of tables.
        versions: of the methods.
        errors: by damage, level and method.
        left_out: pages that Tesseract does not read even undamaged.
        unfinished: pages that some method or damage is lacking of.
        engine: version of the OCR engine.
        untouched: how many of the undamaged pages ours gave back unchanged, if that was tried.
    """

    pages: tuple[str, ...]
    methods: tuple[str, ...]
    versions: Mapping[str, str]
    errors: Mapping[Cell, Error]
    left_out: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    engine: str = ""
    untouched: int | None = None

    @property
    def pages_in_words(self) -> str:
        """How many pages, or strips of pages, e.g. "8 strips"."""
        what = "strip" if any("-" in page for page in self.pages) else "page"
        return f"{len(self.pages)} {what}{'' if len(self.pages) == 1 else 's'}"

    @property
    def classical(self) -> tuple[str, ...]:
        """The methods but ours."""
        return tuple(method for method in self.methods if method != OURS)

    def damages(self, levels: Collection[str]) -> list[tuple[str, str]]:
        """The damages with their levels, of these levels."""
        found = [(damage, level) for damage, level, _ in self.errors if level in levels]
        return list(dict.fromkeys(found))

    def mean(self, method: str, levels: Collection[str]) -> float:
        """A method's error, the mean over damages and pages."""
        return statistics.fmean(
            self.errors[damage, level, method].mean for damage, level in self.damages(levels)
        )

    def worst(self, method: str, levels: Collection[str]) -> Error:
        """The error of the worst page under the worst damage."""
        found = [self.errors[damage, level, method] for damage, level in self.damages(levels)]
        return max(found, key=lambda error: error.worst)

    def best_single(self, levels: Collection[str]) -> str:
        """The classical method with the least mean error: one for all damages."""
        return min(self.classical, key=lambda method: self.mean(method, levels))

    def best_for(self, damage: str, level: str) -> str:
        """The classical method with the least error for this damage at this level."""
        return min(self.classical, key=lambda method: self.errors[damage, level, method].mean)

    def oracle(self, levels: Collection[str]) -> float:
        """The mean error of choosing the best classical method for each damage and level."""
        return statistics.fmean(
            self.errors[damage, level, self.best_for(damage, level)].mean
            for damage, level in self.damages(levels)
        )


def summarise(
    rows: Iterable[Row],
    versions: Mapping[str, str],
    pages: Sequence[str],
    wanted: Sequence[Condition],
    engine: str,
) -> Summary | None:
    """The summary of the pages of which all is measured, or None if there are none.

    Args:
        rows: those of other versions, protocols, pages and conditions are passed over.
        versions: of the methods to summarise. Classical methods must have every page; ours is left
            out if it has not.
        pages: names, in order.
        wanted: conditions, undamaged pages among them.
        engine: version of the OCR engine.
    """
    protocols = {(c.damage, c.level): protocol(c, engine) for c in wanted}
    found = {
        (row.page, row.damage, row.level, row.method): row
        for row in rows
        if versions.get(row.method) == row.version
        and protocols.get((row.damage, row.level)) == row.protocol
    }
    cells = [(condition.damage, condition.level) for condition in wanted]

    def complete(page: str, method: str) -> bool:
        return all((page, damage, level, method) in found for damage, level in cells)

    # A method that is not installed here has no page at all: it is left out, not waited for.
    known = {key[3] for key in found}
    classical = [method for method in FILTERS if method in known]
    done = [page for page in pages if all(complete(page, method) for method in classical)]
    if not done or "raw" not in classical:
        return None
    methods = list(classical)
    if OURS in known and all(complete(page, OURS) for page in done):
        methods.append(OURS)

    errors = {}
    for damage, level in cells:
        for method in methods:
            of_page = {
                page: added_error(
                    found[page, damage, level, method].rate, found[page, CLEAN, CLEAN, "raw"].rate
                )
                for page in done
            }
            worst = max(done, key=of_page.__getitem__)
            errors[damage, level, method] = Error(
                mean=statistics.fmean(of_page.values()),
                worst=of_page[worst],
                worst_page=worst,
                timeouts=sum(found[page, damage, level, method].timed_out for page in done),
            )
    unfinished = tuple(page for page in pages if page not in done)
    return Summary(
        tuple(done), tuple(methods), dict(versions), errors, unfinished=unfinished, engine=engine
    )


def reduction(error: float, reference: float) -> float:
    """By what share an error is below a reference; 0 if both are 0, negative if it is above."""
    return 0.0 if reference == 0 else 1 - error / reference


def no_worse(error: float, reference: float) -> bool:
    """Whether an error is at most the reference, to the tolerance of 0.2 points."""
    return error <= reference + TOLERANCE


def write_summary_csv(path: Path, summary: Summary) -> None:
    """One line for each damage, level and method; errors in per cent."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        columns = ("damage", "level", "method", "error_percent", "worst_percent", "worst_page")
        writer.writerow([*columns, "timeouts"])
        for (damage, level, method), error in summary.errors.items():
            writer.writerow(
                [
                    damage,
                    level,
                    method,
                    f"{100 * error.mean:.3f}",
                    f"{100 * error.worst:.2f}",
                    error.worst_page,
                    error.timeouts,
                ]
            )
