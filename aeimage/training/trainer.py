"""The training loop: one device, either backend, resumable at any step, everything logged."""

import contextlib
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from aeimage.errors import ModelFileError, TrainingDivergedError
from aeimage.training.board import Board
from aeimage.training.checkpoint import load_checkpoint, save_checkpoint
from aeimage.training.csv_log import append_row, drop_rows_after, set_aside
from aeimage.training.engines import make_engine
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
    rounded_from: float = 1.0  # share of the steps after which rates are those of rounded symbols
    seed: int = 0


class Trainer:
    """Trains a task's model with Adam and keeps an exponential moving average of its weights."""

    def __init__(self, task, config: TrainerConfig, report=print):
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
        self.board = Board(self.out, report)
        self.engine = make_engine(task, self.model, self.optimizer)

    # ---- state -------------------------------------------------------------------------------

    @property
    def checkpoint_path(self) -> Path:
        return self.out / "checkpoint.npz"

    @property
    def weights_path(self) -> Path:
        return self.out / "best.weights.h5"

    def _variables(self):
        return [(f"model/{v.path}", v) for v in self.model.trainable_variables] + [
            (f"optimizer/{v.path}", v) for v in self.optimizer.variables
        ]

    def save(self) -> None:
        """Write the checkpoint: weights, optimizer, moving average, step."""
        self.engine.pull()
        arrays = {name: _array(v) for name, v in self._variables()}
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
        self.engine.push()
        self.step = int(meta["step"])
        self.best = float(meta.get("best", self.best))

    def _update_ema(self) -> None:
        decay = self.config.ema_decay**self.config.ema_every
        # A young average forgets its start faster.
        decay = min(decay, (1.0 + self.step / 10) / (10.0 + self.step / 10))
        self.engine.pull()
        for mean, v in zip(self.ema, self.model.trainable_variables, strict=True):
            mean += (_array(v) - mean) * (1.0 - decay)

    # ---- loop --------------------------------------------------------------------------------

    def run(self, *, resume: bool = False) -> None:
        """Train to `config.steps`; SIGTERM and SIGINT save a checkpoint and return.

        Afterwards there are a checkpoint and weights to export, however early it was stopped.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        if resume and self.ema is None and self.checkpoint_path.exists():
            self.load()
        for name in ("metrics.csv", "validation.csv"):
            if resume:
                drop_rows_after(self.out / name, self.step)
            else:
                set_aside(self.out / name)
        if self.ema is None:
            if self.step == 0 and not self.task.calibrated:
                self.task.calibrate(self.model)
            self.ema = [_array(v).copy() for v in self.model.trainable_variables]
            self.engine.push()
        handlers = {n: signal.signal(n, self._stop) for n in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._loop()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        self.save()
        if not self.weights_path.exists():
            # Not validated: the first validation puts its own in their place.
            with self.averaged_weights():
                save_weights(self.model, self.weights_path)

    def _stop(self, *_) -> None:
        self.stopping = True

    def _loop(self) -> None:
        config = self.config
        pending, since = [], time.monotonic()
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
                self.task.seed_step(self.model, self.step)
                logs = self.engine.train(batch, self.task.scalars(self.step), rounded)
                self.step += 1
                # Logs stay on the device until they are wanted: reading them waits for the step.
                pending.append(logs)
                if self.step % config.ema_every == 0:
                    self._update_ema()
                if self.step % config.log_every == 0:
                    means = self._means(pending)
                    self.seconds_per_step = (time.monotonic() - since) / len(pending)
                    timing = {"learning_rate": rate, "seconds_per_step": self.seconds_per_step}
                    self._log("metrics.csv", {**means, **timing}, "training")
                    pending, since = [], time.monotonic()
                if self.step % config.save_every == 0:
                    self._means([logs])
                    self.save()
                if self.step % config.validate_every == 0 or self.step == config.steps:
                    self.validate()
                    since = time.monotonic()
        if pending:
            # What follows is a checkpoint, which must not be one of a diverged model.
            self._means(pending)

    def _means(self, pending: list[dict]) -> dict[str, float]:
        """Average logs, and refuse to go on from a loss or gradients that are no numbers."""
        means = {k: float(np.mean([float(logs[k]) for logs in pending])) for k in pending[0]}
        for name, what in (("loss", "The loss"), ("gradient_norm", "The gradients' norm")):
            if not np.isfinite(means[name]):
                raise TrainingDivergedError(
                    f"{what} became {means[name]} near step {self.step}. Lower --learning-rate and "
                    "add --resume: the last checkpoint is still good."
                )
        return means

    def validate(self) -> dict[str, float]:
        """Validate the averaged weights and log the result."""
        with self.averaged_weights():
            result, pictures = self.task.validate(self.engine.forward)
            self._log("validation.csv", result, "validation")
            self.board.images(self.step, pictures)
            if result["objective"] < self.best:
                self.best = result["objective"]
                save_weights(self.model, self.weights_path)
        return result

    @contextlib.contextmanager
    def averaged_weights(self):
        """Put the moving average into the model for a while."""
        self.engine.pull()
        variables = self.model.trainable_variables
        live = [_array(v).copy() for v in variables]
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
        append_row(self.out / name, row)
        left = (self.config.steps - self.step) * self.seconds_per_step
        self.report(" ".join(f"{k}={v}" for k, v in row.items()) + f" left={left / 60:.0f}min")


def _array(variable) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable.value))
