"""What the trainer needs to know of the colorizer: reduced photographs, loss, validation."""

from dataclasses import dataclass, field

import numpy as np
from keras import ops

from aeimage.corruption import Draws
from aeimage.corruption.base import Range
from aeimage.models.colorizer import Colorizer, chroma_of, luminance_of
from aeimage.models.skip_autoencoder import SkipConfig
from aeimage.training.losses import chroma_loss
from aeimage.training.photo_task import PhotographTask

SHOWN_PICTURES = 6


@dataclass
class ColorizerTask(PhotographTask):
    """Training on reduced colour photographs, whose luminance is made darker, flatter and noisier.

    Args:
        sampler: training crops.
        validation: held-out pictures, each uint8 (height, width, 3) with sides divisible by the
            model's multiple.
        config: sizes of the model.
        seed: of the changes to the luminance.
    """

    sampler: object
    validation: list[np.ndarray] = field(default_factory=list)
    config: SkipConfig | None = None
    seed: int = 0

    threads = 2

    def build(self) -> Colorizer:
        model = Colorizer(self.config)
        model.build()
        return model

    def loss(self, model, batch, scalars, *, rounded_rate: bool = False):
        pixels, seed = batch
        luminance = aged(luminance_of(pixels), seed)
        return chroma_loss(model(luminance)["chroma"], chroma_of(pixels))

    def validate(self, forward) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Return errors of the chroma on held-out pictures; the objective is their RMSE, levels."""
        results, pictures = {"rmse": [], "rmse_grey": [], "colour": []}, {}
        for number, picture in enumerate(self.validation):
            luminance = ops.convert_to_numpy(luminance_of(picture[None]))
            chroma = np.asarray(forward(luminance)["chroma"])
            _, parts = chroma_loss(chroma, chroma_of(picture[None]))
            for name, found in results.items():
                found.append(float(parts[name]))
            if number < SHOWN_PICTURES:
                blue, red = np.split(chroma[0].repeat(2, 0).repeat(2, 1), 2, axis=-1)
                light = luminance[0]
                green = (
                    light - 0.299 * (light + 1.402 * red) - 0.114 * (light + 1.772 * blue)
                ) / 0.587
                guess = np.concatenate([light + 1.402 * red, green, light + 1.772 * blue], axis=-1)
                pair = np.concatenate([picture, np.clip(np.round(guess), 0, 255)], axis=1)
                pictures[f"photograph_and_guess/{number}"] = pair.astype("uint8")
        means = {name: float(np.mean(found)) for name, found in results.items()}
        return {**means, "objective": means["rmse"]}, pictures


def aged(luminance, seed):
    """Return luminance as old photographs have it: another gamma, less contrast, some noise.

    Args:
        luminance: float32 (batch, height, width, 1), levels.
        seed: two whole numbers.
    """
    draws = Draws(seed, ops.shape(luminance))
    gamma, contrast, middle, sigma = draws.per_picture(
        Range(-0.4, 0.4), Range(0.6, 1.0), Range(64.0, 192.0), Range(-8.0, 8.0)
    )
    curved = 255.0 * ops.power(ops.clip(luminance / 255.0, 0.0, 1.0), ops.exp(gamma))
    flat = middle + (curved - middle) * contrast
    # Half of them stay as clean as they are.
    noisy = flat + ops.maximum(sigma, 0.0) * draws.normal(*draws.shape)
    return ops.clip(ops.round(noisy), 0.0, 255.0)
