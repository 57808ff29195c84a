"""The codec cut into the graphs that the runtime runs: TensorFlow functions of fixed signature.

    analysis      pixels -> latents u                          once a picture, for every quality
    encode        u, gain, base -> hyper-latents, symbols, scale indices
    scales_0..3   hyper-latents, decoded symbols -> scale indices of one coding pass (integers)
    dequantise    hyper-latents, symbols -> u_hat
    synthesis     u_hat -> pixels

Every tensor has a batch axis of one and is float32, but for pixels, which are uint8. Heights and
widths are free, or fixed to those of a square tile: those of pixels are multiples of 64, those of
latents of 4.
"""

import functools

import numpy as np
import tensorflow as tf
from keras import ops

from aeimage.models.hyperprior import PASSES, HyperpriorCodec
from aeimage.models.integer import forward_only, round_half_up
from aeimage.models.transforms import PIXEL_UNIT
from aeimage.scale_network import HYPER_MAX
from aeimage.tables import NUM_INDEXES

_NEVER = 1e9  # larger than any residual


def context_count(number: int) -> int:
    """Return how many slices of decoded symbols coding pass 0...3 sees."""
    return (0, 1, 1, 2)[number]


class CodecGraphs(tf.Module):
    """Holds a built float32 `HyperpriorCodec` and its graphs as `tf.function` attributes.

    Args:
        model: the codec.
        tile: side of the pictures in pixels, a multiple of 64; by default any size will do.
        encoder: what computes latents and hyper-latents in the place of the model, see
            `aeimage.export.live_units.LiveEncoder`.
    """

    def __init__(self, model: HyperpriorCodec, tile: int | None = None, encoder=None):
        super().__init__()
        self.model = model
        self.encoder = encoder or model
        variables = [*model.trainable_variables]
        if encoder is not None:
            variables += [v for layer in encoder.layers for v in layer.trainable_variables]
        self.weights = [v.value for v in variables]
        for layer in (model.synthesis_transform.pair, model.synthesis_transform.patch):
            layer.as_patches = True
        model.hyper_synthesis.run_as_patches()
        config = model.config
        latents, hyper = config.latents, config.hyper

        def image(stride, channels, *, dtype=tf.float32, name):
            side = None if tile is None else tile // stride
            return tf.TensorSpec((1, side, side, channels), dtype, name=name)

        def one(channels, name):
            return tf.TensorSpec((1, 1, 1, channels), tf.float32, name=name)

        pixels = image(1, 3, dtype=tf.uint8, name="pixels")
        u = image(16, latents, name="latents")
        z = image(64, hyper, name="hyper_latents")
        symbols = image(16, latents, name="symbols")
        plane = {n: image(16, 1, name=n) for n in ("checker", "valid")}
        vector = {n: one(latents, n) for n in ("gain", "inverse", "base")}
        count = None if tile is None else NUM_INDEXES
        rounding = tf.TensorSpec((count,), tf.float32, name="rounding")

        self.graphs = {
            "analysis": self._function(self._analysis, pixels),
            "encode": self._function(
                self._encode,
                u,
                vector["gain"],
                vector["inverse"],
                vector["base"],
                plane["checker"],
                plane["valid"],
                rounding,
            ),
            "dequantise": self._function(
                self._dequantise, z, symbols, vector["gain"], vector["inverse"], plane["checker"]
            ),
            "synthesis": self._function(self._synthesis, u),
        }
        for number in range(PASSES):
            part = model.slice_of_pass(number)
            base = one(part.stop - part.start, "base")
            contexts = [
                image(16, size, name=f"symbols_{i}")
                for i, size in enumerate(config.slices[: context_count(number)])
            ]
            self.graphs[f"scales_{number}"] = self._function(
                self._scales(number, len(contexts)), z, base, *contexts
            )

    @staticmethod
    def _function(function, *specs):
        @functools.wraps(function)
        def traced(*args):
            with forward_only():
                return function(*args)

        return tf.function(traced, input_signature=specs)

    def _analysis(self, pixels):
        return {"latents": analyse(self.encoder, pixels)}

    def _encode(self, latents, gain, inverse, base, checker, valid, rounding):
        vectors, planes = (gain, inverse, base), (checker, valid)
        return quantise(self.model, latents, *vectors, *planes, rounding, encoder=self.encoder)

    def _dequantise(self, hyper_latents, symbols, gain, inverse, checker):
        u_hat = dequantise(self.model, hyper_latents, symbols, gain, inverse, checker)
        return {"latents": u_hat}

    def _synthesis(self, latents):
        return {"pixels": synthesise(self.model, latents)}

    def _scales(self, number, count):
        def body(z, base, contexts):
            features = self.model.hyper_synthesis.scale_features(z)
            return {"indexes": self.model.pass_indexes(number, features, contexts, base)}

        # One explicit argument list each: signatures take their names from it.
        if count == 0:
            return lambda hyper_latents, base: body(hyper_latents, base, [])
        if count == 1:
            return lambda hyper_latents, base, symbols_0: body(hyper_latents, base, [symbols_0])
        return lambda hyper_latents, base, symbols_0, symbols_1: body(
            hyper_latents, base, [symbols_0, symbols_1]
        )


# ---- what the graphs compute, for any batch ------------------------------------------------------


def analyse(encoder, pixels):
    """Return the latents of pixels, uint8 (batch, 64 a, 64 b, 3), by a model or `LiveEncoder`."""
    return encoder.analysis_transform(ops.cast(pixels, "float32") - 128.0)


def quantise(
    model: HyperpriorCodec,
    latents,
    gain,
    inverse,
    base,
    checker,
    valid,
    rounding,
    *,
    encoder=None,
):
    """Return hyper-latents, symbols and scale indices, whole numbers in float32.

    Args:
        model: the codec.
        latents: what `analyse` gave.
        gain, inverse, base: (batch or 1, 1, 1, latents).
        checker, valid: (1, rows, columns, 1): squares of the first pass, latents that are coded.
        rounding: (64,) rounding offsets by scale index.
        encoder: whose hyper analysis to run; the model's by default.
    """
    y = latents * gain
    z = round_half_up((encoder or model).hyper_analysis(y, latents * model.whitening))
    z = ops.clip(z, -float(HYPER_MAX), float(HYPER_MAX))
    mean_features, scale_features = model.hyper_synthesis(z)
    slices = model.split_slices(y)
    # Index 0 codes nothing: no residual reaches that offset.
    offsets = tf.concat([[-_NEVER], rounding[1:]], axis=0)

    def chosen(number, means, index, coded):
        residual = slices[max(number - 1, 0)] - means
        # The magnitude is floor(|r| + 1/2) in plain rounding; a smaller offset widens the interval
        # of zero. All of it in operators that LiteRT's fast path knows, but for this gather.
        offset = tf.gather(offsets, tf.cast(index, tf.int32))
        above, below = ops.floor(offset + residual), ops.floor(offset - residual)
        return (ops.relu(above) - ops.relu(below)) * valid

    _, symbols, indexes = model.coding_passes(
        chosen, mean_features, scale_features, gain, inverse, base, checker
    )
    return {"hyper_latents": z, "symbols": symbols, "indexes": indexes}


def dequantise(model: HyperpriorCodec, hyper_latents, symbols, gain, inverse, checker):
    """Return the latents u_hat that hyper-latents and symbols stand for."""
    features = model.hyper_synthesis.mean_features(hyper_latents)
    slices = model.split_slices(symbols)
    u_hat, _, _ = model.coding_passes(
        lambda number, means, index, coded: slices[max(number - 1, 0)],
        features,
        None,
        gain,
        inverse,
        None,
        checker,
    )
    return u_hat


def synthesise(model: HyperpriorCodec, latents):
    """Return pixels, uint8, of latents u_hat."""
    pixels = model.synthesis_transform(latents) * PIXEL_UNIT + 128.0
    return ops.cast(ops.clip(ops.floor(pixels + 0.5), 0.0, 255.0), "uint8")


def quality_tables(model: HyperpriorCodec) -> dict[str, np.ndarray]:
    """Return what decoding needs beside the graphs.

    `gain` and `inverse` (log gains at the knots of quality, float32, (knots, latents)); `base` and
    `hyper_base` (whole-number scale indices at qualities 0, 1 ... 100, int16, (101, channels)).
    """
    levels = np.arange(101, dtype="float32")

    def whole(table, low):
        values = ops.convert_to_numpy(table(levels))[:, 0, 0]
        return np.clip(np.floor(values + 0.5), low, 300).astype("int16")

    def knots(table):
        return ops.convert_to_numpy(table.table) * table.unit

    return {
        "gain": knots(model.gain),
        "inverse": knots(model.inverse_gain),
        "base": whole(model.scale_base, -300),
        "hyper_base": np.clip(whole(model.hyper_base, 1), 1, 63),
    }


def encode_crop(
    graphs: CodecGraphs, tables: dict[str, np.ndarray], latents, quality: float, rounding
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Run the `encode` graph of TensorFlow on the latents of one whole crop.

    Args:
        graphs: of the model.
        tables: what `quality_tables` gave.
        latents: output of the `analysis` graph.
        quality: 0...100.
        rounding: float32 (64,) rounding offsets.

    Returns:
        hyper-latents, symbols (int32 each) and scale indices (uint8).
    """
    knots = np.linspace(0.0, 100.0, len(tables["gain"]))

    def vector(table):
        column = [np.interp(quality, knots, table[:, i]) for i in range(table.shape[1])]
        return np.exp(np.array(column, "float32"))[None, None, None]

    rows, columns = latents.shape[1:3]
    board = (np.arange(rows)[:, None] + np.arange(columns)) % 2 == 0
    checker = board.astype("float32")[None, :, :, None]
    out = graphs.graphs["encode"](
        latents,
        vector(tables["gain"]),
        vector(tables["inverse"]),
        tables["base"][int(quality + 0.5)].astype("float32")[None, None, None],
        checker,
        np.ones_like(checker),
        rounding,
    )
    return (
        np.asarray(out["hyper_latents"]).astype("int32"),
        np.asarray(out["symbols"]).astype("int32"),
        np.asarray(out["indexes"]).astype("uint8"),
    )
