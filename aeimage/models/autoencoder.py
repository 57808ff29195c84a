"""What all autoencoders are: an encoder, a few latents, a decoder, and an objective.

    pictures x --> encoder --> latents h = f(x) --> decoder --> reconstruction g(h)

    objective = mean over pictures of L(x, g(f(x)))  [+ edges]  [+ the kind's own penalty]
                + l1 sum |W| + l2 sum W^2 over all kernels W, if asked for

L is the mean squared error of a pixel, or its cross-entropy, in nats. The kinds differ in what the
encoder sees and in what is added: one module a kind, `dense`, `convolutional`, `sparse`,
`denoising`, `contractive`, `variational`. Each runs with either coder of `coders`, with fewer
latents than pixels (undercomplete) or with more (overcomplete).

The optimiser's step (`aeimage.training.step`) adds the terms in l1 and l2, which Keras calls
regularisation losses; `objective` is all the rest.
"""

import math

import keras
from keras import ops

from aeimage.corruption import replica_seed
from aeimage.errors import UsageError
from aeimage.models.coders import (
    CODERS,
    ConvolutionalDecoder,
    ConvolutionalEncoder,
    DenseDecoder,
    DenseEncoder,
)
from aeimage.models.edges import gradient_difference_loss

OUTPUT_ACTIVATIONS = ("sigmoid", "tanh", "linear")
LOSSES = ("mse", "binary_crossentropy")
MAX_SIDE = 1024


@keras.saving.register_keras_serializable("aeimage")
class Autoencoder(keras.Model):
    """Base of all autoencoders.

    Pictures are float32 (batch, height, width, channels) in [0, 1], latents float32 (batch,
    latent_size).

    Args:
        shape: of a picture: height, width, channels.
        latent_size: number of latents.
        widths: units of the hidden layers, or channels of the convolutions, from the pixels on.
            None: those that suit the coder.
        coder: "dense" or "convolutional".
        activation: of hidden layers, by its name in Keras.
        output_activation: "sigmoid" keeps pixels in [0, 1], which suits drawings and digits;
            "linear" suits photographs; "tanh" for decoders that work in [-1, 1], to which pictures
            are rescaled inside.
        loss: "mse", or "binary_crossentropy", for pictures that are nearly black and white; then
            the output activation is the sigmoid.
        latent_activation: of the latents; None: the kind's own, mostly linear.
        dropout: share of hidden units that is dropped in training.
        l1, l2: weights of the penalties on kernels.
        edge_weight: weight of the gradient difference loss, which keeps edges sharp.
        blocks: residual blocks at each scale of the convolutional coder.

    Raises:
        UsageError: an argument makes no sense.
    """

    family = "autoencoder"
    generative = False

    def __init__(
        self,
        shape,
        latent_size: int,
        widths=None,
        coder: str = "dense",
        activation: str = "relu",
        output_activation: str = "sigmoid",
        loss: str = "mse",
        latent_activation: str | None = None,
        dropout: float = 0.0,
        l1: float = 0.0,
        l2: float = 0.0,
        edge_weight: float = 0.0,
        blocks: int = 0,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.shape = check_shape(shape)
        if coder not in CODERS:
            raise UsageError.for_value("coder", " or ".join(CODERS), coder)
        if widths is None:
            widths = (512, 256) if coder == "dense" else (32, 64)
        self._arguments = {
            "shape": self.shape,
            "latent_size": check_whole("latent_size", latent_size, 1),
            "widths": tuple(check_whole("widths", width, 1) for width in widths),
            "coder": coder,
            "activation": activation,
            "output_activation": output_activation,
            "loss": loss,
            "latent_activation": latent_activation,
            "dropout": check_number("dropout", dropout, 0.0, 0.99),
            "l1": check_number("l1", l1, 0.0),
            "l2": check_number("l2", l2, 0.0),
            "edge_weight": check_number("edge_weight", edge_weight, 0.0),
            "blocks": check_whole("blocks", blocks, 0),
        }
        self.latent_size = int(latent_size)
        self.pixel_loss = loss
        self._check_output(output_activation, loss)
        if coder == "convolutional" and not widths:
            raise UsageError.for_value("widths", "at least one number of channels", widths)
        if coder == "dense" and blocks:
            raise UsageError.for_value("blocks", "0 with the dense coder", blocks)
        common = {"dtype": self.dtype_policy, "dropout": dropout}
        sizes = (self.shape, self._arguments["widths"], activation)
        if coder == "dense":
            self.encoder = DenseEncoder(*sizes, **common, name="encoder")
            self.decoder = DenseDecoder(*sizes, **common, name="decoder")
        else:
            common["blocks"] = blocks
            self.encoder = ConvolutionalEncoder(*sizes, **common, name="encoder")
            self.decoder = ConvolutionalDecoder(*sizes, **common, name="decoder")
        self.latent = keras.layers.Dense(
            latent_size,
            activation=latent_activation or self.usual_latent_activation(),
            dtype="float32",
            name="latent",
        )

    def _check_output(self, output_activation, loss) -> None:
        if output_activation not in OUTPUT_ACTIVATIONS:
            known = ", ".join(OUTPUT_ACTIVATIONS)
            raise UsageError.for_value("output_activation", f"one of {known}", output_activation)
        if loss not in LOSSES:
            raise UsageError.for_value("loss", " or ".join(LOSSES), loss)
        if loss == "binary_crossentropy" and output_activation != "sigmoid":
            expected = "sigmoid with the loss binary_crossentropy"
            raise UsageError.for_value("output_activation", expected, output_activation)

    def usual_latent_activation(self) -> str | None:
        """Return the activation of the latents where none is asked for."""
        return None

    # ---- Keras -------------------------------------------------------------------------------

    def build(self, input_shape=None):
        if self.built:
            return
        self.encoder.build((None, *self.shape))
        self.decoder.build((None, self.latent_size))
        self.build_latents(self.encoder.features)
        l1, l2 = self._arguments["l1"], self._arguments["l2"]
        if l1 or l2:
            for variable in self.trainable_variables:
                if variable.name == "kernel":
                    variable.regularizer = keras.regularizers.L1L2(l1, l2)
        self.built = True

    def build_latents(self, features: int) -> None:
        """Build what turns `features` numbers a picture into latents."""
        self.latent.build((None, features))

    def call(self, pictures, training=False):
        """Encode and decode pictures.

        Returns:
            dict of `pixels`, float32 of the input's shape; `logits`, the same before the output
            activation; `latent`; and what the kind adds.
        """
        latent = self.latent(self.features(pictures, training))
        return {**self._decoded(latent, training), "latent": latent}

    def get_config(self):
        return {**super().get_config(), **self._arguments}

    # ---- parts -------------------------------------------------------------------------------

    def features(self, pictures, training=False):
        """Return what the encoder makes of pictures, before the latents."""
        if not self.built:
            self.build()
        pictures = ops.cast(pictures, "float32")
        if self._arguments["output_activation"] == "tanh":
            pictures = 2.0 * pictures - 1.0
        return self.encoder(pictures, training=training)

    def encode(self, pictures):
        """Return the latents of pictures, float32 (batch, latent_size)."""
        return self.latent(self.features(pictures))

    def decode(self, latents):
        """Return the pictures of latents, float32 (batch, height, width, channels)."""
        if not self.built:
            self.build()
        return self._decoded(ops.cast(latents, "float32"))["pixels"]

    def reconstruct(self, pictures):
        """Return pictures after encoding and decoding."""
        return self.decode(self.encode(pictures))

    def _decoded(self, latents, training=False):
        logits = ops.cast(self.decoder(latents, training=training), "float32")
        activation = self._arguments["output_activation"]
        if activation == "sigmoid":
            pixels = ops.sigmoid(logits)
        elif activation == "tanh":
            pixels = 0.5 * (ops.tanh(logits) + 1.0)
        else:
            pixels = logits
        return {"pixels": pixels, "logits": logits}

    # ---- objective ---------------------------------------------------------------------------

    def objective(self, pictures, training=True, seed=None):
        """Return what training minimises, without the terms in l1 and l2.

        Args:
            pictures: float32 (batch, height, width, channels), in [0, 1].
            training: whether units are dropped.
            seed: two whole numbers on which all noise but dropout depends; None: the model's own
                generators, which the trainer seeds.

        Returns:
            scalar loss, and a dict of scalars to log.
        """
        inputs, targets = self.examples(ops.cast(pictures, "float32"), seed)
        output = self.run(inputs, training, seed)
        loss = ops.mean(self.pixel_errors(targets, output))
        parts = {self.pixel_loss: loss}
        if self._arguments["edge_weight"]:
            parts["edges"] = gradient_difference_loss(output["pixels"], targets)
            loss = loss + self._arguments["edge_weight"] * parts["edges"]
        penalty, more = self.penalty(inputs, output, seed)
        return loss + penalty, {**parts, **more}

    def run(self, inputs, training: bool, seed):
        """Return the outputs that the objective is made of; arguments as in `objective`."""
        return self(inputs, training=training)

    def examples(self, pictures, seed=None):
        """Return what the encoder is shown of pictures, and what the decoder shall make."""
        return pictures, pictures

    def penalty(self, inputs, output, seed=None):
        """Return what the kind adds to the loss, and a dict of scalars to log."""
        return 0.0, {}

    def pixel_errors(self, targets, output):
        """Return the loss of each value: float32 (batch, height, width, channels)."""
        if self.pixel_loss == "mse":
            return ops.square(output["pixels"] - targets)
        return cross_entropy(output["logits"], targets)

    @property
    def values(self) -> int:
        """Number of values in a picture."""
        return math.prod(self.shape)


def cross_entropy(logits, targets):
    """Return the binary cross-entropy in nats of each value, safe for logits of any size."""
    return ops.relu(logits) - logits * targets + ops.log1p(ops.exp(-ops.abs(logits)))


def given_or_next(seed, generator: keras.random.SeedGenerator):
    """Return `seed`, or if it is None the next of a generator, on each replica another one."""
    return replica_seed(generator.next()) if seed is None else seed


def check_shape(shape) -> tuple[int, int, int]:
    """Return the shape of a picture as a tuple.

    Raises:
        UsageError: it is not that of a picture.
    """
    try:
        height, width, channels = (int(n) for n in shape)
    except (TypeError, ValueError):
        height = width = channels = 0
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE and channels in (1, 3)):
        expected = f"height and width from 1 to {MAX_SIDE}, and 1 or 3 channels"
        raise UsageError.for_value("shape", expected, shape)
    return height, width, channels


def check_whole(name: str, value, minimum: int) -> int:
    """Return a whole number.

    Raises:
        UsageError: it is none, or below `minimum`.
    """
    if isinstance(value, bool) or int(value) != value or value < minimum:
        raise UsageError.for_value(name, f"a whole number from {minimum}", value)
    return int(value)


def check_number(name: str, value, minimum: float, maximum: float = math.inf) -> float:
    """Return a number.

    Raises:
        UsageError: it is not from `minimum` to `maximum`.
    """
    if not minimum <= value <= maximum or math.isinf(value):
        limits = f"from {minimum:g}" + ("" if math.isinf(maximum) else f" to {maximum:g}")
        raise UsageError.for_value(name, f"a number {limits}", value)
    return float(value)
