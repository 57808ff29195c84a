"""ICC profiles: which colour space one is for, and the ways from others to sRGB.

The profile classes and header fields are those of ICC.1:2022, section 7.2.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

ToRgb = Callable[[Image.Image], Image.Image]

_HEADER_BYTES = 128


def colour_space(profile: bytes) -> str | None:
    """``"RGB"``, ``"CMYK"``, ``"GRAY"``, ``"Lab"``, ... of a profile; None if it is none."""
    if len(profile) < _HEADER_BYTES + 4 or profile[36:40] != b"acsp":
        return None
    return profile[16:20].decode("latin-1").strip()


def profile_to_srgb(profile: bytes, mode: str, *, exact: bool = False) -> ToRgb:
    """A conversion of pictures in Pillow's `mode` through `profile` to sRGB.

    Relative colorimetric with black point compensation, the way photo editors convert.

    Args:
        profile: an ICC profile.
        mode: ``"CMYK"`` or ``"L"``.
        exact: evaluate the profile for every pixel instead of interpolating between samples.

    Raises:
        ValueError: the profile is damaged, not for that mode, or Pillow lacks LittleCMS.
    """
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if exact:
        flags |= ImageCms.Flags.NOOPTIMIZE
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags,
        )
    except (ImageCms.PyCMSError, OSError, ImportError) as error:
        raise ValueError(str(error)) from error
    return transform.apply


def lab_to_srgb() -> ToRgb:
    """A conversion of pictures in Pillow's mode LAB (CIELAB, D50) to sRGB.

    Raises:
        ValueError: Pillow lacks LittleCMS.
    """
    try:
        return ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        ).apply
    except (ImageCms.PyCMSError, ImportError) as error:
        raise ValueError(str(error)) from error


def grey_table(profile: bytes) -> NDArray[np.uint8]:
    """What each 8-bit grey of a GRAY profile is in sRGB.

    A table rather than a conversion of pixels, so that grey stays exactly neutral.

    Returns:
        uint8, shape (256,).

    Raises:
        ValueError: the profile is damaged, not for grey, or Pillow lacks LittleCMS.
    """
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    return np.asarray(profile_to_srgb(profile, "L", exact=True)(ramp))[0, :, 1].copy()
