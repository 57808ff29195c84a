"""Encoders and decoders that all autoencoders share: dense, and convolutional.

    dense            pixels -- flatten -- dense, widths[0] ... widths[-1] --> features
                     latents -- dense, widths[-1] ... widths[0] -- dense --> logits of the pixels

    convolutional    pixels -- (conv 4x4 /2, blocks) for each width -- flatten --> features
                     latents -- dense -- (blocks, transposed conv 4x4 x2) for each width --> logits

The convolutional decoder runs through the encoder's sizes backwards and cuts off what a doubled
odd side has too much, so that pictures of any size will do. Layers follow the dtype policy; the
decoder's last one is in float32, since pictures need more than the eight bits of bfloat16.

Sources: Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", 2006
(dense); Masci et al., "Stacked Convolutional Auto-Encoders", 2011; transposed convolutions:
Zeiler et al., "Deconvolutional Networks", 2010. Kernels are twice as wide as their stride, which
avoids checkerboards (Odena et al., 2016).
"""

import math

import keras
from keras import ops

from aeimage.models.layers import ConvBlock, PatchConv2DTranspose

CODERS = ("dense", "convolutional")


class DenseEncoder(keras.layers.Layer):
    """Fully connected layers from pixels to features.

    Args:
        shape: of a picture: height, width, channels.
        widths: units of each layer; none at all makes the features the pixels themselves.
        activation: of each layer.
        dropout: share of each layer's units that is dropped in training.

    Input: (batch, height, width, channels). Output: (batch, widths[-1]).
    """

    def __init__(self, shape, widths, activation, dropout=0.0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.count = math.prod(shape)
        self.hidden = _dense_layers(widths, activation, self.dtype_policy)
        self.dropout = keras.layers.Dropout(dropout, name="dropout") if dropout else None

    def build(self, input_shape=None):
        self.features = _build_chain(self.hidden, self.count)

    def call(self, inputs, training=False):
        x = ops.reshape(inputs, (-1, self.count))
        return _run_chain(self.hidden, self.dropout, x, training)


class DenseDecoder(keras.layers.Layer):
    """Fully connected layers from latents to logits of pixels.

    Args:
        shape: of a picture: height, width, channels.
        widths, activation, dropout: as the encoder's, whose layers it has in the other order.

    Input: (batch, latents). Output: float32 (batch, height, width, channels), before the output
    activation.
    """

    def __init__(self, shape, widths, activation, dropout=0.0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.shape = tuple(shape)
        self.hidden = _dense_layers(tuple(widths)[::-1], activation, self.dtype_policy)
        self.dropout = keras.layers.Dropout(dropout, name="dropout") if dropout else None
        self.last = keras.layers.Dense(math.prod(shape), dtype="float32", name="last")

    def build(self, input_shape):
        self.last.build((None, _build_chain(self.hidden, input_shape[-1])))

    @property
    def first(self) -> keras.layers.Dense:
        """The layer that takes the latents."""
        return self.hidden[0] if self.hidden else self.last

    def call(self, inputs, training=False):
        x = _run_chain(self.hidden, self.dropout, inputs, training)
        return ops.reshape(self.last(x), (-1, *self.shape))


class ConvolutionalEncoder(keras.layers.Layer):
    """Strided convolutions from pixels to features.

    Args:
        shape: of a picture: height, width, channels.
        widths: channels at 1/2, 1/4 ... of the resolution.
        activation: of each convolution.
        dropout: share of the features that is dropped in training.
        blocks: residual blocks after each strided convolution.

    Input: (batch, height, width, channels). Output: (batch, features).
    """

    def __init__(self, shape, widths, activation, dropout=0.0, blocks=0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.shape = tuple(shape)
        self.down = [
            keras.layers.Conv2D(
                width,
                4,
                strides=2,
                padding="same",
                activation=activation,
                kernel_initializer="he_normal",
                dtype=self.dtype_policy,
                name=f"down_{i}",
            )
            for i, width in enumerate(widths)
        ]
        self.blocks = _blocks(widths, blocks, self.dtype_policy)
        self.dropout = keras.layers.Dropout(dropout, name="dropout") if dropout else None

    def build(self, input_shape=None):
        shape = self.shape
        for i, layer in enumerate(self.down):
            layer.build((None, *shape))
            shape = (*halved(shape[:2]), layer.filters)
            for block in _of_scale(self.blocks, i, self.down):
                block.build((None, *shape))
        self.features = math.prod(shape)

    def call(self, inputs, training=False):
        x = inputs
        for i, layer in enumerate(self.down):
            x = layer(x)
            for block in _of_scale(self.blocks, i, self.down):
                x = block(ops.cast(x, "float32"))
        x = ops.reshape(x, (-1, self.features))
        return self.dropout(x, training=training) if self.dropout else x


class ConvolutionalDecoder(keras.layers.Layer):
    """Transposed convolutions from latents to logits of pixels.

    Args:
        shape: of a picture: height, width, channels.
        widths, activation, dropout, blocks: as the encoder's.

    Input: (batch, latents). Output: float32 (batch, height, width, channels), before the output
    activation.
    """

    def __init__(self, shape, widths, activation, dropout=0.0, blocks=0, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.sizes = [tuple(shape[:2])]
        for _ in widths:
            self.sizes.append(halved(self.sizes[-1]))
        self.widths = tuple(widths)
        self.first = keras.layers.Dense(
            math.prod(self.sizes[-1]) * self.widths[-1],
            activation=activation,
            dtype=self.dtype_policy,
            name="first",
        )
        self.dropout = keras.layers.Dropout(dropout, name="dropout") if dropout else None
        # up[i] makes the size sizes[i]; the one that makes the pixels is linear.
        self.up = [
            PatchConv2DTranspose(
                width, 2, activation=activation, dtype=self.dtype_policy, name=f"up_{i + 1}"
            )
            for i, width in enumerate(self.widths[:-1])
        ]
        self.up.insert(0, PatchConv2DTranspose(shape[2], 2, dtype="float32", name="up_0"))
        self.blocks = _blocks(self.widths, blocks, self.dtype_policy)

    def build(self, input_shape):
        self.first.build(input_shape)
        for i, width in enumerate(self.widths):
            self.up[i].build((None, *self.sizes[i + 1], width))
            for block in _of_scale(self.blocks, i, self.widths):
                block.build((None, *self.sizes[i + 1], width))

    def call(self, inputs, training=False):
        x = self.first(inputs)
        if self.dropout:
            x = self.dropout(x, training=training)
        x = ops.reshape(x, (-1, *self.sizes[-1], self.widths[-1]))
        for i in reversed(range(len(self.widths))):
            for block in _of_scale(self.blocks, i, self.widths):
                x = block(ops.cast(x, "float32"))
            height, width = self.sizes[i]
            x = self.up[i](x)[:, :height, :width]
        return x

    def set_as_patches(self, as_patches: bool) -> None:
        """Compute transposed convolutions as mobile runtimes like it, or as training does."""
        for layer in self.up:
            layer.as_patches = as_patches


def halved(size: tuple[int, int]) -> tuple[int, int]:
    """Return half of a height and width, rounded up, as strided convolutions do."""
    return -(-size[0] // 2), -(-size[1] // 2)


def _dense_layers(widths, activation, policy):
    return [
        keras.layers.Dense(width, activation=activation, dtype=policy, name=f"hidden_{i}")
        for i, width in enumerate(widths)
    ]


def _build_chain(layers, count: int) -> int:
    for layer in layers:
        layer.build((None, count))
        count = layer.units
    return count


def _run_chain(layers, dropout, x, training: bool):
    for layer in layers:
        x = layer(x)
        if dropout is not None:
            x = dropout(x, training=training)
    return x


def _blocks(widths, count: int, policy) -> list[ConvBlock]:
    # One flat list: TensorFlow does not look for variables in lists of lists.
    return [
        ConvBlock(dtype=policy, name=f"block_{i}_{k}")
        for i in range(len(widths))
        for k in range(count)
    ]


def _of_scale(blocks, scale: int, scales) -> list[ConvBlock]:
    count = len(blocks) // len(scales)
    return list(blocks[scale * count : (scale + 1) * count])
