"""The photo benchmark's tables: mean PSNR of every method, beside published numbers."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from denoise_rows import Row

# Kodak24, PSNR in dB at sigma 15, 25, 50, as their papers report them; noise not clipped.
PUBLISHED: dict[str, tuple[float, float, float]] = {
    "CBM3D (2007)": (34.28, 32.15, 28.46),
    "DnCNN (2017)": (34.60, 32.14, 28.95),
    "FFDNet (2018), 8–14 GMAC": (34.63, 32.13, 28.98),
    "DRUNet (2021), 139 GMAC": (35.31, 32.89, 29.86),
    "Restormer (2022), 140 GMAC": (35.45, 33.04, 30.01),
}
LABELS = {
    "input": "noisy",
    "nlm": "non-local means",
    "nlm-opencv": "non-local means, OpenCV",
    "bm3d": "BM3D",
    "ours": "aeimage, sigma known",
    "ours-ensemble": "aeimage, sigma known, mean of 8 turns",
    "ours-blind": "aeimage, blind",
}
SIGMAS = (15.0, 25.0, 50.0)
SMALL_SIGMAS = (1.0, 2.0, 3.0)
PHOTONS = (100.0, 25.0)
QUALITIES = (10.0, 20.0, 40.0)
_OURS = ("ours", "ours-ensemble", "ours-blind")


@dataclass(frozen=True)
class Table:
    """PSNRs by noise, level, method and picture: one version of each method."""

    values: Mapping[tuple[str, float, str], Mapping[str, float]]
    pictures: tuple[str, ...]

    def of(self, noise: str, level: float, method: str) -> Mapping[str, float]:
        """PSNR by picture; empty if not measured."""
        return self.values.get((noise, level, method), {})

    def mean(self, noise: str, level: float, method: str) -> float | None:
        """The mean over the pictures that were measured, or None."""
        found = self.of(noise, level, method)
        return statistics.fmean(found.values()) if found else None

    def gains(self, noise: str, level: float, method: str, over: str = "input") -> list[float]:
        """By how much a method is above another, in dB, on each picture that both have."""
        mine, other = self.of(noise, level, method), self.of(noise, level, over)
        return [mine[picture] - other[picture] for picture in mine if picture in other]


def tabulate(rows: Iterable[Row], versions: Mapping[str, str], pictures: Sequence[str]) -> Table:
    """Rows to a table.

    Args:
        rows: in the order in which they came.
        versions: of methods that were opened; of another method its latest rows' version counts.
        pictures: names; rows of others are passed over.
    """
    rows = [row for row in rows if row.picture in set(pictures)]
    chosen = {row.method: row.version for row in rows} | dict(versions)
    values: dict[tuple[str, float, str], dict[str, float]] = {}
    for row in rows:
        if row.version == chosen[row.method]:
            cell = values.setdefault((row.noise, row.level, row.method), {})
            cell[row.picture] = row.psnr
    return Table(values, tuple(pictures))


def summary_markdown(table: Table, *, kodak: bool) -> str:
    """All tables that there are rows for.

    Args:
        table: what was measured.
        kodak: whether these are the 24 Kodak pictures, of which numbers are published.
    """
    count = len(table.pictures)
    reading = (
        f"PSNR in dB of 8-bit RGB, mean over {count} {'Kodak ' if kodak else ''}"
        f"picture{'' if count == 1 else 's'}; (n): over the first n only, where a slow method has "
        "not got further."
    )
    parts = [reading]
    for noise, title in (
        ("gaussian", "Gaussian noise as papers have it: float, not clipped"),
        ("gaussian-8bit", "Gaussian noise as users have it: clipped, 8 bits"),
    ):
        published = PUBLISHED if kodak and noise == "gaussian" else {}
        parts += _section(title, _psnrs(table, noise, SIGMAS, "sigma", published))
    parts += _section(
        "Hardly any noise, 8 bits: a restorer must not do harm",
        _gains(table, "gaussian-8bit", SMALL_SIGMAS, "sigma"),
    )
    parts += _section(
        "Shot and read noise, 8 bits", _psnrs(table, "shot", PHOTONS, "photons at white", {})
    )
    parts += _section("JPEG artefacts", _gains(table, "jpeg", QUALITIES, "quality"))
    return "\n\n".join(parts) + "\n"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [f"### {title}", "\n".join(lines)] if lines else []


def _psnrs(
    table: Table,
    noise: str,
    levels: Sequence[float],
    unit: str,
    published: Mapping[str, Sequence[float]],
) -> list[str]:
    lines = []
    for method, label in LABELS.items():
        means = [table.mean(noise, level, method) for level in levels]
        if all(mean is None for mean in means):
            continue
        cells = [
            "–" if mean is None else f"{mean:.2f}{_count(table, noise, level, method)}"
            for level, mean in zip(levels, means, strict=True)
        ]
        bold = method in _OURS
        lines.append(_line([label, *cells], bold=bold))
    for method in _OURS:
        differences = [table.gains(noise, level, method, over="bm3d") for level in levels]
        if any(differences):
            cells = [_signed(statistics.fmean(d)) if d else "–" for d in differences]
            lines.append(_line([f"*{LABELS[method]}, less BM3D on the same pictures*", *cells]))
    if not lines:
        return []
    for label, values in published.items():
        lines.append(_line([f"{label}, published", *(f"{value:.2f}" for value in values)]))
    header = ["method", *(f"{unit} {level:g}" for level in levels)]
    return [_line(header), _line(["---"] * len(header)), *lines]


def _gains(table: Table, noise: str, levels: Sequence[float], unit: str) -> list[str]:
    lines = []
    for method in _OURS:
        gains = [table.gains(noise, level, method) for level in levels]
        if any(gains):
            cells = [
                f"{_signed(statistics.fmean(g))} (worst {_signed(min(g))})" if g else "–"
                for g in gains
            ]
            lines.append(_line([f"{LABELS[method]}: gain, dB", *cells], bold=True))
    if not lines:
        return []
    means = [table.mean(noise, level, "input") for level in levels]
    cells = ["–" if mean is None else f"{mean:.2f}" for mean in means]
    header = ["", *(f"{unit} {level:g}" for level in levels)]
    return [_line(header), _line(["---"] * len(header)), _line(["input", *cells]), *lines]


def _count(table: Table, noise: str, level: float, method: str) -> str:
    count = len(table.of(noise, level, method))
    return "" if count == len(table.pictures) else f" ({count})"


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _line(cells: Sequence[str], bold: bool = False) -> str:
    return f"| {' | '.join(f'**{cell}**' if bold else cell for cell in cells)} |"
