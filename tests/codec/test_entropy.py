"""The entropy coder: exact, lossless, short, and the one that docs/format.md describes."""

from __future__ import annotations

from pathlib import Path

import constriction
import numpy as np
import pytest

from aeimage.codec import entropy
from aeimage.codec.entropy import SymbolDecoder, SymbolEncoder, decode_symbols, encode_symbols
from aeimage.errors import MalformedFileError, MissingDependencyError, UsageError
from aeimage.tables import MAX_SYMBOL, ProbabilityTables, logistic_tables, scale_table

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def tables() -> ProbabilityTables:
    return logistic_tables()


def draw(rng: np.random.Generator, count: int, mean_index: float = 20.0):
    indexes = np.minimum(63, rng.exponential(mean_index, count)).astype(np.uint8)
    uniform = rng.random(count)
    symbols = scale_table()[indexes] * np.log(uniform / (1 - uniform))
    symbols = np.where(indexes == 0, 0, np.rint(symbols)).astype(np.int32)
    return symbols, indexes


# --- the arithmetic of docs/format.md, in plain Python -----------------------------------------


def reference_steps(indexes, tables, next_symbol):
    """Walk through one pass as the document orders it; ``next_symbol(frequencies)`` codes one."""
    symbols = [0] * len(indexes)
    escaped = []
    for k in range(1, len(tables)):
        for place in (i for i, index in enumerate(indexes) if index == k):
            support = int(tables.supports[k])
            value = next_symbol(tables.frequencies(k).tolist(), place)
            symbols[place] = value - support
            if value == 2 * support + 1:
                escaped.append((place, support))
    classes = [2 ** (23 - c) for c in range(19)] + [2**5]
    chosen = [next_symbol(classes, ("class", place)) for place, _ in escaped]
    for c in range(20):
        for (place, support), own in zip(escaped, chosen, strict=True):
            if own == c:
                rest = next_symbol([2 ** (23 - c)] * 2 ** (c + 1), ("rest", place))
                magnitude = support + 2**c + rest // 2
                symbols[place] = -magnitude if rest % 2 else magnitude
    return symbols


def reference_decode(data: bytes, indexes, tables) -> list[int]:
    stream = data + bytes(8)
    state = {"offset": int.from_bytes(stream[:8], "big"), "size": 2**64 - 1, "position": 8}

    def next_symbol(frequencies, _):
        step = state["size"] // 2**24
        target = state["offset"] // step
        assert target < 2**24
        low = symbol = 0
        while target >= low + frequencies[symbol]:
            low += frequencies[symbol]
            symbol += 1
        state["offset"] -= step * low
        state["size"] = step * frequencies[symbol]
        if state["size"] < 2**32:
            start = state["position"]
            word = int.from_bytes((data[start : start + 4] + bytes(4))[:4], "big")
            state.update(
                offset=state["offset"] << 32 | word, size=state["size"] << 32, position=start + 4
            )
        return symbol

    return reference_steps(indexes, tables, next_symbol)


def reference_encode(symbols, indexes, tables) -> bytes:
    state = {"lower": 0, "size": 2**64 - 1, "digits": 64}

    def next_symbol(frequencies, what):
        if isinstance(what, tuple):
            kind, place = what
            support = int(tables.supports[indexes[place]])
            excess = abs(symbols[place]) - support
            size = excess.bit_length() - 1
            symbol = size if kind == "class" else 2 * (excess - 2**size) + (symbols[place] < 0)
        else:
            support = int(tables.supports[indexes[what]])
            inside = abs(symbols[what]) <= support
            symbol = symbols[what] + support if inside else 2 * support + 1
        step = state["size"] // 2**24
        state["lower"] += step * sum(frequencies[:symbol])
        state["size"] = step * frequencies[symbol]
        if state["size"] < 2**32:
            state["lower"] <<= 32
            state["size"] <<= 32
            state["digits"] += 32
        return symbol

    reference_steps(indexes, tables, next_symbol)
    for k in range(8, -1, -1):
        point = -(-state["lower"] // 256**k) * 256**k
        if point < state["lower"] + state["size"]:
            return point.to_bytes(state["digits"] // 8, "big").rstrip(b"\0")
    raise AssertionError


@pytest.mark.parametrize("seed", range(40))
def test_streams_are_those_of_the_document(tables, seed):
    rng = np.random.default_rng(seed)
    symbols, indexes = draw(rng, int(rng.integers(0, 40)), mean_index=12)
    if seed % 2:
        wide = symbols.astype(np.int64) * rng.integers(1, 500, symbols.size)
        symbols = np.clip(wide, -300, 300).astype(np.int32)
    data = encode_symbols(symbols, indexes, tables)
    assert data == reference_encode(symbols.tolist(), indexes.tolist(), tables)
    assert reference_decode(data, indexes.tolist(), tables) == symbols.tolist()


def test_the_end_of_a_stream_is_that_of_the_document_across_carries():
    """Likely symbols next to the interval's top: the last word is often open to a carry."""
    row = np.array([2**24 - 2 * 2**20 - 1, 2**20, 1], np.uint32)
    tables = ProbabilityTables((np.zeros(0, np.uint32), row))
    carries = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        symbols = rng.choice([-1, 0, 1], rng.integers(1, 60), p=[0.1, 0.3, 0.6]).astype(np.int32)
        indexes = np.ones(symbols.size, np.uint8)
        encoder = SymbolEncoder(tables)
        encoder.put(symbols, indexes)
        _, (lower, size) = encoder._coder.pos()
        carries += lower + size > 2**64
        data = encoder.finish()
        assert data == reference_encode(symbols.tolist(), indexes.tolist(), tables)
        assert np.array_equal(decode_symbols(data, indexes, tables), symbols)
    assert carries > 10


# --- constriction --------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [1, 17, 40, 63])
def test_constriction_uses_exactly_our_frequencies(tables, index):
    """Its state after a first symbol gives cumulative and frequency away."""
    step = (2**64 - 1) >> 24
    model = entropy._models(tables)[index]
    frequencies = tables.frequencies(index).tolist()
    low = 0
    for symbol, frequency in enumerate(frequencies):
        coder = constriction.stream.queue.RangeEncoder()
        coder.encode(symbol, model)
        shift = 32 if step * frequency < 2**32 else 0
        expected = (step * low << shift) % 2**64, step * frequency << shift
        assert coder.pos()[1] == expected
        low += frequency


def lcg(seed: int):
    """Knuth's 64-bit generator: integers below 2^31, the same everywhere."""
    while True:
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        yield seed >> 33


def golden_input() -> tuple[ProbabilityTables, np.ndarray, np.ndarray]:
    numbers = lcg(2024)
    rows = [np.zeros(0, np.uint32)]
    for k in range(1, 8):
        half = np.array([next(numbers) % 5000 + 1 for _ in range(k * k + 2)], np.uint32)
        half[0] = 2**24 - 2 * int(half[1:-1].sum()) - int(half[-1])
        rows.append(half)
    indexes = np.array([next(numbers) % 8 for _ in range(600)], np.uint8)
    limits = [1 if next(numbers) % 8 else 400 for _ in range(600)]
    symbols = np.array([next(numbers) % (2 * m + 1) - m for m in limits], np.int32)
    symbols[:2], indexes[:2] = (MAX_SYMBOL, -MAX_SYMBOL), 3
    symbols[indexes == 0] = 0
    return ProbabilityTables(tuple(rows)), symbols, indexes


def test_golden_stream():
    """Files decode for ever: a coder that fails here must not be released."""
    tables, symbols, indexes = golden_input()
    stream = bytes.fromhex((GOLDEN / "entropy_v1.hex").read_text())
    assert np.array_equal(decode_symbols(stream, indexes, tables), symbols)
    assert encode_symbols(symbols, indexes, tables) == stream


# --- use -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_round_trip_in_passes(tables, seed):
    rng = np.random.default_rng(seed)
    passes = [
        draw(rng, int(rng.integers(0, 3000)), rng.uniform(0, 60)) for _ in range(seed % 4 + 1)
    ]
    for symbols, indexes in passes:
        wild = (rng.random(symbols.size) < 0.02) & (indexes > 0)
        symbols[wild] = rng.integers(-MAX_SYMBOL, MAX_SYMBOL + 1, np.count_nonzero(wild))
    encoder = SymbolEncoder(tables)
    for symbols, indexes in passes:
        encoder.put(symbols, indexes)
    data = encoder.finish()
    assert data == encoder.finish()
    decoder = SymbolDecoder(memoryview(data), tables)
    for symbols, indexes in passes:
        assert np.array_equal(decoder.take(indexes), symbols)
    decoder.finish()
    bits = sum(tables.bits(*item).sum(dtype=np.float64) for item in passes)
    assert len(data) <= 1.001 * bits / 8 + 2


def test_extreme_symbols_under_every_index(tables):
    indexes = np.repeat(np.arange(1, 64, dtype=np.uint8), 4)
    symbols = np.tile(np.array([MAX_SYMBOL, -MAX_SYMBOL, 1024, -1], np.int32), 63)
    data = encode_symbols(symbols, indexes, tables)
    assert np.array_equal(decode_symbols(data, indexes, tables), symbols)


def test_symbols_at_the_edge_of_a_table(tables):
    supports = tables.supports[1:]
    symbols = np.concatenate([sign * (supports + d) for sign in (-1, 1) for d in (-1, 0, 1, 2)])
    indexes = np.tile(np.arange(1, 64, dtype=np.uint8), 8)
    data = encode_symbols(symbols.astype(np.int32), indexes, tables)
    assert np.array_equal(decode_symbols(data, indexes, tables), symbols)


def test_index_zero_is_not_coded(tables):
    indexes = np.zeros(1000, np.uint8)
    assert encode_symbols(np.full(1000, 7, np.int32), indexes, tables) == b""
    assert not decode_symbols(b"", indexes, tables).any()
    assert encode_symbols(np.zeros(0, np.int32), np.zeros(0, np.uint8), tables) == b""


def test_nearly_certain_symbols_cost_nearly_nothing(tables):
    indexes = np.ones(100_000, np.uint8)
    assert len(encode_symbols(np.zeros(100_000, np.int32), indexes, tables)) < 40


def test_the_same_input_gives_the_same_bytes(tables):
    symbols, indexes = draw(np.random.default_rng(5), 5000)
    again = ProbabilityTables.from_bytes(tables.to_bytes())
    assert encode_symbols(symbols, indexes, tables) == encode_symbols(symbols, indexes, again)


@pytest.mark.parametrize("value", [MAX_SYMBOL + 1, -MAX_SYMBOL - 1, -(2**31)])
def test_too_large_symbols_are_refused(tables, value):
    with pytest.raises(UsageError, match="1048576"):
        encode_symbols(np.array([value], np.int32), np.array([5], np.uint8), tables)


def test_wrong_arguments_are_refused(tables):
    symbols, indexes = np.zeros(4, np.int32), np.ones(4, np.uint8)
    for bad in [
        (symbols.astype(np.int64), indexes),
        (symbols[:3], indexes),
        (symbols, indexes.astype(np.int32)),
        (symbols.reshape(2, 2), indexes.reshape(2, 2)),
        (symbols, indexes + np.uint8(63)),
    ]:
        with pytest.raises(UsageError):
            encode_symbols(*bad, tables)
    with pytest.raises(UsageError):
        decode_symbols(b"", indexes + np.uint8(63), tables)


def test_a_padded_stream_is_refused(tables):
    symbols, indexes = draw(np.random.default_rng(6), 500)
    data = encode_symbols(symbols, indexes, tables)
    with pytest.raises(MalformedFileError, match="zero byte"):
        decode_symbols(data + b"\0", indexes, tables)


@pytest.mark.parametrize("seed", range(50))
def test_left_over_bytes_are_noticed(tables, seed):
    rng = np.random.default_rng(seed)
    symbols, indexes = draw(rng, int(rng.integers(1, 300)))
    data = encode_symbols(symbols, indexes, tables)
    for extra in (12, 13, 40):
        with pytest.raises(MalformedFileError, match="left over"):
            decode_symbols(data.ljust(len(data) + extra, b"\x01"), indexes, tables)


def test_a_symbol_beyond_the_limit_is_refused_when_read(tables):
    """The code could say more than 2^20: class 19 with all ones, above a support of 943."""
    encoder = SymbolEncoder(tables)
    encoder._coder.encode(np.array([2 * 943 + 1], np.int32), encoder._models[63])
    encoder._coder.encode(np.array([19], np.int32), entropy._prefix_model())
    uniform = constriction.stream.model.Uniform(2**20)
    encoder._coder.encode(np.array([2**20 - 1], np.int32), uniform)
    with pytest.raises(MalformedFileError, match="exceeds"):
        decode_symbols(encoder.finish(), np.array([63], np.uint8), tables)


def test_a_constriction_that_codes_otherwise_is_refused(monkeypatch):
    monkeypatch.setattr(entropy, "_CODER_SELF_TEST", [1, 2, 3])
    entropy._check_coder.cache_clear()
    with pytest.raises(MissingDependencyError, match="pip install"):
        SymbolEncoder(logistic_tables([0.1, 1.0]))
    entropy._check_coder.cache_clear()
