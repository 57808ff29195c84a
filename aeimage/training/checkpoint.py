"""Checkpoints: every array of a run in one file, written whole or not at all."""

import json
import os
from pathlib import Path

import numpy as np


def save_checkpoint(path: Path, arrays: dict[str, np.ndarray], meta: dict) -> None:
    """Write `arrays` and `meta` (JSON) to `path` (.npz); if interrupted, the old file stays."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.savez(file, __meta__=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Read a checkpoint written by `save_checkpoint`."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files if name != "__meta__"}
        meta = json.loads(bytes(file["__meta__"]).decode())
    return arrays, meta
