"""Training with TensorFlow: on one device, several of one machine, or several machines.

The same loop for all: `tf.distribute.Strategy.run` calls the step once a replica, on an even share
of the global batch; `all_reduce` makes the mean of their gradients, after which every replica
updates its own copy of the weights in the same way. Nothing is a distributed variable: the state
of a replica is a few vectors that go into a step and come out of it (`aeimage.training.step`).

- The batch of a step is the same for any number of replicas: each worker draws all of it and keeps
  its share. So are gradients and, up to rounding, losses, while there is no noise.
- Noise differs from replica to replica: generators and seeds get the replica's number folded in.
  Replica 0 draws what a single device would, though for its own share.
- Over several machines (`TF_CONFIG`), worker 0 is the chief: what it starts with, checkpoint
  included, is sent to all, and it alone writes.
- A worker that dies breaks the connection that the others wait on: they end with
  `WorkerLostError`.
"""

import contextlib
from typing import Any

import numpy as np
import tensorflow as tf

from aeimage.errors import UsageError, WorkerLostError
from aeimage.training.arrays import from_arrays, to_arrays
from aeimage.training.step import Step, averaged

# What TensorFlow raises where a collective operation loses a peer.
LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


class TensorFlowEngine:
    """Graph steps of TensorFlow. See `aeimage.training.engines` for what an engine does.

    Args:
        step: the mathematics.
        strategy: where to run; None for one device.
    """

    def __init__(self, step: Step, strategy: tf.distribute.Strategy | None = None) -> None:
        self.maths = step
        self._strategy = strategy = strategy or tf.distribute.get_strategy()
        self._steps: dict[bool, Any] = {}
        self._state = self._average = None
        self.replicas = strategy.num_replicas_in_sync
        resolver = getattr(strategy, "cluster_resolver", None)
        spec = resolver.cluster_spec().as_dict() if resolver else {}
        self.several = sum(map(len, spec.values())) > 1
        self.chief = not self.several or is_chief(resolver.task_type, resolver.task_id, spec)
        self._averaged = self._on_each(averaged)
        self._total = self._on_each(_total)
        model = step.model
        self._forward = tf.function(
            lambda *inputs: dict(model(*inputs, training=False)), reduce_retracing=True
        )

    def _on_each(self, function):
        """Return a graph that calls `function` on each replica."""
        # Without AutoGraph, which would rewrite Keras's code statement by statement: steps are
        # written in `keras.ops` and have nothing to convert.
        return tf.function(
            lambda *args: self._strategy.run(function, args=args),
            autograph=False,
        )

    def _compute(self, rounded: bool):
        step, replicas = self.maths, self.replicas

        def gradient_of(loss, pieces):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(pieces)
                value, beside = loss(pieces)
            zero = tf.UnconnectedGradients.ZERO
            gradients = tape.gradient(value, pieces, unconnected_gradients=zero)
            return beside, [tf.convert_to_tensor(g) for g in gradients]

        def mean(vector):
            return _total(vector) / replicas if replicas > 1 else vector

        def compute(state, batch, scalars, seeds, rate):
            return step.update(
                state,
                batch,
                scalars,
                seeds,
                rate,
                rounded=rounded,
                gradient_of=gradient_of,
                mean=mean,
            )

        return self._on_each(compute)

    def _local(self, value):
        """Return the first of this worker's replicas' values."""
        return tf.nest.map_structure(
            lambda v: self._strategy.experimental_local_results(v)[0],
            value,
            expand_composites=False,
        )

    def _spread(self, value_of):
        """Give each replica a value: `value_of(replica)`, a nest of arrays."""
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.nest.map_structure(
                tf.constant, value_of(context.replica_id_in_sync_group)
            )
        )

    def put(self, batch, scalars, seed: int, step: int):
        """Cut the inputs of a step into the replicas' shares."""

        def inputs(replica: int):
            share = tuple(share_of(array, replica, self.replicas) for array in batch)
            return share, scalars, self.maths.seeds(seed, step, replica)

        return self._spread(inputs)

    def train(self, inputs, rate: float, step: int, rounded: bool) -> dict[str, Any]:
        """Take one step."""
        rate = tf.constant(self.maths.step_size(rate, step))
        if rounded not in self._steps:
            self._steps[rounded] = self._compute(rounded)
        with self._watching():
            self._state, logs = self._steps[rounded](self._state, *inputs, rate)
        return self._local(logs)

    def average(self, share: float) -> None:
        """Move the moving average by `share` of its distance to the weights."""
        share = tf.constant(share, tf.float32)
        self._average = self._averaged(self._average, self._state.weights, share)

    def fetch(self, logs: list[dict]) -> list[dict[str, float]]:
        """Return logs of several steps as floats; waits for the last."""
        with self._watching():
            return [{k: float(v) for k, v in row.items()} for row in logs]

    def read(self) -> dict[str, np.ndarray]:
        """Return everything that a checkpoint holds."""
        held = tf.nest.map_structure(np.asarray, self._local((self._state, self._average)))
        return to_arrays(self.maths, *held)

    def write(self, arrays: dict[str, np.ndarray] | None = None) -> None:
        """Start from a checkpoint's arrays, or from what the model's variables hold.

        With several workers: from what the chief has.
        """
        held = from_arrays(self.maths, arrays)
        flat = tf.nest.flatten(held)
        sent = self.of_chief(np.concatenate([array.reshape(-1) for array in flat]))
        pieces = np.split(sent, np.cumsum([array.size for array in flat])[:-1])
        held = tf.nest.pack_sequence_as(held, pieces)
        self._state, self._average = self._spread(lambda replica: held)

    def of_chief(self, value: np.ndarray) -> np.ndarray:
        """Return the chief's value, floats of any shape; all must ask."""
        if not self.several:
            return value
        zeros = np.zeros_like(value)
        values = self._spread(lambda replica: value if self.chief and replica == 0 else zeros)
        with self._watching():
            return np.asarray(self._local(self._total(values)))

    def any(self, flag: bool) -> bool:
        """Return whether a worker has raised its flag; all must ask."""
        if not self.several:
            return flag
        flags = self._spread(lambda replica: np.float32(flag))
        with self._watching():
            return float(self._local(self._total(flags))) > 0.0

    def show_average(self) -> None:
        """Put the averaged weights into the model's variables."""
        average, fixed = self._local((self._average, self._state.fixed))
        self.maths.weights.assign(np.asarray(average))
        self.maths.fixed.assign(np.asarray(fixed))

    def forward(self, *inputs) -> dict[str, Any]:
        """Evaluate the model without noise, with what its variables hold."""
        return self._forward(*map(tf.constant, inputs))

    @contextlib.contextmanager
    def _watching(self):
        """Say what happened if another worker is gone."""
        try:
            yield
        except LOST as error:
            if not self.several:
                raise
            raise WorkerLostError.because(str(error)) from error


def _total(vector):
    """Return the sum over all replicas; called on a replica."""
    # An argument of a graph is on no device yet, which `all_reduce` takes amiss: hence a copy.
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(vector))


def is_chief(task_type: str, task_id: int, cluster: dict) -> bool:
    """Return whether a worker of a cluster is the one that writes: its `chief`, else worker 0."""
    return task_type == "chief" or ("chief" not in cluster and task_id == 0)


def share_of(array: np.ndarray, replica: int, replicas: int) -> np.ndarray:
    """Return a replica's share of an entry of a batch.

    Args:
        array: an array over examples, or a seed: uint32 of shape (2,).
        replica: which one, from 0.
        replicas: how many there are.

    Returns:
        the share: of examples, those from ``replica / replicas`` on; of a seed, another seed for
        each replica, the same one for replica 0.

    Raises:
        UsageError: the examples cannot be shared out evenly.
    """
    if array.dtype == np.uint32 and array.shape == (2,):
        if replica == 0:
            return array
        return np.random.SeedSequence((*array.tolist(), replica)).generate_state(2)
    if replicas == 1:
        return array
    if len(array) % replicas:
        raise UsageError.for_value(
            "batch_size", f"a multiple of the number of replicas, {replicas}", len(array)
        )
    count = len(array) // replicas
    return array[replica * count : (replica + 1) * count]
