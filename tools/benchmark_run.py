"""The benchmark's measuring: pictures x codecs x settings to rows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

from benchmark_codecs import BenchmarkCodec, open_codec
from PIL import Image, ImageOps

from aeimage.metrics import bits_per_pixel, ms_ssim, psnr

PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}


@dataclass(frozen=True)
class Row:
    """One picture through one codec at one setting. NaN: not measured, or without meaning."""

    picture: str
    codec: str
    quality: float
    width: int
    height: int
    bytes: int
    bpp: float
    psnr: float
    ms_ssim: float
    encode_s_per_mp: float
    decode_s_per_mp: float


@dataclass(frozen=True)
class Job:
    """One codec on one picture at all its settings."""

    codec: str
    picture: Path
    qualities: tuple[float, ...]


def find_pictures(folder: Path, limit: int | None = None) -> list[Path]:
    """The folder's pictures, sorted by name; not those of its sub-folders."""
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES)
    return paths[:limit]


def load_rgb(path: Path) -> Image.Image:
    """The picture as every codec gets it: upright, 8-bit RGB, no metadata, no transparency."""
    with Image.open(path) as opened:
        upright = ImageOps.exif_transpose(opened).convert("RGB")
    # A fresh object: with `info`, encoders would write profile and EXIF, which are no picture
    # bytes.
    return Image.frombytes("RGB", upright.size, upright.tobytes())


def is_kodak(pictures: Sequence[Path]) -> bool:
    """Whether these are the 24 Kodak pictures, by number and size.

    Published curves, means over those 24, say nothing about any other set.
    """
    if len(pictures) != 24:
        return False
    sizes = set()
    for path in pictures:
        with Image.open(path) as opened:
            sizes.add(tuple(sorted(opened.size)))
    return sizes == {(512, 768)}


def measure(
    jobs: Sequence[Job],
    codecs: Mapping[str, BenchmarkCodec],
    report: Callable[[int], None],
    *,
    processes: int = 1,
    codec_options: Mapping[str, Mapping[str, object]] | None = None,
) -> list[Row]:
    """Runs the jobs and returns their rows in the jobs' order.

    Args:
        jobs: what to run.
        codecs: the open codecs by name.
        report: called with the number of rows that have come.
        processes: in one process the codecs are timed; in several, which disturb one another, all
            seconds are NaN, and each process opens its codecs itself.
        codec_options: `open_codec`'s keyword arguments for each codec, for those processes.
    """
    rows: list[Row] = []
    if processes == 1:
        warm: set[tuple] = set()
        for job in jobs:
            found = run_job(job, codecs[job.codec], warm)
            rows += found
            report(len(found))
        return rows
    options = {name: tuple(each.items()) for name, each in (codec_options or {}).items()}
    # "spawn": a forked copy of an interpreter with open models and thread pools may hang.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for found in pool.map(partial(_run_in_worker, options), jobs):
            rows += found
            report(len(found))
    return rows


def run_job(job: Job, codec: BenchmarkCodec, warm: set[tuple] | None = None) -> list[Row]:
    """One picture through one codec at each setting.

    Without warming up, a codec's first run would pay for allocations and tables of its whole life.
    `warm` remembers what has been warmed up already.
    """
    picture = load_rgb(job.picture)
    if warm is not None:
        # Models allocate for a size on its first use. CompressAI's settings are different models.
        settings = job.qualities if codec.speed_only else job.qualities[:1]
        for key in {(job.codec, picture.size, quality) for quality in settings} - warm:
            codec.decode(codec.encode(picture, key[-1]))
            warm.add(key)
    return [_measure_one(job.picture.name, codec, picture, quality) for quality in job.qualities]


def _measure_one(name: str, codec: BenchmarkCodec, picture: Image.Image, quality: float) -> Row:
    start = time.perf_counter()
    data = codec.encode(picture, quality)
    middle = time.perf_counter()
    decoded = codec.decode(data)
    end = time.perf_counter()
    if decoded.size != picture.size:
        raise RuntimeError(f"{codec.label} made {decoded.size} of {name}, which is {picture.size}")
    megapixels = picture.width * picture.height / 1e6
    row = Row(
        picture=name,
        codec=codec.name,
        quality=quality,
        width=picture.width,
        height=picture.height,
        bytes=len(data),
        bpp=math.nan,
        psnr=math.nan,
        ms_ssim=math.nan,
        encode_s_per_mp=(middle - start) / megapixels,
        decode_s_per_mp=(end - middle) / megapixels,
    )
    if codec.speed_only:
        return row
    return replace(
        row,
        bpp=bits_per_pixel(len(data), *picture.size),
        psnr=psnr(picture, decoded),
        ms_ssim=ms_ssim(picture, decoded),
    )


def _run_in_worker(options: Mapping[str, tuple], job: Job) -> list[Row]:
    rows = run_job(job, _opened(job.codec, options.get(job.codec, ())))
    return [replace(row, encode_s_per_mp=math.nan, decode_s_per_mp=math.nan) for row in rows]


@cache
def _opened(name: str, options: tuple[tuple[str, object], ...]) -> BenchmarkCodec:
    return open_codec(name, **dict(options))
