"""A row of the photo benchmark's results, and what tells it from any other."""

from __future__ import annotations

from dataclasses import dataclass

KEY = ("picture", "noise", "level", "method", "version")


@dataclass(frozen=True)
class Row:
    """One picture with one noise, restored by one method.

    `noise` and `level` as in `photo_noise`; `psnr` is the restored picture's in dB; `seconds` of
    the clock, whatever else ran then.
    """

    picture: str
    noise: str
    level: float
    method: str
    version: str
    psnr: float
    seconds: float
