"""Measure what fine-tuning on one kind of pictures is worth: BD-rate against another codec.

    aeimage train codec --data MINE --init saved_models/photo --freeze analysis_transform \
        --out runs/mine --steps 2000 --learning-rate 1e-4
    aeimage export runs/mine -o models/mine
    python tools/domain_gain.py models/mine --data HELD_OUT --out docs/benchmark/mine

Compresses every held-out picture with both codecs at the same qualities, whole files, and compares
mean curves: BD-rate in PSNR over the range that both reach (negative: fewer bytes for the same
quality). Prints the result, and writes OUT/gain.csv and OUT/gain.png.

Hold out pictures that neither codec was trained on and that are no siblings of those: not other
pages of the same book, but another book.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

import numpy as np
from bd_rate import BDRate, Curve, bd_rate

from aeimage.data.pictures import centre_crop, decode, picture_paths
from aeimage.metrics import psnr
from aeimage.runtime.compressor import Codec

QUALITIES = (5.0, 15.0, 25.0, 35.0, 45.0, 55.0, 65.0, 75.0, 85.0, 95.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tuned", help="folder of the fine-tuned codec")
    parser.add_argument("--against", default="photo", help="name or folder (default: photo)")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="held-out pictures")
    parser.add_argument("--most", type=int, default=24, help="pictures (default: 24)")
    parser.add_argument("--side", type=int, default=1024, help="middle of so many pixels")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    pictures = load(args.data, args.most, args.side)
    tuned = os.path.join(args.tuned, "")  # a path, not a name
    before, after = (measure(Codec(name), pictures) for name in (args.against, tuned))
    result = gain(before, after)
    labels = (Path(args.against).name, f"{Path(args.tuned).name}, fine-tuned")
    write(args.out, dict(zip(labels, (before, after), strict=True)), len(pictures))
    print(f"{args.tuned} against {args.against}, {len(pictures)} pictures: {result}")


def load(folders: list[Path], most: int, side: int) -> list[np.ndarray]:
    """Return the middles of some pictures, evenly spread over the folders' files."""
    paths = picture_paths(folders)
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, most).astype(int))]
    pictures = [decode(path, print) for path in chosen]
    crops = [centre_crop(rgb, side, 1) for rgb in pictures if rgb is not None]
    if not crops:
        raise SystemExit("No picture can be read.")
    return crops


def measure(codec: Codec, pictures: list[np.ndarray]) -> Curve:
    """Return the mean curve of a codec: bits of whole files a pixel, PSNR of 8-bit RGB."""
    rates, scores = [], []
    for quality in QUALITIES:
        files = [codec.compress(rgb, quality) for rgb in pictures]
        again = [np.asarray(codec.decompress(data)) for data in files]
        pairs = list(zip(pictures, files, strict=True))
        rates.append(np.mean([8 * len(d) / (p.shape[0] * p.shape[1]) for p, d in pairs]))
        scores.append(np.mean([psnr(a, p) for a, p in zip(again, pictures, strict=True)]))
        print(f"{codec.name}: quality {quality:g}, {rates[-1]:.4f} bpp, {scores[-1]:.2f} dB")
    return Curve(rates, scores)


def gain(before: Curve, after: Curve) -> BDRate:
    """Return the BD-rate over all qualities that both codecs reach."""
    low = max(min(before.quality), min(after.quality))
    high = min(max(before.quality), max(after.quality))
    return bd_rate(before, after, (low, high))


def write(out: Path, curves: dict[str, Curve], count: int) -> None:
    """Write the table and the plot."""
    from matplotlib.figure import Figure

    out.mkdir(parents=True, exist_ok=True)
    with (out / "gain.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["codec", "quality", "bpp", "psnr"])
        for name, curve in curves.items():
            points = zip(QUALITIES, curve.bpp, curve.quality, strict=True)
            writer.writerows([name, q, f"{b:.5f}", f"{p:.3f}"] for q, b, p in points)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axis = figure.subplots()
    for name, curve in curves.items():
        axis.plot(curve.bpp, curve.quality, "o-", label=name)
    axis.set(xscale="log", xlabel="bits a pixel", ylabel="PSNR, dB")
    axis.set_title(f"{count} held-out pictures")
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(out / "gain.png", dpi=110)


if __name__ == "__main__":
    main()
