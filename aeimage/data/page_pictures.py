"""Pictures inside synthetic pages: photographs, textures, screens, hatchings, diagrams.

They are there so that a restorer of pages learns to leave pictures alone.
"""

from __future__ import annotations

import functools
import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from aeimage.samples import sample_paths


def draw_picture(draw: random.Random, size: tuple[int, int], mode: str) -> Image.Image:
    """Return a photograph or a procedural texture, some as a printer's screen or an engraving.

    Args:
        draw: source of randomness.
        size: (width, height) in pixels.
        mode: ``"L"`` or ``"RGB"``.
    """
    kind = draw.random()
    if kind < 0.65 and _photographs():
        image = _photograph(draw, size)
    elif kind < 0.85:
        image = _clouds(draw, size)
    else:
        image = _waves(draw, size)
    if draw.random() < 0.15:
        image = _screen(draw, image)
    return image.convert(mode)


def draw_diagram(draw: random.Random, size: tuple[int, int], mode: str) -> Image.Image:
    """Return line art: curves on axes, bars, boxes with arrows, or hatching."""
    width, height = size
    image = Image.new(mode, size, "white")
    pen = ImageDraw.Draw(image)
    ink = "black" if mode == "L" or draw.random() < 0.6 else draw.choice(("navy", "maroon"))
    thin = draw.randint(1, 4)
    kind = draw.choice(("curve", "bars", "boxes", "hatch", "circles"))
    if kind in ("curve", "bars"):
        left, bottom = round(0.1 * width), round(0.9 * height)
        pen.line([(left, 0), (left, bottom), (width, bottom)], fill=ink, width=thin)
        for tick in range(1, draw.randint(3, 9)):
            at = left + tick * (width - left) // 9
            pen.line([(at, bottom), (at, bottom + 0.04 * height)], fill=ink, width=thin)
    if kind == "curve":
        for _ in range(draw.randint(1, 3)):
            phase, waves = draw.uniform(0, 6), draw.uniform(0.5, 4)
            high = draw.uniform(0.1, 0.4)
            points = [
                (
                    left + t * (width - left),
                    (0.5 + high * math.sin(phase + 2 * math.pi * waves * t)) * bottom,
                )
                for t in np.linspace(0, 1, 60).tolist()
            ]
            pen.line(points, fill=ink, width=draw.randint(1, 5), joint="curve")
    elif kind == "bars":
        count = draw.randint(3, 9)
        for bar in range(count):
            at = left + (bar + 0.2) * (width - left) / count
            top = bottom * draw.uniform(0.1, 0.9)
            grey = draw.choice(("white", "black", "grey", "lightgrey"))
            corners = (at, top, at + 0.6 * (width - left) / count, bottom)
            pen.rectangle(corners, fill=grey, outline=ink, width=thin)
    elif kind == "hatch":
        step, slope = draw.randint(4, 14), draw.uniform(-1, 1)
        for at in range(-width - height, width + height, step):
            pen.line([(at, 0), (at + slope * height, height)], fill=ink, width=min(thin, 2))
    else:
        for _ in range(draw.randint(3, 10)):
            x, y = draw.uniform(0, width), draw.uniform(0, height)
            a, b = draw.uniform(0.05, 0.3) * width, draw.uniform(0.05, 0.3) * height
            shape = pen.rectangle if kind == "boxes" else pen.ellipse
            shape((x - a, y - b, x + a, y + b), fill="white", outline=ink, width=thin)
            end = (draw.uniform(0, width), draw.uniform(0, height))
            pen.line([(x + a, y), end], fill=ink, width=thin)
    return image


@functools.cache
def _photographs() -> list[Image.Image]:
    return [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in sample_paths()]


def _photograph(draw: random.Random, size: tuple[int, int]) -> Image.Image:
    photograph = draw.choice(_photographs())
    share = draw.uniform(0.3, 1.0)
    width = max(8, round(photograph.width * share))
    height = max(8, min(photograph.height, round(width * size[1] / size[0])))
    left = draw.randint(0, photograph.width - width)
    top = draw.randint(0, photograph.height - height)
    part = photograph.crop((left, top, left + width, top + height))
    part = part.resize(size, Image.Resampling.BICUBIC)
    return ImageOps.mirror(part) if draw.random() < 0.5 else part


def _clouds(draw: random.Random, size: tuple[int, int]) -> Image.Image:
    rng = np.random.default_rng(draw.getrandbits(64))
    total = np.zeros(size[::-1], np.float32)
    for octave in range(draw.randint(2, 6)):
        cells = 2 ** (octave + 1)
        small = Image.fromarray(rng.normal(size=(cells + 2, cells + 2)).astype(np.float32))
        total += np.asarray(small.resize(size, Image.Resampling.BICUBIC)) / 1.7**octave
    levels = 128 + draw.uniform(30, 90) * total
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))


def _waves(draw: random.Random, size: tuple[int, int]) -> Image.Image:
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    total = np.zeros_like(x)
    for _ in range(draw.randint(1, 3)):
        angle, period = draw.uniform(0, math.pi), draw.uniform(6, 120)
        along = x * math.cos(angle) + y * math.sin(angle)
        total += np.sin(2 * math.pi * along / period + draw.uniform(0, 6))
    ramp = draw.uniform(-60, 60) * (x / size[0] - 0.5)
    return Image.fromarray(np.clip(128 + 50 * total + ramp, 0, 255).astype(np.uint8))


def _screen(draw: random.Random, image: Image.Image) -> Image.Image:
    """Print grey with a screen of dots, as newspapers do."""
    period, angle = draw.uniform(4, 9), draw.choice((0.0, math.pi / 4, 0.26))
    y, x = np.mgrid[: image.height, : image.width].astype(np.float32) * (2 * math.pi / period)
    u = x * math.cos(angle) + y * math.sin(angle)
    v = y * math.cos(angle) - x * math.sin(angle)
    threshold = 127.5 + 63.0 * (np.cos(u) + np.cos(v))
    dots = np.asarray(image.convert("L")).astype(np.float32) > threshold
    dotted = Image.fromarray(dots.astype(np.uint8) * 255)
    return dotted.filter(ImageFilter.GaussianBlur(draw.uniform(0.4, 0.9)))
