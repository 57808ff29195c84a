"""One training step on the backend that Keras runs on: TensorFlow or JAX.

Tasks and models are written in `keras.ops`, and the mathematics of a step is in
`aeimage.training.step`; what differs between backends is how gradients are taken, how functions
are compiled and where the weights live. An engine hides that. Weights, moments and moving average
stay on the device from step to step; the model's variables are only a place to put weights for
validation.

    engine.put(batch, scalars, seed, step)  the inputs of a step, on the device
    engine.train(inputs, rate, step, rounded)   one step; returns the loss and its parts
    engine.average(share)                   move the moving average towards the weights
    engine.fetch(logs)                      numbers of several steps as floats
    engine.read(), engine.write(arrays)     all of it by name, as in a checkpoint
    engine.show_average()                   puts the averaged weights into the model's variables
    engine.forward(*inputs)                 evaluates the model with what its variables hold
"""

from collections import deque
from typing import Any

import keras
import numpy as np

from aeimage.errors import UsageError
from aeimage.training.arrays import from_arrays, to_arrays
from aeimage.training.step import Step, averaged

STEPS_AHEAD = 4


def make_engine(task: Any, model: keras.Model, *, clip_norm: float = 1.0, strategy: Any = None):
    """Return the engine of the current Keras backend.

    Args:
        task, model: see `aeimage.training.task`.
        clip_norm: largest norm of the gradient.
        strategy: a `tf.distribute.Strategy`; None for one device.

    Raises:
        UsageError: the backend is neither TensorFlow nor JAX.
    """
    step = Step(task, model, clip_norm)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from aeimage.training.distribution import TensorFlowEngine

        return TensorFlowEngine(step, strategy)
    if backend == "jax":
        return JaxEngine(step)
    raise UsageError.for_value("KERAS_BACKEND", "tensorflow or jax", backend)


class JaxEngine:
    """Jitted steps of JAX on one device, whose state is updated in place.

    Args:
        step: the mathematics.
    """

    replicas, chief, several = 1, True, False

    def __init__(self, step: Step) -> None:
        import jax

        self._jax, self.maths = jax, step
        self._steps = {
            rounded: jax.jit(self._compute(rounded), donate_argnums=0) for rounded in (False, True)
        }
        self._averaged = jax.jit(averaged, donate_argnums=0)
        self._forward = jax.jit(self._evaluate)
        self._state = self._average = None
        self._running: deque = deque()

    def _compute(self, rounded: bool):
        jax, step = self._jax, self.maths

        def gradient_of(loss, pieces):
            (_, beside), gradients = jax.value_and_grad(loss, has_aux=True)(pieces)
            return beside, gradients

        def compute(state, batch, scalars, seeds, rate):
            return step.update(
                state,
                batch,
                scalars,
                seeds,
                rate,
                rounded=rounded,
                gradient_of=gradient_of,
                mean=lambda vector: vector,
            )

        return compute

    def _evaluate(self, values, *inputs):
        model = self.maths.model
        with keras.StatelessScope(state_mapping=zip(model.variables, values, strict=True)):
            return dict(model(*inputs, training=False))

    def put(self, batch, scalars, seed: int, step: int):
        """Send the inputs of a step to the device; returns at once."""
        return self._jax.device_put((tuple(batch), scalars, self.maths.seeds(seed, step)))

    def train(self, inputs, rate: float, step: int, rounded: bool) -> dict[str, Any]:
        """Take one step."""
        rate = self.maths.step_size(rate, step)
        self._state, logs = self._steps[bool(rounded)](self._state, *inputs, rate)
        # Steps queue up on the device, each with its batch: not too many of them.
        self._running.append(logs["loss"])
        if len(self._running) > STEPS_AHEAD:
            self._jax.block_until_ready(self._running.popleft())
        return logs

    def average(self, share: float) -> None:
        """Move the moving average by `share` of its distance to the weights."""
        self._average = self._averaged(self._average, self._state.weights, np.float32(share))

    def fetch(self, logs: list[dict]) -> list[dict[str, float]]:
        """Return logs of several steps as floats; waits for the last."""
        return [{k: float(v) for k, v in row.items()} for row in self._jax.device_get(logs)]

    def read(self) -> dict[str, np.ndarray]:
        """Return everything that a checkpoint holds."""
        return to_arrays(self.maths, *self._jax.device_get((self._state, self._average)))

    def write(self, arrays: dict[str, np.ndarray] | None = None) -> None:
        """Start from a checkpoint's arrays, or from what the model's variables hold."""
        self._state, self._average = self._jax.device_put(from_arrays(self.maths, arrays))

    def show_average(self) -> None:
        """Put the averaged weights into the model's variables."""
        average, fixed = self._jax.device_get((self._average, self._state.fixed))
        self.maths.weights.assign(average)
        self.maths.fixed.assign(fixed)

    def forward(self, *inputs) -> dict[str, np.ndarray]:
        """Evaluate the model without noise, with what its variables hold."""
        output = self._forward([v.value for v in self.maths.model.variables], *inputs)
        return {name: np.asarray(value) for name, value in output.items()}

    def any(self, flag: bool) -> bool:
        """Return whether a worker has raised its flag; there is only this one."""
        return flag

    def of_chief(self, value: np.ndarray) -> np.ndarray:
        """Return what the chief passed; there is nobody else."""
        return value
