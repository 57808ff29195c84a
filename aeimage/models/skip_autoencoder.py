"""What restorers, masked autoencoder and colorizer share: encoder and decoder with skips.

    input --------- conv 4x4 /2 ------.            .------ last layer --> output
                                      |            |
                        blocks, widths[0] -- skip -(+) blocks
                          | conv 2x2 /2            |  transposed conv 2x2 x2
                        blocks, widths[1] -- skip -(+) blocks
                          |  ...              ...  |
                          '-- blocks, widths[-1] --'

Skips are sums. There is no normalisation, so that a tile with enough context (`halo`) comes out as
it does in the whole picture, and results do not depend on a picture's other parts.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from aeimage.models.layers import ConvBlock, PatchConv2D, TileConv2D, TileConv2DTranspose


@dataclass(frozen=True)
class SkipConfig:
    """Sizes of an autoencoder with skips.

    Attributes:
        widths: channels at 1/2, 1/4 ... of the resolution; as many as there are scales.
        encoder_blocks: residual blocks at each scale on the way down, the last at the bottom.
        decoder_blocks: residual blocks at each scale but the last on the way up, finest first.
    """

    widths: tuple[int, ...]
    encoder_blocks: tuple[int, ...]
    decoder_blocks: tuple[int, ...]

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


class SkipAutoencoder(keras.Model):
    """Base of models that take a picture, or something like one, to one of the same size.

    Args:
        config: sizes; a dict of them where a model is read from a file.
        leave: the last layer, on features of `config.widths[0]` channels at half the resolution.
        input_channels: of what the first layer sees.
    """

    config_class = SkipConfig

    def __init__(
        self,
        config: SkipConfig | dict,
        leave: keras.layers.Layer,
        input_channels: int = 3,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)  # pixels stay exact in mixed precision
        if isinstance(config, dict):
            config = self.config_class(**{k: _hashable(v) for k, v in config.items()})
        self.config = config
        self.input_channels = input_channels
        first, *others = config.widths
        self.enter = PatchConv2D(first, 2, name="enter")
        self.leave = leave
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

    def transform(self, x):
        """Return what the blocks of all scales and the last layer make of the first layer's output.

        Args:
            x: float32 (batch, height / 2, width / 2, config.widths[0]).

        Returns:
            float32, as the last layer gives it.
        """
        skips = []
        for i, blocks in enumerate(self.encoder):
            if i:
                x = exact(self.down[i - 1](x))
            for block in blocks:
                x = block(x)
            skips.append(x)
        x = self.bottom(x)
        for i, blocks in reversed(list(enumerate(self.decoder))):
            x = exact(self.up[i](x)) + skips[i]
            for block in blocks:
                x = block(x)
        return exact(self.leave(x))

    def bottom(self, x):
        """Return what the decoder gets of the coarsest features; a place for subclasses."""
        return x

    def get_config(self):
        return {**super().get_config(), "config": vars(self.config)}


def exact(x):
    """Return sums' terms in float32, whatever the layers compute in."""
    return ops.cast(x, "float32")


def _hashable(value):
    return tuple(value) if isinstance(value, list) else value


def _cut(flat, counts):
    """Cut a list into lists of the given lengths; what is left over is dropped."""
    ends = np.cumsum(counts)
    return [list(flat[end - count : end]) for end, count in zip(ends, counts, strict=True)]
