"""Measurements kept in a CSV file as they come, so that a killed run resumes where it stopped.

A row is a frozen dataclass; some of its fields are its key. A row is written in one piece as soon
as it is known, so at most the last one is lost, and several processes may add to one file. Reading
passes over lines that are broken, and of two rows with one key the later one counts.
"""

from __future__ import annotations

import csv
import io
import math
import os
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")


class RowCache(Generic[Row]):
    """Rows of one dataclass in a CSV file, by key.

    Args:
        path: the file; it and its folder are made when the first row is added.
        row_type: a dataclass whose fields are all `str`, `int`, `float` or `bool`.
        key: the names of the fields that tell a row from any other. Floats in a key should be
            numbers that are written and read alike, such as a sigma of 25.

    Raises:
        ValueError: if the file is there and its columns are others.
    """

    def __init__(self, path: Path, row_type: type[Row], key: Sequence[str]) -> None:
        self.path = path
        self._type = row_type
        self._columns = [field.name for field in fields(row_type)]
        self._kinds = typing.get_type_hints(row_type)
        self._key = tuple(key)
        self._rows: dict[tuple, Row] = {}
        self.reload()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __contains__(self, key: tuple) -> bool:
        return key in self._rows

    def get(self, key: tuple) -> Row | None:
        """The row of this key, whose parts are in the order of `key` above, or None."""
        return self._rows.get(key)

    def key_of(self, row: Row) -> tuple:
        """A row's key."""
        return tuple(getattr(row, name) for name in self._key)

    def reload(self) -> None:
        """Takes in what other processes have added to the file."""
        if not self.path.exists():
            return
        with self.path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader, None)
            if header is not None and header != self._columns:
                raise ValueError(
                    f"{self.path} has columns {header}; expected {self._columns}. It was written "
                    "by another version of this tool: move it away."
                )
            for cells in reader:
                row = self._parse(cells)
                if row is not None:
                    self._rows[self.key_of(row)] = row

    def add(self, row: Row) -> None:
        """Keeps a row and appends it to the file."""
        self._rows[self.key_of(row)] = row
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = ""
        if not self.path.exists() or self.path.stat().st_size == 0:
            text = _line(self._columns)
        elif not _ends_with_newline(self.path):  # what a killed run left half-written
            text = "\n"
        text += _line(_cell(value) for value in asdict(row).values())
        # One write in append mode: the lines of two processes do not mix.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def forget(self, unwanted: Callable[[Row], bool]) -> None:
        """Drops rows, so that they are measured again; the file keeps them until `sort`."""
        self._rows = {key: row for key, row in self._rows.items() if not unwanted(row)}

    def sort(self) -> None:
        """Rewrites the file in the order of the keys, broken and replaced rows left out."""
        self.reload()
        rows = sorted(self._rows.values(), key=self.key_of)
        partial = self.path.with_suffix(".partial")
        with partial.open("w", newline="", encoding="utf-8") as file:
            file.write(_line(self._columns))
            file.writelines(_line(_cell(value) for value in asdict(row).values()) for row in rows)
        partial.replace(self.path)

    def _parse(self, cells: Sequence[str]) -> Row | None:
        if len(cells) != len(self._columns):
            return None
        try:
            values = {
                name: _value(self._kinds[name], cell)
                for name, cell in zip(self._columns, cells, strict=True)
            }
        except ValueError:
            return None
        return self._type(**values)


def _line(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value


def _value(kind: type, cell: str) -> object:
    if kind is bool:
        return bool(int(cell))
    if kind is float:
        return float(cell) if cell else math.nan
    return kind(cell)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
