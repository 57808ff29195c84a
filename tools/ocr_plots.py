"""The OCR benchmark as bars: a group for each level, a bar for each method, ours and the oracle."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # files only: no display needed

import matplotlib.pyplot as plt
import numpy as np
from ocr_markdown import label_of
from ocr_summary import BOTH, HARD, OURS, Summary

_GROUPS = {"level 1": ("1",), "level 2": ("2",), "level 3": HARD, "two damages": BOTH}
_OURS_COLOUR, _ORACLE_COLOUR = "#D55E00", "#0072B2"
_GREY = "#9A9A9A"


def plot_errors(path: Path, summary: Summary) -> None:
    """Draws the mean errors to a PNG; every bar has its number, filters are grey."""
    groups = {name: levels for name, levels in _GROUPS.items() if summary.damages(levels)}
    bars: list[tuple[str, list[float], str]] = [
        (
            label_of(method),
            [summary.mean(method, levels) for levels in groups.values()],
            _GREY,
        )
        for method in summary.classical
    ]
    bars.append(
        (
            "oracle: the best filter for each damage",
            [summary.oracle(levels) for levels in groups.values()],
            _ORACLE_COLOUR,
        )
    )
    if OURS in summary.methods:
        means = [summary.mean(OURS, levels) for levels in groups.values()]
        bars.append(("aeimage: one model", means, _OURS_COLOUR))

    figure, axes = plt.subplots(
        1, len(groups), figsize=(3.1 * len(groups) + 1.6, 4.6), sharey=True, layout="constrained"
    )
    positions = np.arange(len(bars))[::-1]
    for number, (name, panel) in enumerate(zip(groups, np.atleast_1d(axes), strict=True)):
        values = [100 * means[number] for _, means, _ in bars]
        panel.barh(positions, values, color=[colour for _, _, colour in bars], height=0.78)
        for position, value in zip(positions, values, strict=True):
            panel.text(value + 1.5, position, f"{value:.1f}", va="center", fontsize=9)
        panel.set_xlim(0, 112)
        panel.set_xticks([0, 25, 50, 75, 100])
        panel.set_title(name, loc="left", fontsize=11)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="x", color="#E6E6E6", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.set_yticks(positions, [label for label, _, _ in bars], fontsize=10)
        panel.tick_params(axis="y", length=0)
    for text, (label, _, colour) in zip(
        np.atleast_1d(axes)[0].get_yticklabels(), bars, strict=True
    ):
        if label.startswith(("aeimage", "oracle")):
            text.set_color(colour)
            text.set_fontweight("bold")
    figure.supxlabel(
        f"character errors added by the damage, %; mean over {summary.pages_in_words}",
        fontsize=10,
    )
    figure.savefig(path, dpi=130)
    plt.close(figure)
