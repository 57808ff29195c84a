"""Scans before OCR: Tesseract's errors on damaged pages after classical filters and after ours.

    apt-get install tesseract-ocr unpaper
    pip install -e ".[benchmark]"
    python tools/benchmark_ocr.py --pages old_books --books d --strips 2 --out docs/benchmark/ocr
    python tools/benchmark_ocr.py --pages old_books --books d --methods ours --model PATH

Clean pages with their true text (`NAME.png` beside `NAME.txt`) get nine kinds of damage at three
levels, and some two at once (`ocr_damage.py`); each damaged page goes through every method
(`ocr_filters.py`, and aeimage's scan restorer) and Tesseract. A page's *error* is its character
error rate less that of the same undamaged page as it is, at least 0; a page on which Tesseract runs
out of its processor time has a rate of 1.

Tesseract is slow on damaged pages, so each is cut to the strip of its first quarter of text lines
(`ocr_pages.py`); `--strips 2` adds the second quarter, `--whole-pages` takes all. A strip whose
*undamaged* rate is above 10 %, such as a plan with hardly any text, is left out, and named.

Every measurement is kept in `results.csv` in `--out` as it comes, keyed by strip, damage, level,
method and the versions of all that it depends on: a stopped run resumes, and a new model measures
only itself (its id is its version; `--again` measures all the same what is kept). `summary.md`,
`summary.csv` and `errors.png` are written from the strips of which every method was measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from ocr_damage import COMBINATIONS, DAMAGES
from ocr_engine import TesseractMissingError, tesseract_version
from ocr_examples import draw_examples
from ocr_filters import FILTERS, missing
from ocr_markdown import summary_markdown
from ocr_pages import Page, Strip, choose_strips, cut, find_pages, load_page, whole_page
from ocr_plots import plot_errors
from ocr_run import CLEAN, COMBINED, Method, Row, conditions, measure
from ocr_run import KEY as ROW_KEY
from ocr_summary import OURS, Summary, summarise, write_summary_csv
from our_restorer import RestorerUnavailableError, open_restorer
from row_cache import RowCache

METHODS = (*FILTERS, OURS)
STRIP_KEY = ("page", "number", "ocr")
MOST_CLEAN_RATE = 0.1


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 0 if it finished, 2 if the arguments make no sense."""
    parser = _parser()
    args = parser.parse_args(argv)
    paths = find_pages(args.pages, tuple(args.books))[: args.limit]
    if not paths:
        parser.error(f"no pictures *.png with a text *.txt beside them in {args.pages}")
    try:
        engine = tesseract_version()
    except TesseractMissingError as error:
        parser.error(str(error))
    pages, left_out = _cut_pages(paths, args)
    if not pages:
        parser.error(f"Tesseract reads none of these pages, even undamaged: {', '.join(left_out)}")
    methods = _open_methods(args)
    wanted = conditions(args.damages, args.levels)
    cache = RowCache(args.out / "results.csv", Row, ROW_KEY)
    if args.again:
        cache.forget(lambda row: row.method in args.again)
    if not args.summarise_only:
        measure(pages, wanted, methods, cache, engine, _report, jobs=args.jobs)
    if args.tidy:
        cache.sort()
    cache.reload()  # another run may have added to it

    # Where ours was not opened, its model that was measured last is summarised.
    versions = {row.method: row.version for row in cache if row.method == OURS}
    versions |= {name: filter_.version for name, filter_ in FILTERS.items()}
    versions |= {name: method.version for name, method in methods.items()}
    summary = summarise(cache, versions, [page.name for page in pages], wanted, engine)
    if summary is None:
        _say("no page has been measured with raw and every damage yet: no summary")
        return 0
    untouched = _untouched(methods[OURS], pages, summary) if OURS in methods else None
    summary = replace(summary, left_out=tuple(left_out), untouched=untouched)
    text = summary_markdown(summary)
    (args.out / "summary.md").write_text(text, encoding="utf-8")
    write_summary_csv(args.out / "summary.csv", summary)
    plot_errors(args.out / "errors.png", summary)
    if args.examples:
        draw_examples(args.out / "examples.png", summary, methods.get(OURS))
    print(text)
    _say(f"written to {args.out}")
    return 0


def _cut_pages(paths: Sequence[Path], args: argparse.Namespace) -> tuple[list[Page], list[str]]:
    """The strips to measure, all first ones before the second; the names of those left out."""
    cache = RowCache(args.out / "strips.csv", Strip, STRIP_KEY)
    count = 0 if args.whole_pages else args.strips
    chosen: list[tuple[int, Page, float]] = []
    for path in paths:
        page = load_page(path)
        numbers = range(1, count + 1) if count else (0,)
        if any((page.name, number, tesseract_version()) not in cache for number in numbers):
            _say(f"{page.name}: finding its lines …")
            for strip in choose_strips(page, count) if count else [whole_page(page)]:
                cache.add(strip)
        for number in numbers:
            strip = cache.get((page.name, number, tesseract_version()))
            if strip is not None:
                chosen.append((number, cut(page, strip), strip.clean_rate))
    chosen.sort(key=lambda entry: (entry[0], entry[1].name))
    kept = [page for _, page, rate in chosen if rate <= MOST_CLEAN_RATE]
    return kept, [page.name for _, page, rate in chosen if rate > MOST_CLEAN_RATE]


def _open_methods(args: argparse.Namespace) -> dict[str, Method]:
    methods: dict[str, Method] = {}
    for name in args.methods:
        if name == OURS:
            try:
                restorer = open_restorer(args.model)
            except RestorerUnavailableError as error:
                _say(f"WARNING: left out: {error}")
                continue
            methods[name] = Method(name, restorer.version, restorer.restore)
        elif reason := missing(name):
            _say(f"WARNING: left out: {reason}")
        else:
            methods[name] = Method(name, FILTERS[name].version, FILTERS[name].apply)
    return methods


def _untouched(ours: Method, pages: Sequence[Page], summary: Summary) -> int:
    """How many undamaged pages come back pixel by pixel."""
    return sum(
        np.array_equal(ours.apply(page.picture), page.picture)
        for page in pages
        if page.name in summary.pages
    )


def _report(row: Row, done: int, total: int) -> None:
    note = ", timed out" if row.timed_out else ""
    _say(f"{done}/{total} {row.page} {row.damage} {row.level} {row.method}: {row.rate:.3f}{note}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--pages", type=_folder, required=True, help="folder of clean pages NAME.png, NAME.txt")
    add(
        "--books",
        type=lambda text: text.split(","),
        default=[],
        metavar="A,B,…",
        help="only files whose names begin so, e.g. d (default: all)",
    )
    add(
        "--out",
        type=Path,
        default=Path("build/ocr"),
        help="where to write, and where results are kept (default: %(default)s)",
    )
    add(
        "--damages",
        type=partial(_names, "damage", (*DAMAGES, *COMBINATIONS)),
        default=[],
        metavar="A,B,…",
        help=f"which, of {','.join((*DAMAGES, *COMBINATIONS))} (default: all)",
    )
    add(
        "--levels",
        type=partial(_names, "level", ("1", "2", "3", COMBINED)),
        default=[],
        metavar="A,B,…",
        help=f"which, of 1,2,3,{COMBINED} (default: all; {CLEAN} pages are always measured)",
    )
    add(
        "--methods",
        type=partial(_names, "method", METHODS),
        default=list(METHODS),
        metavar="A,B,…",
        help=f"which to measure, of {','.join(METHODS)} (default: all; kept ones are summarised)",
    )
    add("--model", default="scan", help="our model's name or bundle (default: %(default)s)")
    add("--strips", type=int, choices=(1, 2), default=1, help="strips of each page (default: 1)")
    add("--whole-pages", action="store_true", help="no strips: all of each page")
    add("--limit", type=int, help="take the first N pages only")
    add("--jobs", type=int, default=1, help="pages worked on at once (default: 1)")
    add(
        "--again",
        type=partial(_names, "method", METHODS),
        default=[],
        metavar="A,B,…",
        help="measure these methods again, whatever is kept of them",
    )
    add("--summarise-only", action="store_true", help="measure nothing: of what is kept")
    add("--examples", action="store_true", help="also draw examples.png, of a page made here")
    add("--tidy", action="store_true", help="sort the rows of results.csv at the end")
    return parser


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return path


def _names(what: str, known: Sequence[str], text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(
            f"no {what} {', '.join(unknown)}; there are {', '.join(known)}"
        )
    return list(dict.fromkeys(names))


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
