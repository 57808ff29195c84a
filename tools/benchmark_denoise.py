"""Photographs with noise: PSNR of ours, BM3D and non-local means on the same pictures in one run.

    pip install -e ".[benchmark]"
    pip install bm3d    # non-commercial licence, so no dependency of this project: your choice
    python tools/benchmark_denoise.py --data kodak --out docs/benchmark/denoise
    python tools/benchmark_denoise.py --data kodak --methods ours,ours-blind --model PATH

Gaussian noise of sigma 15, 25, 50 as papers have it (not clipped, float) and as users have it
(clipped, 8 bits); sigma 1, 2, 3, where a restorer must not make a good picture worse; shot noise;
JPEG artefacts. `photo_noise.py` says how each is made, `photo_methods.py` what is compared. PSNR
is of 8-bit RGB, the mean over the pictures of each one's PSNR.

Every measurement is kept in `results.csv` in `--out` as it comes, keyed by picture, noise, method
and the method's version: a stopped run resumes, and a new model measures only itself. BM3D takes a
minute of processor time a picture. `summary.md` and `psnr.png` are written from all rows there are.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmark_run import find_pictures, is_kodak, load_rgb
from denoise_plots import plot_psnr
from denoise_rows import KEY, Row
from denoise_summary import summary_markdown, tabulate
from photo_methods import METHODS, MethodUnavailableError, PhotoMethod, open_method
from photo_noise import degrade, to_uint8
from row_cache import RowCache

from aeimage.metrics import psnr

# In the order of their worth: with BM3D a run takes hours and may be stopped before its end.
NOISES: tuple[tuple[str, float], ...] = (
    ("gaussian", 25),
    ("gaussian", 50),
    ("gaussian", 15),
    ("gaussian-8bit", 25),
    ("gaussian-8bit", 50),
    ("gaussian-8bit", 15),
    ("shot", 100),
    ("shot", 25),
    ("gaussian-8bit", 1),
    ("gaussian-8bit", 2),
    ("gaussian-8bit", 3),
    ("jpeg", 10),
    ("jpeg", 20),
    ("jpeg", 40),
)
# Nobody doubts them below, and they are slow.
_LEAST_SIGMA_OF_CLASSICAL = 10


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 0 if it finished, 2 if the arguments make no sense."""
    parser = _parser()
    args = parser.parse_args(argv)
    pictures = find_pictures(args.data, args.limit)
    if not pictures:
        parser.error(f"no pictures in {args.data}")
    cache = RowCache(args.out / "results.csv", Row, KEY)
    if args.again:
        cache.forget(lambda row: row.method in args.again)
    versions: dict[str, str] = {}
    for name in args.methods:
        try:
            method = open_method(name, args.model)
        except MethodUnavailableError as error:
            _say(f"WARNING: left out: {error}")
            continue
        versions[name] = method.version
        noises = [noise for noise in NOISES if _applies(method, noise, args.noises)]
        if not args.summarise_only:
            measure(method, pictures, noises, cache)
    if args.tidy:
        cache.sort()
    cache.reload()
    table = tabulate(cache, versions, [path.stem for path in pictures])
    kodak = is_kodak(pictures)
    text = summary_markdown(table, kodak=kodak)
    (args.out / "summary.md").write_text(text, encoding="utf-8")
    plot_psnr(args.out / "psnr.png", table, kodak=kodak)
    print(text)
    _say(f"written to {args.out}")
    return 0


def measure(
    method: PhotoMethod,
    pictures: Sequence[Path],
    noises: Sequence[tuple[str, float]],
    cache: RowCache[Row],
) -> None:
    """Restores every picture with every noise by one method; what the cache has, it skips."""
    for number, (noise, level) in enumerate(noises, 1):
        for path in pictures:
            key = (path.stem, noise, float(level), method.name, method.version)
            if key in cache:
                continue
            clean = np.asarray(load_rgb(path))
            noisy = degrade(clean, noise, level, path.stem)
            start = time.perf_counter()
            restored = method.restore(noisy, noise, level)
            seconds = time.perf_counter() - start
            value = psnr(clean, to_uint8(restored))
            cache.add(Row(*key, psnr=round(value, 4), seconds=round(seconds, 3)))
            _say(
                f"{method.name} {number}/{len(noises)} {noise} {level:g} {path.name}: "
                f"{value:.2f} dB, {seconds:.1f} s"
            )


def _applies(method: PhotoMethod, noise: tuple[str, float], chosen: Sequence[str]) -> bool:
    kind, level = noise
    if kind not in method.kinds or (chosen and kind not in chosen):
        return False
    classical = method.name.startswith(("nlm", "bm3d"))
    return not (classical and kind == "gaussian-8bit" and level < _LEAST_SIGMA_OF_CLASSICAL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=_folder, required=True, help="folder of clean RGB pictures")
    add(
        "--out",
        type=Path,
        default=Path("build/denoise"),
        help="where to write, and where results are kept (default: %(default)s)",
    )
    add(
        "--methods",
        type=_method_names,
        default=list(METHODS),
        metavar="A,B,…",
        help=f"which, of {','.join(METHODS)} (default: all)",
    )
    add(
        "--noises",
        type=lambda text: text.split(","),
        default=[],
        metavar="A,B,…",
        help="which kinds of noise, of gaussian,gaussian-8bit,shot,jpeg (default: all)",
    )
    add("--model", default="photo", help="our model's name or bundle (default: %(default)s)")
    add("--limit", type=int, help="take the first N pictures only")
    add(
        "--again",
        type=_method_names,
        default=[],
        metavar="A,B,…",
        help="measure these methods again, whatever is kept of them",
    )
    add("--summarise-only", action="store_true", help="measure nothing: of what is kept")
    add("--tidy", action="store_true", help="sort the rows of results.csv at the end")
    return parser


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return path


def _method_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in METHODS]:
        raise argparse.ArgumentTypeError(
            f"no method {', '.join(unknown)}; there are {', '.join(METHODS)}"
        )
    return list(dict.fromkeys(names))


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
