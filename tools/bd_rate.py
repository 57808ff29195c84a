"""BD-rate: per cent of bytes a codec needs more or less for equal quality (Bjøntegaard, 2001).

The protocol, fixed because interval and anchor move results by 2 to 8 points:

- a codec's curve is the mean bpp and the mean PSNR over the pictures, one point for each setting;
- log rate is interpolated over PSNR with PCHIP (monotone, no overshoot), not with Bjøntegaard's
  one cubic;
- the result is the mean difference of log rate over 28.5–38 dB, or over the part of it that both
  curves cover. Nothing is extrapolated; `BDRate.clipped` says that the interval was cut, and
  whoever shows the number must say so too;
- the anchor is the curve `jpeg` of `anchors.json` (mean of the 24 Kodak pictures).

For MS-SSIM the same over -10·log10(1 - MS-SSIM), 12–21 dB, about the range that the anchor spans
over 28.5–38 dB.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator

PSNR_INTERVAL = (28.5, 38.0)
MS_SSIM_INTERVAL = (12.0, 21.0)
ANCHOR = "jpeg"
ANCHORS_FILE = Path(__file__).resolve().parent / "anchors.json"


@dataclass(frozen=True)
class Curve:
    """A rate–distortion curve: `bpp[i]` bits per pixel give `quality[i]` dB, in any order."""

    bpp: Sequence[float]
    quality: Sequence[float]


@dataclass(frozen=True)
class BDRate:
    """The result. `percent` is negative where the codec needs fewer bytes than the anchor."""

    percent: float
    low: float
    high: float
    clipped: bool

    def __str__(self) -> str:
        where = f" (only over {self.low:.2f}–{self.high:.2f} dB)" if self.clipped else ""
        return f"{self.percent:+.1f} %{where}"


def bd_rate(anchor: Curve, test: Curve, interval: tuple[float, float] = PSNR_INTERVAL) -> BDRate:
    """Mean rate difference of `test` against `anchor` at equal quality.

    Raises:
        ValueError: if a curve has fewer than two points or a value that is not finite, or if the
            curves and the interval have no common range.
    """
    quality_a, log_rate_a = _prepare(anchor, "anchor")
    quality_t, log_rate_t = _prepare(test, "test")
    low = max(interval[0], quality_a[0], quality_t[0])
    high = min(interval[1], quality_a[-1], quality_t[-1])
    if low >= high:
        raise ValueError(
            f"No common range of quality. The anchor covers {quality_a[0]:.2f}–"
            f"{quality_a[-1]:.2f} dB, the tested curve {quality_t[0]:.2f}–{quality_t[-1]:.2f} dB, "
            f"the interval is {interval[0]:g}–{interval[1]:g} dB"
        )
    area_a = PchipInterpolator(quality_a, log_rate_a).integrate(low, high)
    area_t = PchipInterpolator(quality_t, log_rate_t).integrate(low, high)
    percent = 100 * math.expm1(float(area_t - area_a) / (high - low))
    return BDRate(percent, float(low), float(high), clipped=(low, high) != tuple(interval))


def ms_ssim_db(value: float) -> float:
    """MS-SSIM on the usual logarithmic scale, -10·log10(1 - value); `inf` for 1."""
    return math.inf if value >= 1 else -10 * math.log10(1 - value)


def load_anchors(path: Path | None = None) -> dict[str, dict]:
    """Published curves by name: `bpp`, `psnr`, where known `ms_ssim` (linear), and `source`."""
    return json.loads((path or ANCHORS_FILE).read_text(encoding="utf-8"))


def anchor_curve(entry: Mapping, metric: str = "psnr") -> Curve | None:
    """An entry of `load_anchors` as a curve by "psnr" or "ms_ssim" in dB; None where unknown."""
    values = entry.get(metric)
    if values is None:
        return None
    return Curve(entry["bpp"], values if metric == "psnr" else [ms_ssim_db(v) for v in values])


def _prepare(curve: Curve, name: str) -> tuple[np.ndarray, np.ndarray]:
    quality = np.asarray(curve.quality, np.float64)
    bpp = np.asarray(curve.bpp, np.float64)
    if quality.shape != bpp.shape or quality.ndim != 1:
        raise ValueError(f"Invalid {name} curve. Expected as many rates as qualities.")
    if not (np.isfinite(quality).all() and np.isfinite(bpp).all() and (bpp > 0).all()):
        raise ValueError(f"Invalid {name} curve. Expected finite values and rates above 0.")
    # By quality, and at equal quality the cheaper point first: PCHIP wants strictly increasing
    # abscissae.
    order = np.lexsort((bpp, quality))
    quality, bpp = quality[order], bpp[order]
    keep = np.concatenate(([True], np.diff(quality) > 0))[: len(quality)]
    quality, bpp = quality[keep], bpp[keep]
    if len(quality) < 2:
        raise ValueError(f"Invalid {name} curve. Expected two points of different quality or more.")
    return quality, np.log(bpp)
