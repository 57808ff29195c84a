"""One training step on the backend that Keras runs on: TensorFlow or JAX.

Tasks and models are written in `keras.ops`; what differs between backends is how gradients are
taken and where the weights live. An engine hides both:

    engine.train(batch, scalars, rounded)   one step; returns the loss and its parts
    engine.forward(*inputs)                 one evaluation of the model on arrays
    engine.pull()                           afterwards the model's variables hold the weights
    engine.push()                           the model's variables were assigned to: take them up
"""

from typing import Any

import keras
import numpy as np

from aeimage.errors import UsageError


def make_engine(task: Any, model: keras.Model, optimizer: keras.optimizers.Optimizer):
    """Return the engine of the current Keras backend.

    Raises:
        UsageError: the backend is neither TensorFlow nor JAX.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return TensorFlowEngine(task, model, optimizer)
    if backend == "jax":
        return JaxEngine(task, model, optimizer)
    raise UsageError.for_value("KERAS_BACKEND", "tensorflow or jax", backend)


class TensorFlowEngine:
    """Graph steps of TensorFlow; the weights live in the model's variables."""

    def __init__(self, task, model, optimizer) -> None:
        import tensorflow as tf

        self._tf, self._task, self._model, self._optimizer = tf, task, model, optimizer
        self._steps: dict[bool, Any] = {}
        self._forward = tf.function(
            lambda *inputs: dict(model(*inputs, training=False)),
            reduce_retracing=True,
        )

    def _step(self, rounded: bool):
        tf = self._tf

        @tf.function(reduce_retracing=True)
        def step(batch, scalars):
            with tf.GradientTape() as tape:
                loss, parts = self._task.loss(self._model, batch, scalars, rounded_rate=rounded)
            variables = self._model.trainable_variables
            gradients = tape.gradient(loss, variables)
            norm = tf.linalg.global_norm(gradients)
            self._optimizer.apply(gradients, variables)
            return {"loss": loss, "gradient_norm": norm, **parts}

        return step

    def train(self, batch, scalars, rounded: bool) -> dict[str, Any]:
        """Take one step."""
        if rounded not in self._steps:
            self._steps[rounded] = self._step(rounded)
        constant = self._tf.constant
        return self._steps[rounded](tuple(map(constant, batch)), constant(scalars))

    def forward(self, *inputs):
        """Evaluate the model without noise."""
        return self._forward(*map(self._tf.constant, inputs))

    def pull(self) -> None:
        """Nothing to do: variables are current."""

    def push(self) -> None:
        """Nothing to do: variables are what is trained."""


class JaxEngine:
    """Jitted steps of JAX; between `push` and `pull` the weights live in arrays on the device."""

    def __init__(self, task, model, optimizer) -> None:
        import jax

        self._jax, self._task, self._model, self._optimizer = jax, task, model, optimizer
        trained = {id(v) for v in model.trainable_variables}
        self._fixed = [v for v in model.variables if id(v) not in trained]
        self._steps = {
            rounded: jax.jit(self._step(rounded), donate_argnums=(0, 1)) for rounded in (0, 1)
        }
        self._forward = jax.jit(self._evaluate)
        self._weights: list | None = None
        self._slots: list | None = None

    def _step(self, rounded: int):
        jax, model, optimizer = self._jax, self._model, self._optimizer

        def loss_of(weights, fixed, batch, scalars):
            mapping = [
                *zip(model.trainable_variables, weights, strict=True),
                *zip(self._fixed, fixed, strict=True),
            ]
            with keras.StatelessScope(state_mapping=mapping):
                return self._task.loss(model, batch, scalars, rounded_rate=bool(rounded))

        def step(weights, slots, fixed, batch, scalars):
            (loss, parts), gradients = jax.value_and_grad(loss_of, has_aux=True)(
                weights, fixed, batch, scalars
            )
            norm = jax.numpy.sqrt(sum((g.astype("float32") ** 2).sum() for g in gradients))
            weights, slots = optimizer.stateless_apply(slots, gradients, weights)
            return weights, slots, {"loss": loss, "gradient_norm": norm, **parts}

        return step

    def _evaluate(self, weights, fixed, *inputs):
        mapping = [
            *zip(self._model.trainable_variables, weights, strict=True),
            *zip(self._fixed, fixed, strict=True),
        ]
        with keras.StatelessScope(state_mapping=mapping):
            return dict(self._model(*inputs, training=False))

    def train(self, batch, scalars, rounded: bool) -> dict[str, Any]:
        """Take one step."""
        if self._weights is None:
            self.push()
        # The seed of the noise and the learning rate are set on the variables, step by step.
        rate = self._optimizer.learning_rate
        for place, variable in enumerate(self._optimizer.variables):
            if variable is rate or variable.path == rate.path:
                self._slots[place] = self._jax.numpy.copy(variable.value)
        fixed = [v.value for v in self._fixed]
        self._weights, self._slots, logs = self._steps[int(rounded)](
            self._weights, self._slots, fixed, batch, scalars
        )
        return logs

    def forward(self, *inputs):
        """Evaluate the model without noise, with the weights in its variables."""
        weights = [v.value for v in self._model.trainable_variables]
        output = self._forward(weights, [v.value for v in self._fixed], *inputs)
        return {name: np.asarray(value) for name, value in output.items()}

    def pull(self) -> None:
        """Copy weights and optimizer state to the variables."""
        if self._weights is None:
            return
        for variable, value in zip(self._model.trainable_variables, self._weights, strict=True):
            variable.assign(value)
        for variable, value in zip(self._optimizer.variables, self._slots, strict=True):
            variable.assign(value)

    def push(self) -> None:
        """Take weights and optimizer state from the variables."""
        # Copies: a step gives its arguments' memory back to the device.
        copy = self._jax.numpy.copy
        self._weights = [copy(v.value) for v in self._model.trainable_variables]
        self._slots = [copy(v.value) for v in self._optimizer.variables]
