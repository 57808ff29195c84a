"""The training loop: any engine, resumable at any step, everything logged.

    while threads draw the batches of the next steps:
        step  ->  moving average  ->  log  ->  validation, early stopping  ->  checkpoint
        each      every 10 steps      100      2500                            1000 (by default)

Nothing crosses between device and host in a step but its batch, a few seeds and the learning rate.
"""

import signal
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from aeimage.errors import ModelFileError, TrainingDivergedError, WorkerLostError
from aeimage.training.arrays import wanted_shapes
from aeimage.training.checkpoint import load_checkpoint, save_checkpoint
from aeimage.training.engines import make_engine
from aeimage.training.feeding import ahead
from aeimage.training.freezing import freeze
from aeimage.training.run_log import RunLog
from aeimage.training.schedules import warmup_cosine
from aeimage.training.weights import save_weights

ASK_EVERY = 10


@dataclass
class TrainerConfig:
    """How long and how fast. Steps count from the start of the run, resumed or not.

    Attributes:
        out: the run's folder.
        steps: to take in all.
        learning_rate, learning_rate_floor: at the peak and at the end of the schedule.
        clip_norm: largest norm of the gradient.
        ema_decay: of the moving average of the weights, a step.
        ema_every: steps from one update of the average to the next.
        log_every, save_every, validate_every: in steps.
        patience: stop after this many validations without a better objective; None: never.
        rounded_from: share of the steps after which rates are those of rounded symbols.
        warmup: steps in which the learning rate rises to its peak.
        seed: of everything random.
        freeze: parts that are not trained, see `aeimage.training.freezing.freeze`.
    """

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
    patience: int | None = None
    rounded_from: float = 1.0
    warmup: int = 200
    seed: int = 0
    freeze: tuple[str, ...] = ()


class Trainer:
    """Trains a task's model with Adam and keeps an exponential moving average of its weights.

    Args:
        task: see `aeimage.training.task.Task`.
        config: how long and how fast.
        report: function that takes a line of text.
        strategy: a `tf.distribute.Strategy`; None for one device.

    Attributes:
        model: after `run`, with the averaged weights in it.
        step: steps taken.
        best: the lowest objective of a validation.
        stale: validations since then.
        stopping: it was asked to stop, or ran out of patience.
    """

    def __init__(self, task, config: TrainerConfig, report=print, *, strategy=None):
        self.task = task
        self.config = config
        self.out = Path(config.out)
        keras.utils.set_random_seed(config.seed)
        self.model = task.build()
        freeze(self.model, config.freeze)
        self.engine = make_engine(task, self.model, clip_norm=config.clip_norm, strategy=strategy)
        self.log = RunLog(self.out, report, active=self.engine.chief)
        self.step = 0
        self.best = float("inf")
        self.stale = 0
        self.stopping = False
        self._loaded = False
        self._restart_clock()

    # ---- state -------------------------------------------------------------------------------

    @property
    def checkpoint_path(self) -> Path:
        return self.out / "checkpoint.npz"

    @property
    def weights_path(self) -> Path:
        return self.out / "best.weights.h5"

    def save(self) -> None:
        """Write the checkpoint: weights, optimizer, moving average, step. The chief does."""
        if self.engine.chief:
            meta = {"step": self.step, "best": self.best, "stale": self.stale}
            save_checkpoint(self.checkpoint_path, self.engine.read(), meta)

    def load(self) -> None:
        """Take up the run's checkpoint.

        Raises:
            ModelFileError: it is damaged or of another architecture.
        """
        arrays, meta = load_checkpoint(self.checkpoint_path)
        wanted = wanted_shapes(self.engine.maths)
        wrong = [k for k, shape in wanted.items() if k not in arrays or arrays[k].shape != shape]
        if wrong:
            raise ModelFileError(
                f"{self.checkpoint_path}: the checkpoint is of another model: {len(wrong)} of "
                f"{len(wanted)} arrays do not fit, {wrong[0]!r} first. Resume with the preset and "
                "options that the run was started with, or choose another --out."
            )
        self.engine.write(arrays)
        self.step = int(meta["step"])
        self.best = float(meta.get("best", self.best))
        self.stale = int(meta.get("stale", 0))
        self._loaded = True

    def _update_average(self) -> None:
        decay = self.config.ema_decay**self.config.ema_every
        # A young average forgets its start faster.
        decay = min(decay, (1.0 + self.step / 10) / (10.0 + self.step / 10))
        self.engine.average(1.0 - decay)

    # ---- loop --------------------------------------------------------------------------------

    def run(self, *, resume: bool = False) -> None:
        """Train to `config.steps`; SIGTERM and SIGINT save a checkpoint and return.

        Afterwards there are a checkpoint and weights to export, however early it was stopped.

        Raises:
            TrainingDivergedError: the loss is no number any more; the last checkpoint is good.
            WorkerLostError: another worker ended; the chief has saved what there was.
            OSError: the disk is full; the last checkpoint is good.
        """
        if self.engine.chief:
            self.out.mkdir(parents=True, exist_ok=True)
        if resume and not self._loaded and self.checkpoint_path.exists():
            self.load()
        if not self._loaded:
            if self.step == 0 and not self.task.calibrated:
                self.task.calibrate(self.model)
            self.engine.write()
        # Other workers may have no access to the chief's folder.
        self.step = int(self.engine.of_chief(np.float32(self.step)))
        self.log.start(self.step, self.config.steps, resume=resume)
        handlers = {n: signal.signal(n, self._stop) for n in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._loop()
        finally:
            self.log.progress.close()
            for number, handler in handlers.items():
                signal.signal(number, handler)
        self.save()
        self.engine.show_average()
        if self.engine.chief and not self.weights_path.exists():
            # Not validated: the first validation puts its own in their place.
            save_weights(self.model, self.weights_path)
        # The others wait until the chief has written everything.
        self.engine.any(False)

    def _stop(self, number: int, frame) -> None:
        self.stopping = True
        signal.signal(number, signal.default_int_handler)
        self.log.progress.line("Stopping after this step; interrupt again to stop at once.")

    def _asked_to_stop(self) -> bool:
        """Return whether to stop here; workers ask one another, so that all stop at one step."""
        if self.engine.several and self.step % ASK_EVERY:
            return False
        self.stopping = self.engine.any(self.stopping)
        return self.stopping

    def _inputs(self, step: int):
        batch, scalars = self.task.batch(step), self.task.scalars(step)
        return self.engine.put(batch, scalars, self.config.seed, step)

    def _loop(self) -> None:
        self._restart_clock()
        threads = getattr(self.task, "threads", 1)
        feed = ahead(self._inputs, self.step, self.config.steps, threads)
        try:
            while self.step < self.config.steps and not self._asked_to_stop():
                start = time.monotonic()
                inputs = next(feed)
                self._waited += time.monotonic() - start
                self._train(inputs)
                self._after_step()
            # What follows is a checkpoint, which must not be one of a diverged model.
            self._means()
        except WorkerLostError:
            self._means()
            self.save()
            raise
        finally:
            feed.close()

    def _learning_rate(self, step: int) -> float:
        config = self.config
        peak, floor = config.learning_rate, config.learning_rate_floor
        return warmup_cosine(step, total=config.steps, peak=peak, floor=floor, warmup=config.warmup)

    def _train(self, inputs) -> None:
        rounded = self.step >= self.config.rounded_from * self.config.steps
        # Logs stay on the device until they are wanted: reading them waits for the step.
        logs = self.engine.train(inputs, self._learning_rate(self.step), self.step, rounded)
        self._pending.append(logs)
        self.step += 1

    def _after_step(self) -> None:
        """Do what is due after the step that was taken."""
        config, step = self.config, self.step
        self.log.progress.advance()
        if step % config.ema_every == 0:
            self._update_average()
        if step % config.log_every == 0:
            self._log()
        start = time.monotonic()
        if step % config.validate_every == 0 or step == config.steps:
            self._means()
            self.validate()
        # After the validation, which it must know of.
        if step % config.save_every == 0:
            self._means()
            self.save()
        self._since += time.monotonic() - start  # it is no part of the steps' time

    def _restart_clock(self) -> None:
        self._pending: list[dict] = []
        self._since, self._waited = time.monotonic(), 0.0

    def _log(self) -> None:
        """Log the means since the last time."""
        means, count = self._means(), len(self._pending)
        seconds = (time.monotonic() - self._since) / count
        numbers = {
            **means,
            "learning_rate": self._learning_rate(self.step - 1),
            "seconds_per_step": seconds,
            "seconds_without_input": self._waited / count,
        }
        self.log.training(self.step, numbers, (self.config.steps - self.step) * seconds)
        self._restart_clock()

    def _means(self) -> dict[str, float]:
        """Average the logs of the last steps, and refuse to go on from a loss that is no number."""
        rows = self.engine.fetch(self._pending)
        # Backends order their dicts in different ways; columns of a CSV file stay where they are.
        names = sorted(rows[0], key=lambda name: (name != "loss", name)) if rows else ()
        means = {name: float(np.mean([row[name] for row in rows])) for name in names}
        for name, what in (("loss", "The loss"), ("gradient_norm", "The gradients' norm")):
            if not np.isfinite(means.get(name, 0.0)):
                raise TrainingDivergedError(
                    f"{what} became {means[name]} near step {self.step}. Lower --learning-rate and "
                    "add --resume: the last checkpoint is still good."
                )
        return means

    def validate(self) -> None:
        """Validate the averaged weights, log the result, keep the best; the chief does."""
        if not self.engine.chief:
            return
        self.engine.show_average()
        result, pictures = self.task.validate(self.engine.forward)
        self.log.validation(self.step, result, pictures)
        if result["objective"] < self.best:
            self.best, self.stale = result["objective"], 0
            save_weights(self.model, self.weights_path)
        else:
            self.stale += 1
        if self.config.patience is not None and self.stale >= self.config.patience:
            self.stopping = True
            self.log.progress.line(
                f"Stopped early: no better objective in {self.stale} validations. "
                f"{self.weights_path} holds the best weights; --resume with a higher --patience "
                "goes on."
            )
