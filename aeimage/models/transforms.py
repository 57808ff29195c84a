"""The networks of the codec: transforms, hyper transforms, and the heads of the coding passes."""

from dataclasses import dataclass

import keras
from keras import ops

from aeimage.models import block_transform
from aeimage.models.integer import IntegerConv2D
from aeimage.models.layers import (
    PatchConv2D,
    PatchConv2DTranspose,
    ResidualBlock,
    conv_transpose_as_patches,
)
from aeimage.scale_network import HYPER_MAX

# Latents and features are orthonormal coefficients of a picture in [0, 1], times UNIT: about one
# quantiser step at middle rates, so that one learning rate suits every channel.
UNIT = 10.0
PIXEL_UNIT = 4.0  # g_s works in units of 4 levels, for the same reason


@dataclass(frozen=True)
class CodecConfig:
    """Sizes of a codec. `slices` are the latent channels of the passes, low frequencies first."""

    slices: tuple[int, int, int] = (48, 112, 224)
    hyper: int = 96
    entropy: int = 96
    width: int = 96
    blocks: int = 4

    @property
    def latents(self) -> int:
        return sum(self.slices)


def _conv(filters, size, *, strides=1, activation="relu", initializer="he_normal", name=None):
    return keras.layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        activation=activation,
        kernel_initializer=initializer,
        name=name,
    )


def _build_chain(steps, channels):
    for step in steps:
        step.build((None, None, None, channels))
        channels = step.filters


def _run_chain(steps, x):
    for step in steps:
        x = step(x)
    return ops.cast(x, "float32")


def _blocks(config):
    return [ResidualBlock(config.width, name=f"block_{i}") for i in range(config.blocks)]


def _whiten_blocks(patch_blocks, latent_blocks):
    """Scale the first kernels of residual blocks to see inputs of about unit size."""
    patch = block_transform.patch_amplitudes() * UNIT
    for block in patch_blocks:
        block.reduce.kernel.assign(block.reduce.kernel / patch[:, None])
    for block in latent_blocks:
        latent = block_transform.latent_amplitudes(block.reduce.kernel.shape[2]) * UNIT
        block.reduce.kernel.assign(block.reduce.kernel / latent[:, None])


class AnalysisTransform(keras.layers.Layer):
    """g_a: pixels minus 128 (batch, 16 h, 16 w, 3) to latents u (batch, h, w, latents)."""

    def __init__(self, config: CodecConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.patch = PatchConv2D(block_transform.CHANNELS, 8, name="patch")
        self.blocks = _blocks(config)
        self.pair = keras.layers.Conv2D(config.latents, 4, strides=2, padding="same", name="pair")
        self.last = ResidualBlock(config.width, name="last")
        self.latents = config.latents

    def build(self, input_shape):
        batch, _, _, channels = input_shape
        self.patch.build((batch, None, None, channels))
        inner = (batch, None, None, block_transform.CHANNELS)
        for block in self.blocks:
            block.build(inner)
        self.pair.build(inner)
        self.last.build((batch, None, None, self.latents))
        self.patch.kernel.assign(block_transform.patch_kernel() * (UNIT * 1024.0 / 255.0))
        self.pair.kernel.assign(block_transform.pair_kernel(self.latents))
        _whiten_blocks(self.blocks, [self.last])

    def enter(self, pixels):
        """Return what the blocks see, (batch, 2 h, 2 w, patch channels)."""
        return ops.cast(self.patch(pixels * (1.0 / 1024.0)), "float32")

    def call(self, pixels):
        x = self.enter(pixels)
        for block in self.blocks:
            x = block(x)
        return self.last(ops.cast(self.pair(x), "float32"))


class SynthesisTransform(keras.layers.Layer):
    """g_s: dequantised latents u_hat to pixels minus 128, in units of 4 levels."""

    def __init__(self, config: CodecConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.first = ResidualBlock(config.width, name="first")
        self.pair = PatchConv2DTranspose(block_transform.CHANNELS, 2, name="pair")
        self.blocks = _blocks(config)
        self.patch = PatchConv2DTranspose(3, 8, name="patch")
        self.latents = config.latents

    def build(self, input_shape):
        batch = input_shape[0]
        self.first.build((batch, None, None, self.latents))
        self.pair.build((batch, None, None, self.latents))
        inner = (batch, None, None, block_transform.CHANNELS)
        for block in self.blocks:
            block.build(inner)
        self.patch.build(inner)
        self.pair.kernel.assign(block_transform.pair_kernel(self.latents))
        self.patch.kernel.assign(block_transform.patch_kernel() * (255.0 / PIXEL_UNIT / UNIT))
        _whiten_blocks(self.blocks, [self.first])

    def call(self, latents):
        x = ops.cast(self.pair(self.first(latents)), "float32")
        for block in self.blocks:
            x = block(x)
        return ops.cast(self.patch(x), "float32")


class HyperAnalysis(keras.layers.Layer):
    """h_a: gained latents y and plain latents u to real hyper-latents at a quarter of the size."""

    def __init__(self, config: CodecConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.steps = [
            _conv(128, 1, name="reduce"),
            _conv(128, 3, name="mix"),
            _conv(128, 5, strides=2, name="half"),
            _conv(128, 5, strides=2, name="quarter"),
            _conv(config.hyper, 1, activation=None, initializer="glorot_uniform", name="last"),
        ]

    def build(self, input_shape):
        _build_chain(self.steps, input_shape[-1])

    @staticmethod
    def features(y, u):
        """Return what the first convolution sees."""
        # Magnitudes span five decades over the qualities: hand them over on a logarithmic scale.
        return ops.concatenate([ops.sign(y) * ops.log1p(ops.abs(y)), u], axis=-1)

    def call(self, y, u):
        return _run_chain(self.steps, self.features(y, u))


class Head(keras.layers.Layer):
    """What both heads of a coding pass are: features side by side, through a chain of layers."""

    def build(self, input_shape):
        _build_chain(self.steps, input_shape[-1])

    def call(self, *features):
        x = ops.concatenate([ops.cast(f, self.compute_dtype) for f in features], axis=-1)
        return _run_chain(self.steps, x)


class MeanHead(Head):
    """Means of one pass, in units of u: 1x1, 3x3, 1x1; zero at the start."""

    def __init__(self, channels: int, config: CodecConfig, *, context: bool = True, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.steps = [_conv(config.entropy, 1, name="reduce")]
        if context:
            self.steps.append(_conv(config.entropy, 3, name="mix"))
        self.steps.append(_conv(channels, 1, activation=None, initializer="zeros", name="last"))


class ScaleHead(Head):
    """Offsets to the scale indices of one pass, in whole numbers: 1x1, 3x3, 1x1 on integers."""

    def __init__(self, channels: int, config: CodecConfig, *, context: bool = True, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.steps = [IntegerConv2D(config.entropy, 1, name="reduce")]
        if context:
            self.steps.append(IntegerConv2D(config.entropy, 3, name="mix"))
        # One unit of a kernel moves an index by 1/8 step.
        last = IntegerConv2D(
            channels, 1, shift=9, rectify=False, kernel_initializer="zeros", name="last"
        )
        self.steps.append(last)


class HyperSynthesis(keras.layers.Layer):
    """h_s: hyper-latents at (h / 4, w / 4) to features at (h, w), in floats and in integers."""

    def __init__(self, config: CodecConfig, **kwargs):
        super().__init__(autocast=False, **kwargs)
        transpose = {"strides": 2, "padding": "same", "activation": "relu"}
        self.mean_steps = [
            keras.layers.Conv2DTranspose(config.hyper, 4, **transpose, name="mean_half"),
            keras.layers.Conv2DTranspose(config.entropy, 4, **transpose, name="mean_full"),
        ]
        # Hyper-latents are small integers: the first layer multiplies by 8.
        self.scale_steps = [
            IntegerConv2D(
                config.hyper, 4, upsample=2, shift=3, input_max=HYPER_MAX, name="scale_half"
            ),
            IntegerConv2D(config.entropy, 4, upsample=2, name="scale_full"),
        ]
        self.as_patches = False

    def run_as_patches(self):
        """Upsample by `conv_transpose_as_patches` from now on, which exports to faster graphs."""
        self.as_patches = True
        for step in self.scale_steps:
            step.as_patches = True

    def build(self, input_shape):
        _build_chain(self.mean_steps, input_shape[-1])
        _build_chain(self.scale_steps, input_shape[-1])

    def mean_features(self, z):
        if not self.as_patches:
            return _run_chain(self.mean_steps, z)
        for step in self.mean_steps:
            z = conv_transpose_as_patches(
                z, step.kernel, step.bias, step.strides[0], step.activation
            )
        return z

    def scale_features(self, z):
        return _run_chain(self.scale_steps, z)

    def call(self, z):
        return self.mean_features(z), self.scale_features(z)
