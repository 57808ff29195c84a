"""What a codec's SavedModel does, for batches of pictures of any size.

    encode    pixels, quality -> hyper_latents, symbols, indexes, bits, size
    decode    hyper_latents, symbols, quality, size -> pixels

Between the two lies what an entropy coder makes bytes of: `indexes` names the probability table of
each symbol. Pictures run in one piece; `aeimage.compress`, which cuts large ones into tiles and
writes files, is what people want who only compress.
"""

import numpy as np
import tensorflow as tf

from aeimage.export.codec_graphs import analyse, dequantise, quality_tables, quantise, synthesise
from aeimage.export.saved_model import Signature, pad_to_multiple
from aeimage.models.hyperprior import HyperpriorCodec, checkerboard
from aeimage.models.rate import logistic_bits
from aeimage.tables import NUM_INDEXES

STRIDE, BLOCK = 16, 64
_SYMBOL_MAX = 32767.0


class CodecSignatures:
    """The functions of a codec's SavedModel.

    Args:
        model: built under the float32 policy.
        rounding: float32 (64,) rounding offsets by scale index; plain rounding by default.
    """

    def __init__(self, model: HyperpriorCodec, rounding: np.ndarray | None = None) -> None:
        self.model = model
        self.tables = quality_tables(model)
        plain = np.full(NUM_INDEXES, 0.5)
        self.rounding = (plain if rounding is None else rounding).astype("float32")

    def encode(self, pixels, quality):
        """Quantise pictures.

        Args:
            pixels: uint8 (batch, height, width, 3).
            quality: float32 (batch,), 0...100.

        Returns:
            `hyper_latents` int8 (batch, h / 64, w / 64, hyper); `symbols` int16 and `indexes`
            uint8, (batch, h / 16, w / 16, latents), with h and w rounded up to multiples of 64,
            and 0 where a latent lies outside the picture; `bits` float32 (batch,), what coding
            them takes by the model's own estimate; `size` int32 (2,), height and width.
        """
        size = tf.shape(pixels)[1:3]
        latents = analyse(self.model, pad_to_multiple(pixels, BLOCK))
        rows, columns = tf.shape(latents)[1], tf.shape(latents)[2]
        covered = -(-size // STRIDE)
        inside = (tf.range(rows) < covered[0])[:, None] & (tf.range(columns) < covered[1])[None]
        valid = tf.cast(inside, tf.float32)[None, :, :, None]
        quality, level = self._level(quality)
        found = quantise(
            self.model,
            latents,
            self._gain("gain", quality),
            self._gain("inverse", quality),
            self._row("base", level),
            checkerboard(rows, columns),
            valid,
            tf.constant(self.rounding),
        )
        z, indexes = found["hyper_latents"], found["indexes"] * valid
        symbols = tf.clip_by_value(found["symbols"], -_SYMBOL_MAX, _SYMBOL_MAX)
        bits = tf.reduce_sum(logistic_bits(symbols, indexes) * valid, (1, 2, 3))
        hyper = logistic_bits(z, self._row("hyper_base", level))
        return {
            "hyper_latents": tf.cast(z, tf.int8),
            "symbols": tf.cast(symbols, tf.int16),
            "indexes": tf.cast(indexes, tf.uint8),
            "bits": bits + tf.reduce_sum(hyper, (1, 2, 3)),
            "size": size,
        }

    def decode(self, hyper_latents, symbols, quality, size):
        """Return the pictures that `encode` quantised, uint8 (batch, height, width, 3)."""
        quality, _ = self._level(quality)
        u_hat = dequantise(
            self.model,
            tf.cast(hyper_latents, tf.float32),
            tf.cast(symbols, tf.float32),
            self._gain("gain", quality),
            self._gain("inverse", quality),
            checkerboard(tf.shape(symbols)[1], tf.shape(symbols)[2]),
        )
        return {"pixels": synthesise(self.model, u_hat)[:, : size[0], : size[1]]}

    def signatures(self) -> dict[str, Signature]:
        """Return both, with what they take."""
        config = self.model.config

        def batch(*shape, dtype=tf.float32, name):
            return tf.TensorSpec((None, *shape), dtype, name=name)

        quality = batch(name="quality")
        pixels = batch(None, None, 3, dtype=tf.uint8, name="pixels")
        z = batch(None, None, config.hyper, dtype=tf.int8, name="hyper_latents")
        symbols = batch(None, None, config.latents, dtype=tf.int16, name="symbols")
        size = tf.TensorSpec((2,), tf.int32, name="size")
        return {
            "encode": Signature(self.encode, (pixels, quality)),
            "decode": Signature(self.decode, (z, symbols, quality, size)),
        }

    def _level(self, quality):
        quality = tf.clip_by_value(quality, 0.0, 100.0)
        return quality, tf.cast(tf.floor(quality + 0.5), tf.int32)

    def _gain(self, name: str, quality):
        """Interpolate log gains as `aeimage.runtime` does: (batch, 1, 1, latents)."""
        table = tf.constant(self.tables[name])
        knots = len(self.tables[name]) - 1
        position = quality / 100.0 * knots
        low = tf.minimum(tf.cast(position, tf.int32), knots - 1)
        share = (position - tf.cast(low, tf.float32))[:, None]
        log_gain = tf.gather(table, low) * (1 - share) + tf.gather(table, low + 1) * share
        return tf.exp(log_gain)[:, None, None, :]

    def _row(self, name: str, level):
        rows = tf.constant(self.tables[name].astype("float32"))
        return tf.gather(rows, level)[:, None, None, :]
