"""The benchmark's summary as a Markdown table, with all that is needed to read it."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence

from bd_rate import MS_SSIM_INTERVAL, BDRate
from benchmark_summary import Summary

_HEADER = (
    "codec",
    "BD-rate %",
    "by MS-SSIM %",
    "bpp",
    "PSNR dB",
    "encode s/MP",
    "decode s/MP",
    "decoder kMAC/px",
)


def summary_markdown(
    summaries: Sequence[Summary],
    *,
    pictures: str,
    published: bool,
    interval: tuple[float, float],
) -> str:
    """The table and its notes.

    Args:
        summaries: a line each; ours is set in bold.
        pictures: what was measured, in words, e.g. "24 pictures of `kodak`".
        published: whether BD-rates are those against the published curve, else against this run's
            JPEG.
        interval: the interval of PSNR.
    """
    key = "published" if published else "run"
    lines = [_line(_HEADER), _line(["---"] * len(_HEADER))]
    lines += [_line(_cells(summary, key)) for summary in summaries]
    anchor = "the published Kodak curve `jpeg`" if published else "JPEG of this run"
    lines += [
        "",
        (
            f"{pictures}; whole files; PSNR and MS-SSIM of 8-bit RGB. BD-rate against {anchor}: "
            f"mean curves over the pictures, PCHIP on log rate, {interval[0]:g}–{interval[1]:g} dB "
            f"of PSNR, {MS_SSIM_INTERVAL[0]:g}–{MS_SSIM_INTERVAL[1]:g} dB of MS-SSIM; lower is "
            "better. Seconds per megapixel: model open, one warm-up, median over pictures and "
            f"settings, {os.cpu_count()} cores, {platform.machine()}."
        ),
    ]
    clipped = [
        f"{summary.label} {what} {rate.low:.2f}–{rate.high:.2f} dB"
        for summary in summaries
        for what, rate in (
            ("PSNR", summary.bd_rates.get(key)),
            ("MS-SSIM", summary.bd_rates.get("ms_ssim")),
        )
        if rate is not None and rate.clipped
    ]
    if clipped:
        lines += [
            "",
            (
                "\\* **Only over the part of the interval that both curves cover; not comparable "
                f"with the other numbers:** {'; '.join(clipped)}."
            ),
        ]
    lines += ["", "Versions: " + "; ".join(f"{s.label}: {s.version}" for s in summaries) + "."]
    return "\n".join(lines) + "\n"


def _cells(summary: Summary, key: str) -> list[str]:
    kmac = summary.kmac_per_pixel
    return [
        f"**{summary.label}**" if summary.codec == "aeimage" else summary.label,
        _rate(summary.bd_rates.get(key)),
        _rate(summary.bd_rates.get("ms_ssim")),
        _range(*summary.range_of("bpp"), digits=2),
        _range(*summary.range_of("psnr"), digits=1),
        _number(summary.encode_s_per_mp, digits=3),
        _number(summary.decode_s_per_mp, digits=3),
        "–" if kmac is None else _number(kmac, digits=1),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rate(rate: BDRate | None) -> str:
    if rate is None:
        return "–"
    return f"{rate.percent:+.1f}{'*' if rate.clipped else ''}".replace("-", "−")


def _number(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _range(low: float, high: float, digits: int) -> str:
    return "–" if math.isnan(low) else f"{low:.{digits}f}–{high:.{digits}f}"
