"""From quality to lambda, and from scale indices to bits."""

import numpy as np
from keras import ops

from aeimage.tables import NUM_INDEXES, S_MAX, S_MIN

LAMBDA_MIN = 0.0018
LAMBDA_RATIO = 200.0
LOG_SCALE_STEP = float(np.log(S_MAX / S_MIN)) / (NUM_INDEXES - 1)


def lmbda_of_quality(quality):
    """Return lambda of the loss bpp + lambda * 255^2 * MSE, pixels in [0, 1], at a quality."""
    return LAMBDA_MIN * LAMBDA_RATIO ** (np.asarray(quality, "float64") / 100.0)


def step_of_quality(quality):
    """Return the quantiser step that theory gives for an orthonormal transform, in levels of 255.

    At high rate D = step^2 / 12 and dD/dR = -2 ln(2) D, with the MSE averaged over three channels.
    """
    return np.sqrt(18.0 / (np.log(2.0) * lmbda_of_quality(quality)))


def logistic_bits(values, indexes):
    """Return the bits of `values` under the discretised zero-mean logistic of scale `indexes`.

    Args:
        values: float32 tensor, real (noise for quantisation) or whole numbers.
        indexes: float32 tensor of scale indices 0...63, whole or not; gradients flow to it.
    """
    inverse = ops.exp(-indexes * LOG_SCALE_STEP) * (1.0 / S_MIN)
    magnitude = ops.abs(values)
    upper = ops.sigmoid((0.5 - magnitude) * inverse)
    lower = ops.sigmoid((-0.5 - magnitude) * inverse)
    return ops.log(ops.maximum(upper - lower, 1e-9)) * (-1.0 / float(np.log(2.0)))
