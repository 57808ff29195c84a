"""Measure how much memory a large picture takes both ways, each in a process of its own.

    python tools/check_memory.py                        12,500 x 8,000: 100 megapixels
    python tools/check_memory.py --width 5000 --height 5000

Prints seconds and the peak of resident memory of compressing a file and of decompressing it, from
the start of Python to the end, and fails if either exceeds the limit. The picture is a quilt of the
shipped samples, so that it has the symbols of photographs.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

LIMIT = 1.5e9
_KIBIBYTE = 1024  # Linux reports peaks in these


def make_picture(path: Path, width: int, height: int) -> None:
    """Write a quilt of the shipped samples, mirrored at random, as an uncompressed file."""
    from aeimage.samples import sample_paths

    samples = [np.asarray(Image.open(p).convert("RGB")) for p in sample_paths()]
    rng = np.random.default_rng(0)
    quilt = np.empty((height, width, 3), np.uint8)
    side = min(min(sample.shape[:2]) for sample in samples)
    for top in range(0, height, side):
        for left in range(0, width, side):
            patch = samples[rng.integers(len(samples))][:side, :side]
            patch = patch[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
            target = quilt[top : top + side, left : left + side]
            target[...] = patch[: target.shape[0], : target.shape[1]]
    Image.fromarray(quilt).save(path)


def work(task: str, source: Path, out: Path, model: str, quality: float) -> None:
    """Run one direction, in a process of its own, and report its peak."""
    from aeimage.runtime.compressor import Codec

    start = time.monotonic()
    codec = Codec(model)
    if task == "compress":
        Image.MAX_IMAGE_PIXELS = None
        out.write_bytes(codec.compress(source, quality))
    else:
        codec.decompress(source.read_bytes(), max_pixels=None).save(out)
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE
    print(seconds, peak)


def main() -> int:
    """Make the picture, run both directions, compare with the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=12500)
    parser.add_argument("--height", type=int, default=8000)
    parser.add_argument("--quality", type=float, default=50.0)
    parser.add_argument("--model", default="photo", help="name of a model or folder of a bundle")
    parser.add_argument("--limit", type=float, default=LIMIT, help="bytes (default: 1.5e9)")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        task, source, out = args.work
        work(task, Path(source), Path(out), args.model, args.quality)
        return 0

    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder) / name for name in ("picture.bmp", "picture.aei", "decoded.bmp")]
        make_picture(names[0], args.width, args.height)
        print(f"{args.width} x {args.height}, {args.width * args.height / 1e6:.1f} megapixels")
        for task, source, out in zip(("compress", "decompress"), names, names[1:], strict=False):
            options = ["--model", args.model, "--quality", str(args.quality)]
            command = [sys.executable, __file__, *options, "--work", task, str(source), str(out)]
            report = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            seconds, peak = map(float, report.split())
            worst = max(worst, peak)
            print(f"{task:<10}  {seconds:6.1f} s  peak {peak / 1e6:6.0f} MB", flush=True)
        print(f"file        {names[1].stat().st_size / 1e6:.1f} MB")
    if worst > args.limit:
        print(f"Over the limit of {args.limit / 1e6:.0f} MB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
