"""What cameras, lamps, scanners and fax machines do to a page."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from aeimage.corruption.base import Corruption, RangeLike
from aeimage.corruption.fields import (
    along_axes,
    gaussian_blur,
    line_distance,
    positions,
    smooth_field,
)

register = keras.saving.register_keras_serializable("aeimage")


@register
class Blur(Corruption):
    """Blurs with a Gaussian: a lens out of focus, a cheap scanner. Differentiable.

    Args:
        sigma: standard deviation in pixels, ≥ 0.
        stretch: drawn ratio of the widths along rows and columns, ≥ 1; which one is wider is drawn
            too. Carriages smear along their way.
    """

    def __init__(self, sigma: RangeLike = (0.0, 2.0), stretch: RangeLike = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.sigma = self.ranged("sigma", sigma, minimum=0.0)
        self.stretch = self.ranged("stretch", stretch, minimum=1.0, log=True)

    def damage(self, images, draws):
        sigma, stretch = draws.per_picture(self.sigma, self.stretch)
        ratio = ops.where(draws.chance(0.5), stretch, 1.0 / stretch)
        return gaussian_blur(images, sigma * ops.sqrt(ratio), sigma / ops.sqrt(ratio))


@register
class LowContrast(Corruption):
    """Fades the ink and greys the paper: x becomes paper − contrast · (255 − x). Unclipped.

    Args:
        contrast: share of the contrast that is left, 0…1.
        paper: level of what was white, 0…255.
    """

    def __init__(
        self, contrast: RangeLike = (0.2, 1.0), paper: RangeLike = (150.0, 255.0), **kwargs
    ):
        super().__init__(**kwargs)
        self.contrast = self.ranged("contrast", contrast, minimum=0.0, maximum=1.0)
        self.paper = self.ranged("paper", paper, minimum=0.0, maximum=255.0)

    def damage(self, images, draws):
        contrast, paper = draws.per_picture(self.contrast, self.paper)
        # What little contrast is left lies within the levels: black ink stays at 0 or above.
        paper = ops.maximum(paper, 255.0 * contrast)
        return paper - contrast * (255.0 - images)


@register
class UnevenLight(Corruption):
    """Lights the page unevenly: lamps at one side, a hand's shadow, a flash. Light is multiplied.

    The logarithm of the light is a smooth field plus a slope.

    Args:
        strength: standard deviation of the light's logarithm, ≥ 0; 0.7 is a factor of 2.
        size: size of bright and dark regions in pixels, ≥ 16.
    """

    def __init__(
        self, strength: RangeLike = (0.05, 0.5), size: RangeLike = (60.0, 600.0), **kwargs
    ):
        super().__init__(**kwargs)
        self.strength = self.ranged("strength", strength, minimum=0.0)
        self.size = self.ranged("size", size, minimum=16.0, log=True)

    def damage(self, images, draws):
        strength, size = draws.per_picture(self.strength, self.size)
        angle, share = ops.split(draws.uniform(2, draws.shape[0], 1, 1, 1), 2)
        slope = line_distance(draws, angle[0] * 2 * np.pi, 0.0) / size
        field = smooth_field(draws, self.size.low, size)
        field = share[0] * slope + ops.sqrt(1.0 - ops.square(share[0])) * field
        # No lamp makes paper much brighter than the scanner's white.
        return images * ops.clip(ops.exp(strength * (field - 0.8)), 0.1, 1.15)


@register
class SpineShadow(Corruption):
    """Darkens the page towards the spine of a thick book. Light is multiplied.

    The light falls off exponentially towards a line, near an upright edge or across the crop.

    Args:
        depth: share of the light that is missing at the spine, 0…1.
        width: distance in pixels over which the shadow falls to a third, > 0.
    """

    def __init__(self, depth: RangeLike = (0.2, 0.95), width: RangeLike = (15.0, 200.0), **kwargs):
        super().__init__(**kwargs)
        self.depth = self.ranged("depth", depth, minimum=0.0, maximum=1.0)
        self.width = self.ranged("width", width, minimum=1.0, log=True)

    def damage(self, images, draws):
        depth, reach = draws.per_picture(self.depth, self.width)
        turn, tilt, place, far = ops.split(draws.uniform(4, draws.shape[0], 1, 1, 1), 4)
        _, height, width, _ = draws.shape
        longest = ops.cast(ops.maximum(height, width), "float32")
        angle = ops.floor(turn[0] * 4.0) * (np.pi / 2) + 0.2 * (tilt[0] - 0.5)
        # From the opposite half to beyond the edge.
        distance = line_distance(draws, angle, (0.65 * place[0] - 0.6) * longest)
        # The facing page is lit again, but its shadow ends sooner.
        fall = ops.where(distance > 0.0, distance / reach, -distance / (reach * (0.2 + far[0])))
        return images * (1.0 - depth * ops.exp(-fall))


@register
class MissingRows(Corruption):
    """Loses whole rows of pixels: black, white, or repeats of the row above.

    Args:
        share: share of the rows that are lost, 0…1.
        run: number of neighbouring rows that are lost together, ≥ 1.
    """

    def __init__(self, share: RangeLike = (0.005, 0.06), run: RangeLike = (1.0, 4.0), **kwargs):
        super().__init__(**kwargs)
        self.share = self.ranged("share", share, minimum=0.0, maximum=1.0, log=True)
        self.run = self.ranged("run", run, minimum=1.0)

    def damage(self, images, draws):
        share, run = draws.per_picture(self.share, self.run)
        batch, height, _, _ = draws.shape
        run = ops.floor(run[:, :, 0, 0])
        group = ops.cast(ops.floor(positions(height)[None] / run), "int32")
        lost = ops.take_along_axis(draws.uniform(batch, height), group, axis=1)
        first = ops.cast(ops.cast(group, "float32") * run, "int32")
        above = ops.take_along_axis(images, ops.maximum(first - 1, 0)[:, :, None, None], axis=1)
        kind = draws.uniform(batch, 1, 1, 1)
        filled = ops.where(kind < 0.3, 0.0, ops.where(kind < 0.6, 255.0, above))
        return ops.where(lost[:, :, None, None] < share, filled, images)


@register
class Streaks(Corruption):
    """Draws faint upright lines down the page: dirt on the glass of a sheet-fed scanner.

    Args:
        strength: change of light in a streak, as a share, 0…1; darker or lighter.
        share: share of the columns that are streaked, 0…1.
    """

    def __init__(
        self, strength: RangeLike = (0.1, 0.7), share: RangeLike = (0.003, 0.05), **kwargs
    ):
        super().__init__(**kwargs)
        self.strength = self.ranged("strength", strength, minimum=0.0, maximum=1.0)
        self.share = self.ranged("share", share, minimum=0.0, maximum=1.0, log=True)

    def damage(self, images, draws):
        strength, share = draws.per_picture(self.strength, self.share)
        batch, _, width, _ = draws.shape
        u, height, sign = ops.split(draws.uniform(3, batch, 1, width, 1), 3)
        height = ops.where(u[0] < share, strength * height[0], 0.0)
        dark = images * (1.0 - height)
        return ops.where(sign[0] < 0.7, dark, images + height * (255.0 - images))


def _resampling(size, factor, smooth):
    """Return matrices that average cells of `factor` pixels, and that spread cells again.

    Args:
        size: number of pixels.
        factor: pixels in a cell, (batch, 1, 1), ≥ 1.
        smooth: bool (batch, 1, 1): spread linearly instead of in blocks.

    Returns:
        (batch, size, size) twice; cells beyond the last stay unused.
    """
    at = positions(size)
    pixel, cell = at[None, None, :], at[None, :, None]
    # How much of each pixel lies within the cell.
    start = ops.maximum(pixel, cell * factor)
    weight = ops.maximum(ops.minimum(pixel + 1.0, (cell + 1.0) * factor) - start, 0.0)
    down = weight / ops.maximum(ops.sum(weight, axis=-1, keepdims=True), 1e-6)
    last = ops.ceil(ops.cast(size, "float32") / factor) - 1.0
    centre = ops.clip((pixel + 0.5) / factor - 0.5, 0.0, last)
    nearest = ops.cast(ops.floor((pixel + 0.5) / factor) == cell, "float32")
    up = ops.where(smooth, ops.maximum(1.0 - ops.abs(centre - cell), 0.0), nearest)
    return down, ops.transpose(up, (0, 2, 1))


@register
class FaxResolution(Corruption):
    """Scans at a lower resolution, often in black and white alone, and enlarges again.

    Of a page at 300 dpi, standard fax (204 x 98 dpi) has cells of 1.5 x 3.1 pixels, fine fax
    1.5 x 1.5, and a scan at 100 dpi cells of 3 x 3.

    Args:
        cell: width of a cell in pixels, ≥ 1.
        stretch: height of a cell over its width, ≥ 0.25.
        bilevel: share of the pictures that are reduced to black and white, 0…1.
        threshold: level below which a cell is black.
    """

    def __init__(
        self,
        cell: RangeLike = (1.0, 3.0),
        stretch: RangeLike = (1.0, 2.0),
        bilevel: float = 0.7,
        threshold: RangeLike = (90.0, 190.0),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.cell = self.ranged("cell", cell, minimum=1.0, log=True)
        self.stretch = self.ranged("stretch", stretch, minimum=0.25, log=True)
        self.threshold = self.ranged("threshold", threshold)
        self.bilevel = bilevel

    def damage(self, images, draws):
        cell, stretch, level = draws.per_picture(self.cell, self.stretch, self.threshold)
        _, height, width, _ = draws.shape
        cell, stretch = cell[..., 0], stretch[..., 0]
        smooth = draws.chance(0.5)[..., 0]
        rows, rows_back = _resampling(height, ops.maximum(cell * stretch, 1.0), smooth)
        columns, columns_back = _resampling(width, cell, smooth)
        small = along_axes(rows, columns, images)
        grey = ops.mean(small, axis=-1, keepdims=True)
        ink = ops.where(grey < level, 0.0, 255.0)
        small = ops.where(draws.chance(self.bilevel), ink, small)
        return along_axes(rows_back, columns_back, small)

    def get_config(self):
        return {**super().get_config(), "bilevel": self.bilevel}
