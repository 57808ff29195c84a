"""Smooth random fields, blurs and shifts: what paper, light and optics are made of.

A blur or a resampling is a matrix along each axis, one for each picture of a batch, so that every
picture can have its own width. That is faster than convolutions up to some 2000 pixels a side, and
the cost does not depend on the width.
"""

from __future__ import annotations

import math

from keras import ops

# Mean square of the cubic B-spline's weights at a point: the variance that interpolation leaves.
_SPLINE_POWER = 0.4795


def positions(size):
    """Return the pixel numbers 0…size-1 as float32; `size` may be a tensor."""
    return ops.cast(ops.arange(size), "float32")


def along_axes(rows, columns, images):
    """Apply a matrix to the rows and one to the columns of each picture.

    Args:
        rows: (batch, new height, height).
        columns: (batch, new width, width).
        images: (batch, height, width, channels).

    Returns:
        (batch, new height, new width, channels).
    """
    planes = ops.transpose(images, (0, 3, 1, 2))
    planes = ops.matmul(rows[:, None], planes)
    planes = ops.matmul(planes, ops.transpose(columns, (0, 2, 1))[:, None])
    return ops.transpose(planes, (0, 2, 3, 1))


def _gaussian_matrix(size, sigma):
    at = positions(size)
    distance = at[None, :, None] - at[None, None, :]
    # A sigma of 0 is the identity.
    width = ops.maximum(ops.reshape(sigma, (-1, 1, 1)), 0.05)
    weights = ops.exp(-0.5 * ops.square(distance / width))
    return weights / ops.sum(weights, axis=-1, keepdims=True)


def gaussian_blur(images, sigma_y, sigma_x=None):
    """Blur each picture with a Gaussian of its own.

    Args:
        images: (batch, height, width, channels).
        sigma_y: standard deviation along the rows in pixels, shape (batch, 1, 1, 1).
        sigma_x: along the columns; None: the same.
    """
    _, height, width, _ = ops.shape(images)
    sigma_x = sigma_y if sigma_x is None else sigma_x
    rows = _gaussian_matrix(height, sigma_y)
    return along_axes(rows, _gaussian_matrix(width, sigma_x), images)


def _spline_matrix(size, cell, start, count):
    """Return the cubic B-spline basis at each pixel: (batch, size, count)."""
    at = positions(size)[None, :, None] / cell + start
    t = ops.abs(at - positions(count)[None, None, :] + 1.0)
    near = 2.0 / 3.0 - ops.square(t) * (1.0 - 0.5 * t)
    far = ops.power(ops.maximum(2.0 - t, 0.0), 3) / 6.0
    return ops.where(t < 1.0, near, far)


def smooth_field(draws, smallest_cell: float, cell):
    """Draw a smooth field for each picture: random values on a grid, joined by cubic B-splines.

    Args:
        draws: where random numbers come from (`base.Draws`), with the pictures' shape.
        smallest_cell: lower bound of `cell` in pixels, known beforehand: it sets the grid's size.
        cell: distance of the grid's values in pixels, shape (batch, 1, 1, 1). Crops of a page show
            a part of one cell if they are smaller than it.

    Returns:
        float32 (batch, height, width, 1) of mean 0 and variance about 1.
    """
    batch, height, width, _ = draws.shape
    # Whole numbers, so that JAX knows the shape: 3 more than cells, 1 more for the random start.
    step = max(1, math.floor(smallest_cell))
    rows, columns = height // step + 5, width // step + 5
    values = draws.normal(batch, rows, columns) / _SPLINE_POWER
    start = draws.uniform(2, batch, 1, 1)
    cell = ops.reshape(cell, (-1, 1, 1))
    down = _spline_matrix(height, cell, start[0], rows)
    across = ops.transpose(_spline_matrix(width, cell, start[1], columns), (0, 2, 1))
    return ops.matmul(ops.matmul(down, values), across)[..., None]


def upper_quantile(share):
    """Return what a normal variable (mean 0, variance 1) exceeds with probability `share`.

    Args:
        share: tensor; held within 1e-5…1 - 1e-5.
    """
    return math.sqrt(2.0) * ops.erfinv(1.0 - 2.0 * ops.clip(share, 1e-5, 1.0 - 1e-5))


def line_distance(draws, angle, offset):
    """Return each pixel's signed distance from a straight line, one for each picture.

    Args:
        draws: gives the pictures' shape.
        angle: direction of the line's normal in radians, shape (batch, 1, 1, 1); 0 points right.
        offset: distance of the line from the centre of the picture along the normal in pixels.

    Returns:
        float32 (batch, height, width, 1) in pixels.
    """
    _, height, width, _ = draws.shape
    y = positions(height) - 0.5 * ops.cast(height - 1, "float32")
    x = positions(width) - 0.5 * ops.cast(width - 1, "float32")
    y, x = y[None, :, None, None], x[None, None, :, None]
    return x * ops.cos(angle) + y * ops.sin(angle) - offset


def _extreme(images, pick):
    down = pick(images, ops.concatenate([images[:, 1:], images[:, -1:]], axis=1))
    both = pick(down, ops.concatenate([images[:, :1], images[:, :-1]], axis=1))
    right = pick(both, ops.concatenate([both[:, :, 1:], both[:, :, -1:]], axis=2))
    return pick(right, ops.concatenate([both[:, :, :1], both[:, :, :-1]], axis=2))


def brightest(images):
    """Return the brightest of the 3x3 pixels around each: strokes lose a pixel on each side."""
    return _extreme(images, ops.maximum)


def darkest(images):
    """Return the darkest of the 3x3 pixels around each: strokes gain a pixel on each side."""
    return _extreme(images, ops.minimum)
