"""What a run writes about itself: CSV files, TensorBoard, progress."""

from pathlib import Path

import numpy as np

from aeimage.training.board import Board
from aeimage.training.csv_log import append_row, drop_rows_after, set_aside
from aeimage.training.progress import Progress

FILES = {"training": "metrics.csv", "validation": "validation.csv"}


class RunLog:
    """Numbers and pictures of a run in ``OUT``; silent where another worker writes.

    Args:
        out: the run's folder.
        report: function that takes a line of text.
        active: whether to write and show anything.
    """

    def __init__(self, out: Path, report=print, *, active: bool = True) -> None:
        self.out, self.active = Path(out), active
        self.progress = Progress(report if active else _drop, bar=None if active else False)
        self._board = Board(self.out, self.progress.line)

    def start(self, step: int, steps: int, *, resume: bool) -> None:
        """Make room for the rows to come: nothing is logged twice, nothing of old runs lost."""
        if self.active:
            for name in FILES.values():
                if resume:
                    drop_rows_after(self.out / name, step)
                else:
                    set_aside(self.out / name)
        self.progress.start(step, steps)

    def training(self, step: int, numbers: dict[str, float], seconds_left: float) -> None:
        """Log means of the last steps."""
        if self.active:
            self.progress.numbers(step, self._write(step, "training", numbers), seconds_left)

    def validation(
        self, step: int, numbers: dict[str, float], pictures: dict[str, np.ndarray]
    ) -> None:
        """Log the result of a validation, and pictures: uint8 (height, width, 3) each."""
        if self.active:
            row = self._write(step, "validation", numbers)
            self.progress.line(" ".join(f"{k}={v}" for k, v in {"step": step, **row}.items()))
            self._board.images(step, pictures)

    def _write(self, step: int, group: str, numbers: dict[str, float]) -> dict[str, str]:
        self._board.scalars(step, group, numbers)
        row = {name: f"{number:.6g}" for name, number in numbers.items()}
        append_row(self.out / FILES[group], {"step": step, **row})
        return row


def _drop(line: str) -> None:
    """Take the place of a report function."""
