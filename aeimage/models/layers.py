"""Building blocks of the codec's transforms and of the restorers."""

import keras
from keras import ops


def _patch_config(config: dict) -> dict:
    """Reduce a convolution's config to what the constructors of patch convolutions take."""
    derived = ("kernel_size", "padding")
    stride = config["strides"][0]
    return {k: v for k, v in config.items() if k not in derived} | {"strides": stride}


def conv_transpose_as_patches(inputs, kernel, bias, stride: int, activation=None):
    """Compute a transposed convolution whose kernel is twice its stride, with "same" padding.

    A 2x2 convolution makes the channels of each patch, half a stride off the input's grid, and
    depth-to-space lays them out: mobile runtimes have fast kernels for both and slow ones for
    transposed convolutions. The same numbers up to rounding; whole numbers are the same exactly.

    Args:
        inputs: (batch, height, width, channels).
        kernel: (2 * stride, 2 * stride, filters, channels), as Keras stores it.
        bias: (filters,).
        stride: even.
        activation: function of the result, element by element.

    Returns:
        (batch, stride * height, stride * width, filters).
    """
    filters, channels = kernel.shape[2:]
    kernel = ops.reshape(kernel, (2, stride, 2, stride, filters, channels))
    # A patch between two cells takes the far half of the first, the near half of the second.
    kernel = ops.flip(ops.transpose(kernel, (0, 2, 5, 1, 3, 4)), axis=(0, 1))
    kernel = ops.reshape(kernel, (2, 2, channels, stride * stride * filters))
    x = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)))
    x = ops.conv(x, kernel, strides=1, padding="valid")
    # On the patches, where runtimes fuse them into the convolution.
    x = x + ops.cast(ops.tile(bias, (stride * stride,)), x.dtype)
    if activation is not None:
        x = activation(x)
    half = stride // 2
    return ops.nn.depth_to_space(x, stride)[:, half:-half, half:-half]


@keras.saving.register_keras_serializable("aeimage")
class PatchConv2D(keras.layers.Conv2D):
    """Conv2D whose kernel is twice its stride, computed as a 2x2 convolution of patches.

    The same numbers as `Conv2D(filters, 2 * strides, strides=strides, padding="same")` up to
    rounding: rearranging each stride x stride patch into channels first lets the inner loop run
    over many channels instead of three. Heights and widths must be multiples of the stride.

    Args:
        filters: number of output channels.
        strides: even stride; the kernel is 2 * strides wide.
    """

    def __init__(self, filters: int, strides: int, **kwargs):
        super().__init__(filters, 2 * strides, strides=strides, padding="same", **kwargs)

    def call(self, inputs):
        stride = self.strides[0]
        channels = inputs.shape[-1]
        kernel = ops.reshape(self.kernel, (2, stride, 2, stride, channels, self.filters))
        kernel = ops.transpose(kernel, (0, 2, 1, 3, 4, 5))
        kernel = ops.reshape(kernel, (2, 2, stride * stride * channels, self.filters))
        half = stride // 2
        x = ops.pad(inputs, ((0, 0), (half, half), (half, half), (0, 0)))
        x = ops.conv(ops.nn.space_to_depth(x, stride), kernel, strides=1, padding="valid")
        return self.activation(x + ops.cast(self.bias, x.dtype))

    def get_config(self):
        return _patch_config(super().get_config())


@keras.saving.register_keras_serializable("aeimage")
class PatchConv2DTranspose(keras.layers.Conv2DTranspose):
    """Conv2DTranspose with a kernel of twice its stride; can be run as a convolution to patches.

    The same numbers either way, up to rounding: with `as_patches` set, by
    `conv_transpose_as_patches`. Training libraries are faster with the transposed convolution
    itself.

    Args:
        filters: number of output channels.
        strides: even stride; the kernel is 2 * strides wide.
    """

    def __init__(self, filters: int, strides: int, **kwargs):
        super().__init__(filters, 2 * strides, strides=strides, padding="same", **kwargs)
        self.as_patches = False

    def call(self, inputs):
        if not self.as_patches:
            return super().call(inputs)
        kernel, bias = self.kernel, self.bias
        return conv_transpose_as_patches(inputs, kernel, bias, self.strides[0], self.activation)

    def get_config(self):
        return _patch_config(super().get_config())


@keras.saving.register_keras_serializable("aeimage")
class TileConv2D(keras.layers.Conv2D):
    """Conv2D whose kernel is as wide as its stride: each tile of pixels becomes one cell.

    Args:
        filters: number of output channels.
        strides: kernel and stride.
    """

    def __init__(self, filters: int, strides: int, **kwargs):
        super().__init__(filters, strides, strides=strides, padding="valid", **kwargs)

    def get_config(self):
        return _patch_config(super().get_config())


@keras.saving.register_keras_serializable("aeimage")
class TileConv2DTranspose(keras.layers.Conv2DTranspose):
    """Conv2DTranspose whose kernel is as wide as its stride: each cell becomes a tile of pixels.

    The same numbers as `Conv2DTranspose(filters, strides, strides=strides)` up to rounding,
    computed as a 1x1 convolution and depth-to-space, which every runtime has fast kernels for.

    Args:
        filters: number of output channels.
        strides: kernel and stride.
    """

    def __init__(self, filters: int, strides: int, **kwargs):
        super().__init__(filters, strides, strides=strides, padding="valid", **kwargs)

    def call(self, inputs):
        stride, channels = self.strides[0], inputs.shape[-1]
        kernel = ops.transpose(self.kernel, (3, 0, 1, 2))
        kernel = ops.reshape(kernel, (1, 1, channels, stride * stride * self.filters))
        x = ops.nn.depth_to_space(ops.conv(inputs, kernel, padding="valid"), stride)
        return self.activation(x + ops.cast(self.bias, x.dtype))

    def get_config(self):
        return _patch_config(super().get_config())


@keras.saving.register_keras_serializable("aeimage")
class ConvBlock(keras.layers.Layer):
    """Residual block of two 3x3 convolutions that starts as the identity.

        x -- 3x3, ReLU -- 3x3 --(+)--> x'
        '-----------------------^

    The convolutions follow the dtype policy, the sum stays in float32: with the eight bits of
    bfloat16, what one block adds would be lost in the next.

    Input and output: float32 (batch, height, width, channels).
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def build(self, input_shape):
        channels, policy = input_shape[-1], self.dtype_policy
        self.first = keras.layers.Conv2D(
            channels,
            3,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            dtype=policy,
            name="first",
        )
        self.second = keras.layers.Conv2D(
            channels, 3, padding="same", kernel_initializer="zeros", dtype=policy, name="second"
        )
        self.first.build(input_shape)
        self.second.build(input_shape)

    def call(self, inputs):
        return inputs + ops.cast(self.second(self.first(inputs)), "float32")

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable("aeimage")
class ResidualBlock(keras.layers.Layer):
    """Bottleneck residual block that starts as the identity.

        x -- 1x1, ReLU -- 3x3, ReLU -- 1x1 --(+)--> x'
        '------------------------------------^

    The convolutions follow the dtype policy, the sum stays in float32.

    Args:
        width: channels of the bottleneck.

    Input and output: float32 (batch, height, width, channels).
    """

    def __init__(self, width: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.width = width

    def build(self, input_shape):
        channels = input_shape[-1]
        policy = self.dtype_policy
        conv, active = (
            keras.layers.Conv2D,
            {"activation": "relu", "kernel_initializer": "he_normal"},
        )
        self.reduce = conv(self.width, 1, **active, dtype=policy, name="reduce")
        self.mix = conv(self.width, 3, padding="same", **active, dtype=policy, name="mix")
        self.expand = conv(channels, 1, kernel_initializer="zeros", dtype=policy, name="expand")
        self.reduce.build(input_shape)
        middle = (*input_shape[:-1], self.width)
        self.mix.build(middle)
        self.expand.build(middle)

    def call(self, inputs):
        hidden = self.expand(self.mix(self.reduce(inputs)))
        return inputs + ops.cast(hidden, "float32")

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable("aeimage")
class QualityTable(keras.layers.Layer):
    """One learned vector a quality: linear between evenly spaced knots in quality 0...100.

    Quality is linear in log(lambda), so a table of log gains is a piecewise power law in lambda.

    Args:
        channels: length of the vector.
        initial: array (knots, channels), or None for zeros.
        knots: number of knots.
        unit: size of one unit of the weights: with Adam, how fast the table may move.

    Input: quality, float32 (batch,), 0...100. Output: float32 (batch, 1, 1, channels).
    """

    def __init__(self, channels: int, *, knots: int = 9, unit: float = 1.0, initial=None, **kwargs):
        super().__init__(autocast=False, **{**kwargs, "dtype": "float32"})
        self.channels = channels
        self.knots = knots
        self.unit = unit
        self.initial = initial

    def build(self, input_shape=None):
        initial = self.initial
        self.table = self.add_weight(
            name="table",
            shape=(self.knots, self.channels),
            initializer="zeros"
            if initial is None
            else lambda shape, dtype=None: ops.convert_to_tensor(initial / self.unit, dtype=dtype),
            dtype="float32",
        )

    def call(self, quality):
        position = ops.cast(quality, "float32")[:, None] * ((self.knots - 1) / 100.0)
        knots = ops.arange(self.knots, dtype="float32")[None, :]
        weights = ops.maximum(0.0, 1.0 - ops.abs(position - knots))
        values = ops.matmul(weights, ops.convert_to_tensor(self.table)) * self.unit
        return values[:, None, None, :]

    def compute_output_shape(self, input_shape):
        return input_shape[0], 1, 1, self.channels

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "knots": self.knots,
            "unit": self.unit,
        }
