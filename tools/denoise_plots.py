"""The photo benchmark as a plot: PSNR at sigma 15, 25, 50, published numbers in grey."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # files only: no display needed

import matplotlib.pyplot as plt
from denoise_summary import LABELS, PUBLISHED, SIGMAS, Table

_COLOURS = {
    "ours": "#D55E00",
    "ours-ensemble": "#CC79A7",
    "ours-blind": "#E69F00",
    "bm3d": "#0072B2",
    "nlm": "#009E73",
}
_PUBLISHED_COLOUR = "#8C8C8C"


def plot_psnr(path: Path, table: Table, *, kodak: bool) -> bool:
    """Draws one panel for each sigma of unclipped noise to a PNG; False if nothing was measured.

    A method is drawn only where it was measured on every picture.
    """
    entries: list[tuple[str, list[float | None], str]] = [
        (LABELS[method], [_whole(table, sigma, method) for sigma in SIGMAS], colour)
        for method, colour in _COLOURS.items()
    ]
    entries = [entry for entry in entries if any(value is not None for value in entry[1])]
    if not entries:
        return False
    if kodak:
        entries += [
            (f"{label}, published", list(values), _PUBLISHED_COLOUR)
            for label, values in PUBLISHED.items()
        ]
    figure, axes = plt.subplots(
        1, len(SIGMAS), figsize=(11, 0.36 * len(entries) + 1.1), sharey=True, layout="constrained"
    )
    places = range(len(entries))[::-1]
    for number, (sigma, panel) in enumerate(zip(SIGMAS, axes, strict=True)):
        for place, (_, values, colour) in zip(places, entries, strict=True):
            value = values[number]
            if value is not None:
                panel.plot(value, place, "o", color=colour, markersize=8)
                panel.annotate(
                    f"{value:.2f}",
                    (value, place),
                    xytext=(8, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=9,
                )
        panel.margins(x=0.22, y=0.08)
        panel.set_title(f"sigma {sigma:g}", loc="left", fontsize=11)
        panel.set_xlabel("PSNR, dB")
        panel.set_yticks(list(places), [label for label, _, _ in entries])
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="y", color="#E6E6E6", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return True


def _whole(table: Table, sigma: float, method: str) -> float | None:
    found = table.of("gaussian", sigma, method)
    return table.mean("gaussian", sigma, method) if len(found) == len(table.pictures) else None
