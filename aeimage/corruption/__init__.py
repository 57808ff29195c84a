"""Damage done to pictures on purpose, to learn to undo it: seeded Keras layers.

`base` says how seeds work, `recipes` puts the damages together, `augment` holds changes that do no
damage. docs/corruption.md shows them all.
"""

from aeimage.corruption.augment import (
    ColourJitter,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomScale,
)
from aeimage.corruption.base import Corruption, Draws, Range, fold_in, replica_seed
from aeimage.corruption.ink import BoldInk, BrokenInk
from aeimage.corruption.jpeg import JPEGArtefacts
from aeimage.corruption.masks import (
    Masking,
    MissingParts,
    OccludingBoxes,
    RandomMissingPixels,
    Scratches,
)
from aeimage.corruption.noise import GaussianNoise, SaltAndPepper, ShotNoise, Speckle
from aeimage.corruption.paper import (
    Folds,
    PaperTexture,
    PaperTint,
    ShowThrough,
    Specks,
    Stains,
)
from aeimage.corruption.recipes import PhotoDamage, ScanDamage, scan_steps
from aeimage.corruption.scanner import (
    Blur,
    FaxResolution,
    LowContrast,
    MissingRows,
    SpineShadow,
    Streaks,
    UnevenLight,
)

__all__ = [
    "Blur",
    "BoldInk",
    "BrokenInk",
    "ColourJitter",
    "Corruption",
    "Draws",
    "FaxResolution",
    "Folds",
    "GaussianNoise",
    "JPEGArtefacts",
    "LowContrast",
    "Masking",
    "MissingParts",
    "MissingRows",
    "OccludingBoxes",
    "PaperTexture",
    "PaperTint",
    "PhotoDamage",
    "RandomCrop",
    "RandomFlip",
    "RandomMissingPixels",
    "RandomRotation",
    "RandomScale",
    "Range",
    "SaltAndPepper",
    "ScanDamage",
    "Scratches",
    "ShotNoise",
    "ShowThrough",
    "Speckle",
    "Specks",
    "SpineShadow",
    "Stains",
    "Streaks",
    "UnevenLight",
    "fold_in",
    "replica_seed",
    "scan_steps",
]
