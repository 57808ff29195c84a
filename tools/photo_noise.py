"""What the photo benchmark does to a picture before it is restored; seeded, NumPy and Pillow only.

| kind | level | what |
| --- | --- | --- |
| `gaussian` | sigma, of 255 | white Gaussian noise, **not clipped**, in float: as papers report |
| `gaussian-8bit` | sigma, of 255 | the same noise, clipped to 0…255 and rounded: what a user has |
| `shot` | photons at white | variance = value / photons + (2/255)², clipped and rounded |
| `jpeg` | quality | Pillow's JPEG, 4:2:0 |

The seed is made of the picture's name, the kind and the level, so each is the same in every run.
"""

from __future__ import annotations

import io
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

READ_NOISE = 2 / 255
KINDS = ("gaussian", "gaussian-8bit", "shot", "jpeg")


def degrade(picture: NDArray[np.uint8], kind: str, level: float, name: str) -> NDArray[np.float32]:
    """The degraded picture.

    Args:
        picture: RGB of shape `(height, width, 3)`.
        kind: one of `KINDS`.
        level: as in the table above.
        name: the picture's name: part of the seed.

    Returns:
        float32 of the same shape. Kind `gaussian` leaves [0, 1]; the others hold multiples of
        1/255 in it.

    Raises:
        ValueError: if there is no such kind.
    """
    clean = picture.astype(np.float64) / 255
    # Gaussian noise is the same whether clipped or not: the two differ in the clipping alone.
    kind_of_noise = "gaussian" if kind.startswith("gaussian") else kind
    rng = np.random.default_rng(zlib.crc32(f"{name}/{kind_of_noise}/{level:g}".encode()))
    if kind == "jpeg":
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=round(level), subsampling="4:2:0")
        return np.asarray(Image.open(file).convert("RGB"), np.float32) / 255
    if kind == "shot":
        deviation = np.sqrt(clean / level + READ_NOISE**2)
    elif kind in ("gaussian", "gaussian-8bit"):
        deviation = np.full_like(clean, level / 255)
    else:
        raise ValueError(f"Invalid value for `kind`. Expected one of {KINDS}. Received: {kind!r}")
    noisy = clean + deviation * rng.standard_normal(clean.shape)
    return (noisy if kind == "gaussian" else to_uint8(noisy) / 255).astype(np.float32)


def to_uint8(picture: NDArray) -> NDArray[np.uint8]:
    """Values in [0, 1] (others are clipped) to 8 bits, rounded to nearest."""
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
