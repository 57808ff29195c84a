"""The restorers' tasks: seeded damage, real pairs, and training that helps."""

import numpy as np
import pytest
from keras import ops

from aeimage.corruption import GaussianNoise
from aeimage.models.restorer import RestorerConfig
from aeimage.training.losses import photo_loss
from aeimage.training.restorer_task import PhotoTask, ScanTask
from aeimage.training.trainer import Trainer, TrainerConfig

SIZE = 32


class Stripes:
    """Samples of two kinds of stripes, whose noise a few convolutions can learn to remove."""

    def __init__(self, pairs=False):
        self.pairs = pairs

    def crops(self, step):
        rng = np.random.default_rng(step)
        columns = np.arange(SIZE)[None, None, :, None] + rng.integers(0, 8, (8, 1, 1, 1))
        crops = np.where(columns // 4 % 2, 210, 40)
        return np.broadcast_to(crops, (8, SIZE, SIZE, 3)).astype("uint8")

    def batch(self, step):
        crops = self.crops(step)
        if not self.pairs:
            return crops
        return crops, np.zeros_like(crops), np.array([1, 0, 0, 0, 0, 0, 0, 1], "float32")


class Noise:
    """Gaussian noise with its level, as `PhotoDamage` returns it."""

    def __init__(self):
        self.noise = GaussianNoise(sigma=30.0)

    def __call__(self, pixels, seed):
        return self.noise(pixels, seed=seed), ops.full((8,), 30.0)


def photo_task(**options):
    config = RestorerConfig((8, 8), (1, 1), (1,), level_map=True)
    held_out = [Stripes().crops(10**6)[0]]
    return PhotoTask(Stripes(), held_out, config=config, damage=Noise(), **options)


def test_training_takes_noise_out_and_estimates_it(tmp_path):
    task = photo_task()
    config = TrainerConfig(
        tmp_path, steps=150, learning_rate=3e-3, ema_decay=0.9, validate_every=150
    )
    trainer = Trainer(task, config, lambda line: None)
    model = trainer.model
    untrained, _ = task.validate(lambda x, level: model(x, level))
    trainer.run()
    trainer.engine.show_average()
    trained, _ = task.validate(trainer.engine.forward)
    assert trained["psnr_25"] > untrained["psnr_25"] + 2.0
    assert abs(trained["level_25"] - 25.0) < 10.0


def test_damage_depends_on_the_seed_and_the_step_alone():
    task = photo_task(seed=5)
    model = task.build()
    losses = [
        float(task.loss(model, task.batch(step), task.scalars(step))[0]) for step in (3, 3, 4)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_real_scans_take_the_place_of_made_damage():
    config = RestorerConfig((4, 4), (1, 1), (1,), level_map=False)
    damage = GaussianNoise(sigma=20.0)
    task = ScanTask(Stripes(pairs=True), Stripes(pairs=True), config=config, damage=damage)
    clean, damaged = map(np.asarray, task.damaged(task.batch(0)))
    assert (damaged[[0, 7]] == 0).all()
    errors = np.abs(damaged - clean)[1:7]
    assert 5 < errors.mean() < 40
    # A scanner's samples are bytes; most of the pictures are grey.
    assert (damaged == np.round(damaged)).all() and damaged.min() >= 0 and damaged.max() <= 255
    grey = (damaged == damaged[..., :1]).all(axis=(1, 2, 3))
    assert grey[:6].all() and not grey[6]
    results, pictures = task.validate(lambda x: {"pixels": x})
    assert results["rmse"] == pytest.approx(results["rmse_damaged"], rel=1e-3)
    assert pictures


def test_the_photo_loss_counts_factors():
    clean = np.full((2, 4, 4, 3), 100.0, "float32")
    near, far = clean + 10.0, clean + 20.0
    losses = [float(photo_loss(pixels, clean)[0]) for pixels in (clean, near, far)]

    assert losses[0] == 0.0
    # Twice the error is four times the square, at any size of it.
    assert losses[2] - losses[1] == pytest.approx(np.log(4.0) / 20.0, rel=0.01)
    # Each picture counts the same, however large its error.
    mixed = np.stack([near[0], clean[1] + 200.0])
    more = np.stack([near[0], clean[1] + 400.0])
    change = float(photo_loss(more, clean)[0]) - float(photo_loss(mixed, clean)[0])
    assert change == pytest.approx(0.5 * np.log(4.0) / 20.0, rel=0.01)
