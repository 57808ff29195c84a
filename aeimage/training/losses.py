"""Losses, each with its parts named."""

from keras import ops

from aeimage.models.rate import LAMBDA_MIN, LAMBDA_RATIO
from aeimage.models.restorer import LEVEL_UNIT

# Each picture's loss is divided by sqrt(lambda), relative to this middle rate, so that the high
# rates do not drown the low ones.
REFERENCE_LMBDA = 0.0341


def rate_distortion_loss(output, pixels, quality, *, hyper_weight=1.0):
    """Return the loss of a codec and its parts.

    loss = mean over pictures of (bpp + lambda * MSE) / sqrt(lambda / 0.0341), MSE in levels squared
    (255^2 times that of pixels in [0, 1]), lambda of the picture's own quality.

    Args:
        output: CodecOutput of the batch.
        pixels: (batch, height, width, 3), 0...255, any dtype.
        quality: float32 (batch,), 0...100.
        hyper_weight: weight of the hyper-latents' rate; below 1 in the first steps, so that the
            hyperprior is not switched off before it is of use.

    Returns:
        Scalar loss, and a dict of scalars: `rate_distortion` (without the normalisation), `bpp`,
        `hyper_bpp`, `mse` (levels squared).
    """
    pixels = ops.cast(pixels, "float32")
    count = ops.cast(ops.shape(pixels)[1] * ops.shape(pixels)[2], "float32")
    lmbda = LAMBDA_MIN * ops.power(LAMBDA_RATIO, quality / 100.0)
    latent_bpp = output.latent_bits / count
    hyper_bpp = output.hyper_bits / count
    mse = ops.mean(ops.square(output.reconstruction - pixels), axis=(1, 2, 3))
    objective = latent_bpp + hyper_weight * hyper_bpp + lmbda * mse
    loss = ops.mean(objective / ops.sqrt(lmbda / REFERENCE_LMBDA))
    parts = {
        "rate_distortion": ops.mean(latent_bpp + hyper_bpp + lmbda * mse),
        "bpp": ops.mean(latent_bpp + hyper_bpp),
        "hyper_bpp": ops.mean(hyper_bpp),
        "mse": ops.mean(mse),
    }
    return loss, parts


def page_loss(restored, clean):
    """Return the loss of restored pages and its parts.

    loss = 0.4 mean over pages of (MSE + 0.05 MAE + 0.0001)^0.75, of pixels in [0, 1]. The squared
    error keeps an uncertain stroke grey, for the reader to make out; the absolute one keeps paper
    white. The power keeps pages that nobody can read, whose errors are fifty times as large, from
    ruling the others; with the square root or the logarithm instead, dirt stayed, which is hard.

    Args:
        restored, clean: float32 (batch, height, width, channels), levels 0...255.

    Returns:
        Scalar loss, and a dict of scalars: `rmse` (in [0, 1]), `mae` (levels).
    """
    error = (restored - clean) / 255.0
    mse = ops.mean(ops.square(error), axis=(1, 2, 3))
    mae = ops.mean(ops.abs(error), axis=(1, 2, 3))
    loss = 0.4 * ops.mean(ops.power(mse + 0.05 * mae + 0.0001, 0.75))
    return loss, {"rmse": ops.sqrt(ops.mean(mse)), "mae": ops.mean(mae) * 255.0}


def photo_loss(restored, clean):
    """Return the loss of denoised photographs and its parts.

    loss = mean over pictures of log(MSE + 1) / 20, in levels squared: the mean of PSNR, up to a
    factor, so that a tenth less error counts the same in smooth and in textured pictures, at weak
    and at strong noise. Source: Chen et al., "HINet", 2021 (PSNR loss); the 1 is ours, and keeps
    pictures without noise from ruling the others.

    Args:
        restored, clean: float32 (batch, height, width, channels), levels 0...255.

    Returns:
        Scalar loss, and a dict of scalars: `mae` (levels), `mse` (levels squared).
    """
    error = restored - clean
    mse = ops.mean(ops.square(error), axis=(1, 2, 3))
    parts = {"mae": ops.mean(ops.abs(error)), "mse": ops.mean(mse)}
    return ops.mean(ops.log(mse + 1.0)) / 20.0, parts


def level_loss(estimate, level):
    """Return the mean absolute difference of log(1 + level), for levels float32 (batch,)."""
    return ops.mean(ops.abs(ops.log1p(estimate) - ops.log1p(level)))


def filling_loss(pixels, filled, reference, mask):
    """Return the loss of pictures whose missing pixels were filled in, and its parts.

    loss = mean over pictures of (log(MAE + 1) + log(RMSE + 1)) / 2, of missing pixels alone, in
    levels. So twice the error counts the same in any picture, as it does in decibels.

    Args:
        pixels: float32 (batch, height, width, 3), levels 0...255: what is judged.
        filled: of the same shape: a simpler filling, to compare with.
        reference: of the same shape: the truth.
        mask: float32 (batch, height, width, 1): 1 where pixels are missing.

    Returns:
        Scalar loss, and a dict of scalars: `mae` (levels), and `relative_mae` and `relative_rmse`,
        mean shares of the simpler filling's errors.
    """
    count = ops.maximum(3.0 * ops.sum(mask, axis=(1, 2, 3)), 1.0)

    def errors(guess):
        error = (guess - reference) * mask
        mae = ops.sum(ops.abs(error), axis=(1, 2, 3)) / count
        mse = ops.sum(ops.square(error), axis=(1, 2, 3)) / count
        return mae, ops.sqrt(mse + 1e-3)  # a root has no slope at zero

    mae, rmse = errors(pixels)
    simple_mae, simple_rmse = errors(filled)
    parts = {
        "mae": ops.mean(mae),
        "relative_mae": ops.mean((mae + 1.0) / (simple_mae + 1.0)),
        "relative_rmse": ops.mean((rmse + 1.0) / (simple_rmse + 1.0)),
    }
    return 0.5 * (ops.mean(ops.log(mae + 1.0)) + ops.mean(ops.log(rmse + 1.0))), parts


def chroma_loss(chroma, reference):
    """Return the loss of guessed chroma, see `aeimage.models.colorizer`, and its parts.

    Args:
        chroma, reference: float32 (batch, height, width, 2), Cb and Cr in levels, 0 for grey.

    Returns:
        Scalar loss, and a dict of scalars: `rmse` of the chroma and of leaving it out (`rmse_grey`)
        in levels, and `colour`, the mean length of the chroma over that of the reference.
    """

    def length(x):
        return ops.sqrt(ops.sum(ops.square(x), axis=-1) + 1e-3)

    error, size = length(chroma - reference), length(reference)
    knee = 16.0
    huber = ops.where(error < knee, 0.5 * ops.square(error) / knee, error - 0.5 * knee)
    weight = 1.0 + ops.minimum(size, 64.0) / 32.0
    parts = {
        "rmse": ops.sqrt(ops.mean(ops.square(chroma - reference))),
        "rmse_grey": ops.sqrt(ops.mean(ops.square(reference))),
        "colour": ops.mean(length(chroma)) / ops.mean(size),
    }
    return ops.mean(weight * huber) / LEVEL_UNIT, parts
