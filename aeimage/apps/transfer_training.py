"""The part of transfer learning that needs Keras: the autoencoder, and the network from scratch."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from aeimage.apps.encoders import batches
from aeimage.models.autoencoder import Autoencoder
from aeimage.models.denoising import DenoisingAutoencoder
from aeimage.training.autoencoder_task import fit

LATENTS, WIDTHS = 64, (32, 64)
SCRATCH_STEPS = 600
BATCH = 64


def train_encoder(
    pixels: NDArray[np.uint8],
    *,
    latent_size: int = LATENTS,
    steps: int = 3000,
    seed: int = 0,
    precision: str = "auto",
    report: Callable[[str], object] | None = None,
) -> Autoencoder:
    """Train an autoencoder whose latents are good features: convolutional and denoising.

    Args:
        pixels: uint8 (count, height, width, channels), without labels.
        latent_size: number of latents.
        steps: with 128 pictures each.
        seed: of everything random.
        precision: see `aeimage.training.autoencoder_task.fit`.
        report: function that takes lines of text about the training.
    """
    keras.utils.set_random_seed(seed)
    model = DenoisingAutoencoder(
        pixels.shape[1:], latent_size, WIDTHS, coder="convolutional", dtype="float32"
    )
    fit(model, pixels, steps=steps, seed=seed, precision=precision, report=report)
    return model


def from_scratch(
    model: Autoencoder, *, classes: int, steps: int = SCRATCH_STEPS, latent_activation: str = "relu"
) -> Callable[[NDArray, NDArray, NDArray, int], NDArray[np.int64]]:
    """Return the comparison of `aeimage.apps.transfer.compare` with training from scratch.

    The network is the encoder of `model` with new weights and a linear classifier on its latents,
    all of it trained on the labelled pictures alone, with Adam and cosine decay.

    Args:
        model: tells the architecture.
        classes: number of classes.
        steps: of training, with 64 pictures each, or all there are.
        latent_activation: of the latents: without one, they would be a bottleneck only.

    Returns:
        function of labelled pictures, their labels, pictures to classify and a seed, to labels.
    """

    def run(pixels, labels, asked, seed):
        keras.utils.set_random_seed(seed)
        network = _Network(type(model).from_config(model.get_config()), classes, latent_activation)
        rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
        network.compile(
            optimizer=keras.optimizers.Adam(rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        network.fit(_batches(pixels, labels, seed), epochs=1, steps_per_epoch=steps, verbose=0)
        logits = [network.predict_on_batch(_as_floats(part)) for part in batches(asked)]
        return np.concatenate(logits).argmax(axis=1)

    return run


class _Network(keras.Model):
    """An encoder and a linear classifier."""

    def __init__(self, autoencoder: Autoencoder, classes: int, activation: str) -> None:
        super().__init__(name="network")
        autoencoder.build()
        autoencoder.decoder.trainable = False  # it takes no part
        self.autoencoder = autoencoder
        self.activation = keras.layers.Activation(activation)
        self.classifier = keras.layers.Dense(classes)

    def call(self, pictures, training=False):
        features = self.autoencoder.features(pictures, training)
        latents = self.activation(self.autoencoder.latent(features))
        return self.classifier(latents)


def _batches(pixels, labels, seed: int):
    """Yield batches for ever: all pictures in random order, then in another."""
    rng = np.random.default_rng(seed)
    size, order = min(BATCH, len(pixels)), np.zeros(0, int)
    while True:
        while len(order) < size:
            order = np.concatenate([order, rng.permutation(len(pixels))])
        chosen, order = order[:size], order[size:]
        yield _as_floats(pixels[chosen]), labels[chosen]


def _as_floats(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.astype(np.float32) / np.float32(255.0)


def network_of(model: Autoencoder) -> bytes:
    """Return ``autoencoder.tflite`` of a trained model, built in float32."""
    from aeimage.export.kinds.autoencoder import AutoencoderGraphs
    from aeimage.export.litert import convert_signatures

    return convert_signatures(AutoencoderGraphs(model), precision="float16")
