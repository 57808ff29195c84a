"""Damage done to pictures on purpose, to learn to undo it: seeded Keras layers."""

from aeimage.corruption.base import Corruption, Draws, Range, fold_in, replica_seed
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
from aeimage.corruption.recipes import ScanDamage
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
    "Corruption",
    "Draws",
    "FaxResolution",
    "Folds",
    "GaussianNoise",
    "JPEGArtefacts",
    "LowContrast",
    "MissingRows",
    "PaperTexture",
    "PaperTint",
    "Range",
    "SaltAndPepper",
    "ScanDamage",
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
]
