"""What the trainer needs to know of autoencoders, and short trainings in memory."""

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from aeimage.errors import TrainingDivergedError, UsageError
from aeimage.models.autoencoder import Autoencoder
from aeimage.training.devices import PRECISIONS, choose_precision
from aeimage.training.engines import make_engine
from aeimage.training.feeding import ahead
from aeimage.training.schedules import warmup_cosine
from aeimage.training.task import PlainTask

SHOWN_PICTURES = 8
AT_A_TIME = 250


@dataclass
class PictureSampler:
    """Batches of pictures in memory: all of them in random order, then again in another.

    Args:
        pixels: uint8 (count, height, width, channels).
        batch_size: pictures a step; at most as many as there are of them.
        seed: of the order.
    """

    pixels: np.ndarray
    batch_size: int
    seed: int = 0
    _orders: dict[int, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    @property
    def pictures(self) -> np.ndarray:
        """What an epoch consists of."""
        return self.pixels

    def batch(self, step: int) -> np.ndarray:
        """Return the pictures of `step`, uint8 (batch_size, height, width, channels)."""
        count = len(self.pixels)
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs = places // count
        rows = [self._order(e)[places[epochs == e] % count] for e in np.unique(epochs)]
        return self.pixels[np.concatenate(rows)]

    def _order(self, epoch: int) -> np.ndarray:
        order = self._orders.get(epoch)
        if order is None:
            order = np.random.default_rng((self.seed, epoch)).permutation(len(self.pixels))
            # Of two epochs that meet in a batch, both are kept.
            self._orders = {
                **{e: o for e, o in self._orders.items() if e == epoch - 1},
                epoch: order,
            }
        return order


@dataclass
class AutoencoderTask(PlainTask):
    """Training of an autoencoder on pictures of one size.

    Args:
        model: to be trained, any of `aeimage.models`; in the dtype policy that it was made with.
        sampler: of uint8 pictures: `batch(step)`.
        validation: held-out pictures, uint8 (count, height, width, channels).
        seed: of the noise in validations; in training, the trainer's seed counts.
        threads: how many may call `sampler.batch` at once.
    """

    model: Autoencoder
    sampler: Any
    validation: np.ndarray
    seed: int = 0
    threads: int = 1

    @property
    def examples(self) -> int:
        """Pictures in an epoch."""
        return len(self.sampler.pictures)

    def build(self) -> Autoencoder:
        """Return the model, built."""
        self.model.build()
        return self.model

    def batch(self, step: int) -> tuple[np.ndarray]:
        """Return the pictures of `step`."""
        return (self.sampler.batch(step),)

    def loss(self, model, batch, scalars, *, rounded_rate: bool = False):
        (pixels,) = batch
        return model.objective(keras.ops.cast(pixels, "float32") / 255.0)

    def validate(self, forward) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Return the objective on held-out pictures, its parts, and the MSE of reconstructions.

        The noise is the same in every validation.
        """
        rows, errors, counts, pictures = [], [], [], {}
        for start in range(0, len(self.validation), AT_A_TIME):
            pixels = self.validation[start : start + AT_A_TIME].astype("float32") / 255.0
            loss, parts = self.model.objective(pixels, training=False, seed=(self.seed, start))
            rows.append({"objective": float(loss), **{k: float(v) for k, v in parts.items()}})
            restored = np.asarray(forward(pixels)["pixels"])
            errors.append(float(np.mean(np.square(restored - pixels))))
            counts.append(len(pixels))
            if start == 0:
                pictures["pictures_and_reconstructions"] = _pairs(pixels, restored)
        mean = {
            name: float(np.average([r[name] for r in rows], weights=counts)) for name in rows[0]
        }
        return {**mean, "mse": float(np.average(errors, weights=counts))}, pictures


def fit(
    model: Autoencoder,
    pixels: np.ndarray,
    *,
    steps: int,
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    seed: int = 0,
    precision: str | None = None,
    report=None,
    sampler: Any = None,
) -> None:
    """Train a model on pictures in memory, in place; nothing is written.

    Adam with warm-up and cosine decay; the model ends with the moving average of its weights, as
    after `aeimage train`. The same seed gives the same weights, up to rounding.

    Args:
        model: to be trained; goes on from the weights it has.
        pixels: uint8 (count, height, width, channels).
        steps: to take.
        batch_size: pictures a step; fewer where there are not so many.
        learning_rate: at its peak.
        seed: of the order and of all noise.
        precision: "float32", "mixed_bfloat16", "mixed_float16", or "auto" for what is fast on this
            machine; None: as the model was made. Weights are float32 in any case.
        report: function that takes a line of text every hundred steps.
        sampler: takes the place of `pixels`: an object whose `batch(step)` gives pictures.

    Raises:
        UsageError: the pictures are not of the model's shape, or an argument makes no sense.
        TrainingDivergedError: the loss is no finite number any more.
    """
    if sampler is None:
        _check_pixels(model, pixels)
        sampler = PictureSampler(pixels, min(batch_size, len(pixels)), seed)
    model.build()
    trained = model
    if precision is not None:
        if precision not in PRECISIONS:
            raise UsageError.for_value("precision", f"one of {', '.join(PRECISIONS)}", precision)
        policy = choose_precision(precision, "mixed_bfloat16")
        trained = type(model).from_config({**model.get_config(), "dtype": policy})
        trained.build()
        trained.set_weights(model.get_weights())
    task = AutoencoderTask(trained, sampler, np.empty((0, *model.shape), np.uint8), seed)
    engine = make_engine(task, trained)
    engine.write()
    warmup = min(200, steps // 10)
    logs = []
    for step, batch in enumerate(ahead(task.batch, 0, steps)):
        inputs = engine.put(batch, task.scalars(step), seed, step)
        rate = warmup_cosine(step, total=steps, peak=learning_rate, floor=0.0, warmup=warmup)
        logs.append(engine.train(inputs, rate, step, False))
        if (step + 1) % 10 == 0 or step + 1 == steps:
            # A young average forgets its start faster; the last steps alone count in the end.
            engine.average(1.0 - min(0.99, (1.0 + step / 10) / (10.0 + step / 10)))
        if (step + 1) % 100 == 0 or step + 1 == steps:
            loss = float(np.mean([row["loss"] for row in engine.fetch(logs)]))
            logs = []
            if not np.isfinite(loss):
                raise TrainingDivergedError(
                    f"The loss became {loss} near step {step + 1}. Expected a finite number. Lower "
                    "the learning rate."
                )
            if report is not None:
                report(f"step={step + 1} loss={loss:.5g}")
    engine.show_average()
    if trained is not model:
        model.set_weights(trained.get_weights())


def _check_pixels(model: Autoencoder, pixels: np.ndarray) -> None:
    shape = getattr(pixels, "shape", None)
    if not len(pixels) or shape[1:] != model.shape or pixels.dtype != np.uint8:
        expected = f"uint8 of shape (count, {', '.join(map(str, model.shape))}), count from 1"
        raise UsageError.for_value("pixels", expected, f"{pixels.dtype} of shape {shape}")


def _pairs(pixels: np.ndarray, restored: np.ndarray) -> np.ndarray:
    """Return some pictures above their reconstructions, uint8 (height, width, 3)."""
    rows = [np.concatenate(list(p[:SHOWN_PICTURES]), axis=1) for p in (pixels, restored)]
    picture = np.clip(np.round(np.concatenate(rows) * 255.0), 0, 255).astype("uint8")
    return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture
