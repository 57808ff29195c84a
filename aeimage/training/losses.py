"""Losses, each with its parts named."""

from keras import ops

from aeimage.models.rate import LAMBDA_MIN, LAMBDA_RATIO

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

    loss = MSE + 0.1 MAE of pixels in [0, 1]. The squared error keeps an uncertain stroke grey, for
    the reader to make out; the absolute one keeps paper white.

    Args:
        restored, clean: float32 (batch, height, width, channels), levels 0...255.

    Returns:
        Scalar loss, and a dict of scalars: `rmse` (in [0, 1]), `mae` (levels).
    """
    error = (restored - clean) / 255.0
    mse, mae = ops.mean(ops.square(error)), ops.mean(ops.abs(error))
    return mse + 0.1 * mae, {"rmse": ops.sqrt(mse), "mae": mae * 255.0}


def level_loss(estimate, level):
    """Return the mean absolute difference of log(1 + level), for levels float32 (batch,)."""
    return ops.mean(ops.abs(ops.log1p(estimate) - ops.log1p(level)))
