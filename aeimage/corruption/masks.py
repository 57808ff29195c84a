"""Missing parts of pictures, for models that learn to fill them in."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from aeimage.corruption.base import Corruption, Draws, RangeLike
from aeimage.corruption.fields import line_distance, smooth_field
from aeimage.errors import UsageError

register = keras.saving.register_keras_serializable("aeimage")


class Masking(Corruption):
    """Base of layers that lose parts of pictures; `mask` says which, for the same seed.

    Args:
        fill: level of what is lost, 0…255.
    """

    def __init__(self, fill: RangeLike = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.fill = self.ranged("fill", fill, minimum=0.0, maximum=255.0)

    def call(self, images, seed=None):
        images = ops.cast(images, "float32")
        shape, seed = ops.shape(images), self.given_or_next(seed)
        draws = Draws(seed, shape)
        # The mask's own streams are forked first, in `mask` too.
        lost = self._drawn_mask(draws)
        (fill,) = draws.per_picture(self.fill)
        return images + lost * (fill - images)

    def mask(self, shape, seed):
        """Return what a call with this seed loses.

        Args:
            shape: of the pictures: (batch, height, width, channels).
            seed: as for the call.

        Returns:
            float32 (batch, height, width, 1): 1 where a pixel is missing, 0 elsewhere.
        """
        return self._drawn_mask(Draws(seed, tuple(shape)))

    def _drawn_mask(self, draws):
        lost = self.lost(draws.fork())
        return ops.cast(ops.logical_and(lost, draws.chance(self.probability)), "float32")

    def lost(self, draws: Draws):
        """Return the missing pixels of all pictures: bool (batch, height, width, 1)."""
        raise NotImplementedError


@register
class OccludingBoxes(Masking):
    """Covers upright boxes, which may overlap.

    Args:
        count: number of boxes in each picture.
        size: sides of a box as shares of the picture's, 0…1; each side is drawn on its own.
        fill: see `Masking`.
    """

    def __init__(self, count: int = 3, size: RangeLike = (0.05, 0.3), **kwargs):
        super().__init__(**kwargs)
        if count < 1:
            raise UsageError.for_value("count", "a whole number from 1", count)
        self.count = count
        self.size = self.ranged("size", size, minimum=0.0, maximum=1.0)

    def lost(self, draws):
        batch, height, width, _ = draws.shape
        within = []
        for axis, length in ((1, height), (2, width)):
            share = self.size.at(draws.uniform(batch, 1, 1, self.count))
            start = draws.uniform(batch, 1, 1, self.count) * (1.0 - share)
            at = (ops.cast(ops.arange(length), "float32") + 0.5) / ops.cast(length, "float32")
            at = ops.reshape(at, (1, -1, 1, 1) if axis == 1 else (1, 1, -1, 1))
            within.append(ops.logical_and(at >= start, at < start + share))
        return ops.any(ops.logical_and(*within), axis=-1, keepdims=True)

    def get_config(self):
        return {**super().get_config(), "count": self.count}


@register
class RandomMissingPixels(Masking):
    """Loses single pixels, in all channels at once.

    Args:
        share: share of the pixels that are missing, 0…1.
        fill: see `Masking`.
    """

    def __init__(self, share: RangeLike = (0.1, 0.8), **kwargs):
        super().__init__(**kwargs)
        self.share = self.ranged("share", share, minimum=0.0, maximum=1.0)

    def lost(self, draws):
        (share,) = draws.per_picture(self.share)
        return draws.uniform(*draws.shape[:3], 1) < share


@register
class Scratches(Masking):
    """Scratches thin, slightly crooked lines across the picture, as on film and old prints.

    Args:
        count: number of scratches in each picture.
        width: width of a scratch in pixels, > 0.
        length: length of a scratch as a share of the picture's diagonal, 0…1.
        fill: see `Masking`; scratches on prints are bright.
    """

    def __init__(
        self,
        count: int = 4,
        width: RangeLike = (1.0, 3.0),
        length: RangeLike = (0.2, 1.0),
        fill: RangeLike = 255.0,
        **kwargs,
    ):
        super().__init__(fill=fill, **kwargs)
        if count < 1:
            raise UsageError.for_value("count", "a whole number from 1", count)
        self.count = count
        self.width = self.ranged("width", width, minimum=0.1)
        self.length = self.ranged("length", length, minimum=0.0, maximum=1.0)

    def lost(self, draws):
        batch, height, width, _ = draws.shape
        diagonal = ops.sqrt(ops.cast(height * height + width * width, "float32"))
        wander = 3.0 * smooth_field(draws, 24, ops.full((batch, 1, 1, 1), 24.0))
        lost = ops.zeros((batch, height, width, 1), "bool")
        for _ in range(self.count):
            thickness, length = draws.per_picture(self.width, self.length)
            angle, place, middle = ops.split(draws.uniform(3, batch, 1, 1, 1), 3)
            angle = angle[0] * np.pi
            across = line_distance(draws, angle, (place[0] - 0.5) * 0.8 * diagonal) + wander
            along = line_distance(draws, angle + np.pi / 2, (middle[0] - 0.5) * diagonal)
            on_line = ops.abs(across) < 0.5 * thickness
            scratch = ops.logical_and(on_line, ops.abs(along) < 0.5 * length * diagonal)
            lost = ops.logical_or(lost, scratch)
        return lost

    def get_config(self):
        return {**super().get_config(), "count": self.count}


@register
class MissingParts(Masking):
    """Loses parts of all kinds: in each picture those of one kind, sometimes those of two.

    What models that fill in missing parts are trained on.

    Args:
        kinds: layers whose masks are used, each as often as the others; None: single pixels,
            scratches of 1 to 10 pixels and boxes, in wide ranges.
        second: share of the pictures that get a second kind (which may be the same), 0…1.
        fill: see `Masking`.
    """

    def __init__(self, kinds: Sequence[Masking] | None = None, second: float = 0.15, **kwargs):
        super().__init__(**kwargs)
        if not 0.0 <= second <= 1.0:
            raise UsageError.for_value("second", "a number from 0 to 1", second)
        self.kinds = list(kinds) if kinds is not None else _kinds()
        if not self.kinds:
            raise UsageError.for_value("kinds", "at least one layer", kinds)
        self.second = float(second)

    def lost(self, draws):
        masks = ops.concatenate([kind.lost(draws.fork()) for kind in self.kinds], axis=-1)
        count = len(self.kinds)
        numbers = ops.cast(ops.arange(count), "float32")

        def chosen():
            at = ops.floor(draws.uniform(draws.shape[0], 1, 1, 1) * count)
            return ops.any(ops.logical_and(masks, numbers == at), axis=-1, keepdims=True)

        first, other = chosen(), chosen()
        return ops.logical_or(first, ops.logical_and(other, draws.chance(self.second)))

    def get_config(self):
        kinds = list(map(keras.saving.serialize_keras_object, self.kinds))
        return {**super().get_config(), "kinds": kinds, "second": self.second}

    @classmethod
    def from_config(cls, config):
        kinds = map(keras.saving.deserialize_keras_object, config["kinds"])
        return cls(**{**config, "kinds": list(kinds)})


def _kinds() -> list[Masking]:
    return [
        RandomMissingPixels(share=(0.2, 0.92)),
        RandomMissingPixels(share=(0.5, 0.85)),
        # Many of them: each hides little.
        Scratches(count=12, width=(0.8, 4.0), length=(0.1, 1.0)),
        Scratches(count=5, width=(1.5, 10.0), length=(0.1, 1.0)),
        OccludingBoxes(count=3, size=(0.03, 0.5)),
    ]
