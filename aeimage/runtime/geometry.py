"""One picture on every grid: pixels, latents, hyper-latents, stripes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aeimage.codec.stripes import stripe_bounds

STRIDE = 16  # pixels to a latent
HYPER = 4  # latents to a hyper-latent
BLOCK = STRIDE * HYPER


@dataclass(frozen=True)
class Geometry:
    """Sizes of one picture on every grid."""

    width: int
    height: int

    @property
    def valid(self) -> tuple[int, int]:
        """Rows and columns of latents that cover the picture: those that are coded."""
        return -(-self.height // STRIDE), -(-self.width // STRIDE)

    @property
    def hyper(self) -> tuple[int, int]:
        """Rows and columns of hyper-latents."""
        return -(-self.height // BLOCK), -(-self.width // BLOCK)

    @property
    def latents(self) -> tuple[int, int]:
        """Rows and columns of latents on the padded grid."""
        rows, columns = self.hyper
        return rows * HYPER, columns * HYPER

    def stripes(self) -> list[slice]:
        """Rows of coded latents of each stripe."""
        rows = self.valid[0]
        return [
            slice(top // STRIDE, min(-(-bottom // STRIDE), rows))
            for top, bottom in stripe_bounds(self.width, self.height)
        ]

    def bands(self, rows: int) -> list[list[slice]]:
        """Stripes in groups of at most `rows` latents, one stripe at least, to run together.

        In a wide picture a stripe is lower than its halo: most work would go into halos.
        """
        bands: list[list[slice]] = []
        for stripe in self.stripes():
            if bands and stripe.stop - bands[-1][0].start <= rows:
                bands[-1].append(stripe)
            else:
                bands.append([stripe])
        return bands


def checkerboard(rows: int, columns: int) -> NDArray[np.bool_]:
    """Return True where row + column is even: what the first pass codes."""
    return (np.arange(rows)[:, None] + np.arange(columns)[None, :]) % 2 == 0


def padded_rows(band: list[slice]) -> slice:
    """Rows of a band on the padded grid: only the last band ends within a block."""
    return slice(band[0].start, -(-band[-1].stop // HYPER) * HYPER)


def to_pixels(part: slice) -> slice:
    """Latents to pixels."""
    return slice(part.start * STRIDE, part.stop * STRIDE)


def to_latents(part: slice) -> slice:
    """Pixels to latents."""
    return slice(part.start // STRIDE, part.stop // STRIDE)


def to_hyper(part: slice) -> slice:
    """Latents to hyper-latents."""
    return slice(part.start // HYPER, part.stop // HYPER)
