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
import numpy as np
from keras import ops

from aeimage.models.layers import (
    ConvBlock,
    PatchConv2D,
    PatchConv2DTranspose,
    TileConv2D,
    TileConv2DTranspose,
)

LEVEL_UNIT = 64.0
"""Pixels, levels and restored differences enter and leave the networks in units of 64 levels."""
MAX_LEVEL = 75.0


@dataclass(frozen=True)
class RestorerConfig:
    """Sizes of a restorer.

    Attributes:
        widths: channels at 1/2, 1/4 ... of the resolution; as many as there are scales.
        encoder_blocks: residual blocks at each scale on the way down, the last at the bottom.
        decoder_blocks: residual blocks at each scale but the last on the way up, finest first.
        level_map: the noise level is an input.
    """

    widths: tuple[int, ...]
    encoder_blocks: tuple[int, ...]
    decoder_blocks: tuple[int, ...]
    level_map: bool

    @property
    def multiple(self) -> int:
        """Heights and widths of its inputs are multiples of this."""
        return 2 ** len(self.widths)

    @property
    def halo(self) -> int:
        """Context on each side, in pixels, with which a tile comes out as in the whole picture."""
        reach = 4  # the layers at the full resolution
        for scale, count in enumerate(self.encoder_blocks, 1):
            decoder = self.decoder_blocks[scale - 1] if scale < len(self.widths) else 0
            reach += 2 * (count + decoder) * 2**scale
        return -(-reach // self.multiple) * self.multiple


@keras.saving.register_keras_serializable("aeimage")
class Restorer(keras.Model):
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

    input_channels = 3

    def __init__(self, config: RestorerConfig | dict, **kwargs):
        super().__init__(autocast=False, **kwargs)  # pixels stay exact in mixed precision
        if isinstance(config, dict):
            config = RestorerConfig(**{k: _hashable(v) for k, v in config.items()})
        self.config = config
        first, *others = config.widths
        self.enter = PatchConv2D(first, 2, name="enter")
        self.leave = PatchConv2DTranspose(3, 2, kernel_initializer="zeros", name="leave")
        self.down = [TileConv2D(w, 2, name=f"down_{i}") for i, w in enumerate(others)]
        self.up = [
            TileConv2DTranspose(w, 2, name=f"up_{i}") for i, w in enumerate(config.widths[:-1])
        ]
        # One flat list: TensorFlow does not look for variables in lists of lists.
        self.blocks = [
            ConvBlock(name=f"{side}_{i}_{k}")
            for side, counts in (
                ("encoder", config.encoder_blocks),
                ("decoder", config.decoder_blocks),
            )
            for i, count in enumerate(counts)
            for k in range(count)
        ]
        self.estimator = LevelEstimator(name="estimator") if config.level_map else None
        if config.level_map:
            self.level_in = keras.layers.Dense(first, use_bias=False, name="level_in")

    @property
    def encoder(self) -> list[list[ConvBlock]]:
        """The blocks of each scale on the way down, finest first."""
        return _cut(self.blocks, self.config.encoder_blocks)

    @property
    def decoder(self) -> list[list[ConvBlock]]:
        """The blocks of each scale on the way up, finest first."""
        return _cut(self.blocks[sum(self.config.encoder_blocks) :], self.config.decoder_blocks)

    def build(self, input_shape=None):
        self.enter.build((None, None, None, self.input_channels))
        if self.config.level_map:
            self.level_in.build((None, 1))
            self.estimator.build((None, None, None, 3))
        previous = None
        for i, (width, blocks) in enumerate(zip(self.config.widths, self.encoder, strict=True)):
            if i:
                self.down[i - 1].build((None, None, None, previous))
            for block in blocks:
                block.build((None, None, None, width))
            previous = width
        for i, blocks in enumerate(self.decoder):
            self.up[i].build((None, None, None, self.config.widths[i + 1]))
            for block in blocks:
                block.build((None, None, None, self.config.widths[i]))
        self.leave.build((None, None, None, self.config.widths[0]))
        self.built = True

    def call(self, pixels, level=None):
        restored = {"pixels": self.restore(pixels, level)}
        if self.config.level_map:
            restored["level"] = self.estimate(pixels)
        return restored

    def restore(self, pixels, level=None):
        """Return the restored pixels alone; arguments as in `call`."""
        pixels = ops.cast(pixels, "float32")
        x = _exact(self.enter((pixels - 128.0) / LEVEL_UNIT))
        if self.config.level_map:
            plane = ops.reshape(ops.cast(level, "float32") / LEVEL_UNIT, (-1, 1))
            x = x + _exact(self.level_in(plane)[:, None, None, :])
        return pixels + self.difference(x) * LEVEL_UNIT

    def difference(self, x):
        """Return what the blocks and the last layer make of the first layer's output.

        Args:
            x: float32 (batch, height / 2, width / 2, config.widths[0]).

        Returns:
            float32 (batch, height, width, 3), in units of 64 levels.
        """
        skips = []
        for i, blocks in enumerate(self.encoder):
            if i:
                x = _exact(self.down[i - 1](x))
            for block in blocks:
                x = block(x)
            skips.append(x)
        for i, blocks in reversed(list(enumerate(self.decoder))):
            x = _exact(self.up[i](x)) + skips[i]
            for block in blocks:
                x = block(x)
        return _exact(self.leave(x))

    def estimate(self, pixels):
        """Return the level of damage that the network sees, float32 (batch,)."""
        return self.estimator((ops.cast(pixels, "float32") - 128.0) / LEVEL_UNIT) * LEVEL_UNIT

    def get_config(self):
        return {**super().get_config(), "config": vars(self.config)}


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


def _hashable(value):
    return tuple(value) if isinstance(value, list) else value


def _exact(x):
    """Return sums' terms in float32, whatever the layers compute in."""
    return ops.cast(x, "float32")


def _cut(flat, counts):
    """Cut a list into lists of the given lengths; what is left over is dropped."""
    ends = np.cumsum(counts)
    return [list(flat[end - count : end]) for end, count in zip(ends, counts, strict=True)]
