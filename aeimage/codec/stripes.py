"""How a picture is cut into stripes, each of them coded by itself."""

from __future__ import annotations

STRIPE_PIXELS = 2**20
STRIDE = 64
"""Side of the block of pixels that one hyper-latent covers; stripes begin at multiples of it."""


def stripe_rows(width: int) -> int:
    """Rows of pixels in every stripe but the last: what fills a megapixel, in whole blocks.

    ``64 · max(1, floor(2^20 / (64 · width rounded up to a multiple of 64)))``

    Args:
        width: of the picture in pixels.
    """
    blocks_per_row = -(-width // STRIDE)
    return STRIDE * max(1, STRIPE_PIXELS // (STRIDE * STRIDE * blocks_per_row))


def stripe_bounds(width: int, height: int) -> list[tuple[int, int]]:
    """First row and row after the last of every stripe, in pixels, from the top.

    All begin at multiples of `STRIDE`; the last ends at ``height``.
    """
    rows = stripe_rows(width)
    return [(top, min(top + rows, height)) for top in range(0, height, rows)]


def stripe_count(width: int, height: int) -> int:
    """``len(stripe_bounds(width, height))``, without making the list."""
    return -(-height // stripe_rows(width))
