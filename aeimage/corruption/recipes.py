"""Training distributions: damages combined, in the order in which they happen."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from aeimage.corruption.base import Corruption, Draws, Range, RangeLike
from aeimage.corruption.fields import gaussian_blur
from aeimage.corruption.ink import BoldInk, BrokenInk
from aeimage.corruption.jpeg import JPEGArtefacts
from aeimage.corruption.noise import GaussianNoise, SaltAndPepper, ShotNoise, Speckle
from aeimage.corruption.paper import (
    Folds,
    PaperTexture,
    PaperTint,
    ShowThrough,
    Specks,
    Stains,
)
from aeimage.corruption.scanner import (
    Blur,
    FaxResolution,
    LowContrast,
    MissingRows,
    SpineShadow,
    Streaks,
    UnevenLight,
)

register = keras.saving.register_keras_serializable("aeimage")


def _group_count(pictures: int | None, most: int) -> int:
    """Return the largest number up to `most` that divides the batch; 1 for one of unknown size."""
    return max(n for n in range(1, most + 1) if n == 1 or (pictures and pictures % n == 0))


def _in_groups(damage, images, draws, most: int):
    """Call `damage(images, draws)` on groups of a batch, one after the other."""
    batch, height, width, channels = draws.shape
    groups = _group_count(images.shape[0], most)
    if groups == 1:
        return damage(images, draws.fork())
    # A loop: group by group, the graph would be as many times as large. The carry says what
    # shape and dtype the results have, which Keras's scan takes from it on TensorFlow.
    shape = (batch // groups, height, width, channels)
    parts = ops.reshape(images, (groups, *shape))
    _, damaged = ops.scan(
        lambda like, part: (like, damage(part[0], Draws(part[1], shape))),
        parts[0],
        (parts, draws.seeds(groups)),
    )
    return ops.reshape(damaged, draws.shape)


def scan_steps(textures: np.ndarray | None = None) -> list[tuple[Corruption, float]]:
    """Return the damages of scans in the order in which they happen, each with its share.

    Args:
        textures: pictures of real paper, for `PaperTexture`.
    """
    return [
        (BrokenInk(), 0.14),
        (BoldInk(), 0.12),
        (PaperTexture(textures=textures), 0.3),
        (PaperTint(), 0.3),
        (Stains(), 0.2),
        (ShowThrough(strength=(0.05, 0.75)), 0.38),
        (Folds(), 0.18),
        # Fine dust that covers much, and coarse dirt; both at once mix dark and light specks.
        (Specks(amount=(0.003, 0.12), size=(1.0, 3.0)), 0.22),
        (Specks(), 0.2),
        (UnevenLight(strength=(0.05, 0.6)), 0.28),
        (SpineShadow(), 0.12),
        (Blur(sigma=(0.2, 2.2), stretch=(1.0, 1.6)), 0.45),
        (LowContrast(contrast=(0.2, 1.0), paper=(120.0, 255.0)), 0.4),
        (ShotNoise(full_well=(15.0, 2000.0), read=(0.0, 12.0)), 0.15),
        # Mostly noise that leaves the page legible, sometimes as much as legible letters bear.
        (GaussianNoise(sigma=(2.0, 40.0)), 0.3),
        (GaussianNoise(sigma=(30.0, 95.0)), 0.15),
        (Speckle(sigma=(0.02, 0.5)), 0.08),
        (Streaks(), 0.06),
        (SaltAndPepper(amount=(0.003, 0.35), salt=(0.0, 1.0)), 0.18),
        (MissingRows(), 0.06),
        (FaxResolution(), 0.15),
        # Coded once, and again for a small file, as much as letters bear.
        (JPEGArtefacts(quality=(5.0, 60.0), aligned=False), 0.2),
        (JPEGArtefacts(quality=(3.0, 14.0), aligned=False), 0.15),
    ]


@register
class ScanDamage(Corruption):
    """Turns clean pages into scans, from nearly clean to beyond reading.

    A random few of many damages, each with its own random strength, in the order of the real thing:
    ink → paper → light → optics → sensor → coding. The result is a file's: clipped to 0…255, whole
    levels. Some pictures are left as they are.

    To keep a training step cheap, a batch is cut into groups, and a damage is drawn for a group as
    a whole (and then left out of a fifth of its pictures); all its parameters are each picture's
    own. A batch of unknown size is one group.

    Args:
        clean: share of the pictures that stay untouched, 0…1.
        groups: largest number of groups; the one used divides the batch.
        textures: of real paper, for `PaperTexture`. Not kept in the config: give them again.
        steps: (damage, share of the groups that have it), in order. None: `scan_steps(textures)`.
    """

    def __init__(
        self,
        clean: float = 0.12,
        groups: int = 4,
        textures: np.ndarray | None = None,
        steps: Sequence[tuple[Corruption, float]] | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.clean = clean
        self.groups = groups
        steps = scan_steps(textures) if steps is None else steps
        self.layers = [layer for layer, _ in steps]
        self.shares = [float(share) for _, share in steps]

    def damage(self, images, draws):
        damaged = _in_groups(self._damage_group, images, draws, self.groups)
        damaged = ops.clip(ops.round(damaged), 0.0, 255.0)
        return ops.where(draws.chance(self.clean), images, damaged)

    def _damage_group(self, images, draws):
        gates = draws.uniform(len(self.layers))
        kept = draws.uniform(len(self.layers), draws.shape[0], 1, 1, 1) < 0.8
        for i, (layer, share) in enumerate(zip(self.layers, self.shares, strict=True)):
            own = draws.fork()

            def damaged(layer=layer, images=images, own=own, kept=kept[i]):
                return ops.where(kept, layer.damage(images, own), images)

            images = ops.cond(gates[i] < share, damaged, lambda images=images: images)
        return images

    def get_config(self):
        layers = map(keras.saving.serialize_keras_object, self.layers)
        steps = [list(step) for step in zip(layers, self.shares, strict=True)]
        config = {"clean": self.clean, "groups": self.groups, "steps": steps}
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config):
        load = keras.saving.deserialize_keras_object
        steps = [(load(layer), share) for layer, share in config["steps"]]
        return cls(**{**config, "steps": steps})


@register
class PhotoDamage(Corruption):
    """Adds what cameras add to photographs, and says how much.

    `layer(images, seed=None)` returns (damaged, level). Most pictures get Gaussian noise or shot
    and read-out noise; some of them noise that is blurred over neighbouring pixels, as raw
    converters leave it; some are coded as JPEG, mostly with less noise or none. Half of them stay
    unclipped real numbers, the usual test of denoisers; the others are clipped to 0…255 and
    rounded, which is what files hold.

    Args:
        sigma: standard deviation of Gaussian noise in levels; of a range, half the pictures get
            the lowest third, where photographs mostly are.
        full_well: electrons at level 255 of pictures with shot noise (see `ShotNoise`).
        read: their read-out noise in levels.
        quality: JPEG quality of the pictures that are coded.
        shot: share of the pictures with shot instead of Gaussian noise, 0…1.
        jpeg: share of the groups of pictures that are coded.
        blurred: share of the groups of pictures whose noise is blurred.
        groups: number of groups a batch is cut into, see `ScanDamage`.

    Returns:
        damaged: float32 (batch, height, width, channels).
        level: float32 (batch,), root of the mean squared change in levels.
    """

    def __init__(
        self,
        sigma: RangeLike = (0.0, 75.0),
        full_well: RangeLike = (15.0, 4000.0),
        read: RangeLike = (0.0, 10.0),
        quality: RangeLike = (10.0, 90.0),
        shot: float = 0.25,
        jpeg: float = 0.25,
        blurred: float = 0.08,
        groups: int = 4,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.sigma = self.ranged("sigma", sigma, minimum=0.0, power=1.6)
        self.full_well = self.ranged("full_well", full_well, minimum=1e-3, log=True)
        self.read = self.ranged("read", read, minimum=0.0)
        self.quality = self.ranged("quality", quality, minimum=1.0, maximum=100.0)
        self.shares = {"shot": shot, "jpeg": jpeg, "blurred": blurred}
        self.groups = groups
        self.coder = JPEGArtefacts(quality=quality, aligned=False)

    def call(self, images, seed=None):
        images = ops.cast(images, "float32")
        damaged = super().call(images, seed)
        return damaged, ops.sqrt(ops.mean(ops.square(damaged - images), axis=(1, 2, 3)))

    def damage(self, images, draws):
        return _in_groups(self._damage_group, images, draws, self.groups)

    def _damage_group(self, images, draws):
        sigma, full_well, read, kind, weaker = draws.per_picture(
            self.sigma, self.full_well, self.read, Range(0.0, 1.0), Range(-0.5, 1.0)
        )
        coded, blurred, own = draws.uniform(), draws.uniform(), draws.fork()
        coded = coded < self.shares["jpeg"]
        # A coded picture: a third without noise, the others with some.
        share = ops.where(coded, ops.square(ops.maximum(weaker, 0.0)), 1.0)
        light = ops.clip(images, 0.0, 255.0) * (255.0 / full_well)
        shot = ops.sqrt(light + ops.square(read))
        noise = ops.where(kind < self.shares["shot"], shot, sigma) * draws.normal(*draws.shape)
        (width,) = draws.per_picture(Range(0.3, 1.0))
        noise = ops.cond(
            blurred < self.shares["blurred"], lambda: _blurred(noise, width), lambda: noise
        )
        noisy = images + share * noise
        noisy = ops.where(draws.chance(0.5), ops.clip(ops.round(noisy), 0.0, 255.0), noisy)
        return ops.cond(coded, lambda: self.coder.damage(noisy, own), lambda: noisy)

    def compute_output_shape(self, images_shape, seed_shape=None):
        return images_shape, images_shape[:1]

    def get_config(self):
        return {**super().get_config(), **self.shares, "groups": self.groups}


def _blurred(noise, width):
    """Blur noise without making it weaker."""
    power = ops.mean(ops.square(noise), axis=(1, 2, 3), keepdims=True)
    soft = gaussian_blur(noise, width)
    left = ops.mean(ops.square(soft), axis=(1, 2, 3), keepdims=True)
    return soft * ops.sqrt(power / ops.maximum(left, 1e-6))
