"""The benchmark's arithmetic on rows: mean curves, BD-rates, one line a codec; written as CSV."""

from __future__ import annotations

import csv
import math
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from bd_rate import (
    ANCHOR,
    MS_SSIM_INTERVAL,
    PSNR_INTERVAL,
    BDRate,
    Curve,
    anchor_curve,
    bd_rate,
    ms_ssim_db,
)
from benchmark_codecs import BenchmarkCodec
from benchmark_run import Row


@dataclass(frozen=True)
class Point:
    """One codec at one setting: means over the pictures, medians of the seconds."""

    codec: str
    quality: float
    pictures: int
    bpp: float
    psnr: float
    ms_ssim: float
    encode_s_per_mp: float
    decode_s_per_mp: float


@dataclass
class Summary:
    """One codec's line of the table.

    `bd_rates`: "published" against the published `jpeg` by PSNR, "run" against JPEG of this run by
    PSNR, "ms_ssim" by MS-SSIM against the first of those that there is. None: cannot be computed.
    """

    codec: str
    label: str
    version: str
    points: list[Point]
    encode_s_per_mp: float
    decode_s_per_mp: float
    kmac_per_pixel: float | None = None
    bd_rates: dict[str, BDRate | None] = field(default_factory=dict)

    def range_of(self, name: str) -> tuple[float, float]:
        """Least and largest value of a `Point`'s field over the settings; NaN where none has it."""
        values = [getattr(point, name) for point in self.points]
        values = [value for value in values if not math.isnan(value)]
        return (min(values), max(values)) if values else (math.nan, math.nan)


def mean_points(rows: Iterable[Row]) -> list[Point]:
    """Rows to curves: for each codec and setting, in their order, the means over the pictures."""
    groups: dict[tuple[str, float], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.codec, row.quality].append(row)
    return [
        Point(
            codec=codec,
            quality=quality,
            pictures=len(group),
            bpp=statistics.fmean(row.bpp for row in group),
            psnr=statistics.fmean(row.psnr for row in group),
            ms_ssim=statistics.fmean(row.ms_ssim for row in group),
            encode_s_per_mp=statistics.median(row.encode_s_per_mp for row in group),
            decode_s_per_mp=statistics.median(row.decode_s_per_mp for row in group),
        )
        for (codec, quality), group in groups.items()
    ]


def mean_curve(points: Iterable[Point], metric: str = "psnr") -> Curve:
    """A codec's curve in dB by "psnr" or "ms_ssim".

    Points that are not finite are left out: lossless ones, and those of a codec of speed only.
    """
    pairs = [(p.bpp, p.psnr if metric == "psnr" else ms_ssim_db(p.ms_ssim)) for p in points]
    pairs = [pair for pair in pairs if all(map(math.isfinite, pair))]
    return Curve([bpp for bpp, _ in pairs], [quality for _, quality in pairs])


def summarise(
    rows: Sequence[Row],
    codecs: Mapping[str, BenchmarkCodec],
    anchors: Mapping[str, Mapping] | None,
    psnr_interval: tuple[float, float] = PSNR_INTERVAL,
) -> list[Summary]:
    """A line for each codec. `anchors` are the published curves, or None where they do not apply.

    Warns on stderr of every BD-rate that covers less than its interval.
    """
    points: dict[str, list[Point]] = {name: [] for name in codecs}
    for point in mean_points(rows):
        points[point.codec].append(point)

    def reference(metric: str, published: bool) -> Curve | None:
        if published:
            return anchor_curve(anchors[ANCHOR], metric) if anchors else None
        found = mean_curve(points.get("jpeg", []), metric)
        return found if found.bpp else None

    references = {
        "published": (reference("psnr", True), "psnr", psnr_interval),
        "run": (reference("psnr", False), "psnr", psnr_interval),
        "ms_ssim": (
            reference("ms_ssim", True) or reference("ms_ssim", False),
            "ms_ssim",
            MS_SSIM_INTERVAL,
        ),
    }
    summaries = []
    for name, codec in codecs.items():
        mine = [row for row in rows if row.codec == name]
        bd_rates = {
            key: _bd_rate(f"{codec.label}, {key}", anchor, mean_curve(points[name], metric), span)
            for key, (anchor, metric, span) in references.items()
        }
        summaries.append(
            Summary(
                codec=name,
                label=codec.label,
                version=codec.version,
                points=points[name],
                encode_s_per_mp=statistics.median(row.encode_s_per_mp for row in mine),
                decode_s_per_mp=statistics.median(row.decode_s_per_mp for row in mine),
                kmac_per_pixel=codec.kmac_per_pixel,
                bd_rates=bd_rates,
            )
        )
    return summaries


def write_csv(path: Path, records: Sequence[Row] | Sequence[Point], kind: type) -> None:
    """Dataclass objects as CSV: NaN as an empty cell, floats with six significant digits."""
    _write_dicts(path, [f.name for f in fields(kind)], [asdict(record) for record in records])


def write_summary_csv(path: Path, summaries: Sequence[Summary]) -> None:
    """One line a codec; BD-rates in per cent, and the range of PSNR they were taken over."""
    records = []
    for s in summaries:
        by_psnr = s.bd_rates.get("published") or s.bd_rates.get("run")
        bpp, psnr = s.range_of("bpp"), s.range_of("psnr")
        records.append(
            {
                "codec": s.codec,
                "bd_rate_published": _percent(s.bd_rates.get("published")),
                "bd_rate_run": _percent(s.bd_rates.get("run")),
                "bd_rate_ms_ssim": _percent(s.bd_rates.get("ms_ssim")),
                "bd_rate_low_db": by_psnr.low if by_psnr else math.nan,
                "bd_rate_high_db": by_psnr.high if by_psnr else math.nan,
                "bpp_min": bpp[0],
                "bpp_max": bpp[1],
                "psnr_min": psnr[0],
                "psnr_max": psnr[1],
                "encode_s_per_mp": s.encode_s_per_mp,
                "decode_s_per_mp": s.decode_s_per_mp,
                "decoder_kmac_per_pixel": math.nan
                if s.kmac_per_pixel is None
                else s.kmac_per_pixel,
                "version": s.version,
            }
        )
    _write_dicts(path, list(records[0]), records)


def _bd_rate(
    what: str, reference: Curve | None, test: Curve, interval: tuple[float, float]
) -> BDRate | None:
    if reference is None or not test.bpp:
        return None
    try:
        found = bd_rate(reference, test, interval)
    except ValueError as error:
        print(f"WARNING: BD-rate of {what}: none: {error}", file=sys.stderr)
        return None
    if found.clipped:
        print(
            f"WARNING: BD-rate of {what}: over {found.low:.2f}–{found.high:.2f} dB ONLY, of "
            f"{interval[0]:g}–{interval[1]:g} dB: not comparable with numbers over all of it",
            file=sys.stderr,
        )
    return found


def _percent(rate: BDRate | None) -> float:
    return math.nan if rate is None else rate.percent


def _write_dicts(path: Path, columns: Sequence[str], records: Sequence[Mapping]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for record in records:
            writer.writerow({name: _cell(value) for name, value in record.items()})


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value
