"""The benchmark's plots: measured curves in colour, ours boldest, published curves in grey.

Colours are Okabe and Ito's (2008), which colour-blind readers tell apart; every curve has a marker
of its own too and its name at its end, so nobody needs a legend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # files only: no display needed

import matplotlib.pyplot as plt
import numpy as np
from bd_rate import Curve, anchor_curve
from benchmark_summary import Summary, mean_curve
from matplotlib.axes import Axes

_STYLES = {  # colour, marker
    "aeimage": ("#D55E00", "o"),
    "jpeg": ("#000000", "s"),
    "webp": ("#E69F00", "^"),
    "avif": ("#0072B2", "D"),
    "jxl": ("#009E73", "v"),
}
_OTHER_STYLE = ("#CC79A7", "P")
_PUBLISHED_COLOUR = "#8C8C8C"

# Not all 19: curves a few per cent apart would hide each other and ours.
PUBLISHED_DRAWN = {
    "jpeg": "JPEG, published (anchor)",
    "bmshj2018_factorized": "factorized prior (2018)",
    "bmshj2018_hyperprior": "hyperprior (2018)",
    "bpg_444": "BPG",
    "mbt2018_mean": "mbt2018_mean",
    "av1_libaom_cpu0_444": "AV1, slowest",
    "vtm_intra": "VTM intra",
}
_AXIS_LABELS = {"psnr": "PSNR, dB (8-bit RGB)", "ms_ssim": "MS-SSIM, −10·log₁₀(1 − MS-SSIM) dB"}
_MAX_BPP = 1.5
_LABEL_GAP = 0.036  # of the axis: the least distance of two labels' middles


@dataclass
class _Line:
    label: str
    bpp: np.ndarray
    quality: np.ndarray
    colour: str
    marker: str | None
    width: float
    bold: bool
    order: int


def plot_rate_distortion(
    path: Path,
    summaries: Sequence[Summary],
    anchors: Mapping[str, Mapping] | None,
    *,
    metric: str = "psnr",
    title: str = "",
) -> bool:
    """Draws mean curves by "psnr" or "ms_ssim" to a PNG; False if there is nothing to draw.

    `anchors` are published curves, or None where they do not apply to these pictures.
    """
    lines = [_measured_line(s, metric) for s in summaries]
    lines = [line for line in lines if line is not None]
    if not lines:
        return False
    ours_drawn = any(line.bold for line in lines)
    max_bpp = min(_MAX_BPP, max(float(line.bpp.max()) for line in lines))
    # Our range sets the floor: the worst JPEG would squeeze everything else.
    floor = min(float(line.quality.min()) for line in lines if line.bold or not ours_drawn)
    for name, label in PUBLISHED_DRAWN.items():
        published = anchor_curve(anchors[name], metric) if anchors and name in anchors else None
        if published is not None:
            bpp, quality = _sorted(published)
            lines.append(_Line(label, bpp, quality, _PUBLISHED_COLOUR, None, 1.0, False, 1))

    figure, axes = plt.subplots(figsize=(9, 6), layout="constrained")
    axes.set_xlim(0, max_bpp)
    ends = []
    for line in lines:
        axes.plot(
            line.bpp,
            line.quality,
            color=line.colour,
            linewidth=line.width,
            marker=line.marker,
            markersize=7 if line.bold else 4.5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            zorder=line.order,
        )
        ends.append(_end(line, max_bpp))
    ceiling = max(quality for _, quality in ends)
    margin = 0.03 * (ceiling - floor + 1e-6)
    axes.set_ylim(floor - 2 * margin, ceiling + 2 * margin)
    _label_ends(axes, lines, ends)
    axes.set_xlabel(
        "bits per pixel, of whole files" + ("; published curves: as reported" if anchors else "")
    )
    axes.set_ylabel(_AXIS_LABELS[metric])
    axes.set_title(title, loc="left", fontsize=11)
    axes.grid(color="#E6E6E6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return True


def _measured_line(summary: Summary, metric: str) -> _Line | None:
    bpp, quality = _sorted(mean_curve(summary.points, metric))
    if not len(bpp):
        return None
    colour, marker = _STYLES.get(summary.codec, _OTHER_STYLE)
    ours = summary.codec == "aeimage"
    return _Line(
        summary.label, bpp, quality, colour, marker, 3.2 if ours else 1.7, ours, 4 if ours else 3
    )


def _sorted(points: Curve) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(points.bpp)
    return np.asarray(points.bpp, float)[order], np.asarray(points.quality, float)[order]


def _end(line: _Line, max_bpp: float) -> tuple[float, float]:
    """Where a curve ends or leaves the plot on the right."""
    end = min(max_bpp, float(line.bpp[-1]))
    return end, float(np.interp(end, line.bpp, line.quality))


def _label_ends(axes: Axes, lines: Sequence[_Line], ends: Sequence[tuple[float, float]]) -> None:
    """Names beside the right edge, moved apart where they would overlap, tied by hair lines."""
    to_axes = axes.transData + axes.transAxes.inverted()
    places = [to_axes.transform(end) for end in ends]
    order = sorted(range(len(lines)), key=lambda i: places[i][1])
    heights = _spread([places[i][1] for i in order], _LABEL_GAP)
    for i, height in zip(order, heights, strict=True):
        line = lines[i]
        axes.annotate(
            line.label,
            xy=ends[i],
            xytext=(1.025, height),
            textcoords="axes fraction",
            annotation_clip=False,
            va="center",
            ha="left",
            fontsize=11 if line.bold else 9,
            fontweight="bold" if line.bold else "normal",
            color=line.colour if line.marker else "#5A5A5A",
            arrowprops={
                "arrowstyle": "-",
                "relpos": (0, 0.5),
                "color": line.colour,
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 0,
            },
        )


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """Sorted heights moved as little as needed to lie `gap` apart (pool adjacent violators)."""
    groups: list[tuple[float, int]] = []  # (sum of heights less their offsets, count)
    for index, height in enumerate(heights):
        total, count = height - index * gap, 1
        while groups and groups[-1][0] / groups[-1][1] > total / count:
            previous, n = groups.pop()
            total, count = total + previous, count + n
        groups.append((total, count))
    bases = [total / count for total, count in groups for _ in range(count)]
    return [base + index * gap for index, base in enumerate(bases)]
