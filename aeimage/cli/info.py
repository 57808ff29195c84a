"""
Show what an .aei file holds: size, quality, model, bytes by kind of chunk, metadata.

All checksums are checked; nothing is decoded, and the model need not be installed. To decode the
symbols as well, use `aeimage verify`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from aeimage.cli import options
from aeimage.cli.output import print_json, printable

if TYPE_CHECKING:
    from aeimage.apps.inspecting import FileInfo

EXAMPLES = ["aeimage info photo.jpg.aei", "aeimage info photo.jpg.aei --json"]

_CHUNKS = {"hyper": "hyper-latents", "stripe": "latents"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", metavar="FILE", help=".aei file; - is stdin")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.inspecting import inspect_file

    info = inspect_file(args.file)
    if args.json:
        print_json(info.as_dict())
    else:
        print(printable("\n".join(_lines(info))))
    return 0


def _lines(info: FileInfo) -> list[str]:
    model = f"{info.model}, installed" if info.model else "not installed"
    chunks = [
        (f"  {_CHUNKS.get(kind, kind)}", f"{size} bytes{_stripes(kind, info)}")
        for kind, size in info.chunks.items()
    ]
    rows = [
        ("size", f"{info.width} x {info.height} pixels"),
        ("file", f"{info.bytes} bytes, {info.bpp:.3f} bits per pixel, format {info.version}"),
        ("quality", f"{info.quality:g}"),
        ("model", f"{info.model_id} ({model})"),
        ("alpha", "yes" if info.alpha else ""),
        ("dpi", f"{info.dpi[0]:g} x {info.dpi[1]:g}" if info.dpi else ""),
        ("icc", _block(info.icc, info.icc_name)),
        ("exif", _block(info.exif, ", ".join(info.exif_tags.values()))),
        ("xmp", _block(info.xmp, None)),
        ("bytes", "by kind of chunk"),
        *chunks,
    ]
    return [info.path, *(f"  {name:<16}{text}" for name, text in rows if text)]


def _block(size: int | None, text: str | None) -> str:
    if size is None:
        return ""
    return f"{size} bytes ({text})" if text else f"{size} bytes"


def _stripes(kind: str, info: FileInfo) -> str:
    return f" in {info.stripes} stripes" if kind == "stripe" and info.stripes > 1 else ""
