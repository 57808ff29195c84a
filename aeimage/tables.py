"""Integer probability tables, shared by training, export and the entropy coder (NumPy only).

A latent is coded as the rounded residual ``q = round(y - mu)`` under one of 64 *scale indices*.
In training index ``k`` stands for a zero-mean logistic distribution of scale ``scale_table()[k]``,
discretised to integers; in a file it stands for a row of integer frequencies that sum to 2^24::

    frequency of    -L_k ... -1   0   1 ... L_k   escape         (escape: any |q| > L_k)

The rows are symmetric, so half of each is stored. They are computed in floating point once, when
a bundle is made, and stored in it as integers: whoever reads or writes a file loads them with
`ProbabilityTables.from_bytes` and never computes them again, because another machine's ``exp``
may differ in the last bit.

Index 0 is special: its symbols are not coded at all and are 0 by definition. The encoder forces
them, and has no need to ask what they were.

See `aeimage.table_fitting` for tables fitted to the symbols a trained model really produces.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aeimage.errors import ModelFileError, UsageError

NUM_INDEXES = 64
"""Number of scale indices of the shipped models; index 0 is not coded."""
S_MIN, S_MAX = 0.06, 80.0
"""Scale of the logistic distribution at the first and at the last index, in quantiser steps."""
PRECISION = 24
TOTAL = 1 << PRECISION
"""What the frequencies of every row sum to."""
MAX_SUPPORT = 1023
"""No row lists symbols of larger magnitude: beyond it they are escaped."""
MAX_SYMBOL = 1 << 20
"""No symbol may have a larger magnitude: encoder and decoder raise."""
MAX_ESCAPE_CLASS = MAX_SYMBOL.bit_length() - 2
"""Largest ``floor(log2(|q| - L_k))`` of an escaped symbol: 19."""
HISTOGRAM_WIDTH = MAX_SUPPORT + 2
"""Columns of a histogram of magnitudes: 0, 1, ..., `MAX_SUPPORT`, and everything beyond."""

# Symbols that a row does not list cost the escape and then about 2·log2(excess) bits, so rows end
# where less than this mass is left: 12 scales away from zero for a logistic distribution.
_TAIL_MASS = 2.0**-16
_MIN_SUPPORT = 2


def scale_table(num_indexes: int = NUM_INDEXES) -> NDArray[np.float64]:
    """Scales of the logistic distributions, one per scale index.

    Args:
        num_indexes: how many, at least 2.

    Returns:
        float64, shape ``(num_indexes,)``, rising geometrically from `S_MIN` to `S_MAX`, in
        quantiser steps. The scale of index 0 never reaches a coder: see the module's docstring.
    """
    return S_MIN * (S_MAX / S_MIN) ** (np.arange(num_indexes) / (num_indexes - 1))


def logistic_magnitudes(scales: ArrayLike) -> NDArray[np.float64]:
    """Probabilities of the magnitudes of discretised zero-mean logistic variables.

    ``P(q) = sigmoid((1/2 - |q|) / s) - sigmoid((-1/2 - |q|) / s)``, what the training's rate
    term computes (the convolution with uniform noise of Ballé et al. 2018, appendix 6.2, with a
    logistic in place of a Gaussian density).

    Args:
        scales: shape ``(n,)``, positive, in quantiser steps.

    Returns:
        float64, shape ``(n, HISTOGRAM_WIDTH)``: column ``m`` is ``P(|q| = m)``, the last column is
        ``P(|q| > MAX_SUPPORT)``; rows sum to 1.
    """
    scales = np.atleast_1d(np.asarray(scales, np.float64))
    if scales.ndim != 1 or not np.all(np.isfinite(scales) & (scales > 0)):
        raise UsageError.for_value("scales", "positive numbers", scales)
    edges = (np.arange(HISTOGRAM_WIDTH) + 0.5) / scales[:, None]
    # P(|q| > m) = 2·sigmoid(-edge): differences of these keep their accuracy far out in the tail.
    beyond = 2.0 * np.exp(-edges) / (1.0 + np.exp(-edges))
    probabilities = np.empty_like(beyond)
    probabilities[:, 0] = 1.0 - beyond[:, 0]
    probabilities[:, 1:-1] = beyond[:, :-2] - beyond[:, 1:-1]
    probabilities[:, -1] = beyond[:, -2]
    return probabilities


def magnitude_histograms(
    symbols: NDArray[np.integer],
    indexes: NDArray[np.uint8],
    num_indexes: int = NUM_INDEXES,
) -> NDArray[np.int64]:
    """Count the magnitudes of symbols per scale index; histograms of several pictures add up.

    Args:
        symbols: integers, any shape.
        indexes: uint8, same shape, below ``num_indexes``.
        num_indexes: number of rows of the result.

    Returns:
        int64, shape ``(num_indexes, HISTOGRAM_WIDTH)``; column ``m`` counts ``|q| = m``, the last
        column everything beyond `MAX_SUPPORT`.
    """
    magnitudes = np.minimum(np.abs(symbols.astype(np.int64).ravel()), HISTOGRAM_WIDTH - 1)
    cells = indexes.ravel().astype(np.int64) * HISTOGRAM_WIDTH + magnitudes
    counts = np.bincount(cells, minlength=num_indexes * HISTOGRAM_WIDTH)
    return counts.astype(np.int64).reshape(num_indexes, HISTOGRAM_WIDTH)


@dataclass(frozen=True, eq=False)
class ProbabilityTables:
    """Integer frequencies of the symbols of every scale index.

    Attributes:
        rows: one read-only uint32 array per scale index. Row 0 is empty; row ``k`` holds the
            frequencies of magnitudes ``0, 1, ..., L_k`` (each magnitude's is that of ``+m`` and of
            ``-m``) and last that of the escape. All are at least 1, and
            ``f_0 + 2·(f_1 + ... + f_L) + f_escape = 2^24``.

    Raises:
        UsageError: a row breaks these rules.
    """

    rows: tuple[NDArray[np.uint32], ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.rows) <= 256 or self.rows[0].size:
            raise UsageError.for_value(
                "rows", "2 to 256 rows, the first empty (index 0 is not coded)", len(self.rows)
            )
        for k, row in enumerate(self.rows[1:], 1):
            size_fits = row.ndim == 1 and 3 <= row.size <= MAX_SUPPORT + 2
            if row.dtype != np.uint32 or not size_fits:
                raise UsageError.for_value(
                    f"rows[{k}]",
                    f"uint32 of shape (3,) to ({MAX_SUPPORT + 2},)",
                    f"{row.dtype} of shape {row.shape}",
                )
            if row.min() < 1 or _row_total(row) != TOTAL:
                raise UsageError.for_value(
                    f"rows[{k}]",
                    f"frequencies of at least 1 that sum to {TOTAL}",
                    f"minimum {row.min()}, sum {_row_total(row)}",
                )
            row.flags.writeable = False

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def supports(self) -> NDArray[np.int32]:
        """int32, shape ``(len(self),)``: the largest listed magnitude ``L_k``; 0 for index 0."""
        return np.array([max(row.size - 2, 0) for row in self.rows], np.int32)

    def frequencies(self, index: int) -> NDArray[np.uint32]:
        """Frequencies of the symbols ``-L_k, ..., L_k`` and of the escape.

        Returns:
            uint32, shape ``(2·L_k + 2,)``, at least 1 each, sum 2^24.
        """
        row = self.rows[index]
        return np.concatenate([row[-2:0:-1], row[:-1], row[-1:]])

    @cached_property
    def costs(self) -> NDArray[np.float32]:
        """Bits of each magnitude, for estimating rates and for rate-distortion optimisation.

        float32, shape ``(len(self), HISTOGRAM_WIDTH)``; ``costs[k, m]`` is what a symbol of
        magnitude ``m`` costs under index ``k``, escape included. Row 0 is 0 for magnitude 0 and
        infinite elsewhere, since index 0 can say nothing but 0.
        """
        magnitudes = np.arange(HISTOGRAM_WIDTH)
        costs = np.full((len(self), HISTOGRAM_WIDTH), np.inf)
        costs[0, 0] = 0.0
        for k, row in enumerate(self.rows[1:], 1):
            support = row.size - 2
            bits = PRECISION - np.log2(row.astype(np.float64))
            costs[k, : support + 1] = bits[:-1]
            costs[k, support + 1 :] = bits[-1] + escape_bits(magnitudes[support + 1 :] - support)
        return costs.astype(np.float32)

    def bits(self, symbols: NDArray[np.integer], indexes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Information content of symbols, escapes included.

        The coder's output is longer by about 1e-4 bits a symbol (its arithmetic) and at most 2
        bytes a stream (its end).

        Args:
            symbols: integers, any shape, ``|q| <= MAX_SYMBOL``.
            indexes: uint8, same shape, below ``len(self)``.

        Returns:
            float32, same shape, in bits; infinite for a symbol other than 0 at index 0.
        """
        magnitudes = np.abs(np.asarray(symbols, np.int64))
        bits = self.costs[indexes, np.minimum(magnitudes, HISTOGRAM_WIDTH - 1)]
        far = magnitudes >= HISTOGRAM_WIDTH
        if far.any():
            excess = magnitudes[far] - self.supports[indexes[far]]
            at_edge = HISTOGRAM_WIDTH - 1 - self.supports[indexes[far]]
            bits[far] += (escape_bits(excess) - escape_bits(at_edge)).astype(np.float32)
        return bits

    def to_bytes(self) -> bytes:
        """Serialise: the number of rows, then per row from 1 on L_k, f_1 ... f_L, f_escape.

        Counts are uint16, frequencies uint32, little-endian; f_0 follows from the sum. `digest`
        is taken over these bytes, so a change of this layout changes every model's id.
        """
        parts = [struct.pack("<H", len(self))]
        for row in self.rows[1:]:
            parts += [struct.pack("<H", row.size - 2), row[1:].astype("<u4").tobytes()]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> ProbabilityTables:
        """Read what `to_bytes` wrote.

        Raises:
            ModelFileError: the data is cut short, too long, or no valid tables.
        """
        try:
            (count,), position = struct.unpack_from("<H", data), 2
            rows = [np.zeros(0, np.uint32)]
            for _ in range(1, count):
                (support,) = struct.unpack_from("<H", data, position)
                tail = np.frombuffer(data, "<u4", support + 1, position + 2)
                position += 2 + tail.nbytes
                rows.append(np.concatenate([np.zeros(1, np.uint32), tail.astype(np.uint32)]))
                rows[-1][0] = max(TOTAL - _row_total(rows[-1]), 0)
            if position != len(data):
                raise ValueError(f"expected {position} bytes, received {len(data)}")
            return cls(tuple(rows))
        except (struct.error, ValueError) as error:
            raise ModelFileError(
                f"The probability tables are damaged: {error} Install the model again."
            ) from error

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of `to_bytes`, 32 bytes: equal for equal frequencies on every machine."""
        return hashlib.sha256(self.to_bytes()).digest()


def escape_bits(excess: ArrayLike) -> NDArray[np.float64]:
    """Bits that an escaped symbol costs after its escape: an Elias gamma code and the sign.

    Args:
        excess: integers ``|q| - L_k``, at least 1.

    Returns:
        float64, same shape: ``2·floor(log2(excess)) + 2`` (the longest prefix saves its last bit).
    """
    log2 = np.frexp(np.asarray(excess, np.float64))[1] - 1
    return np.minimum(log2 + 1, MAX_ESCAPE_CLASS) + log2 + 1.0


def tables_from_magnitudes(probabilities: NDArray[np.float64]) -> ProbabilityTables:
    """Round probabilities of magnitudes to tables.

    Args:
        probabilities: float64, shape ``(n, HISTOGRAM_WIDTH)`` as `logistic_magnitudes` gives them:
            the last column is the mass beyond `MAX_SUPPORT`. Row 0 is ignored.

    Returns:
        tables of ``n`` rows; each lists magnitudes until less than 2^-16 of the mass is left.
    """
    rows = [np.zeros(0, np.uint32)] + [_quantised_row(row) for row in probabilities[1:]]
    return ProbabilityTables(tuple(rows))


def logistic_tables(scales: ArrayLike | None = None) -> ProbabilityTables:
    """Tables of the training's own distributions, for a model that has no fitted ones yet.

    Args:
        scales: shape ``(n,)``, 2 to 256 scales; `scale_table` by default. The first is not used.
    """
    return tables_from_magnitudes(logistic_magnitudes(scale_table() if scales is None else scales))


def _row_total(row: NDArray[np.uint32]) -> int:
    return 2 * int(row[1:-1].sum(dtype=np.uint64)) + int(row[0]) + int(row[-1])


def _quantised_row(probabilities: NDArray[np.float64]) -> NDArray[np.uint32]:
    probabilities = probabilities / probabilities.sum()
    beyond = 1.0 - np.cumsum(probabilities[:-1])
    small = np.flatnonzero(beyond < _TAIL_MASS)
    support = max(int(small[0]) if small.size else MAX_SUPPORT, _MIN_SUPPORT)
    row = np.empty(support + 2, np.int64)
    row[1:-1] = np.maximum(1, np.rint(probabilities[1 : support + 1] / 2 * TOTAL))
    row[-1] = max(1, np.rint(beyond[support] * TOTAL))
    # Zero takes what rounding leaves over. Where that is too little, the largest gives some.
    row[0] = TOTAL - 2 * row[1:-1].sum() - row[-1]
    if row[0] < 1:
        largest = 1 + int(np.argmax(row[1:-1]))
        row[largest] -= (2 - row[0]) // 2
        row[0] = TOTAL - 2 * row[1:-1].sum() - row[-1]
    return row.astype(np.uint32)
