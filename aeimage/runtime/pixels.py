"""What pictures given as arrays must be, and their greys."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import UsageError


def check_pixels(pixels: NDArray, *dtypes: str) -> None:
    """Check that an array is a picture: (height, width, 3), or (height, width) for grey.

    Args:
        pixels: what a user gave.
        dtypes: names of those that it may have.

    Raises:
        UsageError: it is not, or holds numbers that are not finite.
    """
    check_array("pixels", pixels, *dtypes)
    if pixels.ndim not in (2, 3) or pixels.shape[2:] not in ((), (3,)) or 0 in pixels.shape:
        raise UsageError.for_value(
            "pixels.shape", "(height, width, 3) or (height, width)", pixels.shape
        )
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise UsageError("`pixels` holds values that are not finite. Expected levels, 0 to 255.")


def as_grey(pixels: NDArray) -> NDArray[np.float32]:
    """Return the mean of a picture's channels, float32 (height, width); a copy of grey ones."""
    return pixels.mean(axis=-1, dtype=np.float32) if pixels.ndim == 3 else pixels.astype(np.float32)


def check_array(name: str, array: NDArray, *dtypes: str) -> None:
    """Check that something is an array of one of some dtypes.

    Raises:
        UsageError: it is not.
    """
    received = array.dtype.name if isinstance(array, np.ndarray) else type(array).__name__
    if not isinstance(array, np.ndarray) or received not in dtypes:
        raise UsageError.for_value(name, f"an array of {' or '.join(dtypes)}", received)
