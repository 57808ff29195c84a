"""Integer probability tables: what a coder relies on, and that fitting pays."""

from __future__ import annotations

import numpy as np
import pytest

from aeimage import tables as t
from aeimage.errors import ModelFileError, UsageError
from aeimage.table_fitting import fitted_tables


def draw(count: int, seed: int, spread: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Logistic symbols of random index; with a spread, of scales that the index only hints at."""
    rng = np.random.default_rng(seed)
    indexes = np.minimum(63, rng.exponential(10, count)).astype(np.uint8)
    uniform = rng.random(count)
    scales = t.scale_table()[indexes] * np.exp(rng.normal(0, spread, count))
    symbols = np.rint(scales * np.log(uniform / (1 - uniform))).astype(np.int32)
    symbols[indexes == 0] = 0
    return symbols, indexes


@pytest.fixture(scope="module")
def logistic() -> t.ProbabilityTables:
    return t.logistic_tables()


def test_scale_table_is_geometric_between_its_ends():
    scales = t.scale_table()
    assert scales.shape == (t.NUM_INDEXES,)
    assert scales[0] == pytest.approx(t.S_MIN) and scales[-1] == pytest.approx(t.S_MAX)
    assert np.ptp(scales[1:] / scales[:-1]) < 1e-12


def test_logistic_magnitudes_are_the_training_model():
    scale = 1.7
    magnitudes = t.logistic_magnitudes([scale])[0]

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    m = np.arange(1, 30)
    expected = sigmoid((0.5 - m) / scale) - sigmoid((-0.5 - m) / scale)
    np.testing.assert_allclose(magnitudes[1:30] / 2, expected, rtol=1e-9)
    assert magnitudes[0] == pytest.approx(1 - 2 * sigmoid(-0.5 / scale))
    assert magnitudes.sum() == pytest.approx(1)


def test_every_row_is_a_symmetric_distribution_of_24_bits(logistic):
    assert len(logistic) == 64 and logistic.rows[0].size == 0
    for k in range(1, 64):
        frequencies = logistic.frequencies(k)
        support = logistic.supports[k]
        assert frequencies.size == 2 * support + 2
        assert frequencies.min() >= 1 and int(frequencies.sum(dtype=np.uint64)) == 1 << 24
        assert np.array_equal(frequencies[:-1], frequencies[-2::-1])
        assert frequencies[support] > 0.99 * frequencies.max()


def test_rows_follow_the_distribution(logistic):
    for k in (1, 20, 40, 63):
        expected = t.logistic_magnitudes(t.scale_table()[k : k + 1])[0] * 2.0**23
        row = logistic.rows[k].astype(float)
        np.testing.assert_allclose(row[1:-1], np.maximum(1, expected[1 : row.size - 1]), atol=1)


def test_bits_are_the_information_content(logistic):
    symbols = np.array([0, 3, -3, 0], np.int32)
    indexes = np.array([30, 30, 30, 0], np.uint8)
    row = logistic.rows[30].astype(float)
    expected = [24 - np.log2(row[0]), 24 - np.log2(row[3]), 24 - np.log2(row[3]), 0]
    np.testing.assert_allclose(logistic.bits(symbols, indexes), expected, rtol=1e-6)
    assert logistic.bits(np.array([1]), np.array([0], np.uint8))[0] == np.inf


def test_bits_of_escapes(logistic):
    k, support = 20, int(logistic.supports[20])
    escape = 24 - np.log2(float(logistic.rows[k][-1]))
    for excess in (1, 2, 3, 4, 1000, 1100, 2**19 - 1, 2**19, t.MAX_SYMBOL - support):
        log2 = excess.bit_length() - 1
        expected = escape + min(log2 + 1, 19) + log2 + 1
        bits = logistic.bits(np.array([-support - excess]), np.array([k], np.uint8))
        assert bits[0] == pytest.approx(expected, abs=1e-3)


def test_bytes_round_trip_and_digest(logistic):
    data = logistic.to_bytes()
    again = t.ProbabilityTables.from_bytes(data)
    assert again.to_bytes() == data and again.digest == logistic.digest
    assert all(np.array_equal(a, b) for a, b in zip(logistic.rows, again.rows, strict=True))
    assert len(logistic.digest) == 32
    assert t.logistic_tables([0.1, 1, 2]).digest != logistic.digest


def test_digest_is_stable():
    half = np.array([2**24 - 2 * 11 - 5, 10, 1, 5], np.uint32)
    tables = t.ProbabilityTables((np.zeros(0, np.uint32), half))
    assert tables.to_bytes().hex() == "0200" + "0200" + "0a000000" + "01000000" + "05000000"
    assert tables.digest.hex().startswith("e499987ad1c5f759")


def test_damaged_bytes_are_refused(logistic):
    data = t.logistic_tables([0.1, 0.5, 1]).to_bytes()
    for cut in range(len(data)):
        with pytest.raises(ModelFileError):
            t.ProbabilityTables.from_bytes(data[:cut])
    with pytest.raises(ModelFileError):
        t.ProbabilityTables.from_bytes(data + b"\0")
    for row in (b"\xff\xff\xff\xff", b"\0\0\0\0"):  # sums beyond 2^24; a frequency of 0
        with pytest.raises(ModelFileError):
            t.ProbabilityTables.from_bytes(data[:4] + row + data[8:])


def test_wrong_rows_are_refused():
    empty, good = np.zeros(0, np.uint32), np.array([2**24 - 3, 1, 1], np.uint32)
    t.ProbabilityTables((empty, good))
    for rows in [(good, good), (empty,), (empty, good.astype(np.int64)), (empty, good + 1)]:
        with pytest.raises(UsageError):
            t.ProbabilityTables(rows)
    with pytest.raises(UsageError):
        t.logistic_tables([0.1, -1])


def test_hollow_and_flat_distributions_still_make_tables():
    magnitudes = np.zeros((4, t.HISTOGRAM_WIDTH))
    magnitudes[1, 5] = 1.0  # nothing at zero at all
    magnitudes[2, :] = 1.0  # flat, heavy beyond the last column
    magnitudes[3, 0] = 1.0  # nothing but zero
    tables = t.tables_from_magnitudes(magnitudes)
    assert tables.supports.tolist() == [0, 5, t.MAX_SUPPORT, 2]
    assert tables.rows[3].tolist() == [2**24 - 5, 1, 1, 1]


def test_histograms_count_magnitudes():
    symbols = np.array([[0, -2, 2], [5000, 1, 0]], np.int32)
    indexes = np.array([[1, 2, 2], [3, 3, 0]], np.uint8)
    counts = t.magnitude_histograms(symbols, indexes, num_indexes=4)
    assert counts.shape == (4, t.HISTOGRAM_WIDTH) and counts.sum() == 6
    assert counts[2, 2] == 2 and counts[3, -1] == 1 and counts[3, 1] == 1


def test_fitting_nothing_gives_the_logistic_tables(logistic):
    nothing = np.zeros((64, t.HISTOGRAM_WIDTH), np.int64)
    assert fitted_tables(nothing, iterations=2).digest == logistic.digest


@pytest.mark.parametrize(("count", "gain"), [(3_000, 0.01), (300_000, 0.03)])
def test_fitted_tables_repair_a_wrong_model(logistic, count, gain):
    """Held-out symbols with heavier tails than the logistic cost less, even after few counts."""
    counts = t.magnitude_histograms(*draw(count, seed=1, spread=0.5))
    fitted = fitted_tables(counts, iterations=50)
    held_out = draw(200_000, seed=2, spread=0.5)
    assert fitted.bits(*held_out).mean() < (1 - gain) * logistic.bits(*held_out).mean()


def test_fitting_does_no_harm_where_the_model_was_right(logistic):
    counts = t.magnitude_histograms(*draw(20_000, seed=3))
    held_out = draw(200_000, seed=4)
    fitted = fitted_tables(counts, iterations=50).bits(*held_out).mean()
    assert fitted < 1.004 * logistic.bits(*held_out).mean()


def test_fitting_accepts_rows_of_any_number():
    scales = [0.1, 3.0, 0.5]  # say, the channels of a hyper-latent
    counts = np.zeros((3, t.HISTOGRAM_WIDTH), np.int64)
    counts[1, :4] = 1000, 900, 300, 20
    tables = fitted_tables(counts, scales, iterations=20)
    assert len(tables) == 3
    assert tables.rows[1][1] / tables.rows[1][0] == pytest.approx(0.45, rel=0.05)


def test_fitting_refuses_wrong_shapes_and_negative_counts():
    with pytest.raises(UsageError):
        fitted_tables(np.zeros((64, 10), np.int64))
    with pytest.raises(UsageError):
        fitted_tables(-np.ones((64, t.HISTOGRAM_WIDTH), np.int64))
