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
        pipeline: batches drawn alone, in the thread that draws them in training.
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
    engine, size = trainer.engine, None
    engine.write()

    def draw(step: int):
        return trainer.task.batch(step)

    def put(batch, step: int):
        return engine.put(batch, trainer.task.scalars(step), trainer.config.seed, step)

    def train(inputs, step: int):
        return engine.train(inputs, 1e-6, step, False)

    size = len(draw(0)[0])
    start = time.perf_counter()
    for step in range(steps):
        put(draw(step), step)
    pipeline = time.perf_counter() - start

    inputs = put(draw(0), 0)
    device = _timed((train(inputs, step) for step in range(warmup + steps)), warmup, engine)

    feed = ahead(lambda step: put(draw(step), step), 0, warmup + steps)
    rows = (train(inputs, step) for step, inputs in enumerate(feed))
    together = _timed(rows, warmup, engine)
    count = steps * size
    return InputProfile(count / pipeline, count / device, count / together)


def _timed(rows, warmup: int, engine) -> float:
    """Return the seconds that the rows take after the first `warmup`."""
    engine.fetch(list(itertools.islice(rows, warmup)))
    start = time.perf_counter()
    engine.fetch(list(rows))
    return time.perf_counter() - start
