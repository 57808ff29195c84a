"""Checkpoints: every array of a run in one file, written whole or not at all."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np

from aeimage.errors import ModelFileError


def save_checkpoint(path: Path, arrays: dict[str, np.ndarray], meta: dict) -> None:
    """Write `arrays` and `meta` (JSON) to `path` (.npz); if interrupted, the old file stays.

    Raises:
        OSError: the system refused, for example because the disk is full; names the file.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.savez(file, __meta__=np.frombuffer(json.dumps(meta).encode(), np.uint8), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """Read a checkpoint written by `save_checkpoint`.

    Raises:
        ModelFileError: the file is damaged.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files if name != "__meta__"}
            meta = json.loads(bytes(file["__meta__"]).decode())
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f"{path}: damaged ({error}). Expected a checkpoint that `aeimage train` wrote. Start a "
            "run in another --out from the weights that are left, with --init best.weights.h5."
        ) from error
    return arrays, meta
