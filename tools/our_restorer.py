"""Our restorers as the benchmarks run them: opened once; cached results are kept by their id."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


class RestorerUnavailableError(Exception):
    """The model is not here; the message says what was looked for."""


@dataclass(frozen=True)
class OurRestorer:
    """An open restorer.

    `version` is the model's name and id. `restore` may be called by several threads: one picture
    is restored at a time.
    """

    version: str
    _restorer: Any
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def restore(self, pixels: NDArray, sigma: float | None = None) -> NDArray:
        """The restored picture; see `aeimage.runtime.restorer.Restorer.examine`."""
        with self._lock:
            return self._restorer.restore(np.ascontiguousarray(pixels), sigma)


def open_restorer(model: str, ensemble: int = 1) -> OurRestorer:
    """Opens a model by its name, or by the path of its bundle; `ensemble` as for `Restorer`.

    Raises:
        RestorerUnavailableError: if it is not installed, or damaged.
    """
    from aeimage.errors import ModelError
    from aeimage.runtime.bundle import find_bundle
    from aeimage.runtime.restorer import Restorer

    try:
        bundle = find_bundle(model, kind="restorer")
        return OurRestorer(f"{bundle.name} {bundle.model_id}", Restorer(model, ensemble=ensemble))
    except ModelError as error:
        raise RestorerUnavailableError(str(error)) from error
