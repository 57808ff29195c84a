"""Augmentation: changes of a picture that leave it a good picture, seeded like the damages.

Apply them to the clean picture, before any damage; or with the same seed to two pictures that
belong together. Unlike Keras's own layers of these names they need no state: see `base`.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from aeimage.corruption.base import Corruption, RangeLike
from aeimage.errors import UsageError

register = keras.saving.register_keras_serializable("aeimage")


@register
class RandomFlip(Corruption):
    """Mirrors half of the pictures.

    Args:
        horizontal: swap left and right.
        vertical: swap top and bottom.
    """

    def __init__(self, horizontal: bool = True, vertical: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.horizontal = horizontal
        self.vertical = vertical

    def damage(self, images, draws):
        if self.horizontal:
            images = ops.where(draws.chance(0.5), ops.flip(images, axis=2), images)
        if self.vertical:
            images = ops.where(draws.chance(0.5), ops.flip(images, axis=1), images)
        return images

    def get_config(self):
        options = {"horizontal": self.horizontal, "vertical": self.vertical}
        return {**super().get_config(), **options}


def _affine(images, a, b, c, d):
    """Sample each picture at centre + [[a, b], [c, d]] (x, y); beyond the edge it is mirrored.

    Args:
        a, b, c, d: tensors of shape (batch, 1, 1, 1).
    """
    _, height, width, _ = ops.shape(images)
    x = 0.5 * ops.cast(width - 1, "float32")
    y = 0.5 * ops.cast(height - 1, "float32")
    zero = ops.zeros_like(a)
    rows = [a, b, x - a * x - b * y, c, d, y - c * x - d * y, zero, zero]
    transform = ops.concatenate([ops.reshape(row, (-1, 1)) for row in rows], axis=1)
    return ops.image.affine_transform(
        images, transform, interpolation="bilinear", fill_mode="reflect"
    )


@register
class RandomRotation(Corruption):
    """Turns pictures by small angles, by right angles, or by both.

    Args:
        degrees: angle anticlockwise; bilinear interpolation, mirrored at the edges. 0: no such
            turn, and no interpolation.
        right_angles: turn by 0, 90, 180 or 270 degrees as well (pictures that are not square: by 0
            or 180).
    """

    def __init__(self, degrees: RangeLike = 0.0, right_angles: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.degrees = self.ranged("degrees", degrees, minimum=-360.0, maximum=360.0)
        self.right_angles = right_angles

    def damage(self, images, draws):
        if self.right_angles:
            half_turn, quarter_turn = draws.chance(0.5), draws.chance(0.5)
            turned = ops.flip(images, axis=(1, 2))
            images = ops.where(half_turn, turned, images)
            height, width = images.shape[1:3]
            if height is not None and height == width:
                turned = ops.flip(ops.transpose(images, (0, 2, 1, 3)), axis=1)
                images = ops.where(quarter_turn, turned, images)
        if (self.degrees.low, self.degrees.high) == (0.0, 0.0):
            return images
        (degrees,) = draws.per_picture(self.degrees)
        cos, sin = ops.cos(degrees * (np.pi / 180)), ops.sin(degrees * (np.pi / 180))
        return _affine(images, cos, -sin, sin, cos)

    def get_config(self):
        return {**super().get_config(), "right_angles": self.right_angles}


@register
class RandomScale(Corruption):
    """Enlarges or reduces pictures about their centres; the size of the array stays.

    Bilinear interpolation without a filter before it: for scales of 0.5…2. Mirrored at the edges.

    Args:
        scale: 2 shows everything twice as large; > 0, drawn on a logarithmic scale.
    """

    def __init__(self, scale: RangeLike = (0.75, 1.33), **kwargs):
        super().__init__(**kwargs)
        self.scale = self.ranged("scale", scale, minimum=0.01, log=True)

    def damage(self, images, draws):
        (scale,) = draws.per_picture(self.scale)
        zero = ops.zeros_like(scale)
        return _affine(images, 1.0 / scale, zero, zero, 1.0 / scale)


@register
class RandomCrop(Corruption):
    """Cuts a part of given size out of each picture, anywhere.

    Args:
        height: rows of the part, at most the picture's.
        width: columns of the part.
    """

    def __init__(self, height: int, width: int, **kwargs):
        super().__init__(**kwargs)
        for name, value in (("height", height), ("width", width)):
            if value < 1:
                raise UsageError.for_value(name, "a whole number from 1", value)
        if self.probability != 1.0:
            # Cut and uncut pictures would not fit in one batch.
            raise UsageError.for_value("probability", "1, as a crop is for all", self.probability)
        self.height = height
        self.width = width

    def damage(self, images, draws):
        place = draws.uniform(2, draws.shape[0], 1)
        for axis, (whole, part) in enumerate(
            ((draws.shape[1], self.height), (draws.shape[2], self.width)), start=1
        ):
            if isinstance(whole, int) and whole < part:
                name = ("height", "width")[axis - 1]
                raise UsageError.for_value(name, f"at most the picture's {whole}", part)
            room = ops.cast(whole - part + 1, "float32")
            start = ops.cast(ops.floor(place[axis - 1] * room), "int32")
            index = start + ops.arange(part, dtype="int32")[None]
            index = ops.reshape(index, (-1, part, 1, 1) if axis == 1 else (-1, 1, part, 1))
            images = ops.take_along_axis(images, index, axis=axis)
        return images

    def compute_output_shape(self, images_shape, seed_shape=None):
        return (images_shape[0], self.height, self.width, images_shape[3])

    def get_config(self):
        return {**super().get_config(), "height": self.height, "width": self.width}


# NTSC's luma and two colour axes: turning the colours about the luma axis changes the hue.
_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]], "float32"
)


@register
class ColourJitter(Corruption):
    """Changes brightness, contrast, saturation and hue a little; clipped to 0…255.

    Args:
        brightness: levels that are added.
        contrast: factor of the distance from the mean level of the picture, ≥ 0.
        saturation: factor of the distance from grey, ≥ 0 (three channels only).
        hue: turn of the hue in degrees (three channels only).
    """

    def __init__(
        self,
        brightness: RangeLike = (-20.0, 20.0),
        contrast: RangeLike = (0.8, 1.25),
        saturation: RangeLike = (0.7, 1.4),
        hue: RangeLike = (-10.0, 10.0),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.brightness = self.ranged("brightness", brightness)
        self.contrast = self.ranged("contrast", contrast, minimum=0.0, log=True)
        self.saturation = self.ranged("saturation", saturation, minimum=0.0, log=True)
        self.hue = self.ranged("hue", hue)

    def damage(self, images, draws):
        brightness, contrast, saturation, hue = draws.per_picture(
            self.brightness, self.contrast, self.saturation, self.hue
        )
        if images.shape[-1] == 3:
            luma, i, q = ops.split(ops.matmul(images, _YIQ.T), 3, axis=-1)
            cos, sin = ops.cos(hue * (np.pi / 180)), ops.sin(hue * (np.pi / 180))
            turned = [luma, saturation * (i * cos - q * sin), saturation * (i * sin + q * cos)]
            back = np.linalg.inv(_YIQ).T.astype("float32")
            images = ops.matmul(ops.concatenate(turned, axis=-1), back)
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return ops.clip(mean + contrast * (images - mean) + brightness, 0.0, 255.0)
