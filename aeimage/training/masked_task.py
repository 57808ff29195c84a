"""What the trainer needs to know of the masked autoencoder: hidden parts, loss, validation."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from keras import ops

from aeimage.corruption import OccludingBoxes, RandomMissingPixels, Scratches
from aeimage.models.masked import MaskedAutoencoder, start_from_restorer
from aeimage.models.restorer import Restorer, RestorerConfig
from aeimage.models.skip_autoencoder import SkipConfig
from aeimage.training.losses import filling_loss
from aeimage.training.photo_task import PhotographTask
from aeimage.training.weights import find_weights, load_weights

SIZE = 256
"""Side of the part of each held-out picture that is validated."""
SHOWN_PICTURES = 3
KINDS = {
    "pixels": RandomMissingPixels(share=(0.5, 0.8)),
    "scratches": Scratches(count=10, width=(1.0, 3.0)),
    "boxes": OccludingBoxes(count=3, size=(0.05, 0.25)),
}


@dataclass
class MaskedTask(PhotographTask):
    """Training on photographs of which parts are hidden. Masks depend on the seed and step alone.

    Args:
        sampler: training crops.
        validation: held-out pictures, each uint8 (height, width, 3) with sides divisible by 64.
        config: sizes of the model.
        masks: layer whose `mask(shape, seed)` hides parts.
        start: folder or file of a photo restorer's weights to start from, or None.
        start_config: that restorer's sizes.
        seed: of the masks.
    """

    sampler: object
    validation: list[np.ndarray] = field(default_factory=list)
    config: SkipConfig | None = None
    masks: object = None
    start: Path | None = None
    start_config: RestorerConfig | None = None
    seed: int = 0

    calibrated = False

    def build(self) -> MaskedAutoencoder:
        model = MaskedAutoencoder(self.config)
        model.build()
        return model

    def calibrate(self, model: MaskedAutoencoder) -> None:
        """Take over a restorer's weights, if that is wanted."""
        if self.start is None:
            return
        restorer = Restorer(self.start_config)
        restorer.build()
        load_weights(restorer, find_weights(self.start))
        start_from_restorer(model, restorer)

    def loss(self, model, batch, scalars, *, rounded_rate: bool = False):
        pixels, seed = batch
        pixels = ops.cast(pixels, "float32")
        mask = self.masks.mask(ops.shape(pixels), seed)
        output = model(pixels, mask)
        return filling_loss(output["pixels"], output["filled"], pixels, mask)

    def validate(self, forward) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Return PSNR in dB of hidden pixels alone by kind of mask, the same masks every time.

        `gain_*` is what the network adds to pull-push. The objective is minus the mean PSNR.
        """
        results, pictures = {}, {}
        for kind, layer in KINDS.items():
            scores, gains = [], []
            for number, picture in enumerate(self.validation):
                pixels = picture[None, :SIZE, :SIZE]
                mask = np.asarray(layer.mask(pixels.shape, np.array([2**31 + 1, number], "uint32")))
                output = {k: np.asarray(v) for k, v in forward(pixels, mask).items()}
                after, before = (_psnr(output[k], pixels, mask) for k in ("pixels", "filled"))
                scores.append(after)
                gains.append(after - before)
                if number < SHOWN_PICTURES:
                    shown = [pixels * (1.0 - mask), output["filled"], output["pixels"]]
                    shown = np.round(np.clip(np.concatenate(shown, axis=2)[0], 0.0, 255.0))
                    pictures[f"hidden_and_filled/{kind}_{number}"] = shown.astype("uint8")
            results[f"psnr_{kind}"] = float(np.mean(scores))
            results[f"gain_{kind}"] = float(np.mean(gains))
        results["objective"] = -float(np.mean([results[f"psnr_{kind}"] for kind in KINDS]))
        return results, pictures


def _psnr(pixels: np.ndarray, reference: np.ndarray, mask: np.ndarray) -> float:
    error = np.clip(pixels, 0.0, 255.0) - reference
    mse = float(np.sum(np.square(error) * mask)) / max(3.0 * float(np.sum(mask)), 1.0)
    return 10.0 * np.log10(255.0**2 / max(mse, 1e-10))
