"""Ink that did not print well: strokes too thin and broken, or too bold and run together."""

from __future__ import annotations

import math

import keras
from keras import ops

from aeimage.corruption.base import Corruption, RangeLike
from aeimage.corruption.fields import brightest, darkest, smooth_field, upper_quantile

# Of the step from ink to paper, in 1 / the standard deviation of the noise behind it.
_STEEPNESS = 6.0

register = keras.saving.register_keras_serializable("aeimage")


def _spread(images, amount, extreme):
    """Move each edge by `amount` pixels (0…2) on both sides of a stroke, fractions by blending."""
    once = extreme(images)
    twice = extreme(once)
    result = images + ops.clip(amount, 0.0, 1.0) * (once - images)
    return result + ops.clip(amount - 1.0, 0.0, 1.0) * (twice - once)


@register
class BrokenInk(Corruption):
    """Thins strokes unevenly and breaks them: worn type, dry ribbon, weak toner.

    Dark strokes on bright paper are meant. The edge of a stroke moves by `thin` times a smooth
    field; in speckles, the ink fades to the paper's level (the brightest of the picture).

    Args:
        thin: pixels taken off each side of a stroke on average, 0…2.
        dropout: share of the ink that is missing, 0…0.9.
        grain: size of the missing speckles in pixels, ≥ 1.
    """

    def __init__(
        self,
        thin: RangeLike = (0.0, 0.6),
        dropout: RangeLike = (0.0, 0.3),
        grain: RangeLike = (1.2, 4.0),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.thin = self.ranged("thin", thin, minimum=0.0, maximum=2.0)
        self.dropout = self.ranged("dropout", dropout, minimum=0.0, maximum=0.9)
        self.grain = self.ranged("grain", grain, minimum=1.0, log=True)

    def damage(self, images, draws):
        thin, dropout, grain = draws.per_picture(self.thin, self.dropout, self.grain)
        cell = ops.ones_like(grain) * 24.0
        wear = smooth_field(draws, 24, cell)
        worn = _spread(images, thin * ops.maximum(1.0 + 0.6 * wear, 0.0), brightest)
        # Ink fails where speckles and wear meet.
        weakness = smooth_field(draws, self.grain.low, grain) + 0.5 * wear
        # The variances of both fields, and the width of the soft step.
        spread = math.sqrt(1.0 + 0.5**2 + math.pi**2 / 3.0 / _STEEPNESS**2)
        missing = ops.sigmoid(_STEEPNESS * (weakness - spread * upper_quantile(dropout)))
        paper = ops.max(worn, axis=(1, 2), keepdims=True)
        return worn + missing * ops.cast(dropout > 0.0, "float32") * (paper - worn)


@register
class BoldInk(Corruption):
    """Thickens strokes unevenly until counters fill: too much ink, a copy of a copy.

    Args:
        thick: pixels added to each side of a stroke on average, 0…2.
    """

    def __init__(self, thick: RangeLike = (0.0, 1.0), **kwargs):
        super().__init__(**kwargs)
        self.thick = self.ranged("thick", thick, minimum=0.0, maximum=2.0)

    def damage(self, images, draws):
        (thick,) = draws.per_picture(self.thick)
        cell = ops.ones_like(thick) * 16.0
        amount = thick * ops.maximum(1.0 + 0.5 * smooth_field(draws, 16, cell), 0.0)
        return _spread(images, amount, darkest)
