"""LiteRT: one model file, its named signatures, any input size."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import MissingDependencyError, ModelFileError


class Session:
    """Runs the signatures of a `.tflite` file.

    The file is opened on first use, and every process must open its own: an interpreter does not
    survive a fork. Calls from several threads take turns.

    Args:
        path: the model file.
        threads: of the kernels; by default one for each core that this process may use.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self.path = Path(path)
        self.threads = threads or available_cores()
        self._lock = threading.Lock()
        self._interpreter = None
        self._runners: dict[str, object] = {}

    def run(self, signature: str, **inputs: NDArray) -> dict[str, NDArray]:
        """Run one signature.

        Args:
            signature: its name.
            inputs: tensors by name; sizes may change from call to call.

        Returns:
            output tensors by name; the arrays are the caller's own.

        Raises:
            ModelFileError: the file is no model, or lacks the signature.
        """
        with self._lock:
            first = not self._runners
            runner = self._runners.get(signature)
            if runner is None:
                runner = self._runners[signature] = self._open(signature)
            try:
                with _native_stderr_closed() if first else contextlib.nullcontext():
                    return runner(**inputs)
            except (RuntimeError, ValueError) as error:
                raise ModelFileError(
                    f"{self.path}: running {signature!r} failed: {error}. Install the model again."
                ) from error

    def _open(self, signature: str):
        try:
            if self._interpreter is None:
                self._interpreter = _interpreter(self.path, self.threads)
            return self._interpreter.get_signature_runner(signature)
        except (RuntimeError, ValueError) as error:
            raise ModelFileError(
                f"{self.path}: no LiteRT model with a signature {signature!r}: {error}. "
                "Install the model again."
            ) from error


def _interpreter(path: Path, threads: int):
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingDependencyError(
            "Running a model needs the package 'ai_edge_litert', which comes with aeimage but is "
            "not installed. Install it with: pip install --upgrade aeimage"
        ) from error
    if not path.is_file():
        raise ModelFileError(f"{path}: the model file is missing. Install the model again.")
    return Interpreter(model_path=os.fspath(path), num_threads=threads)


@contextlib.contextmanager
def _native_stderr_closed() -> Iterator[None]:
    """Keep LiteRT from announcing its delegate on the first run; it has no setting for that."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(sink)


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def batch(array: NDArray, dtype=np.float32) -> NDArray:
    """Add the batch axis that every signature expects."""
    return np.ascontiguousarray(array, dtype)[None]
