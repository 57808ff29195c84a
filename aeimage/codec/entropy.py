"""Symbols to bytes and back: an exact range coder on integer tables.

Symbols go in with a scale index each; inside, they are grouped by index (a stable sort), so that
one call of the coder's compiled loop handles a whole group. One stream may take several passes,
where the indexes of a pass depend on symbols of earlier ones::

    encoder.put(symbols, indexes)   --->   one string of bytes   --->   decoder.take(indexes)
    encoder.put(symbols, indexes)                                       decoder.take(indexes)
    encoder.finish()                                                    decoder.finish()

The arithmetic is stated in ``docs/format.md`` and done by `constriction`'s range coder (Bamler
2022; Martin 1979): 32-bit words, 64-bit state, probabilities of 24 bits. It takes weights in
floating point and quantises them itself, ``cumulative = floor(sum of weights before · scale) +
number of symbols before`` with ``scale = (2^24 - n) / sum of weights``. Given the weights
``frequency - 1``, integers below 2^24, that scale is exactly 1 and every cumulative exactly ours,
in float32 and float64 alike (given ``frequency / 2^24`` it is not: most come out off by one). A
range coder was taken over the ANS coder because it is a queue: passes are written in the order in
which they are read. Sizes are equal, and its decoding is a sixth slower.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import constriction
import numpy as np
from numpy.typing import NDArray

from aeimage.errors import MalformedFileError, MissingDependencyError, UsageError
from aeimage.tables import MAX_ESCAPE_CLASS, MAX_SYMBOL, PRECISION, ProbabilityTables

_queue = constriction.stream.queue
_model = constriction.stream.model

_WORD_BYTES = 4
_STATE_BITS = 64
_CODER_SELF_TEST = [
    1073742207,
    3808724013,
    2018435152,
    301662208,
]  # words of `_check_coder`'s message
# What the coder's decoder says of a word that no encoder could have written.
_INVALID_DATA = AssertionError


def encode_symbols(
    symbols: NDArray[np.int32], indexes: NDArray[np.uint8], tables: ProbabilityTables
) -> bytes:
    """Code symbols in one pass; see `SymbolEncoder.put`."""
    encoder = SymbolEncoder(tables)
    encoder.put(symbols, indexes)
    return encoder.finish()


def decode_symbols(
    data: bytes | memoryview, indexes: NDArray[np.uint8], tables: ProbabilityTables
) -> NDArray[np.int32]:
    """Read what `encode_symbols` wrote; see `SymbolDecoder.take` and `SymbolDecoder.finish`."""
    decoder = SymbolDecoder(data, tables)
    symbols = decoder.take(indexes)
    decoder.finish()
    return symbols


class SymbolEncoder:
    """Collects symbols, pass by pass, into one string of bytes.

    Args:
        tables: the frequencies of every scale index, the same for encoder and decoder.
    """

    def __init__(self, tables: ProbabilityTables) -> None:
        self._tables = tables
        self._models = _models(tables)
        self._coder = _queue.RangeEncoder()

    def put(self, symbols: NDArray[np.int32], indexes: NDArray[np.uint8]) -> None:
        """Append symbols.

        Args:
            symbols: int32, shape ``(n,)``, magnitudes up to `MAX_SYMBOL`. Whatever stands at an
                index of 0 is not coded and will be read as 0.
            indexes: uint8, shape ``(n,)``, below ``len(tables)``.

        Raises:
            UsageError: where shapes, dtypes or values do not fit.
        """
        _check_indexes(indexes)
        if symbols.dtype != np.int32 or symbols.shape != indexes.shape:
            raise UsageError.for_value(
                "symbols",
                f"int32 of shape {indexes.shape}, that of `indexes`",
                f"{symbols.dtype} of shape {symbols.shape}",
            )
        order, groups = _grouped(indexes, self._tables)
        values = symbols[order]
        if values.size and max(-int(values.min()), int(values.max())) > MAX_SYMBOL:
            raise UsageError.for_value(
                "symbols",
                f"magnitudes up to {MAX_SYMBOL}",
                f"{values.min()} to {values.max()}",
            )
        escaped, supports = [], []
        for index, start, stop in groups:
            support = self._tables.supports[index]
            coded = values[start:stop] + support
            outside = coded.view(np.uint32) > 2 * support  # below 0 wraps to far above
            if outside.any():
                escaped.append(values[start:stop][outside])
                supports.append(np.full(escaped[-1].size, support))
                coded[outside] = 2 * support + 1
            self._coder.encode(coded, self._models[index])
        if escaped:
            self._put_escaped(np.concatenate(escaped), np.concatenate(supports))

    def _put_escaped(self, values: NDArray[np.int32], supports: NDArray[np.int32]) -> None:
        """Code what is beyond the tables: Elias gamma prefixes, then remainders and signs."""
        excess = np.abs(values) - supports
        classes = np.frexp(excess.astype(np.float64))[1].astype(np.int32) - 1
        self._coder.encode(classes, _prefix_model())
        remainders = 2 * (excess - (1 << classes)) + (values < 0)
        for size in np.unique(classes):
            chosen = remainders[classes == size].astype(np.int32)
            self._coder.encode(chosen, _model.Uniform(2 << int(size)))

    def finish(self) -> bytes:
        """Close the stream.

        Returns:
            the shortest bytes that decode to the symbols: a binary fraction in the coder's final
            interval, most significant byte first, without trailing zero bytes (the decoder goes
            on reading zeros). No symbols, or none but certain ones, give ``b""``.
        """
        position, (lower, size) = self._coder.pos()
        head = bytearray(self._coder.get_compressed()[:position].astype(">u4").tobytes())
        # Words before `position` may still be open to a carry. The coder closed them for a point
        # of its own choice, one word above `lower`; ours may be on the other side of the carry.
        carried = (lower + 2**32 - 1) >> _STATE_BITS
        for kept in range(_STATE_BITS // 8 + 1):
            unit = 256 ** (_STATE_BITS // 8 - kept)
            point = -(-lower // unit) * unit
            if point < lower + size:
                break
        if point >> _STATE_BITS and not carried:
            _increment(head)
        tail = (point % (1 << _STATE_BITS)).to_bytes(_STATE_BITS // 8, "big")
        return bytes(head + tail).rstrip(b"\0")


class SymbolDecoder:
    """Reads the symbols of a stream, pass by pass.

    The bytes may be anything: whatever they are, a pass takes time and memory in proportion to its
    number of symbols and no more. Most wrong bytes read as wrong symbols, which only a checksum
    can tell: see `aeimage.codec.container`.

    Args:
        data: what `SymbolEncoder.finish` returned.
        tables: those of the encoder.

    Raises:
        MalformedFileError: where no encoder ends a stream like this.
    """

    def __init__(self, data: bytes | memoryview, tables: ProbabilityTables) -> None:
        data = bytes(data)
        if data.endswith(b"\0"):
            raise _damaged("it ends in a zero byte, which the encoder strips")
        # One word of zeros more than the data fills: the coder always stops short of it, so that
        # `finish` can see whether it was reached.
        padding = _WORD_BYTES + -len(data) % _WORD_BYTES
        words = np.frombuffer(data + bytes(padding), ">u4").astype(np.uint32)
        self._tables = tables
        self._models = _models(tables)
        self._coder = _queue.RangeDecoder(words)

    def take(self, indexes: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Read the symbols of one pass.

        Args:
            indexes: uint8, shape ``(n,)``, below ``len(tables)``: those of `SymbolEncoder.put`.

        Returns:
            int32, shape ``(n,)``, magnitudes up to `MAX_SYMBOL`; 0 wherever the index is 0.

        Raises:
            UsageError: where ``indexes`` does not fit.
            MalformedFileError: where the bytes cannot come from an encoder.
        """
        _check_indexes(indexes)
        order, groups = _grouped(indexes, self._tables)
        values = np.empty(order.size, np.int32)
        escaped = []
        for index, start, stop in groups:
            support = self._tables.supports[index]
            coded = self._decode(self._models[index], stop - start)
            np.subtract(coded, support, out=values[start:stop])
            if coded.max() > 2 * support:
                escaped.append(start + np.flatnonzero(coded > 2 * support))
        if escaped:
            # A symbol that escaped stands at L + 1 now, which gives its L.
            places = np.concatenate(escaped)
            values[places] = self._take_escaped(values[places] - 1)
        symbols = np.zeros(indexes.shape, np.int32)
        symbols[order] = values
        return symbols

    def _take_escaped(self, supports: NDArray[np.int32]) -> NDArray[np.int32]:
        classes = self._decode(_prefix_model(), supports.size)
        remainders = np.empty_like(supports)
        for size in np.unique(classes):
            chosen = classes == size
            uniform = _model.Uniform(2 << int(size))
            remainders[chosen] = self._decode(uniform, np.count_nonzero(chosen))
        magnitudes = supports + (1 << classes) + (remainders >> 1)
        if magnitudes.max() > MAX_SYMBOL:
            raise _damaged(f"a symbol of magnitude {magnitudes.max()} exceeds {MAX_SYMBOL}")
        return np.where(remainders & 1, -magnitudes, magnitudes).astype(np.int32)

    def _decode(self, model: Any, count: int) -> NDArray[np.int32]:
        try:
            return self._coder.decode(model, int(count))
        except _INVALID_DATA as error:
            raise _damaged("its bytes lie outside every symbol's interval") from error

    def finish(self) -> None:
        """Check that the data ends where the symbols do, as far as the coder can tell.

        Raises:
            MalformedFileError: where more than a word (4 bytes) is left over; less may pass.
        """
        # The coder tells the end of its words only while its interval is narrow: halve it.
        coder = self._coder.clone()
        for _ in range(_STATE_BITS - 32):
            if coder.maybe_exhausted():
                return
            try:
                coder.decode(_model.Uniform(2))
            except _INVALID_DATA:
                return  # in the sliver that rounding leaves above all symbols: cannot tell
        raise _damaged("bytes are left over after the last symbol")


@lru_cache(maxsize=8)
def _models(tables: ProbabilityTables) -> tuple[Any, ...]:
    """The coder's model of each index; None for index 0."""
    _check_coder()
    rows = [_exact_model(tables.frequencies(k)) for k in range(1, len(tables))]
    return (None, *rows)


@lru_cache(maxsize=1)
def _check_coder() -> None:
    """Refuse a constriction that codes otherwise: its files would decode to wrong pictures."""
    coder = _queue.RangeEncoder()
    model = _exact_model(np.array([2**23, 3, 2**23 - 2**12 - 3, 2**12]))
    coder.encode(np.array([0, 1, 2, 3, 2, 1], np.int32), model)
    coder.encode(np.array([2**20 - 1, 1], np.int32), _model.Uniform(2**20))
    if coder.get_compressed().tolist() != _CODER_SELF_TEST:
        raise MissingDependencyError(
            "The installed package 'constriction' codes differently from the one that defines "
            'aeimage\'s files. Install that one: pip install "constriction==0.5.0"'
        )


@lru_cache(maxsize=1)
def _prefix_model() -> Any:
    """P(class) = 2^-(class + 1), the last class taking the rest."""
    frequencies = 1 << np.arange(PRECISION - 1, PRECISION - 2 - MAX_ESCAPE_CLASS, -1)
    frequencies[-1] *= 2
    return _exact_model(frequencies)


def _exact_model(frequencies: NDArray[np.integer]) -> Any:
    """A model with exactly these frequencies: see the module's docstring for the minus one."""
    return _model.Categorical(frequencies.astype(np.float64) - 1.0, perfect=False)


def _grouped(
    indexes: NDArray[np.uint8], tables: ProbabilityTables
) -> tuple[NDArray[np.intp], list[tuple[int, int, int]]]:
    """Positions sorted by index, without index 0, and (index, start, stop) of each group."""
    counts = np.bincount(indexes, minlength=len(tables))
    if counts.size > len(tables):
        raise UsageError.for_value(
            "indexes", f"values below {len(tables)}, the number of tables", int(indexes.max())
        )
    # NumPy sorts one-byte integers by radix: a few nanoseconds each.
    order = np.argsort(indexes, kind="stable")[counts[0] :]
    ends = np.cumsum(counts[1:])
    groups = [
        (k + 1, int(ends[k] - counts[k + 1]), int(ends[k])) for k in np.flatnonzero(counts[1:])
    ]
    return order, groups


def _check_indexes(indexes: NDArray[np.uint8]) -> None:
    if indexes.dtype != np.uint8 or indexes.ndim != 1:
        raise UsageError.for_value(
            "indexes", "uint8 of shape (n,)", f"{indexes.dtype} of shape {indexes.shape}"
        )


def _increment(digits: bytearray) -> None:
    """Add one to a number given as big-endian bytes."""
    for place in reversed(range(len(digits))):
        digits[place] = (digits[place] + 1) % 256
        if digits[place]:
            return


def _damaged(what: str) -> MalformedFileError:
    return MalformedFileError(
        f"The entropy-coded data is damaged: {what}. "
        "Get the file again from where it came from; it cannot be repaired."
    )
