"""The sparse autoencoder: many latents, few of them active for any one picture.

    l1: objective = L(x, g(h)) + weight * mean over latents j of |h_j| |w_j|,       h = relu(...)
    kl: objective = L(x, g(h)) + weight * mean over latents j of KL(rho || rho_j),  h = sigmoid(...)

        KL(rho || rho_j) = rho log(rho / rho_j) + (1 - rho) log((1 - rho) / (1 - rho_j))

w_j are the weights with which the decoder takes latent j: without them the penalty could be dodged
by small latents and large weights. rho is the activity that is wanted of a latent, rho_j its mean
over the batch, so batches should not be small. Latents may well be more than pixels.

Sources: l1: Olshausen and Field, "Emergence of simple-cell receptive field properties by learning a
sparse code for natural images", Nature 381, 1996; kl: Ng, "Sparse autoencoder", CS294A lecture
notes, 2011.
"""

import keras
from keras import ops

from aeimage.errors import UsageError
from aeimage.models.autoencoder import Autoencoder, check_number

PENALTIES = ("l1", "kl")
TINY = 1e-6


@keras.saving.register_keras_serializable("aeimage")
class SparseAutoencoder(Autoencoder):
    """Sparse autoencoder.

    Args:
        shape, latent_size, widths, coder: as for `Autoencoder`, which takes the other arguments.
        penalty: "l1" or "kl".
        weight: of the penalty; by default 0.01 for l1 and 0.1 for kl.
        sparsity: rho, the activity wanted of a latent with "kl", between 0 and 1.
    """

    family = "sparse"

    def __init__(
        self,
        shape,
        latent_size,
        widths=None,
        coder="dense",
        *,
        penalty: str = "l1",
        weight: float | None = None,
        sparsity: float = 0.05,
        **kwargs,
    ):
        if penalty not in PENALTIES:
            raise UsageError.for_value("penalty", " or ".join(PENALTIES), penalty)
        self.kind_of_penalty = penalty
        super().__init__(shape, latent_size, widths, coder, **kwargs)
        usual = 0.01 if penalty == "l1" else 0.1
        self.weight = check_number("weight", usual if weight is None else weight, 0.0)
        self.sparsity = check_number("sparsity", sparsity, 1e-4, 0.9999)
        activation = self._arguments["latent_activation"]
        if penalty == "kl" and activation not in (None, "sigmoid"):
            raise UsageError.for_value("latent_activation", "sigmoid with kl", activation)

    def usual_latent_activation(self):
        return "relu" if self.kind_of_penalty == "l1" else "sigmoid"

    def penalty(self, inputs, output, seed=None):
        latent = output["latent"]
        if self.kind_of_penalty == "l1":
            kernel = ops.cast(self.decoder.first.kernel, "float32")
            lengths = ops.sqrt(ops.sum(ops.square(kernel), axis=1) + TINY**2)
            penalty = ops.mean(ops.abs(latent) * lengths)
        else:
            wanted = self.sparsity
            found = ops.clip(ops.mean(latent, axis=0), TINY, 1.0 - TINY)
            penalty = ops.mean(
                wanted * ops.log(wanted / found)
                + (1.0 - wanted) * ops.log((1.0 - wanted) / (1.0 - found))
            )
        # A sigmoid never reaches 0.
        threshold = TINY if self.kind_of_penalty == "l1" else 0.1
        active = ops.mean(ops.cast(ops.abs(latent) > threshold, "float32"))
        return self.weight * penalty, {"penalty": penalty, "active": active}

    def get_config(self):
        own = {"penalty": self.kind_of_penalty, "weight": self.weight, "sparsity": self.sparsity}
        return {**super().get_config(), **own}
