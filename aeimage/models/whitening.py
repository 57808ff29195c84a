"""Latents of mean 0, variance 1 and no correlation, without another function being computed.

A linear map A of the latents h of an autoencoder, undone before they are decoded, changes no
reconstruction:

    h' = A (h - mean),   A = diag(1 / sqrt(w + floor)) U^T,   covariance of h = U diag(w) U^T

Both maps are merged into the layers at the latents, so that the model has its old size. Angles and
distances of whitened latents mean the same in all directions: the nearest pictures are those that
deviate from the usual in the same way, and unlike ones are at right angles. The floor keeps
directions that hardly vary, and whose variation is noise, from counting like the others.
"""

import numpy as np

from aeimage.errors import UsageError
from aeimage.models.autoencoder import Autoencoder

FLOOR = 1e-3
AT_A_TIME = 256


def whiten_latents(model: Autoencoder, pixels: np.ndarray, floor: float = FLOOR) -> None:
    """Whiten the latents of a trained autoencoder, in place.

    Args:
        model: whose latents are linear functions of what the encoder ends with, and not drawn.
        pixels: uint8 (count, height, width, channels), usual pictures, more than there are latents.
        floor: added to the variances, as a share of the largest.

    Raises:
        UsageError: the latents have an activation or are drawn, or there are too few pictures.
    """
    if model.generative or model.latent.activation.__name__ != "linear":
        raise UsageError(
            f"The latents of a {model.family} autoencoder have a distribution or an activation of "
            "their own. Expected linear ones. Leave them as they are."
        )
    if len(pixels) <= model.latent_size:
        expected = f"more than {model.latent_size} pictures"
        raise UsageError.for_value("pixels", expected, f"{len(pixels)} pictures")
    latents = np.concatenate(
        [
            np.asarray(model.encode(pixels[start : start + AT_A_TIME].astype("float32") / 255.0))
            for start in range(0, len(pixels), AT_A_TIME)
        ]
    ).astype(np.float64)
    mean = latents.mean(axis=0)
    variances, directions = np.linalg.eigh(np.atleast_2d(np.cov(latents, rowvar=False)))
    scale = np.sqrt(np.maximum(variances, 0.0) + floor * max(float(variances.max()), 1e-12))
    there, back = directions / scale, (directions * scale).T
    kernel, bias = (np.asarray(v, np.float64) for v in model.latent.get_weights())
    model.latent.set_weights([kernel @ there, (bias - mean) @ there])
    first = model.decoder.first
    kernel, bias = (np.asarray(v, np.float64) for v in first.get_weights())
    first.set_weights([back @ kernel, bias + mean @ kernel])
