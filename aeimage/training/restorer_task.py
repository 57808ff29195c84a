"""What the trainer needs to know of the restorers: batches, damage, loss and validation."""

from dataclasses import dataclass, field

import numpy as np
from keras import ops

from aeimage.models.restorer import Restorer, RestorerConfig
from aeimage.training.losses import level_loss, page_loss, photo_loss
from aeimage.training.photo_task import PhotographTask
from aeimage.training.task import PlainTask

SHOWN_PICTURES = 3


class RestorerTask(PlainTask):
    """What both restorers share. Noise and damage depend on the seed in each batch alone."""

    config: RestorerConfig

    def build(self) -> Restorer:
        model = Restorer(self.config)
        model.build()
        return model


@dataclass
class PhotoTask(PhotographTask, RestorerTask):
    """Training of the photo restorer on photographs and damage made on the way.

    Args:
        sampler: training crops.
        validation: held-out pictures, each uint8 (height, width, 3) with sides divisible by 64.
        config: sizes of the model.
        damage: layer (pixels, seed) to (damaged pixels, level).
        seed: of the damage.
    """

    sampler: object
    validation: list[np.ndarray] = field(default_factory=list)
    config: RestorerConfig | None = None
    damage: object = None
    seed: int = 0
    levels: tuple[float, ...] = (15.0, 25.0, 50.0)

    def loss(self, model, batch, scalars, *, rounded_rate: bool = False):
        pixels, seed = batch
        clean = ops.cast(pixels, "float32")
        damaged, level = self.damage(clean, seed=seed)
        output = model(damaged, level)
        distortion, parts = photo_loss(output["pixels"], clean)
        estimate = level_loss(output["level"], level)
        parts["mse_damaged"] = ops.mean(ops.square(damaged - clean))
        return distortion + 0.05 * estimate, {**parts, "level_error": estimate}

    def validate(self, forward) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Return PSNR in dB of the held-out pictures at some Gaussian levels, and the estimates.

        Noise is not clipped and the same in every validation. The objective is minus the mean PSNR.
        """
        results, pictures = {}, {}
        for level in self.levels:
            psnrs, estimates = [], []
            for number, picture in enumerate(self.validation):
                rng = np.random.default_rng((1, number, int(level)))
                noisy = picture + rng.normal(0.0, level, picture.shape).astype("float32")
                output = forward(noisy[None], np.array([level], "float32"))
                restored = np.clip(np.asarray(output["pixels"])[0], 0.0, 255.0)
                psnrs.append(_psnr(restored, picture))
                estimates.append(float(output["level"][0]))
                if level == self.levels[1] and number < SHOWN_PICTURES:
                    pictures[f"noisy_and_restored/{number}"] = _side_by_side(noisy, restored)
            results[f"psnr_{level:g}"] = float(np.mean(psnrs))
            results[f"level_{level:g}"] = float(np.mean(estimates))
        found = [results[f"psnr_{level:g}"] for level in self.levels]
        results["objective"] = -float(np.mean(found))
        return results, pictures


@dataclass
class ScanTask(RestorerTask):
    """Training of the scan restorer on clean pages that are damaged on the way, and real pairs.

    Args:
        sampler: of pages: `batch(step)` gives clean and damaged pages, uint8
            (batch, size, size, 3), and which have a real damaged scan, float32 (batch,).
        held_out: sampler of pages that are not trained on.
        config: sizes of the model.
        damage: layer (pixels, seed) to damaged pixels.
        seed: of the damage.
        grey: share of each batch that is grey: damaged in one channel, which is cheaper.
        checks: number of validation batches.
    """

    sampler: object
    held_out: object = None
    config: RestorerConfig | None = None
    damage: object = None
    seed: int = 0
    grey: float = 0.75
    checks: int = 8

    def batch(self, step: int):
        """Return clean pages, real scans, which pages have these, and the seed of `step`."""
        return (*self.sampler.batch(step), np.array([self.seed, step], "uint32"))

    def damaged(self, batch):
        """Return clean and damaged pages, float32 (batch, size, size, 3) each."""
        pixels, scans, paired, seed = batch
        pixels, scans = ops.cast(pixels, "float32"), ops.cast(scans, "float32")
        count = round(self.grey * pixels.shape[0])
        one = pixels[:count, ..., 1:2]
        grey = ops.repeat(self.damage(one, seed=seed), 3, axis=-1)
        colour = self.damage(pixels[count:], seed=seed + np.array([0, 2**31], "uint32"))
        clean = ops.concatenate([ops.repeat(one, 3, axis=-1), pixels[count:]], axis=0)
        made = ops.concatenate([grey, colour], axis=0)
        paired = ops.reshape(paired, (-1, 1, 1, 1)) > 0
        # A scanner gives bytes.
        made = ops.clip(ops.round(made), 0.0, 255.0)
        return clean, ops.where(paired, scans, made)

    def loss(self, model, batch, scalars, *, rounded_rate: bool = False):
        clean, damaged = self.damaged(batch)
        loss, parts = page_loss(model(damaged)["pixels"], clean)
        return loss, {**parts, "mse_damaged": ops.mean(ops.square(damaged - clean))}

    def validate(self, forward) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Return the root mean square error in [0, 1] on held-out pages, the same every time."""
        errors, before, pictures = [], [], {}
        for number in range(self.checks):
            held_out = self.held_out.batch(10**9 + number)
            seed = np.array([2**31 + self.seed, number], "uint32")
            clean, damaged = map(np.asarray, self.damaged((*held_out, seed)))
            restored = np.clip(np.asarray(forward(damaged)["pixels"]), 0.0, 255.0)
            errors.append(np.mean(np.square(restored - clean)) / 255.0**2)
            before.append(np.mean(np.square(damaged - clean)) / 255.0**2)
            if number < SHOWN_PICTURES:
                rows = [_side_by_side(d, r) for d, r in zip(damaged[:6], restored[:6], strict=True)]
                pictures[f"damaged_and_restored/{number}"] = np.concatenate(rows)
        rmse = float(np.sqrt(np.mean(errors)))
        results = {"rmse": rmse, "rmse_damaged": float(np.sqrt(np.mean(before)))}
        return {**results, "objective": rmse}, pictures


def _psnr(pixels: np.ndarray, reference: np.ndarray) -> float:
    mse = float(np.mean(np.square(pixels - reference.astype("float32"))))
    return 10.0 * np.log10(255.0**2 / max(mse, 1e-10))


def _side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    pair = np.concatenate([left, right], axis=1)
    return np.clip(np.round(pair), 0, 255).astype("uint8")
