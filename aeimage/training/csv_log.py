"""Logs in CSV files with a column ``step``, in which no step comes twice."""

import csv
import io
import os
from pathlib import Path

from aeimage.files import atomic_write


def append_row(path: Path, row: dict) -> None:
    """Add a row; a file with other columns (of an older version) is set aside first."""
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file), None)
        if header is not None and header != list(row):
            set_aside(path)
    new = not path.exists() or path.stat().st_size == 0
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row.keys())
        if new:
            writer.writeheader()
        writer.writerow(row)


def drop_rows_after(path: Path, step: int) -> None:
    """Drop the rows of steps beyond `step`, and rows cut short; a file without steps is left."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    if "step" not in header:
        return
    place = header.index("step")
    kept = [
        row
        for row in rows
        if len(row) == len(header) and row[place].isdecimal() and int(row[place]) <= step
    ]
    if kept == rows:
        return
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *kept])
    atomic_write(path, text.getvalue().encode())


def set_aside(path: Path) -> None:
    """Rename ``NAME.csv`` to the first of ``NAME.1.csv``, ``NAME.2.csv``, ... that is free."""
    if not path.exists():
        return
    number = 1
    while (other := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    os.replace(path, other)
