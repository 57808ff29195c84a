"""What the trainer needs to know of the codec: its model, batches, loss and validation."""

from dataclasses import dataclass, field

import numpy as np
from keras import ops

from aeimage.data.crops import CropSampler
from aeimage.models.hyperprior import QUALITY_KNOTS, HyperpriorCodec
from aeimage.models.rate import LOG_SCALE_STEP, lmbda_of_quality
from aeimage.models.transforms import CodecConfig
from aeimage.tables import S_MIN
from aeimage.training.losses import rate_distortion_loss

VALIDATION_QUALITIES = (5.0, 25.0, 45.0, 65.0, 85.0)
SHOWN_QUALITY = 25.0
SHOWN_PICTURES = 3


@dataclass
class CodecTask:
    """Rate-distortion training of `HyperpriorCodec` at all qualities at once.

    Args:
        sampler: training crops.
        validation: held-out pictures, each uint8 (height, width, 3) with sides divisible by 64.
        config: sizes of the model.
        seed: of the qualities.
        max_quality: qualities are drawn evenly from 0...max_quality.
        hyper_warmup: steps over which the hyper-latents' rate is phased in.
        calibrated: the model has scale tables already (it was loaded).
    """

    sampler: CropSampler
    validation: list[np.ndarray] = field(default_factory=list)
    config: CodecConfig = field(default_factory=CodecConfig)
    seed: int = 0
    max_quality: float = 100.0
    hyper_warmup: int = 1000
    calibrated: bool = False

    threads = 4

    @property
    def examples(self) -> int:
        """Crops of an epoch: one of each picture, and of each reduced copy."""
        return len(self.sampler.pictures)

    def build(self) -> HyperpriorCodec:
        model = HyperpriorCodec(self.config)
        model.build()
        return model

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the crops and qualities of `step`."""
        pixels = self.sampler.batch(step)
        rng = np.random.default_rng((self.seed, 1, step))
        # Stratified: every batch spans the qualities.
        count = len(pixels)
        quality = (rng.permutation(count) + rng.random(count)) / count * self.max_quality
        return pixels, quality.astype("float32")

    def scalars(self, step: int) -> np.ndarray:
        """Return the schedule values that the loss of `step` takes."""
        return np.float32(min(1.0, step / max(1, self.hyper_warmup)))

    def loss(self, model, batch, scalars, *, rounded_rate: bool = False):
        pixels, quality = batch
        output = model(pixels, quality, rounded_rate=rounded_rate)
        return rate_distortion_loss(output, pixels, quality, hyper_weight=scalars)

    def calibrate(self, model) -> None:
        """Set the scale tables of an untrained model from the latents of real crops.

        The scale of a logistic that fits samples of mean magnitude m is m / (2 ln 2).
        """
        pixels = np.concatenate([self.sampler.batch(10**9 + i) for i in range(4)])
        u = model.analysis_transform(ops.cast(pixels, "float32") - 128.0)
        magnitude = np.abs(ops.convert_to_numpy(u)).mean(axis=(0, 1, 2))
        quality = np.linspace(0.0, 100.0, QUALITY_KNOTS).astype("float32")
        gain = np.exp(ops.convert_to_numpy(model.gain(quality)))[:, 0, 0]
        base = np.log(magnitude * gain / (2.0 * np.log(2.0)) / S_MIN) / LOG_SCALE_STEP
        model.scale_base.table.assign(np.clip(base, 1.0, 58.0) / model.scale_base.unit)

    def validate(self, forward) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """Return bpp, PSNR and objective of the held-out pictures, and some pictures to look at.

        Args:
            forward: function (pixels (1, h, w, 3), quality (1,)) to CodecOutput with rounding.
        """
        results, objectives, pictures = {}, [], {}
        for quality in VALIDATION_QUALITIES:
            bpps, psnrs = [], []
            for picture in self.validation:
                output = forward(picture[None], np.array([quality], "float32"))
                pixels = np.clip(np.round(np.asarray(output["reconstruction"])[0]), 0, 255)
                mse = float(np.mean(np.square(pixels - picture)))
                bits = float(output["latent_bits"][0]) + float(output["hyper_bits"][0])
                bpp = bits / (picture.shape[0] * picture.shape[1])
                bpps.append(bpp)
                psnrs.append(10.0 * np.log10(255.0**2 / max(mse, 1e-10)))
                objectives.append(bpp + lmbda_of_quality(quality) * mse)
                if quality == SHOWN_QUALITY and len(pictures) < SHOWN_PICTURES:
                    pair = np.concatenate([picture, pixels.astype("uint8")], axis=1)
                    pictures[f"original_and_q{quality:g}/{len(pictures)}"] = pair
            results[f"bpp_q{quality:g}"] = float(np.mean(bpps))
            results[f"psnr_q{quality:g}"] = float(np.mean(psnrs))
        results["objective"] = float(np.mean(objectives)) if objectives else float("nan")
        return results, pictures
