"""Whether the input pipeline keeps up with the device."""

import itertools
import time
from dataclasses import dataclass

from aeimage.training.feeding import ahead
from aeimage.training.trainer import Trainer


@dataclass(frozen=True)
class InputProfile:
    """Examples a second, of a batch size.

    Attributes:
        pipeline: batches drawn alone, by as many threads as draw them in training.
        device: steps taken on one batch that is on the device already.
        together: training as it is.
    """

    pipeline: float
    device: float
    together: float

    @property
    def report(self) -> str:
        """A table, and what it means."""
        ratio = self.pipeline / self.device
        verdict = "keeps up" if ratio > 1.0 else "starves the device"
        return (
            f"examples a second: input pipeline alone {self.pipeline:.1f}, device alone "
            f"{self.device:.1f}, training {self.together:.1f}\n"
            f"The pipeline {verdict}: it is {ratio:.1f} times as fast as the device."
        )


def profile_input(trainer: Trainer, steps: int = 20, warmup: int = 3) -> InputProfile:
    """Measure the pipeline, the device, and both; nothing is written, and the run is spoilt.

    Args:
        trainer: as `aeimage.training.run.prepare` returns it.
        steps: to measure, of each.
        warmup: steps before, in which functions are compiled.
    """
    engine, task = trainer.engine, trainer.task
    threads = getattr(task, "threads", 1)
    engine.write()

    def put(step: int):
        return engine.put(task.batch(step), task.scalars(step), trainer.config.seed, step)

    def train(inputs, step: int):
        return engine.train(inputs, 1e-6, step, False)

    inputs = put(0)
    device = _timed((train(inputs, step) for step in range(warmup + steps)), warmup, engine)

    feed = ahead(put, 0, warmup + steps, threads)
    together = _timed((train(x, step) for step, x in enumerate(feed)), warmup, engine)

    # Last, when pools of pages are full: filling them takes time once, and drawing goes on behind.
    start = time.perf_counter()
    for _ in ahead(put, warmup + steps, warmup + 2 * steps, threads):
        pass
    pipeline = time.perf_counter() - start
    count = steps * len(task.batch(0)[0])
    return InputProfile(count / pipeline, count / device, count / together)


def _timed(rows, warmup: int, engine) -> float:
    """Return the seconds that the rows take after the first `warmup`."""
    engine.fetch(list(itertools.islice(rows, warmup)))
    start = time.perf_counter()
    engine.fetch(list(rows))
    return time.perf_counter() - start
