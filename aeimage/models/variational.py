"""The variational autoencoder: latents are random, and pictures can be drawn.

    pictures x --> encoder --> mean m, log variance v --> z = m + exp(v / 2) n,  n ~ N(0, 1)
    pictures   <-- decoder <-- z                          (to generate: z ~ N(0, 1))

    objective = (-log p(x|z) + beta KL(q(z|x) || N(0, 1))) / values,
    KL = 1/2 sum over latents of (m^2 + exp(v) - v - 1)

With beta 1 and the cross-entropy, minus the objective times the number of values in a picture is
the ELBO: a lower bound of log p(x) in nats, if x is binary. `binarize` makes it so: whenever it is
trained on, a picture is drawn anew, each pixel white with a probability that is its level (dynamic
binarisation, Salakhutdinov and Murray, 2008). With the squared error, L is the mean of squares: a
Gaussian likelihood of variance beta / 2, up to a constant.

Sources: Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014; beta: Higgins et al.,
"beta-VAE", ICLR 2017; the importance-sampled log likelihood: Burda, Grosse and Salakhutdinov,
"Importance Weighted Autoencoders", ICLR 2016.
"""

import math

import keras
from keras import ops

from aeimage.corruption import Draws, fold_in
from aeimage.errors import UsageError
from aeimage.latents import interpolate
from aeimage.models.autoencoder import (
    Autoencoder,
    check_number,
    cross_entropy,
    given_or_next,
)


@keras.saving.register_keras_serializable("aeimage")
class Sampling(keras.layers.Layer):
    """Draws z from a normal distribution so that gradients reach its mean and variance.

    Call arguments:
        mean, log_variance: float32 (batch, latents).
        seed: two whole numbers; None: the layer's own generator.

    Returns:
        float32 (batch, latents).
    """

    def __init__(self, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True

    def call(self, mean, log_variance, seed=None):
        draws = Draws(given_or_next(seed, self.seed_generator), ops.shape(mean))
        return mean + ops.exp(0.5 * log_variance) * draws.normal(*draws.shape)


@keras.saving.register_keras_serializable("aeimage")
class VariationalAutoencoder(Autoencoder):
    """Variational autoencoder.

    Args:
        shape, latent_size, widths, coder: as for `Autoencoder`, which takes the other arguments.
        loss: "binary_crossentropy" by default.
        beta: weight of the divergence from the prior; above 1, latents are fewer and more
            independent, and pictures less exact.
        binarize: draw black-and-white pictures of the grey ones in training.
    """

    family = "variational"
    generative = True

    def __init__(
        self,
        shape,
        latent_size,
        widths=None,
        coder="dense",
        *,
        loss: str = "binary_crossentropy",
        beta: float = 1.0,
        binarize: bool = False,
        **kwargs,
    ):
        super().__init__(shape, latent_size, widths, coder, loss=loss, **kwargs)
        self.beta = check_number("beta", beta, 0.0)
        if binarize and loss != "binary_crossentropy":
            raise UsageError.for_value("binarize", "False with this loss", binarize)
        self.binarize = bool(binarize)
        self.log_variance = keras.layers.Dense(latent_size, dtype="float32", name="log_variance")
        self.sampling = Sampling(name="sampling")
        self.seed_generator = keras.random.SeedGenerator()

    def build_latents(self, features):
        super().build_latents(features)
        self.log_variance.build((None, features))

    def call(self, pictures, training=False):
        return self.run(pictures, training, None)

    def run(self, inputs, training, seed):
        mean, log_variance = self.posterior(inputs, training)
        random = training or seed is not None
        latent = self.sampling(mean, log_variance, seed=seed) if random else mean
        decoded = self._decoded(latent, training)
        return {**decoded, "latent": latent, "mean": mean, "log_variance": log_variance}

    def posterior(self, pictures, training=False):
        """Return mean and log variance of the latents of pictures, float32 (batch, latents)."""
        features = self.features(pictures, training)
        return self.latent(features), self.log_variance(features)

    def examples(self, pictures, seed=None):
        if self.binarize:
            pictures = self.binarized(pictures, seed)
        return pictures, pictures

    def binarized(self, pictures, seed=None):
        """Draw black-and-white pictures, each value 1 with the probability that it gives."""
        own = None if seed is None else fold_in(seed, 1)
        draws = Draws(given_or_next(own, self.seed_generator), ops.shape(pictures))
        return ops.cast(draws.uniform(*draws.shape) < pictures, "float32")

    def penalty(self, inputs, output, seed=None):
        kl = ops.mean(divergence(output["mean"], output["log_variance"]))
        parts = {"kl": kl}
        if self.pixel_loss == "binary_crossentropy":
            errors = cross_entropy(output["logits"], inputs)
            parts["elbo"] = -ops.mean(ops.sum(errors, axis=(1, 2, 3))) - kl
        return self.beta * kl / self.values, parts

    # ---- what else it can do ------------------------------------------------------------------

    def generate(self, count: int = 1, seed: int | None = None):
        """Draw pictures: decode latents from the prior.

        Args:
            count: how many.
            seed: a whole number; None: other pictures each time.

        Returns:
            float32 (count, height, width, channels): each pixel's mean.
        """
        return self.decode(keras.random.normal((count, self.latent_size), seed=seed))

    def interpolate(self, first, last, count: int = 8):
        """Return the pictures on the way from one picture to another.

        Args:
            first, last: float32 (height, width, channels).
            count: pictures, both ends included.

        Returns:
            float32 (count, height, width, channels).
        """
        ends = ops.convert_to_numpy(self.encode(ops.stack([first, last])))
        return self.decode(interpolate(ends[0], ends[1], count))

    def elbo(self, pictures, seed=None):
        """Return the evidence lower bound with one sample a picture, and its two parts.

        Args:
            pictures: float32 (batch, height, width, channels), 0 and 1 for a bound in nats.
            seed: two whole numbers; None: the model's own generator.

        Returns:
            dict of `elbo`, `log_likelihood` of the picture given the latents, and `kl`, float32
            (batch,) each, in nats.
        """
        self._check_likelihood()
        seed = given_or_next(seed, self.seed_generator)
        output = self.run(ops.cast(pictures, "float32"), False, seed)
        likelihood = -ops.sum(cross_entropy(output["logits"], pictures), axis=(1, 2, 3))
        kl = divergence(output["mean"], output["log_variance"])
        return {"elbo": likelihood - kl, "log_likelihood": likelihood, "kl": kl}

    def importance_weights(self, pictures, samples: int, seed=None):
        """Return log p(x, z) - log q(z|x) of samples z from q(z|x).

        Args:
            pictures: float32 (batch, height, width, channels), 0 or 1.
            samples: how many for each picture.
            seed: two whole numbers; None: the model's own generator.

        Returns:
            float32 (batch, samples), in nats.
        """
        self._check_likelihood()
        mean, log_variance = self.posterior(pictures)
        draws = Draws(given_or_next(seed, self.seed_generator), None)
        noise = draws.normal(ops.shape(mean)[0], samples, self.latent_size)
        latent = mean[:, None] + ops.exp(0.5 * log_variance)[:, None] * noise
        prior = -0.5 * ops.sum(ops.square(latent), axis=-1)
        posterior = -0.5 * ops.sum(ops.square(noise) + log_variance[:, None], axis=-1)
        logits = self._decoded(ops.reshape(latent, (-1, self.latent_size)))["logits"]
        logits = ops.reshape(logits, (-1, samples, *self.shape))
        errors = cross_entropy(logits, ops.expand_dims(ops.cast(pictures, "float32"), 1))
        return prior - posterior - ops.sum(errors, axis=(2, 3, 4))

    def log_likelihood(self, pictures, samples: int = 1000, seed=None, chunk: int = 100):
        """Estimate log p(x) by importance sampling: in the mean a lower bound, tight for many.

        Args:
            pictures: as for `importance_weights`.
            samples: how many for each picture.
            seed: two whole numbers; None: the model's own generator.
            chunk: samples at a time.

        Returns:
            float32 (batch,), in nats.
        """
        seed = given_or_next(seed, self.seed_generator)
        found = []
        for number, start in enumerate(range(0, samples, chunk)):
            count = min(chunk, samples - start)
            weights = self.importance_weights(pictures, count, fold_in(seed, number))
            found.append(ops.logsumexp(weights, axis=1))
        return ops.logsumexp(ops.stack(found), axis=0) - math.log(samples)

    def _check_likelihood(self) -> None:
        if self.pixel_loss != "binary_crossentropy":
            raise UsageError(
                "This model was made with the squared error and gives pictures no probability in "
                "nats. Make it with loss='binary_crossentropy'."
            )

    def get_config(self):
        own = {"beta": self.beta, "binarize": self.binarize}
        return {**super().get_config(), **own}


def divergence(mean, log_variance):
    """Return KL(N(mean, exp(log_variance)) || N(0, 1)) summed over latents: (batch,), in nats."""
    terms = ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0
    return 0.5 * ops.sum(terms, axis=-1)
