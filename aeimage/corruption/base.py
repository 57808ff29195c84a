"""What all corruption layers share: parameters with ranges, stateless seeds, gates per picture.

Random numbers come from a seed of two whole numbers and nothing else. Give `seed=(run, example)`
and a picture gets the same damage in every run, on every replica and after every resume, in
whatever order a pipeline works; give none and the layer draws a new seed at every call from its own
`keras.random.SeedGenerator`, with the replica's number folded in under `tf.distribute`.

In `tf.data`, number the examples and seed by the number; layers that draw their own seeds there
give correlated noise (TensorFlow #59496) and no reproducible order:

    damage = ScanDamage()

    def worn(index, page):  # page: float32 (height, width, channels)
        return damage(page[None], seed=tf.stack([run_seed, tf.cast(index, tf.int32)]))[0]

    pages.enumerate().map(worn, num_parallel_calls=tf.data.AUTOTUNE)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from aeimage.errors import UsageError

RangeLike = float | Sequence[float]


@dataclass(frozen=True)
class Range:
    """A physical parameter: drawn evenly from low…high for each picture.

    Attributes:
        low: smallest value.
        high: largest value; the same as `low` for a constant.
        log: draw the logarithm evenly instead (a scale parameter over several octaves).
        power: of the even draw, before it is scaled to low…high: above 1, low values are likelier.
            Without effect on logarithms.
    """

    low: float
    high: float
    log: bool = False
    power: float = 1.0

    def at(self, quantile):
        """Return the value at `quantile`, a number or tensor from 0 to 1."""
        if self.low == self.high:
            return ops.zeros_like(quantile) + self.low
        if self.log:
            return self.low * ops.exp(quantile * float(np.log(self.high / self.low)))
        if self.power != 1.0:
            quantile = ops.power(quantile, self.power)
        return self.low + quantile * (self.high - self.low)

    @property
    def config(self) -> float | list[float]:
        """What a constructor takes: a number or [low, high]."""
        return self.low if self.low == self.high else [self.low, self.high]


class _GivenSeed(keras.random.SeedGenerator):
    """Hands a tensor to `keras.random`, which takes whole numbers and generators only."""

    def __init__(self, seed):
        self._given = seed

    def next(self, ordered=True):
        dtype = "uint32" if keras.backend.backend() == "jax" else "int32"
        return ops.cast(self._given, dtype)


def fold_in(seed, number):
    """Return the seed of stream `number` of `seed`.

    Args:
        seed: two whole numbers: a sequence, or an integer tensor of shape (2,).
        number: which stream: an int or an integer tensor of shape ().

    Returns:
        int32 tensor of shape (2,). The generators behind `keras.random` (Philox, Threefry) make
        independent streams of any two seeds that differ. The halves swap places, so that stream 1
        of stream 2 is not stream 2 of stream 1.
    """
    if not isinstance(seed, np.ndarray) and isinstance(seed, Sequence):
        seed = np.asarray(seed, "int64").astype("uint32").view("int32")
    seed = ops.cast(ops.convert_to_tensor(seed), "int32")
    # Large odd constants: seeds are often small numbers that count up.
    steps = ops.convert_to_tensor(np.array([0x2545F491, -0x61C88647], "int32"))
    return ops.flip(seed) + (ops.cast(number, "int32") + 1) * steps


def replica_seed(seed):
    """Return `seed` with the number of the replica that calls folded in.

    Under `tf.distribute` all replicas run one program: the same seed would give them the same
    noise. In the first replica, outside of any, and on JAX (where one program sees the whole batch)
    the seed stays what it is.

    Args:
        seed: integer tensor of shape (2,).
    """
    if keras.backend.backend() != "tensorflow":
        return seed
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return seed
    number = ops.cast(context.replica_id_in_sync_group, "int32")
    steps = np.array([0x3C6EF372, 0x1B873593], "int32")
    return ops.cast(seed, "int32") + number * steps


class Draws:
    """Random numbers for one call of a layer: each method call is a stream of its own.

    Args:
        seed: two whole numbers; the streams are told apart by counting from it.
        shape: of the pictures: batch, height, width, channels.
    """

    def __init__(self, seed, shape):
        self._seed = seed
        self._count = 0
        self.shape = shape

    def _next(self) -> _GivenSeed:
        self._count += 1
        return _GivenSeed(fold_in(self._seed, self._count))

    def fork(self) -> Draws:
        """Return draws for a part of the work, independent of these."""
        self._count += 1
        return Draws(fold_in(self._seed, self._count), self.shape)

    def seeds(self, count: int):
        """Return seeds for `count` parts of the work: int32 (count, 2)."""
        self._count += 1
        seed = fold_in(self._seed, self._count)
        return ops.stack([fold_in(seed, i) for i in range(count)])

    def uniform(self, *shape):
        """Return float32 numbers, even in [0, 1)."""
        return keras.random.uniform(shape, dtype="float32", seed=self._next())

    def normal(self, *shape):
        """Return float32 numbers of mean 0 and variance 1."""
        return keras.random.normal(shape, dtype="float32", seed=self._next())

    def per_picture(self, *ranges: Range) -> list:
        """Draw parameters for each picture: a list of tensors of shape (batch, 1, 1, 1)."""
        quantiles = self.uniform(len(ranges), self.shape[0], 1, 1, 1)
        return [r.at(quantiles[i]) for i, r in enumerate(ranges)]

    def chance(self, probability: float):
        """Return which pictures are chosen: bool (batch, 1, 1, 1)."""
        return self.uniform(self.shape[0], 1, 1, 1) < probability


class Corruption(keras.layers.Layer):
    """Base of all layers that damage pictures on purpose.

    `layer(images, seed=None)` takes and returns float32 (batch, height, width, channels) with 1 or
    3 channels and levels 0…255 (integers are converted). Damage is the point of the layer: it is
    done whenever the layer is called, training or not. Results are not clipped and not rounded
    unless a layer says so, because noise is added to light and not to files: a sensor clips last.

    Subclasses implement `damage(images, draws)` and declare parameters with `self.ranged`.
    They compute in float32 under every dtype policy, and are written in `keras.ops`, so that they
    run alone, in a model on TensorFlow or JAX, and in `tf.data.Dataset.map`.

    Args:
        probability: share of the pictures that are damaged, 0…1; drawn for each picture.
        seed: start of the layer's own generator, used by calls without a seed. None: arbitrary.
    """

    def __init__(self, probability: float = 1.0, seed: int | None = None, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32", "autocast": False})
        if not 0.0 <= probability <= 1.0:
            raise UsageError.for_value("probability", "a number from 0 to 1", probability)
        self.probability = float(probability)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._ranges: dict[str, Range] = {}
        self.supports_masking = True

    def ranged(
        self,
        name: str,
        value: RangeLike,
        *,
        minimum: float = -np.inf,
        maximum: float = np.inf,
        log: bool = False,
        power: float = 1.0,
    ) -> Range:
        """Check a parameter, a number or (low, high), and remember it for `get_config`.

        Raises:
            UsageError: it is neither, or leaves minimum…maximum.
        """
        try:
            low, high = map(float, value if isinstance(value, Sequence) else (value, value))
        except (TypeError, ValueError):
            low = high = np.nan
        if not minimum <= low <= high <= maximum:
            limits = f" within {minimum:g} to {maximum:g}"
            raise UsageError.for_value(name, f"a number or (low, high){limits}", value)
        self._ranges[name] = Range(low, high, log and low > 0.0, power)
        return self._ranges[name]

    def build(self, *shapes, **named_shapes):
        self.built = True

    def call(self, images, seed=None):
        images = ops.cast(images, "float32")
        if self.probability == 0.0:
            return images
        draws = Draws(self.given_or_next(seed), ops.shape(images))
        if self.probability == 1.0:
            return self.damage(images, draws)
        chosen = draws.chance(self.probability)
        return ops.cond(
            ops.any(chosen),
            lambda: ops.where(chosen, self.damage(images, draws), images),
            lambda: images,
        )

    def given_or_next(self, seed):
        """Return `seed`, or the next of the layer's own, each replica's another, if it is None."""
        return replica_seed(self.seed_generator.next()) if seed is None else seed

    def damage(self, images, draws: Draws):
        """Return all pictures damaged.

        Args:
            images: float32 (batch, height, width, channels), levels 0…255.
            draws: where random numbers come from.
        """
        raise NotImplementedError

    def compute_output_shape(self, images_shape, seed_shape=None):
        return images_shape

    def get_config(self):
        config = super().get_config()
        config.pop("dtype", None)
        ranges = {name: r.config for name, r in self._ranges.items()}
        return {**config, **ranges, "probability": self.probability, "seed": self.seed}
