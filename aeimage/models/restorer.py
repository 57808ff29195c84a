"""The restorer: a convolutional encoder and a transposed-convolution decoder with skips.

    pixels x ----------------------------------------------------------------(+)--> restored
      |                                                                       ^
    conv 4x4 /2, level map                                  transposed conv 4x4 x2
      |                                                                       |
    blocks, widths[0] ---------------------- skip ----------------------(+) blocks
      | conv 2x2 /2                                   transposed conv 2x2 x2  |
    blocks, widths[1] ---------------------- skip ----------------------(+) blocks
      |  ...                                                             ...  |
      '---------------------- blocks, widths[-1] -----------------------------'

The last layer starts at zero: an untrained restorer returns its input. Skips are sums. There is no
normalisation, so that a tile with enough context (`halo`) is restored as the whole picture is, and
results do not depend on a picture's other parts.

Sources: residual U-Net with a noise map, Zhang et al., "Plug-and-Play Image Restoration with Deep
Denoiser Prior" (DRUNet), 2021; noise map as an input: Zhang et al., "FFDNet", 2018; level
estimation as a network of its own: Guo et al., "Toward Convolutional Blind Denoising" (CBDNet),
2019.
"""

from dataclasses import dataclass

import keras
from keras import ops

from aeimage.models.layers import PatchConv2D, PatchConv2DTranspose, TileConv2D
from aeimage.models.skip_autoencoder import SkipAutoencoder, SkipConfig, exact

LEVEL_UNIT = 64.0
"""Pixels, levels and restored differences enter and leave the networks in units of 64 levels."""
MAX_LEVEL = 75.0


@dataclass(frozen=True)
class RestorerConfig(SkipConfig):
    """Sizes of a restorer.

    Attributes:
        level_map: the noise level is an input.
    """

    level_map: bool


@keras.saving.register_keras_serializable("aeimage")
class Restorer(SkipAutoencoder):
    """Restores pictures that were damaged.

    Args:
        config: sizes.

    Call arguments:
        pixels: float32 (batch, height, width, 3), levels 0...255, or beyond where noise was not
            clipped; height and width multiples of `config.multiple`.
        level: float32 (batch,), root mean square of the damage in levels; only with
            `config.level_map`.

    Returns:
        dict of `pixels`, float32 of the input's shape, neither clipped nor rounded; and with
        `config.level_map`, `level`, float32 (batch,): the network's own estimate.
    """

    config_class = RestorerConfig

    def __init__(self, config: RestorerConfig | dict, **kwargs):
        leave = PatchConv2DTranspose(3, 2, kernel_initializer="zeros", name="leave")
        super().__init__(config, leave, **kwargs)
        config = self.config
        self.estimator = LevelEstimator(name="estimator") if config.level_map else None
        if config.level_map:
            self.level_in = keras.layers.Dense(config.widths[0], use_bias=False, name="level_in")

    def build(self, input_shape=None):
        if self.config.level_map:
            self.level_in.build((None, 1))
            self.estimator.build((None, None, None, 3))
        super().build(input_shape)

    def call(self, pixels, level=None):
        restored = {"pixels": self.restore(pixels, level)}
        if self.config.level_map:
            restored["level"] = self.estimate(pixels)
        return restored

    def restore(self, pixels, level=None):
        """Return the restored pixels alone; arguments as in `call`."""
        pixels = ops.cast(pixels, "float32")
        x = exact(self.enter((pixels - 128.0) / LEVEL_UNIT))
        if self.config.level_map:
            plane = ops.reshape(ops.cast(level, "float32") / LEVEL_UNIT, (-1, 1))
            x = x + exact(self.level_in(plane)[:, None, None, :])
        return pixels + self.transform(x) * LEVEL_UNIT

    def estimate(self, pixels):
        """Return the level of damage that the network sees, float32 (batch,)."""
        return self.estimator((ops.cast(pixels, "float32") - 128.0) / LEVEL_UNIT) * LEVEL_UNIT


class LevelEstimator(keras.layers.Layer):
    """Estimate of the damage's level: a few convolutions, averaged over the picture.

    Input: pixels in units of 64 levels, minus 128, (batch, height, width, 3).
    Output: float32 (batch,), root mean square of the damage in the same unit.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)
        policy = self.dtype_policy

        def conv(filters, name):
            return keras.layers.Conv2D(
                filters,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                dtype=policy,
                name=name,
            )

        self.enter = PatchConv2D(24, 2, activation="relu", dtype=policy, name="enter")
        self.fine = conv(24, "fine")
        self.down = TileConv2D(32, 2, activation="relu", dtype=policy, name="down")
        self.coarse = conv(32, "coarse")
        self.last = keras.layers.Dense(1, dtype="float32", name="last")

    def build(self, input_shape):
        self.enter.build(input_shape)
        self.fine.build((None, None, None, 24))
        self.down.build((None, None, None, 24))
        self.coarse.build((None, None, None, 32))
        self.last.build((None, 32))

    def call(self, inputs):
        features = self.coarse(self.down(self.fine(self.enter(inputs))))
        mean = ops.mean(ops.cast(features, "float32"), axis=(1, 2))
        return ops.softplus(self.last(mean))[:, 0]
