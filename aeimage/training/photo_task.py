"""What tasks on crops of photographs share."""

import numpy as np

from aeimage.training.task import PlainTask


class PhotographTask(PlainTask):
    """Base of tasks whose batches are a sampler's crops and a seed.

    Attributes:
        sampler: training crops.
        seed: of all that is random in the loss.
    """

    sampler: object
    seed: int

    threads = 4

    @property
    def examples(self) -> int:
        """Crops of an epoch: one of each picture, and of each reduced copy."""
        return len(self.sampler.pictures)

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the crops and the seed of `step`."""
        return self.sampler.batch(step), np.array([self.seed, step], "uint32")
