"""Pack training pictures for a machine that only a few megabytes can be carried to.

    python tools/pack_crops.py PHOTOS --out packed --bytes 45M --exclude '*_kodak*'
    # there: aeimage train codec --data packed/train --validation-data packed/validation

Writes packed/train and packed/validation, which are git-ignored, until they are full. Each picture
is first made smaller (JPEG's artefacts go, detail per byte comes), then its busiest square is cut
out: what a codec learns from a byte lies in texture and edges, not in sky.

The formats, measured on 8 busy crops of 640x640: JPEG of quality 95 with full colour resolution has
1.9 pixels a byte and 43.8 dB; lossy WebP halves the resolution of colour, which no quality mends
(95: 3.0 and 38.5 dB; 100: 2.2 and 39.2 dB), and a codec would learn that; lossless WebP has 0.8.

A picture is held out by the hash of its name alone, so that packing again, with other folders or
sizes, never trains on what was validated with.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import shutil
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from PIL import Image

from aeimage.cli.options import byte_count
from aeimage.data.crops import load_ahead
from aeimage.data.pictures import decode, picture_paths
from aeimage.metrics import psnr

STRIDE = 64


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--out", type=Path, default=Path("packed"), help="(default: packed)")
    parser.add_argument("--bytes", type=byte_count, default=45_000_000, help="(default: 45M)")
    parser.add_argument("--side", type=int, default=640, help="of a crop, pixels (default: 640)")
    parser.add_argument(
        "--scale", type=float, nargs=2, default=(0.55, 0.8), help="range (default: 0.55 0.8)"
    )
    parser.add_argument(
        "--format", choices=["jpeg", "webp", "lossless"], default="jpeg", help="(default: jpeg)"
    )
    parser.add_argument("--quality", type=int, default=95, help="if lossy (default: 95)")
    parser.add_argument("--validation", type=float, default=0.04, help="share (default: 0.04)")
    parser.add_argument("--include", nargs="+", default=["*"], help="patterns of file names")
    parser.add_argument("--exclude", nargs="+", default=[], help="patterns of file names")
    parser.add_argument(
        "--keep-size",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="lossless pictures, which need not be made smaller",
    )
    parser.add_argument("--per-picture", type=int, default=2, help="crops at most (default: 2)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pack(args)


def pack(args: argparse.Namespace) -> dict[str, int]:
    """Pack as asked, print what was done, and return the numbers."""
    paths = [p for p in picture_paths(args.folders) if _among(p, args.include)]
    paths = [p for p in paths if not _among(p, args.exclude)]
    random.Random(args.seed).shuffle(paths)
    for name in ("train", "validation"):
        shutil.rmtree(args.out / name, ignore_errors=True)
        (args.out / name).mkdir(parents=True)
    suffix = ".jpg" if args.format == "jpeg" else ".webp"
    totals = {"pictures": 0, "crops": 0, "held_out": 0, "pixels": 0, "bytes": 0}
    scores = []
    # A second crop of a picture only after the first of every picture.
    for number in range(args.per_picture):
        for path, crop in _crops(paths, number, args):
            data = encode(crop, args.format, args.quality)
            if totals["bytes"] + len(data) > args.bytes:
                break
            held_out = is_held_out(path.name, args.validation)
            if held_out and number:
                continue
            folder = args.out / ("validation" if held_out else "train")
            (folder / f"{totals['crops']:05d}_{path.stem[:40]}{suffix}").write_bytes(data)
            totals["pictures"] += number == 0
            totals["held_out"] += held_out
            totals["crops"] += 1
            totals["pixels"] += crop.shape[0] * crop.shape[1]
            totals["bytes"] += len(data)
            if totals["crops"] % 20 == 1:
                scores.append(psnr(np.asarray(Image.open(io.BytesIO(data))), crop))
        else:
            continue
        break
    if not totals["crops"]:
        raise SystemExit("No picture fits. Give larger pictures, or more bytes.")
    print(
        "{crops} crops ({held_out} held out) of {pictures} pictures: {bytes:,} bytes, "
        "{pixels:,} pixels, ".format(**totals)
        + f"{totals['pixels'] / totals['bytes']:.2f} pixels a byte, "
        f"PSNR {np.mean(np.minimum(scores, 99.0)):.1f} dB"
    )
    return totals


def _crops(paths, number: int, args) -> Iterator[tuple[Path, np.ndarray]]:
    def load(path):
        rgb = decode(path, print)
        if rgb is None:
            return None
        rng = np.random.default_rng((args.seed, _number_of(path.name)))
        if not _among(path, args.keep_size):
            rgb = smaller(rgb, rng.uniform(*args.scale), args.side)
        found = busiest(rgb, args.side, number + 1)
        return found[number] if len(found) > number else None

    for path, crop in zip(paths, load_ahead(load, paths), strict=True):
        if crop is not None:
            yield path, crop


def smaller(rgb: np.ndarray, scale: float, side: int) -> np.ndarray:
    """Return a picture made smaller by `scale`, but for small ones no smaller than `side`."""
    height, width = rgb.shape[:2]
    scale = min(1.0, max(scale, side / min(height, width)))
    size = (round(width * scale), round(height * scale))
    image = Image.fromarray(rgb)
    return rgb if scale == 1.0 else np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def busiest(rgb: np.ndarray, side: int, count: int) -> list[np.ndarray]:
    """Return up to `count` squares of `side` pixels that do not overlap, most detail first.

    Pictures that are smaller give one crop, all of it but what exceeds a multiple of 64.
    """
    height, width = (n // STRIDE * STRIDE for n in rgb.shape[:2])
    rows, columns = min(side, height), min(side, width)
    if not rows or not columns:
        return []
    grey = rgb.mean(axis=-1)
    # The logarithm: noise and edges of any strength count, a few of the strongest do not rule.
    detail = np.zeros_like(grey)
    detail[1:, 1:] = np.log1p(
        np.abs(np.diff(grey, axis=0))[:, 1:] + np.abs(np.diff(grey, axis=1))[1:]
    )
    total = np.pad(detail.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    places = [
        (
            total[y + rows, x + columns] - total[y, x + columns] - total[y + rows, x] + total[y, x],
            y,
            x,
        )
        for y in range(0, rgb.shape[0] - rows + 1, STRIDE)
        for x in range(0, rgb.shape[1] - columns + 1, STRIDE)
    ]
    chosen: list[tuple[int, int]] = []
    for _, y, x in sorted(places, reverse=True):
        if all(abs(y - a) >= rows or abs(x - b) >= columns for a, b in chosen):
            chosen.append((y, x))
        if len(chosen) == count:
            break
    return [np.ascontiguousarray(rgb[y : y + rows, x : x + columns]) for y, x in chosen]


def encode(rgb: np.ndarray, kind: str, quality: int = 95) -> bytes:
    """Return a picture as JPEG with full colour resolution, lossy WebP or lossless WebP."""
    file = io.BytesIO()
    if kind == "jpeg":
        Image.fromarray(rgb).save(file, "jpeg", quality=quality, subsampling=0, optimize=True)
    else:
        lossless = kind == "lossless"
        Image.fromarray(rgb).save(file, "webp", quality=quality, lossless=lossless, method=6)
    return file.getvalue()


def is_held_out(name: str, share: float) -> bool:
    """Return whether the picture of this file name is to validate with."""
    return _number_of(name) < share * 2**32


def _number_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def _among(path: Path, patterns: list[str]) -> bool:
    return any(fnmatch(path.name, pattern) for pattern in patterns)


if __name__ == "__main__":
    main()
