"""The OCR benchmark's summary in Markdown: against the floors first, then every damage."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ocr_damage import DAMAGES
from ocr_filters import FILTERS
from ocr_run import CLEAN
from ocr_summary import BOTH, HARD, MILD, OURS, Summary, no_worse, reduction

_GROUPS = {"levels 1 and 2": MILD, "level 3": HARD, "two damages": BOTH}
# Least reductions: of the best single method's error, and of the oracle's.
_FLOORS = {"levels 1 and 2": (0.4, None), "level 3": (None, 0.3), "two damages": (None, 0.3)}
_CLEAN_FLOOR = 0.0005


def summary_markdown(summary: Summary) -> str:
    """Tables of errors in per cent, and what is needed to read them."""
    groups = {name: levels for name, levels in _GROUPS.items() if summary.damages(levels)}
    parts = [_verdicts(summary, groups)]
    for name, levels in groups.items():
        parts.append(f"### {name[0].upper()}{name[1:]}\n\n" + _table(summary, levels))
    parts.append(_notes(summary))
    return "\n\n".join(parts) + "\n"


def label_of(method: str) -> str:
    """A method's name in tables."""
    return "aeimage" if method == OURS else FILTERS[method].label


def _verdicts(summary: Summary, groups: dict[str, Collection[str]]) -> str:
    header = ("damage", "nothing done", "best single filter", "oracle", "**aeimage**")
    header += ("against the best single", "against the oracle", "floor")
    lines = [_line(header), _line(["---"] * len(header))]
    for name, levels in groups.items():
        single = summary.best_single(levels)
        cells = [name, _percent(summary.mean("raw", levels))]
        single_error, oracle = summary.mean(single, levels), summary.oracle(levels)
        cells += [f"{_percent(single_error)} ({label_of(single)})", _percent(oracle)]
        if OURS in summary.methods:
            ours = summary.mean(OURS, levels)
            cells += [
                f"**{_percent(ours)}**",
                _change(ours, single_error),
                _change(ours, oracle),
                _verdict(name, ours, single_error, oracle),
            ]
        else:
            cells += ["–"] * 4
        lines.append(_line(cells))
    lines.append(_line(_clean_cells(summary)))
    return "\n".join(lines)


def _clean_cells(summary: Summary) -> list[str]:
    cells = ["undamaged", _percent(summary.mean("raw", (CLEAN,)))]
    single = summary.best_single((CLEAN,))
    others = [method for method in summary.classical if method != "raw"]
    if others:
        single = min(others, key=lambda method: summary.mean(method, (CLEAN,)))
    cells += [f"{_percent(summary.mean(single, (CLEAN,)))} ({label_of(single)})", "–"]
    if OURS not in summary.methods:
        return [*cells, "–", "–", "–", "–"]
    ours = summary.mean(OURS, (CLEAN,))
    met = "met" if ours <= _CLEAN_FLOOR else "**missed**"
    return [*cells, f"**{_percent(ours)}**", "–", "–", f"≤ 0.05: {met}"]


def _verdict(name: str, ours: float, single: float, oracle: float) -> str:
    of_single, of_oracle = _FLOORS[name]
    if of_single is not None:
        met = reduction(ours, single) >= of_single and no_worse(ours, oracle)
        floor = f"{of_single:.0%} below the best single, no worse than the oracle"
    else:
        met = reduction(ours, oracle) >= of_oracle
        floor = f"{of_oracle:.0%} below the oracle"
    return f"{floor}: {'met' if met else '**missed**'}".replace("%", " %")


def _table(summary: Summary, levels: Collection[str]) -> str:
    header = ["damage", *(_bold_ours(method) for method in summary.methods)]
    lines = [_line(header), _line(["---"] * len(header))]
    for damage, level in summary.damages(levels):
        label = DAMAGES[damage].label if damage in DAMAGES else _combination(damage)
        cells = [f"{label}, {level}" if len(levels) > 1 else label]
        best = summary.best_for(damage, level)
        for method in summary.methods:
            error = summary.errors[damage, level, method]
            text = _percent(error.mean) + ("ᵗ" if error.timeouts else "")
            cells.append(f"**{text}**" if method in (best, OURS) else text)
        lines.append(_line(cells))
    means = [summary.mean(method, levels) for method in summary.methods]
    worsts = [summary.worst(method, levels) for method in summary.methods]
    lines.append(_line(["*mean*", *(f"*{_percent(value)}*" for value in means)]))
    lines.append(_line(["*worst page*", *(f"*{_percent(error.worst)}*" for error in worsts)]))
    return "\n".join(lines)


def _notes(summary: Summary) -> str:
    reading = (
        "Errors in per cent of the letters: character error rate less that of the same undamaged "
        "page, at least 0; means over pages, then over damages. Bold among the filters: the best "
        "for that damage and level; the oracle knows it and takes it. ᵗ: on some page Tesseract "
        "ran out of its processor time, which counts as 100."
    )
    pages = f"{summary.pages_in_words}: {', '.join(summary.pages)}."
    lines = [reading, f"{pages} {summary.engine}, one thread, `--psm 3 -l eng --dpi 300`."]
    if summary.untouched is not None:
        lines.append(
            f"Of the {summary.pages_in_words} undamaged, aeimage took {summary.untouched} for "
            "clean and gave them back pixel by pixel."
        )
    if summary.left_out:
        lines.append(
            "Left out, because Tesseract does not read them undamaged: "
            f"{', '.join(summary.left_out)}."
        )
    if summary.unfinished:
        lines.append(f"Not measured to the end: {', '.join(summary.unfinished)}.")
    parameters = [
        f"{label_of(method)}: {summary.versions[method]}"
        for method in summary.methods
        if summary.versions[method] != "1"
    ]
    lines.append(f"Parameters: {'; '.join(parameters)}.")
    return "\n\n".join(lines)


def _combination(name: str) -> str:
    return " + ".join(DAMAGES[part].label.split(",")[0] for part in name.split("+"))


def _bold_ours(method: str) -> str:
    return f"**{label_of(method)}**" if method == OURS else label_of(method)


def _percent(value: float) -> str:
    return f"{100 * value:.2f}" if value < 0.0995 else f"{100 * value:.1f}"


def _change(value: float, reference: float) -> str:
    return f"{-100 * reduction(value, reference):+.0f} %".replace("-", "−")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
