"""Curves and pictures of a run: TensorBoard logs, or PNG files where TensorFlow is missing."""

from pathlib import Path

import numpy as np
from PIL import Image


class Board:
    """Writes event files for TensorBoard to ``OUT/tensorboard``.

    On a machine without TensorFlow it says so once, and writes the pictures as PNG files to
    ``OUT/pictures``; the numbers are in the trainer's CSV files.

    Args:
        out: the run's folder; folders in it are made on the first write.
        report: function that takes a line of text.
    """

    def __init__(self, out: Path, report=print) -> None:
        self.out = Path(out)
        self._report = report
        self._tf = None
        self._writer = None
        self._missing = False

    def _open(self):
        if self._writer is None and not self._missing:
            try:
                import tensorflow as tf
            except ImportError:
                self._missing = True
                self._report(
                    "TensorBoard logs are off: they need TensorFlow, which is not installed. "
                    f"Numbers go to CSV files in {self.out}, pictures to {self.out / 'pictures'}."
                )
                return None
            self._tf = tf
            self._writer = tf.summary.create_file_writer(str(self.out / "tensorboard"))
        return self._writer

    def scalars(self, step: int, group: str, values: dict[str, float]) -> None:
        """Log numbers under ``group/name``."""
        writer = self._open()
        if writer is None:
            return
        with writer.as_default(step):
            for name, value in values.items():
                self._tf.summary.scalar(f"{group}/{name}", value)
        writer.flush()

    def images(self, step: int, pictures: dict[str, np.ndarray]) -> None:
        """Log pictures, uint8 (height, width, 3) each."""
        writer = self._open()
        if writer is None:
            folder = self.out / "pictures"
            folder.mkdir(parents=True, exist_ok=True)
            for name, picture in pictures.items():
                Image.fromarray(picture).save(folder / f"{step}_{name.replace('/', '_')}.png")
            return
        with writer.as_default(step):
            for name, picture in pictures.items():
                self._tf.summary.image(name, picture[None])
        writer.flush()
