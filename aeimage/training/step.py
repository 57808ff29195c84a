"""One training step as a function of arrays, the same on every backend and number of devices.

    pieces of the weights ── model, loss ──> gradient of this replica's part of the batch
                                                  │ mean over all replicas
                                                  v
                      weights, moments <── Adam, clipped to the norm of the whole gradient

What differs between backends, `gradient_of` and `mean`, is passed in by an engine.

Adam: Kingma and Ba, 2015. Loss scaling for float16: Micikevicius et al., 2018.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from aeimage.training.packing import Packing

BETA_1, BETA_2, EPSILON = 0.9, 0.99, 1e-7
FIRST_SCALE, LARGEST_SCALE = 2.0**15, 2.0**24
STEPS_TO_DOUBLE = 2000
SEEDS = "seed_generator_state"


class State(NamedTuple):
    """What a step changes; vectors are float32.

    Attributes:
        weights: what is trained, packed.
        momentum, velocity: running means of the gradient and of its square.
        fixed: variables that are not trained but may be updated by the model (running means of
            batch normalisation, frozen layers), packed.
        scaling: (loss scale, steps since it changed); used with float16 alone.
    """

    weights: Any
    momentum: Any
    velocity: Any
    fixed: Any
    scaling: Any


class Step:
    """The mathematics of a step of one task.

    Args:
        task: see `aeimage.training.task.Task`.
        model: its model, built.
        clip_norm: largest norm of the gradient; a longer one is shortened to it.
    """

    def __init__(self, task, model: keras.Model, clip_norm: float) -> None:
        self.task, self.model, self.clip_norm = task, model, clip_norm
        self.weights = Packing(model.trainable_variables)
        others = model.non_trainable_variables
        self.fixed = Packing([v for v in others if "float" in v.dtype])
        self.generators = [v for v in others if v.path.endswith(SEEDS) and tuple(v.shape) == (2,)]
        self.scales_loss = model.compute_dtype == "float16"

    def initial_state(self) -> State:
        """Return the state of a run that starts with what the model's variables hold."""
        weights = self.weights.values()
        scaling = np.array([FIRST_SCALE, 0.0], "float32")
        zeros = np.zeros_like(weights)
        return State(weights, zeros, zeros.copy(), self.fixed.values(), scaling)

    def seeds(self, seed: int, step: int, replica: int = 0) -> np.ndarray:
        """Return states of the model's random generators, uint32 (generators, 2).

        They depend on the run's seed, the step and the replica alone, so that a resumed run draws
        what the uninterrupted one would have drawn, and no replica the noise of another.
        """
        sequence = np.random.SeedSequence((seed, step, replica))
        return sequence.generate_state(2 * len(self.generators)).reshape(-1, 2)

    def step_size(self, learning_rate: float, step: int) -> np.ndarray:
        """Return Adam's step size at `step`, corrected for the moments' start at zero."""
        done = step + 1
        correction = math.sqrt(1.0 - BETA_2**done) / (1.0 - BETA_1**done)
        return np.float32(learning_rate * correction)

    def loss(self, pieces, state: State, batch, scalars, seeds, rounded: bool):
        """Return the loss to differentiate, and (its parts, new values of `fixed` by number).

        Args:
            pieces: the weights, as `Packing.split` returns them: what to differentiate by.
            state: the rest of the state.
            batch, scalars: of the task.
            seeds: see `seeds`.
            rounded: passed on to the task's loss.
        """
        mapping = [
            *zip(self.weights.variables, pieces, strict=True),
            *zip(self.fixed.variables, self.fixed.split(state.fixed), strict=True),
            *((v, ops.cast(seeds[i], v.dtype)) for i, v in enumerate(self.generators)),
        ]
        with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
            before = [scope.get_current_value(v) for v in self.fixed.variables]
            loss, parts = self.task.loss(self.model, batch, scalars, rounded_rate=rounded)
            extra = self.model.losses
            after = [scope.get_current_value(v) for v in self.fixed.variables]
        moved = {i: new for i, new in enumerate(after) if new is not before[i]}
        parts = dict(parts)
        if extra:
            parts["regularisation"] = sum(ops.cast(value, "float32") for value in extra)
            loss = loss + parts["regularisation"]
        parts = {"loss": loss, **parts}
        return (loss * state.scaling[0] if self.scales_loss else loss), (parts, moved)

    def update(
        self,
        state: State,
        batch,
        scalars,
        seeds,
        rate,
        *,
        rounded: bool,
        gradient_of: Callable,
        mean: Callable,
    ):
        """Take one step.

        Args:
            state: before the step.
            batch, scalars, seeds, rounded: see `loss`.
            rate: see `step_size`.
            gradient_of: function (loss function of pieces, pieces) to (what the loss function
                returns beside the loss, gradients of the pieces).
            mean: function of a vector to its mean over all replicas.

        Returns:
            the state after the step, and a dict of scalars to log.
        """
        pieces = self.weights.split(state.weights)
        (parts, moved), gradients = gradient_of(
            lambda weights: self.loss(weights, state, batch, scalars, seeds, rounded), pieces
        )
        # One message for everything that replicas have to tell each other.
        numbers = Packing([*self.weights.variables, *(self.fixed.variables[i] for i in moved)])
        names = list(parts)
        logged = ops.stack([ops.cast(parts[name], "float32") for name in names])
        sent = ops.concatenate([numbers.join([*gradients, *moved.values()]), logged])
        gradient, changed, logged = ops.split(mean(sent), [self.weights.size, numbers.size])
        logs = {name: logged[i] for i, name in enumerate(names)}
        fixed = self._moved(state.fixed, moved, changed)
        if self.scales_loss:
            gradient = gradient / state.scaling[0]
        norm = ops.sqrt(ops.sum(ops.square(gradient)))
        logs["gradient_norm"] = norm
        gradient = gradient * (self.clip_norm / ops.maximum(norm, self.clip_norm))
        momentum = state.momentum + (gradient - state.momentum) * (1.0 - BETA_1)
        velocity = state.velocity + (ops.square(gradient) - state.velocity) * (1.0 - BETA_2)
        weights = state.weights - rate * momentum / (ops.sqrt(velocity) + EPSILON)
        new = State(weights, momentum, velocity, fixed, state.scaling)
        return self._scaled(state, new, logs) if self.scales_loss else (new, logs)

    def _moved(self, fixed, moved: dict, changed):
        """Return `fixed` with the values of the variables in `moved` taken from `changed`."""
        if not moved:
            return fixed
        pieces = self.fixed.split(fixed)
        values = Packing([self.fixed.variables[i] for i in moved]).split(changed)
        for number, value in zip(moved, values, strict=True):
            pieces[number] = value
        return self.fixed.join(pieces)

    def _scaled(self, old: State, new: State, logs: dict):
        """Undo a step whose gradients left the range of float16, and adapt the loss scale."""
        fits = ops.isfinite(logs["gradient_norm"])
        kept = State(
            *(ops.where(fits, after, before) for before, after in zip(old, new, strict=True))
        )
        scale, calm = old.scaling[0], old.scaling[1] + 1.0
        grow = calm >= STEPS_TO_DOUBLE
        grown = ops.where(grow, ops.minimum(scale * 2.0, LARGEST_SCALE), scale)
        scale = ops.where(fits, grown, ops.maximum(scale * 0.5, 1.0))
        calm = ops.where(ops.logical_or(grow, ops.logical_not(fits)), 0.0, calm)
        logs = {**logs, "gradient_norm": ops.where(fits, logs["gradient_norm"], 0.0)}
        logs["skipped"] = 1.0 - ops.cast(fits, "float32")
        return kept._replace(scaling=ops.stack([scale, calm])), logs


def averaged(average, weights, share):
    """Return the moving average after it moved `share` of the way towards the weights."""
    return average + (weights - average) * share
