"""Pictures out of an autoencoder: drawn, on the way between two, or of given latents; as a grid."""

from __future__ import annotations

import math
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aeimage.apps.plan import PathLike, format_of
from aeimage.data.small_pictures import fit_picture
from aeimage.errors import UsageError
from aeimage.images import OUTPUT_FORMATS, Picture, read_picture, write_picture
from aeimage.runtime.autoencoder import Autoencoder

GAP = 2
SHOWN_SIDE = 56
MAX_PICTURES = 10_000
MAX_STEPS = 1_000


@dataclass(frozen=True)
class Generated:
    """What was made.

    Attributes:
        output: file of the grid.
        model: name of the model.
        pictures: how many there are in the grid.
        rows, columns: of the grid.
        seed: with which the latents were drawn; None where none were.
    """

    output: str
    model: str
    pictures: int
    rows: int
    columns: int
    seed: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def generate_grid(
    model: PathLike,
    output: PathLike,
    *,
    count: int = 64,
    interpolate: bool = False,
    steps: int = 10,
    between: tuple[PathLike, PathLike] | None = None,
    latents: PathLike | None = None,
    seed: int | None = None,
    scale: int | None = None,
    overwrite: bool = False,
) -> Generated:
    """Write a grid of pictures that an autoencoder decodes. No TensorFlow is needed.

    Args:
        model: name of an installed autoencoder, or folder of a bundle. To draw latents it must be a
            variational one; `between` and `latents` take any.
        output: a picture file, in the format of its suffix.
        count: pictures to draw; with `interpolate`, rows.
        interpolate: each row leads from one drawn picture to another.
        steps: pictures in such a row, both ends included.
        between: two picture files; one row that leads from one to the other.
        latents: file of latents to decode: what `aeimage features` wrote, or an array in ``.npy``.
        seed: of the draw, a whole number from 0; None: another one each time.
        scale: side of each pixel in the grid; None makes small pictures easy to see.
        overwrite: whether an existing file may be replaced.

    Raises:
        UsageError: an argument makes no sense, or the model cannot do this.
        ModelNotFoundError, ModelFileError: as for `aeimage.runtime.autoencoder.Autoencoder`.
        OutputExistsError: `output` exists.
    """
    format = format_of(output)
    if format is None:
        expected = " or ".join(f".{name}" for name in OUTPUT_FORMATS)
        raise UsageError.for_value("output", f"a name ending in {expected}", str(output))
    _check_numbers(count, steps, seed, scale)
    if sum((interpolate, between is not None, latents is not None)) > 1:
        raise UsageError(
            "Only one of `interpolate`, `between` and `latents` says what to make. Leave out the "
            "others."
        )
    network = Autoencoder(model)
    drawn = between is None and latents is None
    if drawn:
        network.check_generative()
        seed = secrets.randbits(32) if seed is None else seed
    else:
        seed = None
    if between is not None:
        ends = _encoded(network, between)
        pixels, columns = network.interpolate(*ends, steps), steps
    elif latents is not None:
        pixels = network.decode(_read_latents(latents))
        columns = _columns(len(pixels))
    elif interpolate:
        ends = np.random.default_rng(seed).normal(size=(count, 2, network.latent_size))
        pixels = np.concatenate([network.interpolate(*pair, steps) for pair in ends])
        columns = steps
    else:
        pixels, columns = network.generate(count, seed), _columns(count)
    grid = draw_grid(pixels, columns, scale or max(1, round(SHOWN_SIDE / network.shape[0])))
    write_picture(Picture(grid), output, format, overwrite=overwrite)
    rows = -(-len(pixels) // columns)
    return Generated(os.fspath(output), network.name, len(pixels), rows, columns, seed)


def draw_grid(pixels: NDArray[np.floating], columns: int, scale: int = 1) -> NDArray[np.uint8]:
    """Return pictures side by side, row by row, on white.

    Args:
        pixels: (count, height, width, 1 or 3), in [0, 1].
        columns: pictures in a row.
        scale: side of each pixel in the result.

    Returns:
        uint8 (height, width, 3).
    """
    count, height, width, channels = pixels.shape
    rows = -(-count // columns)
    levels = np.round(np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)
    levels = levels.repeat(scale, axis=1).repeat(scale, axis=2)
    if channels == 1:
        levels = levels.repeat(3, axis=-1)
    across, down = width * scale + GAP, height * scale + GAP
    grid = np.full((rows * down + GAP, columns * across + GAP, 3), 255, np.uint8)
    for number, picture in enumerate(levels):
        top, left = GAP + number // columns * down, GAP + number % columns * across
        grid[top : top + height * scale, left : left + width * scale] = picture
    return grid


def _columns(count: int) -> int:
    return math.ceil(math.sqrt(count))


def _encoded(network: Autoencoder, paths: tuple[PathLike, PathLike]) -> NDArray[np.float32]:
    side, _, channels = network.shape
    return network.encode(
        np.stack([fit_picture(read_picture(path).rgb, side, channels) for path in paths])
    )


def _read_latents(path: PathLike) -> NDArray[np.float32]:
    if Path(path).suffix.lower() != ".npy":
        from aeimage.apps.features import read_features

        latents = read_features(path).latents
    else:
        try:
            latents = np.asarray(np.load(path, allow_pickle=False), np.float32)
        except (ValueError, EOFError) as error:
            raise UsageError(
                f"{path}: no latents ({error}). Expected an array of numbers, (count, latents), as "
                "numpy.save writes it."
            ) from error
    if not 1 <= len(latents) <= MAX_PICTURES:
        raise UsageError(
            f"{path}: {len(latents)} pictures. Expected 1 to {MAX_PICTURES}. Give a file with so "
            "many."
        )
    return latents


def _check_numbers(count, steps, seed, scale) -> None:
    if not 1 <= count <= MAX_PICTURES:
        raise UsageError.for_value("count", f"a whole number from 1 to {MAX_PICTURES}", count)
    if not 2 <= steps <= MAX_STEPS:
        raise UsageError.for_value("steps", f"a whole number from 2 to {MAX_STEPS}", steps)
    if seed is not None and seed < 0:
        raise UsageError.for_value("seed", "a whole number from 0", seed)
    if scale is not None and not 1 <= scale <= 64:
        raise UsageError.for_value("scale", "a whole number from 1 to 64", scale)
