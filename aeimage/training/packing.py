"""All variables of a model in one vector.

A step that works on one long vector instead of hundreds of small arrays updates it with a handful
of operations, sends it to other devices in one message, and takes its norm in one sum.
"""

from collections.abc import Sequence

import numpy as np
from keras import ops


class Packing:
    """Lays arrays of fixed shapes end to end.

    Args:
        variables: Keras variables of floats. Their order is the layout.
    """

    def __init__(self, variables: Sequence) -> None:
        self.variables = list(variables)
        self.shapes = [tuple(v.shape) for v in self.variables]
        self._ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes], dtype=int).tolist()

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self._ends[-1] if self._ends else 0

    def pack(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """Return arrays, one a variable, as a vector: float32 (size,)."""
        flat = [np.zeros(0), *(np.asarray(a).reshape(-1) for a in arrays)]
        return np.concatenate(flat).astype("float32")

    def unpack(self, vector: np.ndarray) -> list[np.ndarray]:
        """Return views of a vector, one a variable, each of the variable's shape."""
        pieces = np.split(vector, self._ends)[:-1] if self._ends else []
        return [piece.reshape(shape) for piece, shape in zip(pieces, self.shapes, strict=True)]

    def values(self) -> np.ndarray:
        """Return what the variables hold, as a vector."""
        return self.pack([ops.convert_to_numpy(v.value) for v in self.variables])

    def assign(self, vector: np.ndarray) -> None:
        """Put a vector into the variables."""
        for variable, value in zip(self.variables, self.unpack(vector), strict=True):
            variable.assign(value)

    def split(self, vector) -> list:
        """Return a tensor's pieces, each of its variable's shape; for use within a step."""
        if not self._ends:
            return []
        pieces = ops.split(vector, self._ends[:-1])
        return [ops.reshape(piece, shape) for piece, shape in zip(pieces, self.shapes, strict=True)]

    def join(self, tensors: Sequence):
        """Return tensors, one a variable, as one of shape (size,); the inverse of `split`."""
        if not self._ends:
            return ops.zeros((0,))
        return ops.concatenate([ops.reshape(ops.cast(t, "float32"), (-1,)) for t in tensors])
