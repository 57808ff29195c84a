"""Training distributions: damages combined, in the order in which they happen."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from aeimage.corruption.base import Corruption, Draws
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


@register
class ScanDamage(Corruption):
    """Turns clean pages into scans, from nearly clean to beyond reading.

    A random few of the damages of `steps`, each with its own random strength, in the order of the
    real thing: ink → paper → light → optics → sensor → coding. The result is a file's: clipped to
    0…255, whole levels. Some pictures are left as they are.

    To keep a training step cheap, a batch is cut into groups, and a damage is drawn for a group as
    a whole (and then left out of a fifth of its pictures); all its parameters are each picture's
    own. A batch of unknown size is one group.

    Args:
        clean: share of the pictures that stay untouched, 0…1.
        groups: number of groups a batch is cut into.
        textures: of real paper, for `PaperTexture`.
    """

    def __init__(
        self,
        clean: float = 0.12,
        groups: int = 4,
        textures: np.ndarray | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.clean = clean
        self.groups = groups
        self.textures = textures
        # (damage, share of the groups that have it)
        self.steps: list[tuple[Corruption, float]] = [
            (BrokenInk(), 0.14),
            (BoldInk(), 0.12),
            (PaperTexture(textures=textures), 0.3),
            (PaperTint(), 0.3),
            (Stains(), 0.16),
            (ShowThrough(strength=(0.05, 0.75)), 0.22),
            (Folds(), 0.14),
            (Specks(), 0.12),
            (UnevenLight(strength=(0.05, 0.6)), 0.28),
            (SpineShadow(), 0.12),
            (Blur(sigma=(0.2, 2.2), stretch=(1.0, 1.6)), 0.45),
            (LowContrast(contrast=(0.2, 1.0), paper=(120.0, 255.0)), 0.4),
            (ShotNoise(full_well=(15.0, 2000.0), read=(0.0, 12.0)), 0.15),
            (GaussianNoise(sigma=(2.0, 95.0)), 0.45),
            (Speckle(sigma=(0.02, 0.5)), 0.08),
            (Streaks(), 0.06),
            (SaltAndPepper(amount=(0.003, 0.35), salt=(0.0, 1.0)), 0.18),
            (MissingRows(), 0.06),
            (FaxResolution(), 0.1),
            (JPEGArtefacts(quality=(3.0, 80.0), subsampling=True, aligned=False), 0.25),
        ]

    def damage(self, images, draws):
        batch, height, width, channels = draws.shape
        groups = _group_count(images.shape[0], self.groups)
        seeds = draws.seeds(groups)
        if groups == 1:
            damaged = self._damage_group(images, seeds[0])
        else:
            # A loop: group by group, the graph would be as many times as large. The carry says
            # what shape and dtype results have, which Keras's scan takes from it on TensorFlow.
            parts = ops.reshape(images, (groups, batch // groups, height, width, channels))
            _, damaged = ops.scan(
                lambda like, group: (like, self._damage_group(*group)), parts[0], (parts, seeds)
            )
            damaged = ops.reshape(damaged, draws.shape)
        damaged = ops.clip(ops.round(damaged), 0.0, 255.0)
        return ops.where(draws.chance(self.clean), images, damaged)

    def _damage_group(self, images, seed):
        draws = Draws(seed, images)
        gates = draws.uniform(len(self.steps))
        kept = draws.uniform(len(self.steps), draws.shape[0], 1, 1, 1) < 0.8
        for i, (layer, chance) in enumerate(self.steps):
            own = draws.fork(images)

            def damaged(layer=layer, images=images, own=own, kept=kept[i]):
                return ops.where(kept, layer.damage(images, own), images)

            images = ops.cond(gates[i] < chance, damaged, lambda images=images: images)
        return images

    def get_config(self):
        return {**super().get_config(), "clean": self.clean, "groups": self.groups}
