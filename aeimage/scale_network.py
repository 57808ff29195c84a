"""The integer scale network: plain arrays, and their arithmetic in plain NumPy.

    z (rows, columns, channels) --features--> (4 rows, 4 columns, channels)
                                                   |
    decoded symbols --magnitude code--------------(concatenate)--layers of the pass--(+ base)--> k

The scale index k of a symbol selects the table that reads it, so k must be the same on every
machine. This module is the definition: integers only, no framework, no order of summation that
matters. The graphs of a bundle compute the same in float32, exactly, since every sum stays below
2^24; `aeimage.runtime.reference` runs this in their place. ``docs/exactness.md`` says it in prose,
for decoders in other languages.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import ModelFileError
from aeimage.tables import NUM_INDEXES

FILE_NAME = "scale_network.npz"
PASSES = 4
HYPER_MAX = 63
"""Largest magnitude of a hyper-latent."""
ACTIVATION_MAX = 127
"""Largest activation; also the largest magnitude of a weight."""
EXACT_LIMIT = 1 << 24
"""Whole numbers below it are exact in float32, and so are their sums in any order."""
BIAS_MAX = 2047
"""Largest magnitude of a bias: exact in float16, in which the graphs of a bundle store it."""


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """One integer convolution.

    Attributes:
        kernel: int8 (rows, columns, inputs, outputs), magnitudes up to 127, of odd size; for a
            transposed convolution of even size.
        bias: int32 (outputs,), magnitudes up to `BIAS_MAX`.
        shift: sums are divided by 2^shift, 0 to 16.
        rectify: outputs are clipped to 0...127; otherwise they stay as they are.
        upsample: 1, or 2 for a transposed convolution of stride 2.
        input_max: largest magnitude of the inputs.

    Raises:
        ModelFileError: shapes, dtypes or ranges break these rules, or a sum may reach 2^24.
    """

    kernel: NDArray[np.int8]
    bias: NDArray[np.int32]
    shift: int
    rectify: bool
    upsample: int
    input_max: int

    def __post_init__(self) -> None:
        kernel, bias = self.kernel, self.bias
        if kernel.dtype != np.int8 or kernel.ndim != 4 or kernel.shape[0] != kernel.shape[1]:
            raise _unusable(f"a kernel of {kernel.dtype} {kernel.shape}, expected square int8")
        if bias.dtype != np.int32 or bias.shape != kernel.shape[-1:]:
            raise _unusable(f"a bias of {bias.dtype} {bias.shape}, expected int32 of its outputs")
        if not (0 <= self.shift <= 16 and 0 < self.input_max <= ACTIVATION_MAX):
            raise _unusable(f"shift {self.shift} or input_max {self.input_max} out of range")
        if self.upsample not in (1, 2) or kernel.shape[0] % 2 == (self.upsample == 2):
            raise _unusable(f"stride {self.upsample} with a kernel of size {kernel.shape[0]}")
        if np.abs(kernel.astype(np.int64)).max(initial=0) > ACTIVATION_MAX:
            raise _unusable(f"a weight of magnitude over {ACTIVATION_MAX}")
        if np.abs(bias.astype(np.int64)).max(initial=0) > BIAS_MAX:
            raise _unusable(f"a bias of magnitude over {BIAS_MAX}")
        if self.largest_sum >= EXACT_LIMIT:
            raise _unusable(
                f"sums of magnitude {self.largest_sum}, but beyond 2^24 = {EXACT_LIMIT} float32 "
                "is not exact. Train with smaller weights or fewer inputs"
            )

    @property
    def largest_sum(self) -> int:
        """No sum has a larger magnitude, bias and rounding term included, for whatever inputs."""
        weights = np.abs(self.kernel.astype(np.int64))
        step = self.upsample
        # Of a transposed kernel, an output sees every second tap on each axis.
        phases = [
            weights[i::step, j::step].sum(axis=(0, 1, 2)) for i in range(step) for j in range(step)
        ]
        totals = np.max(phases, axis=0) * self.input_max + np.abs(self.bias.astype(np.int64))
        return int(totals.max()) + self.half

    @property
    def half(self) -> int:
        """Half of 2^shift, which rounds halves up when the shift floors."""
        return (1 << self.shift) >> 1

    def __call__(self, x: NDArray[np.int64]) -> NDArray[np.int64]:
        """Apply the layer.

        Args:
            x: int64 (rows, columns, inputs), magnitudes up to `input_max`.

        Returns:
            int64 (upsample · rows, upsample · columns, outputs).
        """
        total = self._convolve(x) if self.upsample == 1 else self._convolve_transposed(x)
        return self._finish(total)

    def _finish(self, total: NDArray[np.int64]) -> NDArray[np.int64]:
        # An arithmetic shift is a division that rounds down, below zero too.
        out = (total + self.bias + self.half) >> self.shift
        return np.clip(out, 0, ACTIVATION_MAX) if self.rectify else out

    def _convolve(self, x: NDArray[np.int64]) -> NDArray[np.int64]:
        """Correlate with the kernel, zeros around the input ("same" padding)."""
        rows, columns, _ = x.shape
        size = len(self.kernel)
        margin = size // 2
        padded = np.pad(x, ((margin, margin), (margin, margin), (0, 0)))
        total = np.zeros((rows, columns, self.bias.size), np.int64)
        for i in range(size):
            for j in range(size):
                total += _product(padded[i : i + rows, j : j + columns], self.kernel[i, j])
        return total

    def _convolve_transposed(self, x: NDArray[np.int64]) -> NDArray[np.int64]:
        """Every input adds the kernel times itself to the output, at twice its own position."""
        rows, columns, _ = x.shape
        size, step = len(self.kernel), self.upsample
        total = np.zeros(
            (step * (rows - 1) + size, step * (columns - 1) + size, self.bias.size), np.int64
        )
        for i in range(size):
            for j in range(size):
                target = total[i : i + step * rows : step, j : j + step * columns : step]
                target += _product(x, self.kernel[i, j])
        # "Same": what reaches beyond `step` times the input is cut off, as much on each side.
        margin = (size - step) // 2
        return total[margin : margin + step * rows, margin : margin + step * columns]


def magnitude_code(symbols: NDArray[np.integer]) -> NDArray[np.int64]:
    """Map |symbol| to 0...95, roughly logarithmic: what the network sees of decoded symbols."""
    a = np.abs(symbols.astype(np.int64))
    code = 16 * np.minimum(a, 1) + 8 * np.minimum(a, 2) + 4 * np.minimum(a, 4)
    return code + 2 * np.minimum(a, 8) + np.minimum(a, 16) + (np.minimum(a, 120) >> 3)


@dataclass(frozen=True, eq=False)
class ScaleNetwork:
    """All integer layers of a codec.

    Attributes:
        features: from hyper-latents to features at four times their resolution.
        passes: for each of the four coding passes, from features and magnitude codes to offsets.

    Raises:
        ModelFileError: the layers do not follow one another.
    """

    features: tuple[IntegerLayer, ...]
    passes: tuple[tuple[IntegerLayer, ...], ...]

    def __post_init__(self) -> None:
        if len(self.passes) != PASSES or not all((self.features, *self.passes)):
            raise _unusable(f"layers for {len(self.passes)} passes, expected {PASSES}")
        for chain in (self.features, *self.passes):
            for before, after in pairwise(chain):
                if not before.rectify or before.kernel.shape[3] != after.kernel.shape[2]:
                    raise _unusable("layers that do not follow one another")
                if after.input_max < ACTIVATION_MAX:
                    raise _unusable(f"an input_max below {ACTIVATION_MAX} after the first layer")
        known = self.features[-1].kernel.shape[3]
        if self.features[0].input_max < HYPER_MAX or not self.features[-1].rectify:
            raise _unusable("features that do not take all hyper-latents, or are not rectified")
        for chain in self.passes:
            if chain[0].kernel.shape[2] < known or chain[0].input_max < ACTIVATION_MAX:
                raise _unusable("a pass that does not take the features")

    def indexes(
        self,
        number: int,
        z: NDArray[np.integer],
        contexts: Sequence[NDArray[np.integer]],
        base: NDArray[np.integer],
    ) -> NDArray[np.uint8]:
        """Compute the scale indices of one coding pass.

        Args:
            number: of the pass, 0 to 3.
            z: hyper-latents, integers (rows, columns, channels), magnitudes up to 63.
            contexts: decoded symbols that the pass sees, each (4 rows, 4 columns, channels).
            base: offsets of the quality, integers (outputs,).

        Returns:
            uint8 (4 rows, 4 columns, outputs), 0...63.
        """
        x = z.astype(np.int64)
        for layer in self.features:
            x = layer(x)
        x = np.concatenate([x, *map(magnitude_code, contexts)], axis=-1)
        for layer in self.passes[number]:
            x = layer(x)
        return np.clip(x + base.astype(np.int64), 0, NUM_INDEXES - 1).astype(np.uint8)

    def to_bytes(self) -> bytes:
        """Serialise as ``.npz``: `_kernel`, `_bias` and `_settings` of every layer.

        Layers are called ``features_0``, ``features_1`` and so on, and ``pass_0_0``, ``pass_0_1``
        and so on; settings are int32 [shift, rectify, upsample, input_max].
        """
        arrays = {}
        for name, chain in self._chains():
            for i, layer in enumerate(chain):
                settings = [layer.shift, layer.rectify, layer.upsample, layer.input_max]
                arrays[f"{name}_{i}_kernel"] = layer.kernel
                arrays[f"{name}_{i}_bias"] = layer.bias.astype("<i4")
                arrays[f"{name}_{i}_settings"] = np.array(settings, "<i4")
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    def _chains(self) -> list[tuple[str, tuple[IntegerLayer, ...]]]:
        passes = [(f"pass_{i}", chain) for i, chain in enumerate(self.passes)]
        return [("features", self.features), *passes]

    @classmethod
    def read(cls, path: Path) -> ScaleNetwork:
        """Read what `to_bytes` wrote.

        Raises:
            ModelFileError: the file is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            passes = tuple(_read_chain(arrays, f"pass_{i}") for i in range(PASSES))
            return cls(_read_chain(arrays, "features"), passes)
        except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
            raise ModelFileError(
                f"{path}: cannot be read: {error}. Install the model again."
            ) from error


def _read_chain(arrays: dict[str, NDArray], name: str) -> tuple[IntegerLayer, ...]:
    chain = []
    while f"{name}_{len(chain)}_kernel" in arrays:
        prefix = f"{name}_{len(chain)}"
        shift, rectify, upsample, input_max = map(int, arrays[f"{prefix}_settings"])
        kernel, bias = arrays[f"{prefix}_kernel"], arrays[f"{prefix}_bias"].astype(np.int32)
        chain.append(IntegerLayer(kernel, bias, shift, bool(rectify), upsample, input_max))
    return tuple(chain)


def _product(x: NDArray[np.int64], weights: NDArray[np.int8]) -> NDArray[np.int64]:
    # NumPy multiplies integer matrices slowly; float64 is exact up to 2^53.
    return (x.astype(np.float64) @ weights.astype(np.float64)).astype(np.int64)


def _unusable(what: str) -> ModelFileError:
    return ModelFileError(f"The integer scale network is unusable: it has {what}.")
