"""What a file says about its samples that Pillow's mode does not.

Pillow has no mode for colour with more than 8 bits a sample: it reads such files by keeping the
high bytes, silently. The names of its raw modes (``RGB;16B``: big-endian) tell, and another raw
mode makes it read the low bytes, which exact rounding needs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

_MIN_IS_WHITE = 0
_NATIVE, _FOREIGN = ("L", "B") if sys.byteorder == "little" else ("B", "L")
_OTHER_BYTE = {"B": "L", "L": "B", "N": _FOREIGN}
_ROUNDABLE = ("RGB;16", "RGBX;16", "RGBA;16")


@dataclass
class Samples:
    """Facts about a picture's samples, from its file's header.

    Attributes:
        bits: bits per sample where Pillow's mode holds or reduces more than 8; else 8.
        inverted: greater values are darker, and Pillow's mode does not say so (TIFF).
        grey_scale: factor by which Pillow multiplies 1-, 2- and 4-bit grey to span 0 to 255.
            It does not multiply the transparent grey that PNG gives beside them.
        low_bytes: the same file can be read a second time for the low bytes.
        interleaved_low_bytes: the picture is read as (grey, its low byte, alpha, its low byte).
    """

    bits: int = 8
    inverted: bool = False
    grey_scale: int = 1
    low_bytes: bool = False
    interleaved_low_bytes: bool = False


def inspect_samples(image: Image.Image, *, interleave: bool = True) -> Samples:
    """Read the facts off a picture that is opened but not loaded.

    Changes how it will be loaded where Pillow would load nonsense and, with `interleave`, where
    `interleaved_low_bytes` is to be had.
    """
    raw_mode = _raw_mode(image)
    samples = Samples(bits=_bits(image, raw_mode))
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16") or image.mode == "F":
        samples.inverted = tags.get(0x0106, 1) == _MIN_IS_WHITE
    if raw_mode in ("L;2", "L;4"):
        samples.grey_scale = {"L;2": 85, "L;4": 17}[raw_mode]
    if samples.bits == 16 and raw_mode in ("R", "G", "B", "A"):
        # Uncompressed TIFF with a plane a colour: Pillow (13.0) forgets that it has 16 bits.
        suffix = ";16B" if tags.prefix == b"MM" else ";16L"
        _set_raw_modes(image, lambda mode: mode + suffix)
        samples.low_bytes = True
    elif raw_mode == "LA;16B" and interleave:
        # 32 bits a pixel, like RGBA: reading it as that yields all four bytes at once.
        _set_raw_modes(image, lambda _: "RGBA")
        samples.interleaved_low_bytes = True
    else:
        # Through libtiff, planes ignore the raw mode: their low bytes are out of reach.
        planes_by_libtiff = raw_mode.endswith("N") and tags.get(0x011C, 1) == 2
        samples.low_bytes = raw_mode.startswith(_ROUNDABLE) and not planes_by_libtiff
    return samples


def select_low_bytes(image: Image.Image) -> None:
    """Make a picture that is opened but not loaded yield its samples' low bytes."""
    inspect_samples(image)
    _set_raw_modes(image, lambda mode: mode[:-1] + _OTHER_BYTE[mode[-1]])


def _bits(image: Image.Image, raw_mode: str) -> int:
    if raw_mode == "I;12":
        return 12
    if ";16" in raw_mode or image.mode.startswith("I;16"):
        return 16
    if raw_mode in ("R", "G", "B", "A") and hasattr(image, "tag_v2"):
        return max(image.tag_v2.get(0x0102, (8,)))
    return 8


def _raw_mode(image: Image.Image) -> str:
    tiles = getattr(image, "tile", [])
    args = tiles[0][3] if tiles else None
    if isinstance(args, tuple):
        args = args[0] if args else None
    return args if isinstance(args, str) else ""


def _set_raw_modes(image: Image.Image, change: Callable[[str], str]) -> None:
    image.tile = [
        tile._replace(
            args=(change(tile.args[0]), *tile.args[1:])
            if isinstance(tile.args, tuple)
            else change(tile.args)
        )
        for tile in image.tile
    ]
