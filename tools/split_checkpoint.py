"""Split a checkpoint into files small enough to be handed over, and join them again.

    python tools/split_checkpoint.py split run/checkpoint.npz out --half
    python tools/split_checkpoint.py join out run/checkpoint.npz

`split` writes out/checkpoint.000, .001 and so on, and out/checkpoint.json with the SHA-256 of each;
`join` verifies them. A checkpoint holds weights, their moving average and Adam's two moments, 16
bytes a weight in all. Where that is too much:

    --half           8 bytes a weight: float16, and bfloat16 for the moments, which span more
                     decades. Training goes on as well as before, but not bit for bit.
    --keep average   with --half 2 bytes a weight: the averaged weights alone. `join` takes them for
                     the weights too and starts Adam's moments at zero.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aeimage.cli.options import byte_count
from aeimage.training.checkpoint import load_checkpoint, save_checkpoint

INDEX = "checkpoint.json"
PREFIXES = {"weights": "model/", "average": "ema/", "moments": "optimizer/"}
BFLOAT16 = "@bfloat16"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    splitting = commands.add_parser("split")
    splitting.add_argument("checkpoint", type=Path)
    splitting.add_argument("out", type=Path)
    splitting.add_argument("--half", action="store_true")
    splitting.add_argument("--keep", nargs="+", choices=PREFIXES, default=list(PREFIXES))
    splitting.add_argument("--file-bytes", type=byte_count, default=16_000_000, help="of each file")
    splitting.add_argument("--most-bytes", type=byte_count, help="of all files together")
    splitting.set_defaults(run=split)
    joining = commands.add_parser("join")
    joining.add_argument("parts", type=Path)
    joining.add_argument("checkpoint", type=Path)
    joining.set_defaults(run=join)
    args = vars(parser.parse_args())
    args.pop("run")(**args)


def split(
    checkpoint: Path,
    out: Path,
    *,
    half: bool = False,
    keep: Sequence[str] = tuple(PREFIXES),
    file_bytes: int = 16_000_000,
    most_bytes: int | None = None,
) -> list[Path]:
    """Write the parts of a checkpoint, and return them."""
    arrays, meta = load_checkpoint(checkpoint)
    prefixes = tuple(PREFIXES[name] for name in keep)
    arrays = {name: a for name, a in arrays.items() if name.startswith(prefixes)}
    if half:
        arrays = dict(_narrowed(name, array) for name, array in arrays.items())
    file = io.BytesIO()
    np.savez(file, **arrays)
    data = file.getvalue()
    if most_bytes is not None and len(data) > most_bytes:
        raise SystemExit(
            f"{checkpoint}: {len(data):,} bytes, more than {most_bytes:,}. Use --half or --keep."
        )
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("checkpoint.[0-9][0-9][0-9]"):
        old.unlink()
    parts, written = {}, []
    for number, start in enumerate(range(0, len(data), file_bytes)):
        piece = data[start : start + file_bytes]
        written.append(out / f"checkpoint.{number:03d}")
        written[-1].write_bytes(piece)
        parts[written[-1].name] = hashlib.sha256(piece).hexdigest()
    (out / INDEX).write_text(json.dumps({"meta": meta, "parts": parts}, indent=2))
    print(f"{out}: step {meta['step']}, {len(data):,} bytes in {len(parts)} files")
    return written


def join(parts: Path, checkpoint: Path) -> None:
    """Write the checkpoint that lies in parts.

    Raises:
        SystemExit: a part is missing or damaged; nothing is written.
    """
    index = json.loads((parts / INDEX).read_text())
    data = b""
    for name, expected in index["parts"].items():
        piece = (parts / name).read_bytes() if (parts / name).exists() else b""
        if hashlib.sha256(piece).hexdigest() != expected:
            raise SystemExit(f"{parts / name}: missing or damaged. Hand it over again.")
        data += piece
    with np.load(io.BytesIO(data)) as file:
        arrays = dict(_widened(name, file[name]) for name in file.files)
    for name in [n for n in arrays if n.startswith("ema/")]:
        path = name.removeprefix("ema/")
        arrays.setdefault(f"model/{path}", arrays[name])
        for moment in ("momentum", "velocity"):
            zeros = np.zeros_like(arrays[name])
            arrays.setdefault(f"optimizer/adam/{path.replace('/', '_')}_{moment}", zeros)
    save_checkpoint(checkpoint, arrays, index["meta"])
    print(f"{checkpoint}: step {index['meta']['step']}")


def _narrowed(name: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    if array.dtype != np.float32:
        return name, array
    if not name.startswith(PREFIXES["moments"]):
        return name, array.astype(np.float16)
    bits = array.view(np.uint32)
    # To the nearest, halves to even: what is cut off must not shrink Adam's moments.
    rounded = (bits.astype(np.uint64) + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return name + BFLOAT16, rounded.astype(np.uint16)


def _widened(name: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    if name.endswith(BFLOAT16):
        wide = (array.astype(np.uint32) << 16).view(np.float32)
        return name.removesuffix(BFLOAT16), wide
    return name, array.astype(np.float32) if array.dtype == np.float16 else array


if __name__ == "__main__":
    main()
