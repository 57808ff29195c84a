"""The part of `aeimage.apps.anomaly` that needs TensorFlow: training, calibrating, writing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from aeimage.export.folder import write_folder
from aeimage.export.kinds.autoencoder import AutoencoderGraphs
from aeimage.export.litert import convert_signatures
from aeimage.limits import MODEL_ID_BYTES
from aeimage.models.denoising import DenoisingAutoencoder
from aeimage.runtime.anomaly import (
    CALIBRATION,
    KIND,
    NETWORK,
    Calibration,
    Comparison,
    combine,
    digest,
    raw_measures,
    remember,
)
from aeimage.runtime.session import Session
from aeimage.training.autoencoder_task import fit

REMEMBERED = 2000
LARGEST_DENSE = 3 * 32 * 32
"""Values in a picture, above which convolutions are used: dense layers would be too large."""

AT_A_TIME = 250


def train_normal(
    pixels: NDArray[np.uint8],
    *,
    latent_size: int,
    steps: int,
    noise: float,
    seed: int,
    precision: str,
    report=None,
) -> DenoisingAutoencoder:
    """Train the denoising autoencoder of an anomaly model; arguments as of `fit_detector`."""
    shape = pixels.shape[1:]
    keras.utils.set_random_seed(seed)
    small = int(np.prod(shape)) <= LARGEST_DENSE
    coder = {"coder": "dense"} if small else {"coder": "convolutional", "widths": (16, 32, 64, 96)}
    model = DenoisingAutoencoder(shape, latent_size, corruption=noise, dtype="float32", **coder)
    fit(model, pixels, steps=steps, seed=seed, precision=precision, report=report)
    return model


def write_detector(
    model: DenoisingAutoencoder,
    normal: NDArray[np.uint8],
    held_out: NDArray[np.uint8],
    out: Path,
    *,
    name: str,
    training: dict,
    seed: int = 0,
) -> dict:
    """Calibrate a trained autoencoder and write the bundle.

    Args:
        model: trained on `normal`, under the float32 policy.
        normal, held_out: uint8 (count, height, width, channels).
        out: folder of the bundle.
        name: of the model.
        training: what the manifest shall say about it.
        seed: of the choice of the pictures that are remembered.

    Returns:
        the manifest.
    """
    network = convert_signatures(AutoencoderGraphs(model), precision="float16")
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / NETWORK
        path.write_bytes(network)
        # With the network as it ships, rounding included.
        calibration = calibrate(Session(path), normal, held_out, seed)
    data = calibration.to_bytes()
    manifest = {
        "name": name,
        "kind": KIND,
        "id": digest(network, data)[:MODEL_ID_BYTES].hex(),
        "shape": list(model.shape),
        "latent_size": model.latent_size,
        "training": training,
    }
    files = {NETWORK: network, CALIBRATION: data, "README.md": _card(name, manifest).encode()}
    return write_folder(out, manifest, files)


def calibrate(
    network: Session, normal: NDArray[np.uint8], held_out: NDArray[np.uint8], seed: int = 0
) -> Calibration:
    """Find out what normal pictures are like.

    Args:
        network: ``autoencoder.tflite``.
        normal: that it was trained on.
        held_out: that it was not trained on.
        seed: of the choice of the pictures that are remembered.
    """
    rng = np.random.default_rng(seed)
    background = np.median(normal, axis=(0, 1, 2)).astype(np.float32) / np.float32(255.0)
    comparison = Comparison(network, background, floor=1e-6)
    chosen = normal[np.sort(rng.permutation(len(normal))[:REMEMBERED])]
    pictures = [part.astype(np.float32) / np.float32(255.0) for part in _parts(chosen)]
    latents = np.concatenate([comparison.encode(part) for part in pictures])
    # As they are stored.
    latents = latents.astype(np.float16).astype(np.float32)
    contrasts = np.concatenate([comparison.normalise(part)[1] for part in pictures])
    floor = max(1e-6, 0.05 * float(np.median(contrasts)))
    comparison = Comparison(network, background, floor)
    remembered = remember(comparison, latents)
    found = [raw_measures(comparison, remembered, part) for part in _parts(held_out)]
    measures = np.concatenate([measured for measured, _ in found], axis=1)
    heat = np.concatenate([map_.ravel() for _, map_ in found])
    low, high = np.quantile(measures[2], [0.01, 0.99])
    calibration = Calibration(
        background=background,
        floor=floor,
        latents=latents,
        centre=measures[:2].mean(axis=1),
        spread=np.maximum(measures[:2].std(axis=1), 1e-3),
        contrasts=np.array([low, high, max(float(measures[2].std()), 1e-3)]),
        heat=max(float(np.quantile(heat, 0.99)), 1e-12),
        scores=np.zeros(0),
    )
    scores = np.sort(combine(measures, calibration).total)
    return Calibration(**(vars(calibration) | {"scores": scores}))


def _parts(array: NDArray):
    for first in range(0, len(array), AT_A_TIME):
        yield array[first : first + AT_A_TIME]


def _card(name: str, manifest: dict) -> str:
    height, width, channels = manifest["shape"]
    training = manifest["training"]
    return (
        f"# {name}\n\nAn anomaly model: a denoising autoencoder of {manifest['latent_size']} "
        f"latents, trained with `aeimage anomaly fit` for {training['steps']} steps on "
        f"{training['pictures']:,} normal pictures, brought to {width}x{height} pixels in "
        f"{'colour' if channels == 3 else 'grey'}. {training['held_out']:,} further ones set the "
        "threshold.\n\n"
        f"    aeimage anomaly score {name} PICTURES -o scores.csv\n\n"
        "Not evaluated on anomalies: none were seen. Try it on some before you rely on it.\n"
    )
