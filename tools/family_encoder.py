"""The autoencoder whose latents the parts of the benchmark share: trained once a process."""

from __future__ import annotations

import argparse

import numpy as np

from aeimage.apps.encoders import encode_with
from aeimage.apps.transfer_training import train_encoder
from aeimage.data.small_pictures import SmallPictures, load_pictures

STEPS = 4000
LATENTS = 64

_trained: dict[tuple, object] = {}


def splits(options: argparse.Namespace) -> tuple[SmallPictures, SmallPictures]:
    """Return training and test pictures of the data set; in a quick run, some of them."""
    return tuple(load_pictures(options.mnist, split=split) for split in ("train", "test"))


def steps_of(options: argparse.Namespace, steps: int) -> int:
    """Return the share of training steps that was asked for."""
    return max(20, round(steps * getattr(options, "share", 1.0)))


def shared_encoder(options: argparse.Namespace, pixels: np.ndarray):
    """Return the denoising convolutional autoencoder of 64 latents, trained without labels.

    Args:
        options: `share` of the steps; `mnist`, the data.
        pixels: uint8 (count, height, width, channels), all training pictures.
    """
    steps = steps_of(options, STEPS)
    key = (str(options.mnist), steps, pixels.shape)
    if key not in _trained:
        print(f"training an encoder of {LATENTS} latents for {steps} steps …", flush=True)
        _trained[key] = train_encoder(pixels, latent_size=LATENTS, steps=steps)
    return _trained[key]


def latents_of(model, pixels: np.ndarray) -> np.ndarray:
    """Return latents, float32 (count, latents)."""
    return encode_with(model, pixels)


def row(part: str, data: str, method: str, measure: str, value: float) -> dict:
    """Return a row of results."""
    return {"part": part, "data": data, "method": method, "measure": measure, "value": value}


def described(data: SmallPictures, options: argparse.Namespace, what: str) -> str:
    """Return what was measured on, in words."""
    name = str(options.mnist)
    name = "MNIST" if "mnist" in name.lower() else name
    return f"{name} {what}, {len(data):,} pictures"
