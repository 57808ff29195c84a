"""Edges of pictures, for objectives that must not blur them."""

from keras import ops


def gradient_difference_loss(output, target):
    """Return how far the gradients of two batches of pictures are apart.

        mean over pixels of | |output(x + 1) - output(x)| - |target(x + 1) - target(x)| |,

    horizontally and vertically, the sum of both. The squared error alone is least for the mean of
    all pictures that might be meant, whose edges are soft; this term is not.

    Source: Mathieu, Couprie and LeCun, "Deep multi-scale video prediction beyond mean square
    error", 2016, equation 6, with alpha = 1.

    Args:
        output, target: float32 (batch, height, width, channels), in any unit.

    Returns:
        scalar, in the unit of the pictures.
    """
    loss = 0.0
    for axis in (1, 2):
        steps = [ops.abs(_steps(pictures, axis)) for pictures in (output, target)]
        loss = loss + ops.mean(ops.abs(steps[0] - steps[1]))
    return loss


def _steps(pictures, axis: int):
    if axis == 1:
        return pictures[:, 1:] - pictures[:, :-1]
    return pictures[:, :, 1:] - pictures[:, :, :-1]
