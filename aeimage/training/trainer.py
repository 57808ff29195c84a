"""The training loop: one device, resumable at any step, everything logged."""

import contextlib
import csv
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from aeimage.errors import ModelFileError
from aeimage.training.board import Board
from aeimage.training.checkpoint import load_checkpoint, save_checkpoint
from aeimage.training.schedules import warmup_cosine
from aeimage.training.weights import save_weights


@dataclass
class TrainerConfig:
    """How long and how fast. Steps count from the start of the run, resumed or not."""

    out: Path
    steps: int = 100_000
    learning_rate: float = 4e-4
    learning_rate_floor: float = 1e-5
    clip_norm: float = 1.0
    ema_decay: float = 0.999
    ema_every: int = 10
    log_every: int = 100
    save_every: int = 1000
    validate_every: int = 2500
    rounded_from: float = 0.8  # share of the steps after which rates are those of rounded symbols
    seed: int = 0


class Trainer:
    """Trains a task's model with Adam and keeps an exponential moving average of its weights."""

    def __init__(self, task, config: TrainerConfig, report=print):
        import tensorflow as tf

        self.tf = tf
        self.task = task
        self.config = config
        self.out = Path(config.out)
        keras.utils.set_random_seed(config.seed)
        self.model = task.build()
        self.optimizer = keras.optimizers.Adam(
            config.learning_rate, beta_2=0.99, global_clipnorm=config.clip_norm, name="adam"
        )
        self.optimizer.build(self.model.trainable_variables)
        self.step = 0
        self.ema = None
        self.best = float("inf")
        self.seconds_per_step = 0.0
        self.stopping = False
        self.report = report
        self.board = Board(self.out / "tensorboard")
        self._forward = tf.function(
            lambda pixels, quality: dict(self.model(pixels, quality, training=False)),
            reduce_retracing=True,
        )
        self._steps = {}

    def _train_step(self, rounded: bool):
        tf = self.tf
        if rounded not in self._steps:

            @tf.function(reduce_retracing=True)
            def step(batch, scalars):
                with tf.GradientTape() as tape:
                    loss, parts = self.task.loss(self.model, batch, scalars, rounded_rate=rounded)
                variables = self.model.trainable_variables
                gradients = tape.gradient(loss, variables)
                norm = tf.linalg.global_norm(gradients)
                self.optimizer.apply(gradients, variables)
                return {"loss": loss, "gradient_norm": norm, **parts}

            self._steps[rounded] = step
        return self._steps[rounded]

    # ---- state -------------------------------------------------------------------------------

    @property
    def checkpoint_path(self) -> Path:
        return self.out / "checkpoint.npz"

    def _variables(self):
        return [(f"model/{v.path}", v) for v in self.model.trainable_variables] + [
            (f"optimizer/{v.path}", v) for v in self.optimizer.variables
        ]

    def save(self) -> None:
        """Write the checkpoint: weights, optimizer, moving average, step."""
        arrays = {name: np.asarray(v.value) for name, v in self._variables()}
        for v, mean in zip(self.model.trainable_variables, self.ema, strict=True):
            arrays[f"ema/{v.path}"] = mean
        save_checkpoint(self.checkpoint_path, arrays, {"step": self.step, "best": self.best})

    def load(self) -> None:
        """Take up the run's checkpoint.

        Raises:
            ModelFileError: it is of another architecture.
        """
        arrays, meta = load_checkpoint(self.checkpoint_path)
        variables = self.model.trainable_variables
        wanted = dict(self._variables())
        for v in variables:
            wanted[f"ema/{v.path}"] = v
        wrong = [k for k, v in wanted.items() if k not in arrays or arrays[k].shape != v.shape]
        if wrong:
            raise ModelFileError(
                f"{self.checkpoint_path}: the checkpoint is of another model: {len(wrong)} of "
                f"{len(wanted)} arrays do not fit, {wrong[0]!r} first. Resume with the preset and "
                "options that the run was started with, or choose another --out."
            )
        self.ema = [arrays[f"ema/{v.path}"].copy() for v in variables]
        for name, v in self._variables():
            v.assign(arrays[name])
        self.step = int(meta["step"])
        self.best = float(meta.get("best", self.best))

    def _update_ema(self) -> None:
        decay = self.config.ema_decay**self.config.ema_every
        # A young average forgets its start faster.
        decay = min(decay, (1.0 + self.step / 10) / (10.0 + self.step / 10))
        for mean, v in zip(self.ema, self.model.trainable_variables, strict=True):
            mean += (np.asarray(v.value) - mean) * (1.0 - decay)

    # ---- loop --------------------------------------------------------------------------------

    def run(self, *, resume: bool = False) -> None:
        """Train to `config.steps`; SIGTERM and SIGINT save a checkpoint and return."""
        self.out.mkdir(parents=True, exist_ok=True)
        if resume and self.checkpoint_path.exists():
            self.load()
        if self.ema is None:
            if self.step == 0 and not self.task.calibrated:
                self.task.calibrate(self.model)
            self.ema = [np.asarray(v.value).copy() for v in self.model.trainable_variables]
        handlers = {n: signal.signal(n, self._stop) for n in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._loop()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        self.save()

    def _stop(self, *_) -> None:
        self.stopping = True

    def _loop(self) -> None:
        config = self.config
        averages, since, counted = {}, time.monotonic(), 0
        with ThreadPoolExecutor(1) as pool:
            upcoming = pool.submit(self.task.batch, self.step)
            while self.step < config.steps and not self.stopping:
                batch = upcoming.result()
                upcoming = pool.submit(self.task.batch, self.step + 1)
                rate = warmup_cosine(
                    self.step,
                    total=config.steps,
                    peak=config.learning_rate,
                    floor=config.learning_rate_floor,
                )
                self.optimizer.learning_rate.assign(rate)
                rounded = self.step >= config.rounded_from * config.steps
                batch = tuple(self.tf.constant(part) for part in batch)
                scalars = self.tf.constant(self.task.scalars(self.step))
                self.task.seed_step(self.model, self.step)
                logs = self._train_step(rounded)(batch, scalars)
                self.step += 1
                counted += 1
                if not np.isfinite(float(logs["loss"])):
                    raise FloatingPointError(
                        f"The loss became {float(logs['loss'])} at step {self.step}. "
                        "Lower the learning rate and resume from the last checkpoint."
                    )
                for name, value in logs.items():
                    averages[name] = averages.get(name, 0.0) + float(value)
                if self.step % config.ema_every == 0:
                    self._update_ema()
                if self.step % config.log_every == 0:
                    means = {name: value / counted for name, value in averages.items()}
                    seconds = (time.monotonic() - since) / counted
                    self.seconds_per_step = seconds
                    row = {**means, "learning_rate": rate, "seconds_per_step": seconds}
                    self._log("metrics.csv", row, "training")
                    averages, since, counted = {}, time.monotonic(), 0
                if self.step % config.save_every == 0:
                    self.save()
                if self.step % config.validate_every == 0 or self.step == config.steps:
                    self.validate()
                    since = time.monotonic()

    def validate(self) -> dict[str, float]:
        """Validate the averaged weights and log the result."""
        with self.averaged_weights():
            result, pictures = self.task.validate(
                lambda pixels, quality: self._forward(
                    self.tf.constant(pixels), self.tf.constant(quality)
                )
            )
            self._log("validation.csv", result, "validation")
            self.board.images(self.step, pictures)
            if result["objective"] < self.best:
                self.best = result["objective"]
                save_weights(self.model, self.out / "best.weights.h5")
        return result

    @contextlib.contextmanager
    def averaged_weights(self):
        """Put the moving average into the model for a while."""
        variables = self.model.trainable_variables
        live = [np.asarray(v.value).copy() for v in variables]
        for v, mean in zip(variables, self.ema, strict=True):
            v.assign(mean)
        try:
            yield self.model
        finally:
            for v, value in zip(variables, live, strict=True):
                v.assign(value)

    def _log(self, name: str, row: dict, group: str) -> None:
        self.board.scalars(self.step, group, row)
        row = {"step": self.step, **{k: f"{v:.6g}" for k, v in row.items()}}
        path = self.out / name
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row.keys())
            if new:
                writer.writeheader()
            writer.writerow(row)
        left = (self.config.steps - self.step) * self.seconds_per_step
        self.report(" ".join(f"{k}={v}" for k, v in row.items()) + f" left={left / 60:.0f}min")
