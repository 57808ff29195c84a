"""What a model has to bring along to be trained: the protocol between tasks and the trainer."""

from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np


class Task(Protocol):
    """One model, its data, its loss and its validation.

    Everything random must depend on the run's seed and the step alone: then a resumed run repeats
    what the uninterrupted one would have done. Random layers of the model (dropout, noise) need
    nothing: the trainer seeds their generators in each step, on each replica another way. For other
    noise, put a seed into the batch: an array of dtype uint32 and shape (2,) is taken for one.

    Attributes:
        calibrated: `calibrate` is not wanted, since the weights were loaded.
        examples: number of pictures that make an epoch (optional; without it runs are measured in
            steps alone).
        threads: how many threads may call `batch` at once (optional; by default one).
    """

    calibrated: bool

    def build(self) -> keras.Model:
        """Return the model, built, with the same variables' paths each time."""

    def batch(self, step: int) -> tuple[np.ndarray, ...]:
        """Return what the loss of `step` takes. Called from other threads, ahead of time.

        Of several replicas each gets an even share of every array's first axis, and of a seed
        (uint32 of shape (2,)) one of its own.
        """

    def scalars(self, step: int) -> np.ndarray:
        """Return the schedule values that the loss of `step` takes."""

    def loss(
        self, model: keras.Model, batch, scalars, *, rounded_rate: bool = False
    ) -> tuple[Any, dict[str, Any]]:
        """Return the loss, a mean over the examples, and scalars to log.

        Written in `keras.ops`. Regularisation losses of the model's layers are added to it.
        """

    def calibrate(self, model: keras.Model) -> None:
        """Set what an untrained model takes from data."""

    def validate(
        self, forward: Callable[..., dict[str, Any]]
    ) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Return results, one of them the ``objective`` (less is better), and pictures to look at.

        Args:
            forward: function of the model's inputs, arrays, to its outputs, without noise.
        """


class PlainTask:
    """Base of tasks that have no schedule but the learning rate's, and take nothing from data."""

    calibrated = True

    def scalars(self, step: int) -> np.ndarray:
        """There is no schedule."""
        return np.float32(0.0)

    def calibrate(self, model: keras.Model) -> None:
        """Nothing to do."""
