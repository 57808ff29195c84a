"""Damage that scans have, at three graded levels each: what the OCR benchmark does to clean pages.

Written apart from `aeimage/corruption`, which training uses, and with other models of the same
things, so that a model cannot just undo what it was shown. Level 1 and 2 are such that the right
classical filter nearly brings the page back; at level 3 the best of them leaves an error of 10 %
or more. The levels were set by trials on pages of books that are not in the benchmark.

Everything is NumPy, SciPy and Pillow, and the same in every run: the seed is made of the page's
name, the damage's name and the level. Sizes are pixels of a page of 300 dpi.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

LEVELS = (1, 2, 3)
# Keys cached results, as the parameters below do: to be raised when the code does something else.
VERSION = 1

Grey = NDArray[np.float64]  # 0 ink, 1 paper, shape (height, width)


@dataclass(frozen=True)
class Scene:
    """What a damage may use besides the page: its random numbers, and another page's picture."""

    rng: np.random.Generator
    other: Grey


@dataclass(frozen=True)
class Damage:
    """A damage: `apply(page, scene, strength)` with one strength of each level."""

    label: str
    apply: Callable[..., Grey]
    levels: tuple[dict[str, float], dict[str, float], dict[str, float]]


def damage_page(
    page: NDArray[np.uint8],
    steps: Sequence[tuple[str, int]],
    name: str,
    other: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """The damaged page.

    Args:
        page: grey, shape `(height, width)`, 255 for paper.
        steps: names in `DAMAGES` with a level of 1 to 3, applied in this order; none: the page
            itself.
        name: the page's name: part of the seed.
        other: a page whose text may show through; by default an empty one.

    Raises:
        ValueError: for an unknown damage or level.
    """
    if not steps:
        return page.copy()
    values = page / 255.0
    other_values = np.ones_like(values) if other is None else _fit(other / 255.0, values.shape)
    for kind, level in steps:
        if kind not in DAMAGES or level not in LEVELS:
            raise ValueError(
                f"Invalid damage. Expected one of {', '.join(DAMAGES)} at level 1, 2 or 3. "
                f"Received: {kind!r} at level {level!r}"
            )
        scene = Scene(seeded(name, kind, level), other_values)
        damage = DAMAGES[kind]
        values = np.clip(damage.apply(values, scene, **damage.levels[level - 1]), 0, 1)
    return np.round(values * 255).astype(np.uint8)


def seeded(*parts: object) -> np.random.Generator:
    """A generator whose seed is made of these parts, the same in every process."""
    return np.random.default_rng(zlib.crc32("/".join(map(str, parts)).encode()))


def noise(page: Grey, scene: Scene, blur: float, contrast: float, sigma: float) -> Grey:
    """A poor sensor: blur, faded contrast around grey, white Gaussian noise of `sigma` of 255."""
    page = 0.5 + contrast * (ndimage.gaussian_filter(page, blur) - 0.5)
    return page + _white(page, scene, sigma)


def uneven_light(page: Grey, scene: Scene, darkest: float, sigma: float) -> Grey:
    """Light that falls off: a slope, and the round shadow of a hand; down to `darkest`."""
    height, width = page.shape
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    angle = scene.rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)
    slope = (slope - slope.min()) / np.ptp(slope)
    centre_x, centre_y = scene.rng.uniform(0.2, 0.8, 2)
    radius = scene.rng.uniform(0.25, 0.4)
    shadow = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / (2 * radius**2))
    light = 1 - (1 - darkest) * np.clip(0.65 * slope + 0.55 * shadow, 0, 1)
    return page * light + _white(page, scene, sigma)


def show_through(page: Grey, scene: Scene, strength: float, blur: float, sigma: float) -> Grey:
    """The back page's ink through thin paper: mirrored, softened, it darkens what is in front."""
    back = ndimage.gaussian_filter(scene.other[:, ::-1], blur)
    shift = scene.rng.integers(-25, 26, 2)
    back = np.roll(back, tuple(shift), (0, 1))
    return page * (1 - strength * (1 - back)) * 0.94 + _white(page, scene, sigma)


def salt_and_pepper(page: Grey, scene: Scene, share: float, sigma: float) -> Grey:
    """Dead pixels: a `share` of them white, as many black."""
    page = page + _white(page, scene, sigma)
    lot = scene.rng.random(page.shape)
    return np.where(lot < share, 0.0, np.where(lot > 1 - share, 1.0, page))


def specks(page: Grey, scene: Scene, share: float, radius: float, sigma: float) -> Grey:
    """Dirt and dust: round specks of up to `radius`, dark on the paper and light in the ink.

    `share` is about the part of the page that they cover.
    """
    damaged = page.copy()
    count = int(share * page.size / (np.pi * (0.5 + radius / 2) ** 2))
    centres = scene.rng.random((count, 2)) * page.shape
    radii = scene.rng.uniform(0.5, radius, count)
    greys = np.where(scene.rng.random(count) < 0.75, 0.1, 0.95) + scene.rng.normal(0, 0.05, count)
    reach = int(np.ceil(radius))
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    for y_offset, x_offset in zip(dy.ravel(), dx.ravel(), strict=True):
        y = np.floor(centres[:, 0]).astype(int) + y_offset
        x = np.floor(centres[:, 1]).astype(int) + x_offset
        distance = np.hypot(y + 0.5 - centres[:, 0], x + 0.5 - centres[:, 1])
        inside = (distance <= radii) & (y >= 0) & (y < page.shape[0])
        inside &= (x >= 0) & (x < page.shape[1])
        damaged[y[inside], x[inside]] = greys[inside]
    return ndimage.gaussian_filter(damaged, 0.5) + _white(page, scene, sigma)


def jpeg(page: Grey, scene: Scene, blur: float, contrast: float, quality: float) -> Grey:
    """A faint, soft scan, saved as a small JPEG file."""
    del scene  # nothing random
    page = 0.45 + contrast * (ndimage.gaussian_filter(page, blur) - 0.5)
    file = io.BytesIO()
    pixels = np.round(np.clip(page, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(file, "JPEG", quality=round(quality))
    return np.asarray(Image.open(file), np.float64) / 255


def stains_and_folds(
    page: Grey, scene: Scene, darkness: float, folds: float, crease: float, sigma: float
) -> Grey:
    """Spilt coffee with its darker rims, and folds: a shadow, a light ridge, ink that flaked off.

    `darkness` is what a stain takes of the light, `crease` the half width of a fold in pixels.
    """
    height, width = page.shape
    field = _smooth(page.shape, 90, scene.rng)
    stain = 1 / (1 + np.exp(-(field - 0.3) * 14))
    rim = np.exp(-(((field - 0.3) / 0.07) ** 2))
    page = page * (1 - darkness * np.clip(0.75 * stain + 0.6 * rim, 0, 1))
    for number in range(round(folds)):
        across = number % 2 == 0  # every other fold runs down the page
        length, size = (width, height) if across else (height, width)
        middle = scene.rng.uniform(0.12, 0.88) * size
        wave = 3 * crease * _smooth((1, length), 150, scene.rng)[0]
        place = np.arange(size)[:, None] - (middle + wave)[None, :]
        place = place if across else place.T
        shadow = 0.45 * np.exp(-np.abs(place) / (6 * crease)) * (place > 0)
        worn = np.exp(-((place / crease) ** 2)) > scene.rng.random(page.shape) * 1.2
        page = np.where(worn, 0.85 + 0.1 * scene.rng.random(page.shape), page * (1 - shadow))
    return page + _white(page, scene, sigma)


def uneven_ink(page: Grey, scene: Scene, pressure: float, grain: float, sigma: float) -> Grey:
    """Worn type: strokes break where there was little pressure and run together where much."""
    soft = ndimage.gaussian_filter(page, 0.8)
    threshold = 0.5 + pressure * np.clip(_smooth(page.shape, 70, scene.rng), -1, 1)
    threshold += grain * _smooth(page.shape, 1.3, scene.rng)
    printed = np.where(soft > threshold, 1.0, 0.08)
    return ndimage.gaussian_filter(printed, 0.7) + _white(page, scene, sigma)


def fax(page: Grey, scene: Scene, across: float, down: float, sigma: float) -> Grey:
    """A fax of `across` by `down` dots an inch, black and white, with dots that flipped."""
    height, width = page.shape
    size = max(1, round(width * across / 300)), max(1, round(height * down / 300))
    small = np.asarray(
        Image.fromarray((page * 255).astype(np.uint8)).resize(size, Image.Resampling.BOX),
        np.float64,
    )
    dots = small / 255 + scene.rng.normal(0, sigma / 255, small.shape) > 0.5
    large = Image.fromarray(dots).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(large, np.float64)


def spine(page: Grey, scene: Scene, darkest: float, blur: float, sigma: float) -> Grey:
    """The bound edge that rises from the glass: shadow and defocus that grow towards it."""
    width = page.shape[1]
    distance = np.arange(width) / width
    if scene.rng.random() < 0.5:
        distance = distance[::-1]
    lift = np.exp(-distance / 0.22)[None, :]
    blurred = ndimage.gaussian_filter(page, blur)
    page = page + np.sqrt(lift) * (blurred - page)
    return page * (1 - (1 - darkest) * lift) + _white(page, scene, sigma)


def _white(page: Grey, scene: Scene, sigma: float) -> Grey:
    return scene.rng.normal(0, sigma / 255, page.shape)


def _smooth(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> Grey:
    """A random field of deviation 1 whose bumps are about `scale` pixels wide."""
    # Coarse fields are made small and enlarged: a wide filter on every pixel would be slow.
    step = max(1, int(scale / 4))
    small = tuple(-(-side // step) + 3 for side in shape)
    field = ndimage.gaussian_filter(rng.standard_normal(small), scale / step, mode="wrap")
    field = (field - field.mean()) / (field.std() + 1e-12)
    if step == 1:
        return field[: shape[0], : shape[1]]
    y, x = (np.arange(side) / step for side in shape)
    grid = np.meshgrid(y, x, indexing="ij")
    return ndimage.map_coordinates(field, grid, order=1)


def _fit(page: Grey, shape: tuple[int, int]) -> Grey:
    """The page cut or filled up with paper to this shape."""
    fitted = np.ones(shape)
    height, width = min(page.shape[0], shape[0]), min(page.shape[1], shape[1])
    fitted[:height, :width] = page[:height, :width]
    return fitted


def _levels(names: str, *values: tuple[float, ...]) -> tuple[dict[str, float], ...]:
    return tuple(dict(zip(names.split(), level, strict=True)) for level in values)


DAMAGES: dict[str, Damage] = {
    "noise": Damage(
        "noise, blur, low contrast",
        noise,
        _levels("blur contrast sigma", (0.8, 0.7, 25), (1.0, 0.6, 38), (1.3, 0.45, 54)),
    ),
    "uneven": Damage(
        "uneven light, noise",
        uneven_light,
        _levels("darkest sigma", (0.5, 10), (0.3, 16), (0.18, 58)),
    ),
    "through": Damage(
        "show-through, noise",
        show_through,
        _levels("strength blur sigma", (0.25, 2.0, 10), (0.38, 1.6, 14), (0.68, 1.2, 24)),
    ),
    "pepper": Damage(
        "salt and pepper",
        salt_and_pepper,
        _levels("share sigma", (0.015, 5), (0.04, 10), (0.16, 20)),
    ),
    "specks": Damage(
        "dirt and dust",
        specks,
        _levels("share radius sigma", (0.01, 1.2, 5), (0.022, 1.4, 8), (0.08, 2.2, 14)),
    ),
    "jpeg": Damage(
        "JPEG, blur, low contrast",
        jpeg,
        _levels("blur contrast quality", (1.0, 0.6, 14), (1.3, 0.5, 9), (1.75, 0.4, 6)),
    ),
    "stains": Damage(
        "stains and folds",
        stains_and_folds,
        _levels(
            "darkness folds crease sigma", (0.25, 0, 0.8, 5), (0.4, 1, 0.8, 8), (0.55, 2, 1.2, 14)
        ),
    ),
    "ink": Damage(
        "broken and bold ink",
        uneven_ink,
        _levels("pressure grain sigma", (0.1, 0.05, 5), (0.18, 0.09, 8), (0.25, 0.14, 14)),
    ),
    "fax": Damage(
        "fax resolution",
        fax,
        _levels("across down sigma", (204, 196, 20), (150, 150, 35), (130, 98, 45)),
    ),
    "spine": Damage(
        "spine shadow",
        spine,
        _levels("darkest blur sigma", (0.4, 1.2, 8), (0.25, 1.8, 12), (0.1, 3.8, 46)),
    ),
}

# Two damages at once, of level 1 or 2 each, in the order in which a page meets them.
COMBINATIONS: dict[str, tuple[tuple[str, int], ...]] = {
    "through+pepper": (("through", 2), ("pepper", 1)),
    "uneven+noise": (("uneven", 2), ("noise", 1)),
    "ink+noise": (("ink", 1), ("noise", 2)),
    "stains+jpeg": (("stains", 2), ("jpeg", 1)),
    "specks+uneven": (("specks", 2), ("uneven", 1)),
}
