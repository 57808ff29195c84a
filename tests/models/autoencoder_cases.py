"""Every kind of autoencoder, small, and a training step on either backend. No tests in here."""

import keras
import numpy as np

from aeimage.corruption import RandomMissingPixels
from aeimage.models.contractive import ContractiveAutoencoder
from aeimage.models.convolutional import ConvolutionalAutoencoder
from aeimage.models.denoising import DenoisingAutoencoder
from aeimage.models.dense import DenseAutoencoder
from aeimage.models.sparse import SparseAutoencoder
from aeimage.models.variational import VariationalAutoencoder

GREY, COLOUR = (9, 8, 1), (8, 8, 3)
SMALL = {"widths": (12,)}
CONVOLUTIONS = {"coder": "convolutional", "widths": (4, 6)}

KINDS = {
    "dense": lambda **k: DenseAutoencoder(GREY, 5, **SMALL, **k),
    "dense, no hidden layer": lambda **k: DenseAutoencoder(GREY, 3, (), **k),
    "dense, all options": lambda **k: DenseAutoencoder(
        COLOUR, 5, (12, 6), activation="tanh", output_activation="tanh", dropout=0.2, l1=1e-4,
        l2=1e-3, edge_weight=0.5, latent_activation="sigmoid", **k
    ),
    "convolutional": lambda **k: ConvolutionalAutoencoder(GREY, 5, (4, 6), **k),
    "convolutional, all options": lambda **k: ConvolutionalAutoencoder(
        COLOUR, 5, (4, 6), activation="gelu", output_activation="linear", dropout=0.2, l2=1e-3,
        edge_weight=0.5, blocks=1, **k
    ),
    "sparse, l1, overcomplete": lambda **k: SparseAutoencoder(GREY, 100, (), weight=0.1, **k),
    "sparse, kl": lambda **k: SparseAutoencoder(GREY, 20, **CONVOLUTIONS, penalty="kl", **k),
    "denoising": lambda **k: DenoisingAutoencoder(GREY, 20, **SMALL, corruption=0.2, **k),
    "denoising, missing pixels": lambda **k: DenoisingAutoencoder(
        COLOUR, 20, **CONVOLUTIONS, corruption=RandomMissingPixels(share=0.5), **k
    ),
    "contractive, analytic": lambda **k: ContractiveAutoencoder(GREY, 6, (), **k),
    "contractive, estimate": lambda **k: ContractiveAutoencoder(GREY, 6, **CONVOLUTIONS, **k),
    "variational": lambda **k: VariationalAutoencoder(GREY, 4, **SMALL, **k),
    "variational, beta, binarized": lambda **k: VariationalAutoencoder(
        GREY, 4, **CONVOLUTIONS, beta=2.0, binarize=True, **k
    ),
    "variational, mse": lambda **k: VariationalAutoencoder(COLOUR, 4, **SMALL, loss="mse", **k),
}  # fmt: skip

# Compiling takes most of the time there.
ON_JAX = (
    "dense, all options",
    "convolutional, all options",
    "sparse, kl",
    "denoising, missing pixels",
    "contractive, analytic",
    "contractive, estimate",
    "variational, beta, binarized",
)

# Those whose graphs differ: converting takes a second or two.
GRAPHS = (
    "dense, no hidden layer",
    "dense, all options",
    "convolutional",
    "convolutional, all options",
    "sparse, kl",
    "variational",
)


def made(name, **options):
    """A kind of autoencoder, built, with the same weights each time."""
    keras.utils.set_random_seed(3)
    model = KINDS[name](**options)
    model.build()
    return model


def pictures(shape, count=6):
    """Soft stripes: float32 (count, *shape) in [0, 1]."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[: shape[0], : shape[1]]
    angles = rng.uniform(0.3, 1.2, (2, count, 1, 1))
    waves = 0.5 + 0.45 * np.sin(angles[0] * x + angles[1] * y + rng.uniform(0, 6, (count, 1, 1)))
    return np.repeat(waves[..., None], shape[2], axis=-1).astype("float32")


def loss_and_gradients(model, inputs, seed=(5, 6)):
    """The objective, and its gradients by the weights, as arrays."""
    variables = model.trainable_variables
    if keras.backend.backend() == "jax":
        import jax

        def loss(values):
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                value, _ = model.objective(inputs, training=False, seed=np.array(seed, "uint32"))
                return value + sum(model.losses)

        # Compiled anew in each call, but as a whole, which is faster than one operation at a time.
        value, gradients = jax.jit(jax.value_and_grad(loss))([v.value for v in variables])
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = model.objective(inputs, training=False, seed=seed)[0] + sum(model.losses)
        gradients = tape.gradient(value, variables)
    return float(value), [np.asarray(g) for g in gradients]


def step_down(model, inputs):
    """Losses before and after a short step against the gradient."""
    before, gradients = loss_and_gradients(model, inputs)
    assert all(np.isfinite(g).all() for g in gradients)
    length = np.sqrt(sum(np.sum(np.square(g)) for g in gradients))
    assert length > 0
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        variable.assign(variable - 0.02 / length * gradient)
    after, _ = loss_and_gradients(model, inputs)
    return before, after
