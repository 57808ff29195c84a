"""TensorBoard logs: curves and pictures of a run."""

from pathlib import Path

import numpy as np


class Board:
    """Writes event files for TensorBoard; does nothing on a machine without TensorFlow.

    Args:
        folder: of the event files; made on the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer = None

    def _open(self):
        if self._writer is None:
            try:
                import tensorflow as tf
            except ImportError:
                return None
            self._tf = tf
            self._writer = tf.summary.create_file_writer(str(self.folder))
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
            return
        with writer.as_default(step):
            for name, picture in pictures.items():
                self._tf.summary.image(name, picture[None])
        writer.flush()
