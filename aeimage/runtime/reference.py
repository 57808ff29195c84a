"""The integer scale network without LiteRT: the reference for ports to other languages.

Entropy decoding needs four of a bundle's signatures, ``scales_0`` to ``scales_3``, and these
compute with whole numbers. `ReferenceEngine` runs them in plain NumPy from ``scale_network.npz``,
with the arithmetic of `aeimage.scale_network`. A port needs that file, ``tables.npz`` and what
``docs/exactness.md`` says; it is right when it gives the indices that this gives.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import UsageError
from aeimage.scale_network import FILE_NAME, PASSES, ScaleNetwork

_SIGNATURES = {f"scales_{number}": number for number in range(PASSES)}


class ReferenceEngine:
    """An `aeimage.runtime.latent_codec.Engine` for the signatures ``scales_0`` to ``scales_3``.

    Args:
        network: the integer layers.
    """

    def __init__(self, network: ScaleNetwork) -> None:
        self.network = network

    @classmethod
    def for_bundle(cls, path: Path) -> ReferenceEngine:
        """Read the network of the bundle in folder `path`.

        Raises:
            ModelFileError: it is missing or damaged.
        """
        return cls(ScaleNetwork.read(Path(path) / FILE_NAME))

    def run(self, signature: str, **inputs: NDArray) -> dict[str, NDArray]:
        """Run one signature.

        Args:
            signature: ``scales_0`` to ``scales_3``.
            inputs: `hyper_latents` (1, rows, columns, channels), `base` (1, 1, 1, outputs) and, as
                the pass has them, `symbols_0` and `symbols_1` (1, 4 rows, 4 columns, channels);
                whole numbers of any dtype.

        Returns:
            `indexes`, float32 (1, 4 rows, 4 columns, outputs), whole numbers 0...63.

        Raises:
            UsageError: the signature is none of these.
        """
        if signature not in _SIGNATURES:
            raise UsageError.for_value("signature", f"one of {', '.join(_SIGNATURES)}", signature)
        contexts = [_whole(inputs[name][0]) for name in sorted(inputs) if "symbols" in name]
        indexes = self.network.indexes(
            _SIGNATURES[signature],
            _whole(inputs["hyper_latents"][0]),
            contexts,
            _whole(inputs["base"].ravel()),
        )
        return {"indexes": indexes[None].astype(np.float32)}


def _whole(array: NDArray) -> NDArray[np.int64]:
    whole = array.astype(np.int64)
    if not np.array_equal(whole, array):
        raise UsageError.for_value("inputs", "whole numbers", "fractions")
    return whole
