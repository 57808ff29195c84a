"""Every layer once, and pictures to try them on: shared with the processes on other backends."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from aeimage import corruption as c

SIZE = (40, 56)  # not whole JPEG blocks, not square


def _short_recipe(**options):
    # Each of the damages of the whole recipe has a case of its own, and graphs take their time.
    steps = [(c.Stains(), 0.8), (c.Blur(), 0.5), (c.GaussianNoise(), 0.9)]
    return c.ScanDamage(clean=0.0, groups=2, steps=steps, **options)


# As strong as it takes to show in so small a picture.
LAYERS = {
    "Blur": lambda **o: c.Blur(sigma=(0.5, 2.0), stretch=(1.0, 2.0), **o),
    "BoldInk": lambda **o: c.BoldInk(thick=(0.3, 1.5), **o),
    "BrokenInk": lambda **o: c.BrokenInk(thin=(0.3, 1.0), dropout=(0.1, 0.4), **o),
    "ColourJitter": lambda **o: c.ColourJitter(**o),
    "FaxResolution": lambda **o: c.FaxResolution(cell=(1.5, 3.0), **o),
    "Folds": lambda **o: c.Folds(shade=(0.2, 0.4), **o),
    "GaussianNoise": lambda **o: c.GaussianNoise(sigma=(5.0, 20.0), **o),
    "JPEGArtefacts": lambda **o: c.JPEGArtefacts(quality=(5, 40), aligned=False, **o),
    "LowContrast": lambda **o: c.LowContrast(**o),
    "MissingParts": lambda **o: c.MissingParts(fill=128.0, **o),
    "MissingRows": lambda **o: c.MissingRows(share=(0.3, 0.5), **o),
    "OccludingBoxes": lambda **o: c.OccludingBoxes(fill=(0.0, 255.0), **o),
    "PaperTexture": lambda **o: c.PaperTexture(**o),
    "PaperTint": lambda **o: c.PaperTint(dark=(0.1, 0.4), **o),
    "PhotoDamage": lambda **o: c.PhotoDamage(sigma=(5.0, 75.0), jpeg=1.0, blurred=1.0, **o),
    "RandomCrop": lambda **o: c.RandomCrop(*SIZE, **o),
    "RandomFlip": lambda **o: c.RandomFlip(vertical=True, **o),
    "RandomMissingPixels": lambda **o: c.RandomMissingPixels(**o),
    "RandomRotation": lambda **o: c.RandomRotation(degrees=(-9.0, 9.0), **o),
    "RandomScale": lambda **o: c.RandomScale(**o),
    "SaltAndPepper": lambda **o: c.SaltAndPepper(amount=(0.1, 0.2), salt=(0.2, 0.8), **o),
    "ScanDamage": _short_recipe,
    "Scratches": lambda **o: c.Scratches(fill=128.0, **o),
    "ShotNoise": lambda **o: c.ShotNoise(**o),
    "ShowThrough": lambda **o: c.ShowThrough(strength=(0.2, 0.6), **o),
    "Speckle": lambda **o: c.Speckle(sigma=(0.1, 0.4), **o),
    "Specks": lambda **o: c.Specks(amount=(0.02, 0.1), **o),
    "SpineShadow": lambda **o: c.SpineShadow(**o),
    "Stains": lambda **o: c.Stains(strength=(0.2, 0.5), size=(12.0, 40.0), **o),
    "Streaks": lambda **o: c.Streaks(share=(0.2, 0.5), **o),
    "UnevenLight": lambda **o: c.UnevenLight(strength=(0.2, 0.5), **o),
}


def pictures(name: str, channels: int, count: int = 4) -> np.ndarray:
    """Return the same small page `count` times: float32 (count, height, width, channels)."""
    height, width = SIZE
    if name == "RandomCrop":
        height, width = height + 12, width + 9
    # Nowhere quite white or black: every damage has room.
    page = Image.new("RGB", (width, height), (240, 230, 220))
    pen = ImageDraw.Draw(page)
    pen.text((3, 2), "Damage", fill=(15, 15, 30))
    pen.text((1, 16), "done and", fill=(30, 10, 10))
    pen.ellipse((20, 28, 50, 39), fill=(200, 40, 60))
    pixels = np.asarray(page if channels == 3 else page.convert("L").copy(), "float32")
    return np.stack([pixels.reshape(height, width, channels)] * count)


def damaged(name: str, result):
    """Return the pictures of a layer's result."""
    return result[0] if name == "PhotoDamage" else result
