"""Noise of sensors and coders."""

from __future__ import annotations

import keras
from keras import ops

from aeimage.corruption.base import Corruption, RangeLike

register = keras.saving.register_keras_serializable("aeimage")


@register
class GaussianNoise(Corruption):
    """Adds white Gaussian noise, independent in each pixel and channel. Unclipped.

    Args:
        sigma: standard deviation in levels, ≥ 0.
    """

    def __init__(self, sigma: RangeLike = (0.0, 50.0), **kwargs):
        super().__init__(**kwargs)
        self.sigma = self.ranged("sigma", sigma, minimum=0.0)

    def damage(self, images, draws):
        (sigma,) = draws.per_picture(self.sigma)
        return images + sigma * draws.normal(*draws.shape)


@register
class ShotNoise(Corruption):
    """Adds the noise of counting photons, and of reading them out. Unclipped.

    A pixel of level x stands for x / 255 · full_well electrons, whose number is Poisson
    distributed: in levels, the variance is x · 255 / full_well, plus read². Drawn as Gaussian noise
    of that variance, which is quick, and near the truth from some ten electrons on (Foi et al.
    2008, "Practical Poissonian-Gaussian noise modeling").

    Args:
        full_well: electrons at level 255, > 0; drawn on a logarithmic scale. 40 is a night shot.
        read: standard deviation of the read-out noise in levels, ≥ 0.
    """

    def __init__(
        self, full_well: RangeLike = (40.0, 4000.0), read: RangeLike = (0.0, 8.0), **kwargs
    ):
        super().__init__(**kwargs)
        self.full_well = self.ranged("full_well", full_well, minimum=1e-3, log=True)
        self.read = self.ranged("read", read, minimum=0.0)

    def damage(self, images, draws):
        full_well, read = draws.per_picture(self.full_well, self.read)
        variance = ops.maximum(images, 0.0) * (255.0 / full_well) + ops.square(read)
        return images + ops.sqrt(variance) * draws.normal(*draws.shape)


@register
class Speckle(Corruption):
    """Multiplies each pixel with noise: x · (1 + sigma · n), n normal. Unclipped.

    Args:
        sigma: standard deviation as a share of the level, ≥ 0.
    """

    def __init__(self, sigma: RangeLike = (0.0, 0.4), **kwargs):
        super().__init__(**kwargs)
        self.sigma = self.ranged("sigma", sigma, minimum=0.0)

    def damage(self, images, draws):
        (sigma,) = draws.per_picture(self.sigma)
        return images * (1.0 + sigma * draws.normal(*draws.shape))


@register
class SaltAndPepper(Corruption):
    """Turns single pixels white (255) or black (0), in all channels at once.

    Args:
        amount: share of the pixels that are lost, 0…1.
        salt: share of these that turn white, 0…1.
    """

    def __init__(self, amount: RangeLike = (0.0, 0.2), salt: RangeLike = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.amount = self.ranged("amount", amount, minimum=0.0, maximum=1.0)
        self.salt = self.ranged("salt", salt, minimum=0.0, maximum=1.0)

    def damage(self, images, draws):
        amount, salt = draws.per_picture(self.amount, self.salt)
        batch, height, width, _ = draws.shape
        u = draws.uniform(batch, height, width, 1)
        lost = ops.where(u < amount * salt, 255.0, 0.0)
        return ops.where(u < amount, lost, images)
