"""What time does to paper: tint, grain, stains, folds, dust, and the page behind."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from aeimage.corruption.base import Corruption, RangeLike
from aeimage.corruption.fields import gaussian_blur, line_distance, smooth_field, upper_quantile
from aeimage.errors import UsageError

register = keras.saving.register_keras_serializable("aeimage")


def _stain_colour(channels: int):
    """Return how much of a stain each channel shows: blue is absorbed most, as by tea and rust."""
    return np.array([0.6, 0.85, 1.25] if channels == 3 else [1.0], "float32")


@register
class PaperTint(Corruption):
    """Colours the paper evenly: yellowed, grey or tinted stock. Light is multiplied.

    Args:
        dark: share of the light that the paper swallows in all channels, 0…1.
        yellow: more of it in blue, and half as much in green, 0…1 (three channels only).
        hue: each channel's own random share, 0…this (three channels only).
    """

    def __init__(
        self,
        dark: RangeLike = (0.0, 0.3),
        yellow: RangeLike = (0.0, 0.4),
        hue: RangeLike = (0.0, 0.1),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.dark = self.ranged("dark", dark, minimum=0.0, maximum=1.0)
        self.yellow = self.ranged("yellow", yellow, minimum=0.0, maximum=1.0)
        self.hue = self.ranged("hue", hue, minimum=0.0, maximum=1.0)

    def damage(self, images, draws):
        dark, yellow, hue = draws.per_picture(self.dark, self.yellow, self.hue)
        paper = 1.0 - dark
        if images.shape[-1] == 3:
            paper = paper * (1.0 - yellow * np.array([0.0, 0.5, 1.0], "float32"))
            paper = paper * (1.0 - hue * draws.uniform(draws.shape[0], 1, 1, 3))
        return images * paper


@register
class PaperTexture(Corruption):
    """Gives the paper fibres and clouds, or the texture of real sheets. Light is multiplied.

    Args:
        fibres: standard deviation of the fine grain as a share of the light, 0…0.5.
        clouds: of the soft clouds of 10 to 60 pixels, 0…0.5.
        grain: size of the fine grain in pixels, ≥ 1.
        textures: uint8 (n, height, width): pictures of blank paper, cut and wrapped around at
            random and multiplied, level 255 as 1. Not kept in the config: give them again.
    """

    def __init__(
        self,
        fibres: RangeLike = (0.0, 0.06),
        clouds: RangeLike = (0.0, 0.05),
        grain: RangeLike = (1.0, 3.0),
        textures: np.ndarray | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.fibres = self.ranged("fibres", fibres, minimum=0.0, maximum=0.5)
        self.clouds = self.ranged("clouds", clouds, minimum=0.0, maximum=0.5)
        self.grain = self.ranged("grain", grain, minimum=1.0, log=True)
        if textures is not None and (textures.ndim != 3 or textures.dtype != np.uint8):
            received = (textures.shape, textures.dtype.name)
            raise UsageError.for_value("textures", "uint8 (n, height, width)", received)
        self.textures = textures

    def damage(self, images, draws):
        fibres, clouds, grain = draws.per_picture(self.fibres, self.clouds, self.grain)
        cell = 10.0 + 50.0 * draws.uniform(draws.shape[0], 1, 1, 1)
        field = fibres * smooth_field(draws, self.grain.low, grain)
        field = field + clouds * smooth_field(draws, 10.0, cell)
        # White is the brightest that a scanner shows: most of the sheet is darker.
        sheet = 1.0 - 1.5 * ops.maximum(fibres, clouds) + field
        images = images * ops.clip(sheet, 0.0, 1.3)
        return images if self.textures is None else images * self._sheets(draws)

    def _sheets(self, draws):
        batch, height, width, _ = draws.shape
        count, rows, columns = self.textures.shape
        which, top, left = (
            ops.cast(ops.floor(draws.uniform(batch, 1, 1) * n), "int32")
            for n in (count, rows, columns)
        )
        y = (top + ops.arange(height, dtype="int32")[None, :, None]) % rows
        x = (left + ops.arange(width, dtype="int32")[None, None, :]) % columns
        flat = ops.take(self.textures.reshape(-1), (which * rows + y) * columns + x)
        return ops.cast(flat, "float32")[..., None] / 255.0


@register
class Stains(Corruption):
    """Leaves soft stains with dark rims, as of water, tea and mould. Light is multiplied.

    Args:
        strength: share of the light that a rim swallows, 0…1.
        size: typical size of a stain in pixels, ≥ 8.
        area: share of the page that is stained, 0…1.
    """

    def __init__(
        self,
        strength: RangeLike = (0.05, 0.5),
        size: RangeLike = (30.0, 250.0),
        area: RangeLike = (0.1, 0.6),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.strength = self.ranged("strength", strength, minimum=0.0, maximum=1.0)
        self.size = self.ranged("size", size, minimum=8.0, log=True)
        self.area = self.ranged("area", area, minimum=0.0, maximum=1.0)

    def damage(self, images, draws):
        strength, size, area = draws.per_picture(self.strength, self.size, self.area)
        body, sharp, rim = ops.split(draws.uniform(3, draws.shape[0], 1, 1, 1), 3)
        blot = smooth_field(draws, self.size.low, size)
        blot = blot + 0.12 * smooth_field(draws, self.size.low / 6, size / 6)
        above = blot - upper_quantile(area)
        wet = ops.sigmoid(above * (6.0 + 40.0 * sharp[0]))
        shore = ops.exp(-ops.square(above / (0.06 + 0.15 * rim[0])))
        swallowed = strength * (wet * (0.2 + 0.6 * body[0]) + 0.4 * shore * wet)
        return images * ops.clip(1.0 - swallowed * _stain_colour(images.shape[-1]), 0.0, 1.0)


@register
class Folds(Corruption):
    """Draws up to two creases across the page, with cracked ink and a shaded side.

    Args:
        crease: what a crease does to the light, −1…1: negative darkens (dirt), positive lightens
            towards white (ink broken off).
        width: width of a crease in pixels, > 0.
        shade: share of the light that one side of the crease loses, fading over 10 to 80 pixels.
    """

    def __init__(
        self,
        crease: RangeLike = (-0.6, 0.8),
        width: RangeLike = (0.5, 3.0),
        shade: RangeLike = (0.0, 0.35),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.crease = self.ranged("crease", crease, minimum=-1.0, maximum=1.0)
        self.width = self.ranged("width", width, minimum=0.1, log=True)
        self.shade = self.ranged("shade", shade, minimum=0.0, maximum=1.0)

    def damage(self, images, draws):
        batch, height, width, _ = draws.shape
        wander = smooth_field(draws, 20, 20.0 + 40.0 * draws.uniform(batch, 1, 1, 1))
        longest = ops.cast(ops.maximum(height, width), "float32")
        for _ in range(2):
            crease, thickness, shade = draws.per_picture(self.crease, self.width, self.shade)
            turn, tilt, place, reach, there, rough = ops.split(draws.uniform(6, batch, 1, 1, 1), 6)
            # Sheets are folded upright or across, a little askew.
            angle = ops.round(turn[0] * 3.0) * (np.pi / 2) + 0.12 * (tilt[0] - 0.5)
            distance = line_distance(draws, angle, (place[0] - 0.5) * longest)
            distance = distance + 1.5 * rough[0] * wander
            crack = ops.exp(-ops.square(distance / thickness)) * ops.clip(1.0 + 0.4 * wander, 0, 2)
            side = ops.exp(-ops.maximum(distance, 0.0) / (10.0 + 70.0 * reach[0]))
            side = side * ops.cast(distance > 0.0, "float32")
            crack = ops.clip(crease * crack, -1.0, 1.0)
            folded = images * (1.0 - shade * side) * (1.0 + ops.minimum(crack, 0.0))
            folded = folded + ops.maximum(crack, 0.0) * (255.0 - folded)
            images = ops.where(there[0] < 0.7, folded, images)
        return images


@register
class ShowThrough(Corruption):
    """Lets the page behind shine through: mirrored, blurred, faint. Light is multiplied.

    The page behind is the next picture of the batch (a lone picture: itself), shifted at random.

    Args:
        strength: share of the light that black ink on the other side swallows, 0…1.
        blur: standard deviation of the paper's scattering in pixels, ≥ 0.
    """

    def __init__(self, strength: RangeLike = (0.05, 0.6), blur: RangeLike = (0.3, 3.0), **kwargs):
        super().__init__(**kwargs)
        self.strength = self.ranged("strength", strength, minimum=0.0, maximum=1.0)
        self.blur = self.ranged("blur", blur, minimum=0.0)

    def damage(self, images, draws):
        strength, blur = draws.per_picture(self.strength, self.blur)
        _, height, width, _ = draws.shape
        shift = draws.uniform(2)
        y, x = (
            (ops.arange(n, dtype="int32") + ops.cast(shift[i] * ops.cast(n, "float32"), "int32"))
            % n
            for i, n in enumerate((height, width))
        )
        behind = ops.roll(images, 1, axis=0)
        behind = ops.take(ops.take(behind, y, axis=1), ops.flip(x), axis=2)
        ink = gaussian_blur(255.0 - behind, blur) / 255.0
        return images * (1.0 - strength * ops.clip(ink, 0.0, 1.0))


@register
class Specks(Corruption):
    """Scatters dark specks and bright flecks of a few pixels: dust, toner, worm holes.

    Args:
        amount: share of the page they cover, 0…0.5.
        size: typical size in pixels, ≥ 1.
        bright: share of pictures whose specks are bright instead of dark, 0…1.
    """

    def __init__(
        self,
        amount: RangeLike = (0.002, 0.05),
        size: RangeLike = (1.0, 4.0),
        bright: float = 0.3,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.amount = self.ranged("amount", amount, minimum=0.0, maximum=0.5, log=True)
        self.size = self.ranged("size", size, minimum=1.0, log=True)
        self.bright = bright

    def damage(self, images, draws):
        amount, size = draws.per_picture(self.amount, self.size)
        field = smooth_field(draws, self.size.low, size)
        speck = ops.sigmoid(8.0 * (field - upper_quantile(amount)))
        opaque = 0.5 + 0.5 * draws.uniform(draws.shape[0], 1, 1, 1)
        colour = ops.where(draws.chance(self.bright), 255.0, 20.0)
        return images + speck * opaque * (colour - images)

    def get_config(self):
        return {**super().get_config(), "bright": self.bright}
