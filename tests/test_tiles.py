"""Tiles cover an array exactly once, and their windows hold the halo wherever the array has it."""

from __future__ import annotations

import numpy as np
import pytest

from aeimage.tiles import even_tiles, row_of_tiles, tiles, with_halo

SHAPES = [(64, 64), (192, 320), (320, 64), (64, 1024), (100, 36)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [64, 128, 4096])
def test_tiles_cover_everything_exactly_once_row_by_row(shape, size):
    covered = np.zeros(shape, int)
    corners = []
    for tile in tiles(*shape, size, 32):
        covered[tile.rows, tile.columns] += 1
        corners.append((tile.rows.start, tile.columns.start))
        assert tile.rows.stop - tile.rows.start <= size
        assert tile.columns.stop - tile.columns.start <= size
    assert (covered == 1).all()
    assert corners == sorted(corners)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("halo", [0, 4, 64, 1000])
def test_windows_stay_inside_and_hold_the_halo(shape, halo):
    array = np.arange(shape[0] * shape[1]).reshape(shape)
    for tile in tiles(*shape, 64, halo):
        window = array[tile.window]
        np.testing.assert_array_equal(window[tile.inner], array[tile.rows, tile.columns])
        for part, around, length in zip((tile.rows, tile.columns), tile.window, shape, strict=True):
            assert around.start == max(0, part.start - halo)
            assert around.stop == min(length, part.stop + halo)


def test_tiles_and_windows_start_at_multiples_of_the_stride():
    for tile in tiles(320, 448, 128, 64):
        for part in (tile.rows, tile.columns, *tile.window, *tile.inner):
            assert part.start % 64 == 0
            assert part.stop % 64 == 0


def test_a_row_of_tiles_covers_its_rows_wherever_they_begin():
    # A last stripe whose length does not divide its start.
    part = slice(16, 28)
    found = list(row_of_tiles(part, 28, 40, 16, 4))
    assert [tile.columns for tile in found] == [slice(0, 16), slice(16, 32), slice(32, 40)]
    for tile in found:
        assert tile.rows == part
        assert tile.window[0] == slice(12, 28)
        assert tile.inner[0] == slice(4, 16)


@pytest.mark.parametrize(
    ("part", "window", "inner"),
    [
        (slice(0, 4), slice(0, 7), slice(0, 4)),
        (slice(4, 8), slice(1, 10), slice(3, 7)),
        (slice(8, 10), slice(5, 10), slice(3, 5)),
        (slice(0, 10), slice(0, 10), slice(0, 10)),
    ],
)
def test_a_halo_is_cut_at_the_borders(part, window, inner):
    assert with_halo(part, 10, 3) == (window, inner)


@pytest.mark.parametrize("seed", range(30))
def test_even_tiles_cover_everything_once_with_their_halos(seed):
    rng = np.random.default_rng(seed)
    step = int(rng.choice([1, 4, 16]))
    halo = int(rng.integers(0, 40))
    height, width = (int(n) * step for n in rng.integers(1, 300 // step + 1, 2))
    limit = int(rng.integers(1, 40_000))
    found = even_tiles(height, width, step, halo, limit)
    seen = np.zeros((height, width), int)
    for tile in found:
        seen[tile.rows, tile.columns] += 1
        for part, window, inner, length in zip(
            (tile.rows, tile.columns), tile.window, tile.inner, (height, width), strict=True
        ):
            assert 0 <= window.start <= max(0, part.start - halo)
            assert min(length, part.stop + halo) <= window.stop <= length
            assert window.start % step == window.stop % step == 0
            assert inner == slice(part.start - window.start, part.stop - window.start)
    assert (seen == 1).all()
    shapes = {tuple(s.stop - s.start for s in tile.window) for tile in found}
    assert len(shapes) == 1
    area = np.prod(shapes.pop())
    smallest = -(-halo // step) * 2 * step + step
    assert area <= max(limit, smallest**2)


def test_even_tiles_of_a_scanned_page_overlap_little():
    # A4 at 300 dpi
    found = even_tiles(3520, 2480, 16, 96, 2_000_000)
    windows = sum(np.prod([s.stop - s.start for s in tile.window]) for tile in found)
    assert windows < 1.3 * 3520 * 2480
