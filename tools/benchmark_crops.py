"""Crops at equal bytes: what each codec makes of the same picture in the same number of bytes.

All files are brought within 1 % of one size by a search over each codec's quality. AVIF's dial has
only whole steps, a few per cent apart, so its file nearest to ours sets the size, and the others,
ours too, are searched to that. Bytes are of the whole picture's file, PSNR is the whole picture's;
the crop is the window with the strongest edges of the *original*, which favours no codec, unless
one is named.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmark_codecs import BenchmarkCodec
from benchmark_run import load_rgb
from PIL import Image, ImageDraw, ImageFont

from aeimage.metrics import psnr

TOLERANCE = 0.01
_ORDER = ("aeimage", "avif", "jxl", "webp", "jpeg")
_CROP = (192, 144)
_ZOOM = 2  # nearest neighbour: pixels stay what they are
_COLUMNS = 3
_LABEL_HEIGHT = 26
_GAP = 8
_FRAME = (200, 200, 200)  # white pages need an edge


@dataclass(frozen=True)
class Window:
    """A part of a picture, in pixels."""

    x: int
    y: int
    width: int
    height: int


def parse_crop(text: str) -> tuple[str, Window | None]:
    """`NAME` or `NAME:X,Y,W,H` to a file name and a window.

    Raises:
        ValueError: if the numbers are not four, or the window is empty.
    """
    name, colon, numbers = text.partition(":")
    if not colon:
        return name, None
    parts = [int(part) for part in numbers.split(",")]
    if len(parts) != 4 or min(parts) < 0 or min(parts[2:]) < 1:
        raise ValueError(f"Invalid crop. Expected NAME or NAME:X,Y,WIDTH,HEIGHT. Received: {text}")
    return name, Window(*parts)


def equal_bytes(
    codecs: Mapping[str, BenchmarkCodec], picture: Image.Image, our_quality: float
) -> dict[str, bytes]:
    """Each codec's file of the picture, all of about the size of ours at `our_quality`.

    A codec whose dial cannot reach the size (within 1 %) gives its nearest *larger* file where it
    has one.
    """
    leader = "aeimage" if "aeimage" in codecs else next(iter(codecs))
    target = len(codecs[leader].encode(picture, our_quality))
    files: dict[str, bytes] = {}
    # The coarsest dials first, so that those with finer ones can follow them.
    for name in sorted(codecs, key=lambda name: -codecs[name].dial[2]):
        files[name] = search_bytes(codecs[name], picture, target)
        if len(files) == 1:
            target = len(files[name])
        elif abs(len(files[name]) - target) > TOLERANCE * target:
            print(
                f"WARNING: {codecs[name].label}: nearest to {target} bytes: {len(files[name])}",
                file=sys.stderr,
            )
    return files


def search_bytes(codec: BenchmarkCodec, picture: Image.Image, target: int) -> bytes:
    """The codec's file nearest to `target` bytes, by bisection over the steps of its dial."""
    low, high, step = codec.dial
    files: dict[int, bytes] = {}

    def file(position: int) -> bytes:
        if position not in files:
            files[position] = codec.encode(picture, low + position * step)
        return files[position]

    # Invariant: position `first` gives too few bytes (or is the lowest), `last` enough (or the
    # highest).
    first, last = 0, round((high - low) / step)
    while last - first > 1:
        middle = (first + last) // 2
        data = file(middle)
        if abs(len(data) - target) <= TOLERANCE / 20 * target:
            return data
        first, last = (middle, last) if len(data) < target else (first, middle)
    below, above = file(first), file(last)
    near = min(below, above, key=lambda data: abs(len(data) - target))
    return near if abs(len(near) - target) <= TOLERANCE * target or len(above) < target else above


def draw_crops(
    path: Path,
    codecs: Mapping[str, BenchmarkCodec],
    pictures: Sequence[tuple[Path, Window | None]],
    our_quality: float,
) -> None:
    """Draws each picture's crops, original and codecs', labelled with bytes and PSNR, to a PNG."""
    codecs = {name: codec for name, codec in codecs.items() if not codec.speed_only}
    order = sorted(codecs, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    blocks = []
    for picture_path, window in pictures:
        print(f"crops of {picture_path.name} …", file=sys.stderr)
        picture = load_rgb(picture_path)
        window = _inside(window, picture) if window else busiest_window(picture)
        files = equal_bytes(codecs, picture, our_quality)
        panels = [_panel(picture, window, f"original, {picture_path.name}")]
        for name in order:
            decoded = codecs[name].decode(files[name])
            label = f"{codecs[name].label}: {len(files[name]):,} B, {psnr(picture, decoded):.2f} dB"
            panels.append(_panel(decoded, window, label, bold=name == "aeimage"))
        blocks.append(_grid(panels))
    _stack(blocks).save(path, optimize=True)


def busiest_window(picture: Image.Image) -> Window:
    """The window, of the default size, with the largest sum of gradients."""
    width, height = min(_CROP[0], picture.width), min(_CROP[1], picture.height)
    grey = np.asarray(picture.convert("L"), np.float32)
    energy = np.zeros_like(grey)
    energy[:, 1:] += np.abs(np.diff(grey, axis=1))
    energy[1:] += np.abs(np.diff(grey, axis=0))
    sums = (
        np.pad(energy, ((1, 0), (1, 0))).cumsum(0, dtype=np.float64).cumsum(1)
    )  # summed-area table

    def total(corner: tuple[int, int]) -> float:
        y, x = corner
        return sums[y + height, x + width] - sums[y, x + width] - sums[y + height, x] + sums[y, x]

    corners = [
        (y, x)
        for y in range(0, picture.height - height + 1, max(1, height // 8))
        for x in range(0, picture.width - width + 1, max(1, width // 8))
    ]
    y, x = max(corners, key=total)
    return Window(x, y, width, height)


def _inside(window: Window, picture: Image.Image) -> Window:
    width, height = min(window.width, picture.width), min(window.height, picture.height)
    return Window(
        min(window.x, picture.width - width), min(window.y, picture.height - height), width, height
    )


def _panel(picture: Image.Image, window: Window, label: str, bold: bool = False) -> Image.Image:
    box = (window.x, window.y, window.x + window.width, window.y + window.height)
    size = (window.width * _ZOOM, window.height * _ZOOM)
    crop = picture.crop(box).resize(size, Image.Resampling.NEAREST)
    panel = Image.new("RGB", (size[0], size[1] + _LABEL_HEIGHT), "white")
    panel.paste(crop, (0, _LABEL_HEIGHT))
    draw = ImageDraw.Draw(panel)
    draw.rectangle((0, _LABEL_HEIGHT, panel.width - 1, panel.height - 1), outline=_FRAME)
    font = ImageFont.load_default(size=16)
    # A stroke stands in for a bold font: Pillow ships one weight.
    draw.text((2, 3), label, font=font, fill="black", stroke_width=0.4 if bold else 0)
    return panel


def _grid(panels: Sequence[Image.Image]) -> Image.Image:
    width, height = panels[0].width + _GAP, panels[0].height + _GAP
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    sheet = Image.new("RGB", (columns * width - _GAP, rows * height), "white")
    for i, panel in enumerate(panels):
        sheet.paste(panel, (i % columns * width, i // columns * height))
    return sheet


def _stack(blocks: Sequence[Image.Image]) -> Image.Image:
    gap = 3 * _GAP
    size = (max(b.width for b in blocks), sum(b.height + gap for b in blocks) - gap)
    sheet = Image.new("RGB", size, "white")
    top = 0
    for block in blocks:
        sheet.paste(block, (0, top))
        top += block.height + gap
    return sheet
