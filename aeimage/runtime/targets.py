"""What a compressed picture should be, and the search for the quality that makes it so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aeimage.errors import UsageError

DEFAULT_QUALITY = 50.0
# A search ends when the quality is known to this.
QUALITY_STEP = 0.25


@dataclass(frozen=True)
class Target:
    """What a compressed picture should be; exactly one field is set.

    Attributes:
        quality: 0 to 100, continuous; the default is 50.
        bpp: at most so many bits of the whole file per pixel.
        psnr: at least so many decibels, of 8-bit RGB.
        max_bytes: at most so many bytes of file.

    The last three are met by a search over quality: the best picture that fits, or the smallest
    file that is good enough. Where no quality reaches the target, the nearest one is taken
    (quality 0 for sizes, 100 for PSNR), and `Compressed.met` is false.
    """

    quality: float | None = None
    bpp: float | None = None
    psnr: float | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        given = {k: v for k, v in vars(self).items() if v is not None}
        if len(given) > 1:
            raise UsageError.for_value(
                "target", "one of quality, bpp, psnr and max_bytes", ", ".join(given)
            )
        if not given:
            object.__setattr__(self, "quality", DEFAULT_QUALITY)
        elif "quality" in given and not 0.0 <= given["quality"] <= 100.0:
            raise UsageError.for_value("quality", "a number from 0 to 100", self.quality)
        elif not next(iter(given.values())) >= 0:
            raise UsageError.for_value(next(iter(given)), "a positive number", given)


@dataclass(frozen=True)
class Compressed:
    """A compressed picture.

    Attributes:
        data: the whole file.
        quality: that it was made with.
        psnr: in decibels, where the target asked for it; else None.
        met: whether the target was reached.
    """

    data: bytes
    quality: float
    psnr: float | None = None
    met: bool = True


def meet(
    target: Target,
    attempt: Callable[[float], bytes],
    score: Callable[[bytes], float],
    pixels: int,
) -> Compressed:
    """Find the quality that meets a target.

    Args:
        target: what to meet.
        attempt: compresses at a quality, in hundredths; called again for a quality it has seen.
        score: PSNR of a file in decibels.
        pixels: of the picture.
    """
    if target.quality is not None:
        quality = round(target.quality * 100) / 100
        return Compressed(attempt(quality), quality)
    if target.psnr is not None:
        quality = _smallest(lambda q: score(attempt(q)) >= target.psnr)
        data = attempt(quality)
        reached = score(data)
        return Compressed(data, quality, reached, reached >= target.psnr)
    limit = target.max_bytes
    if limit is None:
        limit = int(target.bpp * pixels / 8)
    above = _smallest(lambda q: len(attempt(q)) > limit)
    quality = above if len(attempt(above)) <= limit else max(0.0, above - QUALITY_STEP)
    data = attempt(quality)
    return Compressed(data, quality, None, len(data) <= limit)


def _smallest(holds: Callable[[float], bool]) -> float:
    """Return the smallest quality at which a monotonic condition holds, or 100.

    Bisection on the grid of `QUALITY_STEP`.
    """
    low, high = 0, round(100 / QUALITY_STEP)
    while low < high:
        middle = (low + high) // 2
        if holds(middle * QUALITY_STEP):
            high = middle
        else:
            low = middle + 1
    return low * QUALITY_STEP
