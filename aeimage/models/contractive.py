"""The contractive autoencoder: its latents barely move when the picture does.

    objective = L(x, g(f(x))) + weight * mean over pictures of ||J||^2,    J = df / dx

||J||^2 is the squared Frobenius norm, divided by the number of latents. The reconstruction needs
the latents to follow what tells pictures apart; the penalty flattens them in all other directions.

With a single layer of linear, sigmoid or tanh latents (`widths=()`), J is known:
||J||^2 = sum over j of s'(a_j)^2 sum over i of W_ij^2, Rifai's own formula. For deeper encoders it
is estimated (Hutchinson, 1990): E ||J v||^2 = ||J||^2 for random signs v, and

    J v = (f(x + step v) - f(x - step v)) / (2 step)

up to terms in step^2. Finite differences need nothing but f, so they run on every Keras backend;
they need float32, in which this model always computes.

Source: Rifai, Vincent, Muller, Glorot and Bengio, "Contractive Auto-Encoders: Explicit Invariance
During Feature Extraction", ICML 2011.
"""

import keras
from keras import ops

from aeimage.corruption import Draws
from aeimage.errors import UsageError
from aeimage.models.autoencoder import (
    Autoencoder,
    check_number,
    check_whole,
    given_or_next,
)

STEP = 0.01
ANALYTIC = ("linear", "sigmoid", "tanh")


@keras.saving.register_keras_serializable("aeimage")
class ContractiveAutoencoder(Autoencoder):
    """Contractive autoencoder.

    Args:
        shape, latent_size, widths, coder: as for `Autoencoder`, which takes the other arguments.
        weight: of the penalty; for deep encoders, whose latents are linear unless asked otherwise
            and so have larger derivatives, a hundredth of the usual value is a good first try.
        jacobian: "analytic", for one layer of linear, sigmoid or tanh latents; "estimate", for any
            encoder; "auto": the first where it is possible.
        probes: random directions for each picture, with "estimate".
    """

    family = "contractive"

    def __init__(
        self,
        shape,
        latent_size,
        widths=None,
        coder="dense",
        *,
        weight: float = 0.01,
        jacobian: str = "auto",
        probes: int = 1,
        **kwargs,
    ):
        super().__init__(shape, latent_size, widths, coder, **{**kwargs, "dtype": "float32"})
        self.weight = check_number("weight", weight, 0.0)
        self.probes = check_whole("probes", probes, 1)
        plain = coder == "dense" and not self._arguments["widths"]
        self.analytic = plain and self.latent.activation.__name__ in ANALYTIC
        if jacobian not in ("auto", "analytic", "estimate"):
            raise UsageError.for_value("jacobian", "auto, analytic or estimate", jacobian)
        if jacobian == "analytic" and not self.analytic:
            expected = "auto or estimate unless `widths` is () and the latents are smooth"
            raise UsageError.for_value("jacobian", expected, jacobian)
        self.jacobian = jacobian
        self.seed_generator = keras.random.SeedGenerator()

    def usual_latent_activation(self):
        # Behind hidden layers, sigmoid and tanh start saturated and hardly learn.
        plain = self._arguments["coder"] == "dense" and not self._arguments["widths"]
        return "sigmoid" if plain else None

    def squared_jacobian(self, inputs, seed=None):
        """Return ||J||^2 of each picture, a sum over latents and pixels: float32 (batch,).

        Args:
            inputs: float32 (batch, height, width, channels).
            seed: of the random directions; None: the model's own generator.
        """
        if self.analytic and self.jacobian != "estimate":
            return self._analytic(inputs)
        draws = Draws(given_or_next(seed, self.seed_generator), ops.shape(inputs))
        total = 0.0
        for _ in range(self.probes):
            sign = 2.0 * ops.cast(draws.uniform(*draws.shape) < 0.5, "float32") - 1.0
            ahead, behind = (self.encode(inputs + s * STEP * sign) for s in (1.0, -1.0))
            total = total + ops.sum(ops.square((ahead - behind) / (2.0 * STEP)), axis=-1)
        return total / self.probes

    def _analytic(self, inputs):
        latent = self.encode(inputs)
        activation = self.latent.activation.__name__
        if activation == "sigmoid":
            slope = latent * (1.0 - latent)
        elif activation == "tanh":
            slope = 1.0 - ops.square(latent)
        else:
            slope = ops.ones_like(latent)
        lengths = ops.sum(ops.square(ops.convert_to_tensor(self.latent.kernel)), axis=0)
        if self._arguments["output_activation"] == "tanh":
            lengths = 4.0 * lengths  # pictures are rescaled to [-1, 1] first
        return ops.matmul(ops.square(slope), lengths[:, None])[:, 0]

    def penalty(self, inputs, output, seed=None):
        jacobian = ops.mean(self.squared_jacobian(inputs, seed)) / self.latent_size
        return self.weight * jacobian, {"jacobian": jacobian}

    def get_config(self):
        own = {"weight": self.weight, "jacobian": self.jacobian, "probes": self.probes}
        return {**super().get_config(), **own}
