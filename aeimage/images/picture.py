"""What a picture is to the rest of aeimage."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import UsageError


@dataclass(eq=False)
class Picture:
    """A picture as it should be seen, upright and in 8-bit RGB, with what belongs to it.

    Attributes:
        rgb: uint8, shape (height, width, 3), C-contiguous, 0 to 255. In the colour space of
            `icc`; without one, sRGB is meant.
        alpha: uint8, shape (height, width), 0 transparent to 255 opaque, not multiplied into
            `rgb`; None where the source has no transparency.
        icc: ICC profile of an RGB colour space, or None.
        exif: EXIF from its byte-order mark on (``II*\\0`` or ``MM\\0*``; without the
            ``Exif\\0\\0`` of JPEG), its orientation already applied to the pixels; or None.
        xmp: XMP packet, normally UTF-8, or None.
        dpi: horizontal and vertical resolution in pixels per inch, or None.
        warnings: sentences for the user about what was lost or assumed on reading.
        source_mode: Pillow mode of the source (``"RGB"``, ``"CMYK"``, ``"I;16"``, ...).

    Raises:
        UsageError: `rgb` or `alpha` is not as described.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    warnings: list[str] = field(default_factory=list)
    source_mode: str = "RGB"

    def __post_init__(self) -> None:
        _check("rgb", self.rgb, ndim=3)
        if self.rgb.shape[2] != 3:
            raise UsageError.for_value("rgb.shape", "(height, width, 3)", self.rgb.shape)
        if self.alpha is not None:
            _check("alpha", self.alpha, ndim=2)
            if self.alpha.shape != self.rgb.shape[:2]:
                raise UsageError.for_value(
                    "alpha.shape", f"that of rgb, {self.rgb.shape[:2]}", self.alpha.shape
                )

    @property
    def height(self) -> int:
        """Rows."""
        return self.rgb.shape[0]

    @property
    def width(self) -> int:
        """Columns."""
        return self.rgb.shape[1]

    @property
    def is_grey(self) -> bool:
        """Whether the source was grey, and one channel says all: no profile for RGB applies."""
        mode = self.source_mode
        return self.icc is None and (
            mode in ("1", "L", "LA", "La", "I", "F") or mode.startswith("I;16")
        )


def _check(name: str, array: NDArray[np.uint8], *, ndim: int) -> None:
    if not isinstance(array, np.ndarray):
        raise UsageError.for_value(name, "a NumPy array", type(array).__name__)
    if array.dtype != np.uint8:
        raise UsageError.for_value(f"{name}.dtype", "uint8", array.dtype.name)
    if array.ndim != ndim or array.size == 0:
        raise UsageError.for_value(f"{name}.shape", f"{ndim} non-empty axes", array.shape)
    if not array.flags.c_contiguous:
        raise UsageError.for_value(
            f"{name}.flags.c_contiguous", "True (numpy.ascontiguousarray makes it so)", False
        )
