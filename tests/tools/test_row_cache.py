"""Kept measurements: killed runs resume, several processes add, nothing is measured twice."""

import math
from dataclasses import dataclass

import pytest
from row_cache import RowCache


@dataclass(frozen=True)
class Row:
    page: str
    level: int
    rate: float
    timed_out: bool


KEY = ("page", "level")


def opened(path):
    return RowCache(path, Row, KEY)


def test_rows_come_back(tmp_path):
    path = tmp_path / "new" / "rows.csv"
    rows = [Row('a "quoted", name', 1, 0.125, False), Row("b\u00e9", 2, math.nan, True)]
    for row in rows:
        opened(path).add(row)
    cache = opened(path)
    assert len(cache) == 2
    assert cache.get(('a "quoted", name', 1)) == rows[0]
    back = cache.get(("b\u00e9", 2))
    assert math.isnan(back.rate) and back.timed_out is True
    assert ("b\u00e9", 3) not in cache


def test_a_half_written_row_is_lost_alone(tmp_path):
    path = tmp_path / "rows.csv"
    cache = opened(path)
    for level in range(3):
        cache.add(Row("a", level, 0.5, False))
    path.write_text(path.read_text()[:-4])
    cache = opened(path)
    assert sorted(row.level for row in cache) == [0, 1]
    cache.add(Row("a", 2, 0.25, False))
    assert opened(path).get(("a", 2)).rate == 0.25


def test_the_later_row_counts_and_sorting_keeps_it(tmp_path):
    path = tmp_path / "rows.csv"
    cache = opened(path)
    for row in (Row("b", 1, 0.1, False), Row("a", 1, 0.2, False), Row("b", 1, 0.3, False)):
        cache.add(row)
    assert opened(path).get(("b", 1)).rate == 0.3
    cache.sort()
    assert [(row.page, row.rate) for row in opened(path)] == [("a", 0.2), ("b", 0.3)]
    assert len(path.read_text().splitlines()) == 3


def test_two_that_write_at_once_see_each_others_rows(tmp_path):
    path = tmp_path / "rows.csv"
    one, other = opened(path), opened(path)
    one.add(Row("a", 1, 0.1, False))
    other.add(Row("b", 1, 0.2, False))
    one.sort()
    assert {row.page for row in one} == {"a", "b"} == {row.page for row in opened(path)}


def test_forgotten_rows_are_measured_again(tmp_path):
    cache = opened(tmp_path / "rows.csv")
    cache.add(Row("a", 1, 0.1, False))
    cache.forget(lambda row: row.page == "a")
    assert ("a", 1) not in cache


def test_another_tools_file_is_refused(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("something,else\n1,2\n")
    with pytest.raises(ValueError, match="columns"):
        opened(path)
