"""Which pixels of a picture are missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import UsageError
from aeimage.images import Picture

WHITE = 128
"""From this level on, a pixel of a mask counts as white."""


def mask_of_picture(picture: Picture) -> NDArray[np.bool_]:
    """Return where a mask that was drawn is white: bool (height, width).

    Where it is transparent, it is not.
    """
    white = picture.rgb.max(axis=-1) >= WHITE
    return white if picture.alpha is None else white & (picture.alpha >= WHITE)


def missing_parts(
    picture: Picture, colour: str | tuple[int, int, int] | None = None
) -> NDArray[np.bool_]:
    """Return where a picture says itself that pixels are missing: bool (height, width).

    Args:
        picture: whose fully transparent pixels are missing, if there is no colour.
        colour: see `parse_colour`.

    Raises:
        UsageError: no such colour, or neither a colour nor transparency.
    """
    if colour is not None:
        return (picture.rgb == np.array(parse_colour(colour), np.uint8)).all(axis=-1)
    if picture.alpha is None:
        raise UsageError(
            "Nothing says which pixels are missing: the picture has no transparency. Give a mask "
            "of its size, white where pixels are missing (--mask), or their colour (--missing)."
        )
    return picture.alpha == 0


def parse_colour(colour: str | tuple[int, int, int]) -> tuple[int, int, int]:
    """Return (red, green, blue) of a colour: a name, ``"#rrggbb"``, or the numbers themselves.

    Raises:
        UsageError: it is none.
    """
    from PIL import ImageColor

    try:
        if isinstance(colour, str):
            return ImageColor.getrgb(colour)[:3]
        red, green, blue = (int(level) for level in colour)
        if all(0 <= level <= 255 for level in (red, green, blue)):
            return red, green, blue
    except (TypeError, ValueError):
        pass
    raise UsageError.for_value(
        "missing", "a colour such as 'magenta', '#ff00ff' or (255, 0, 255)", colour
    )
