"""Integer convolutions: the part of the codec that must give the same numbers on every machine.

An entropy decoder is lost if one probability differs from the encoder's, so the network that
selects probabilities computes with integers alone. Every value is a whole number below 2^24, where
float32 addition is exact in any order; the same layer is therefore exact as an ordinary float32
convolution in TensorFlow, LiteRT, JAX and NumPy, on any chip and with any number of threads.

    a_out = clip(floor((sum(w * a_in) + b + 2^shift / 2) / 2^shift), 0, 127)

with integer weights |w| <= 127, integer biases, and inputs |a_in| <= 127. Rescaling is by a power
of two only: a converter may fold it into the weights without changing a bit. Trained with
straight-through rounding (Bengio et al. 2013; the constraint on the network follows Balle,
Johnston and Minnen, "Integer networks for data compression with latent-variable models", 2019).
"""

import contextlib
import contextvars
from collections.abc import Iterator

import keras
from keras import ops

from aeimage.models.layers import conv_transpose_as_patches
from aeimage.scale_network import ACTIVATION_MAX, BIAS_MAX, EXACT_LIMIT

_LARGEST = float(EXACT_LIMIT)
WEIGHT_UNIT = 64  # one unit of the trained, real-valued kernel is 64 integer steps


_forward_only = contextvars.ContextVar("forward_only", default=False)


@contextlib.contextmanager
def forward_only() -> Iterator[None]:
    """Leave out what only gradients need: for graphs that are traced to be exported.

    `straight_through` then costs nothing, where it would take two more passes over its tensor.
    """
    token = _forward_only.set(True)
    try:
        yield
    finally:
        _forward_only.reset(token)


def straight_through(exact, smooth):
    """Return `exact` in the forward pass with the gradient of `smooth`."""
    if _forward_only.get():
        return exact
    return smooth + ops.stop_gradient(exact - smooth)


def round_half_up(x):
    """Round to the nearest integer, halves up (one floor: the same on every backend)."""
    return ops.floor(x + 0.5)


@keras.saving.register_keras_serializable("aeimage")
class IntegerConv2D(keras.layers.Layer):
    """Convolution on integers: whole-number inputs, weights and outputs, carried in floats.

    Args:
        filters: number of output channels.
        kernel_size: side of the square kernel.
        upsample: 1, or 2 for a transposed convolution of stride 2.
        shift: the sum is divided by 2**shift. 6 keeps the unit of the kernel.
        rectify: clip the output to 0...127; otherwise it is a signed integer.
        input_max: largest magnitude of the inputs; with the fan-in it bounds the weights so that
        every
            partial sum stays below 2**24.
        kernel_initializer: initializer of the real-valued kernel (1.0 is 64 integer steps).

    Input: float tensor (batch, height, width, channels) of whole numbers in -input_max...input_max.
    Output: float tensor of whole numbers, (batch, upsample * height, upsample * width, filters).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 1,
        *,
        upsample: int = 1,
        shift: int = 6,
        rectify: bool = True,
        input_max: int = ACTIVATION_MAX,
        kernel_initializer="he_normal",
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        if upsample not in (1, 2):
            raise ValueError(f"Invalid value for `upsample`. Expected 1 or 2. Received: {upsample}")
        self.filters = filters
        self.kernel_size = kernel_size
        self.upsample = upsample
        self.shift = shift
        self.rectify = rectify
        self.input_max = input_max
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        # Whether to upsample by `conv_transpose_as_patches`, which exports to faster graphs.
        self.as_patches = False

    def build(self, input_shape):
        channels = input_shape[-1]
        side = self.kernel_size
        fan_in = side * side * channels // self.upsample**2
        # Half of the exact range is kept for the bias and the rounding term.
        self.weight_limit = min(127, (EXACT_LIMIT // 2) // (self.input_max * fan_in))
        if self.upsample == 1:
            shape = (side, side, channels, self.filters)
        else:
            shape = (side, side, self.filters, channels)
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=self.kernel_initializer, dtype="float32"
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer="zeros", dtype="float32"
        )

    def integer_kernel(self):
        """Return the kernel as whole numbers (float32), with a straight-through gradient."""
        limit = float(self.weight_limit)
        smooth = ops.clip(self.kernel * WEIGHT_UNIT, -limit, limit)
        return straight_through(round_half_up(smooth), smooth)

    def integer_bias(self):
        """Return the bias in units of the sum, as whole numbers (float32)."""
        limit = float(BIAS_MAX)
        smooth = ops.clip(self.bias * float(2**self.shift), -limit, limit)
        return straight_through(round_half_up(smooth), smooth)

    def call(self, inputs):
        inputs = ops.cast(inputs, self.compute_dtype)
        # The division by a power of two is exact wherever it is done; before the sum it keeps
        # bfloat16 training in range.
        scale = float(2.0**-self.shift)
        kernel = ops.cast(self.integer_kernel() * scale, self.compute_dtype)
        bias = self.integer_bias() * scale
        if self.upsample != 1 and self.as_patches:
            total = conv_transpose_as_patches(inputs, kernel, bias, self.upsample)
        else:
            if self.upsample == 1:
                total = ops.conv(inputs, kernel, strides=1, padding="same")
            else:
                total = ops.conv_transpose(inputs, kernel, strides=self.upsample, padding="same")
            total = ops.cast(total, "float32") + bias
        if _forward_only.get():
            # Clipping first is the same, and keeps a converter from adding the half of the rounding
            # to the bias, which fits 11 bits exactly and would not with the half.
            low, high = (-0.5, float(ACTIVATION_MAX)) if self.rectify else (-_LARGEST, _LARGEST)
            return round_half_up(ops.clip(total, low, high))
        total = straight_through(round_half_up(total), total)
        if self.rectify:
            total = ops.clip(total, 0.0, float(ACTIVATION_MAX))
        return total

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        height = None if height is None else height * self.upsample
        width = None if width is None else width * self.upsample
        return batch, height, width, self.filters

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "upsample": self.upsample,
            "shift": self.shift,
            "rectify": self.rectify,
            "input_max": self.input_max,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def magnitude_code(symbols):
    """Map |symbol| to 0...95, roughly logarithmic and exact: a sum of clipped magnitudes.

    Scale networks need the order of magnitude of decoded symbols; a logarithm would differ between
    machines in its last bit, this does not. Input and output are float32 whole numbers.
    """
    a = ops.abs(symbols)
    code = 16.0 * ops.minimum(a, 1.0) + 8.0 * ops.minimum(a, 2.0) + 4.0 * ops.minimum(a, 4.0)
    code = code + 2.0 * ops.minimum(a, 8.0) + ops.minimum(a, 16.0)
    return code + ops.floor(ops.minimum(a, 120.0) * 0.125)
