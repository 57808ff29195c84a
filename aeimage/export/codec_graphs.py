"""The codec cut into the graphs that the runtime runs: TensorFlow functions of fixed signature.

    analysis      pixels -> latents u                          once a picture, for every quality
    encode        u, gain, base -> hyper-latents, symbols, scale indices
    scales_0..3   hyper-latents, decoded symbols -> scale indices of one coding pass (integers)
    dequantise    hyper-latents, symbols -> u_hat
    synthesis     u_hat -> pixels

Every tensor has a batch axis of one and is float32, but for pixels, which are uint8. Heights and
widths are free: those of pixels are multiples of 64, those of latents of 4.
"""

import numpy as np
import tensorflow as tf
from keras import ops

from aeimage.models.hyperprior import PASSES, HyperpriorCodec
from aeimage.models.integer import round_half_up
from aeimage.models.transforms import HYPER_MAX, PIXEL_UNIT


def context_count(number: int) -> int:
    """Return how many slices of decoded symbols coding pass 0...3 sees."""
    return (0, 1, 1, 2)[number]


class CodecGraphs(tf.Module):
    """Holds a built float32 `HyperpriorCodec` and its graphs as `tf.function` attributes."""

    def __init__(self, model: HyperpriorCodec):
        super().__init__()
        self.model = model
        self.weights = [v.value for v in model.trainable_variables]
        for layer in (model.synthesis_transform.pair, model.synthesis_transform.patch):
            layer.as_patches = True
        config = model.config
        latents, hyper = config.latents, config.hyper

        def image(*shape, dtype=tf.float32, name):
            return tf.TensorSpec((1, *shape), dtype, name=name)

        pixels = image(None, None, 3, dtype=tf.uint8, name="pixels")
        u = image(None, None, latents, name="latents")
        z = image(None, None, hyper, name="hyper_latents")
        symbols = image(None, None, latents, name="symbols")
        plane = {n: image(None, None, 1, name=n) for n in ("checker", "valid")}
        vector = {n: image(1, 1, latents, name=n) for n in ("gain", "inverse", "base")}
        rounding = tf.TensorSpec((None,), tf.float32, name="rounding")

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
            base = image(1, 1, part.stop - part.start, name="base")
            contexts = [
                image(None, None, size, name=f"symbols_{i}")
                for i, size in enumerate(config.slices[: context_count(number)])
            ]
            self.graphs[f"scales_{number}"] = self._function(
                self._scales(number, len(contexts)), z, base, *contexts
            )

    @staticmethod
    def _function(function, *specs):
        return tf.function(function, input_signature=specs)

    def _analysis(self, pixels):
        return {"latents": self.model.analysis_transform(ops.cast(pixels, "float32") - 128.0)}

    def _encode(self, latents, gain, inverse, base, checker, valid, rounding):
        model = self.model
        y = latents * gain
        z = round_half_up(model.hyper_analysis(y, latents * model.whitening))
        z = ops.clip(z, -float(HYPER_MAX), float(HYPER_MAX))
        mean_features, scale_features = model.hyper_synthesis(z)

        slices = model.split_slices(y)

        def quantise(number, means, index, coded):
            residual = slices[max(number - 1, 0)] - means
            # floor(|r| + 1/2) is plain rounding; a smaller offset widens the interval of zero.
            offset = ops.take(rounding, ops.cast(index, "int32"))
            symbol = ops.sign(residual) * ops.floor(ops.abs(residual) + offset)
            return symbol * ops.cast(index > 0, "float32") * valid

        _, symbols, indexes = model.coding_passes(
            quantise, mean_features, scale_features, gain, inverse, base, checker
        )
        return {"hyper_latents": z, "symbols": symbols, "indexes": indexes}

    def _dequantise(self, hyper_latents, symbols, gain, inverse, checker):
        features = self.model.hyper_synthesis.mean_features(hyper_latents)
        slices = self.model.split_slices(symbols)
        u_hat, _, _ = self.model.coding_passes(
            lambda number, means, index, coded: slices[max(number - 1, 0)],
            features,
            None,
            gain,
            inverse,
            None,
            checker,
        )
        return {"latents": u_hat}

    def _synthesis(self, latents):
        pixels = self.model.synthesis_transform(latents) * PIXEL_UNIT + 128.0
        pixels = ops.clip(ops.floor(pixels + 0.5), 0.0, 255.0)
        return {"pixels": ops.cast(pixels, "uint8")}

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
