"""The picture of a search for hyper-parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from aeimage.apps.tuning import Field


def plot(path: Path, rows: Sequence[dict], space: Sequence[Field]) -> None:
    """Draw the objective by trial with the best so far, and against each field.

    Args:
        path: of the PNG file.
        rows: see `aeimage.apps.tuning.Found`; diverged trials, of infinite objective, are crosses.
        space: the fields.
    """
    rows = sorted(rows, key=lambda row: row["trial"])
    values = np.array([row["objective"] for row in rows], float)
    whole = np.isfinite(values)
    if not whole.any():
        return
    shown = np.where(whole, values, values[whole].max())
    best = np.minimum.accumulate(np.where(whole, values, np.inf))
    columns = min(3, 1 + len(space))
    lines = math.ceil((1 + len(space)) / columns)
    figure = Figure(figsize=(4 * columns, 3.2 * lines), layout="constrained")
    axes = np.atleast_1d(figure.subplots(lines, columns)).ravel()
    for extra in axes[1 + len(space) :]:
        extra.remove()
    first, *others = axes[: 1 + len(space)]
    numbers = np.arange(len(rows))
    _points(first, numbers, shown, whole, numbers)
    first.plot(numbers, best, drawstyle="steps-post", color="tab:orange", label="best so far")
    first.legend()
    first.set(xlabel="trial", ylabel="objective")
    for axis, field in zip(others, space, strict=True):
        tried = [row[field.name] for row in rows]
        if field.choices:
            places = [field.choices.index(value) for value in tried]
            axis.set_xticks(range(len(field.choices)), [str(c) for c in field.choices])
            tried = places
        elif field.log:
            axis.set_xscale("log")
        _points(axis, np.array(tried), shown, whole, numbers)
        axis.set(xlabel=field.name, ylabel="objective")
    figure.savefig(path, dpi=110)


def _points(axis, x, y, whole, numbers) -> None:
    """Later trials are darker."""
    axis.scatter(x[whole], y[whole], c=numbers[whole], cmap="Blues", edgecolors="tab:blue", vmin=-2)
    axis.scatter(x[~whole], y[~whole], marker="x", color="tab:red")
