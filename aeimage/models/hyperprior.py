"""The codec: a mean-scale hyperprior with four coding passes and an integer scale network.

    pixels ---- g_a ----> u --(x gain)--> y                     at 1/16 of the picture's size
                                          |
    z = round(h_a(y, u))                  |                      at 1/64
    z --- mean network (float) ----> mu   |
    z --- scale network (integers) -> k   |
                                          v
                     symbols q = round(y - mu), coded with the table of scale index k
                                          |
    pixels <--- g_s <--- u_hat = (q + mu) x inverse gain

The latents are coded in four passes, each seeing what the ones before it decoded: the lowest
frequencies on the black squares of a checkerboard, then on the white ones, then the middle, then
the high frequencies. The mean network sees dequantised latents (floats: a difference in the last
bit does no harm); the scale network sees whole numbers alone, so that k is the same on every
machine.

Notation and method: Balle et al. 2018 (hyperprior), Minnen et al. 2018 (mean and scale), Minnen
and Singh 2020 (channel-wise passes), He et al. 2021 (checkerboard); one model for all rates by
gains, Cui et al. 2021. One `quality` from 0 to 100 sets lambda = 0.0018 * 200^(quality / 100).
"""

import keras
import numpy as np
from keras import ops

from aeimage.models import block_transform
from aeimage.models.integer import magnitude_code, round_half_up, straight_through
from aeimage.models.layers import QualityTable
from aeimage.models.rate import LOG_SCALE_STEP, logistic_bits, step_of_quality
from aeimage.models.transforms import (
    PIXEL_UNIT,
    UNIT,
    AnalysisTransform,
    CodecConfig,
    HyperAnalysis,
    HyperSynthesis,
    MeanHead,
    ScaleHead,
    SynthesisTransform,
)
from aeimage.scale_network import HYPER_MAX
from aeimage.tables import NUM_INDEXES, S_MIN

QUALITY_KNOTS = 9
PASSES = 4


class CodecOutput(dict):
    """Named results of one training pass; attribute access for readability."""

    __getattr__ = dict.__getitem__


@keras.saving.register_keras_serializable("aeimage")
class HyperpriorCodec(keras.Model):
    """The trainable codec. See the module for its data flow.

    `model(pixels, quality)` runs one training pass; the parts (`analysis_transform`,
    `hyper_analysis`, `hyper_synthesis`, `mean_heads`, `scale_heads`, `synthesis_transform`, `gain`,
    `inverse_gain`, `scale_base`, `hyper_base`) are what the exporter takes apart.
    """

    def __init__(self, config: CodecConfig | None = None, **kwargs):
        # A fixed name keeps the paths of variables, which checkpoints go by.
        super().__init__(**{"name": "hyperprior_codec", **kwargs})
        self.config = config = config or CodecConfig()
        low, middle, high = config.slices
        self.analysis_transform = AnalysisTransform(config, name="analysis_transform")
        self.synthesis_transform = SynthesisTransform(config, name="synthesis_transform")
        self.hyper_analysis = HyperAnalysis(config, name="hyper_analysis")
        self.hyper_synthesis = HyperSynthesis(config, name="hyper_synthesis")
        sizes = (low, low, middle, high)
        self.mean_heads = [
            MeanHead(n, config, context=i > 0, name=f"mean_{i}") for i, n in enumerate(sizes)
        ]
        self.scale_heads = [
            ScaleHead(n, config, context=i > 0, name=f"scale_{i}") for i, n in enumerate(sizes)
        ]
        self.neighbours = keras.layers.DepthwiseConv2D(
            3, padding="same", use_bias=False, depthwise_initializer="zeros", name="neighbours"
        )
        quality = np.linspace(0.0, 100.0, QUALITY_KNOTS)
        amplitude = block_transform.latent_amplitudes(config.latents)
        step = step_of_quality(quality)[:, None] / 255.0
        log_gain = np.log(1.0 / (UNIT * step)) + np.zeros((1, config.latents))
        # A Laplacian coefficient of mean size a has logistic scale of about 0.7 a.
        base = (np.log(amplitude / step) + np.log(0.7 / S_MIN)) / LOG_SCALE_STEP
        self.whitening = (1.0 / (UNIT * amplitude)).astype("float32")
        table = {"knots": QUALITY_KNOTS}
        self.gain = QualityTable(config.latents, initial=log_gain, name="gain", **table)
        self.inverse_gain = QualityTable(
            config.latents, initial=-log_gain, name="inverse_gain", **table
        )
        self.scale_base = QualityTable(
            config.latents, initial=np.clip(base, 2.0, 58.0), unit=32.0, name="scale_base", **table
        )
        hyper_base = np.full((QUALITY_KNOTS, config.hyper), np.log(0.6 / S_MIN) / LOG_SCALE_STEP)
        self.hyper_base = QualityTable(
            config.hyper, initial=hyper_base, unit=32.0, name="hyper_base", **table
        )
        self.noise_seed = keras.random.SeedGenerator(0)

    def build(self, input_shape=None):
        if self.built:
            return
        config = self.config
        low, middle, _ = config.slices
        for table in (self.gain, self.inverse_gain, self.scale_base, self.hyper_base):
            table.build((None,))
        self.analysis_transform.build((None, None, None, 3))
        self.synthesis_transform.build((None, None, None, config.latents))
        self.neighbours.build((None, None, None, low))
        kernel = np.zeros((3, 3, low, 1), "float32")
        for channel in block_transform.luma_dc_channels(config.latents):
            if channel < low:
                kernel[[0, 1, 1, 2], [1, 0, 2, 1], channel] = 0.22
        self.neighbours.kernel.assign(kernel)
        self.hyper_analysis.build((None, None, None, 2 * config.latents))
        self.hyper_synthesis.build((None, None, None, config.hyper))
        features = config.entropy
        inputs = (features, features + low, features + low, features + low + middle)
        for heads in (self.mean_heads, self.scale_heads):
            for head, channels in zip(heads, inputs, strict=True):
                head.build((None, None, None, channels))
        self.built = True

    def split_slices(self, latents):
        """Return the three channel groups of a tensor of latents."""
        return ops.split(latents, [int(n) for n in np.cumsum(self.config.slices)[:-1]], axis=-1)

    def slice_of_pass(self, number: int) -> slice:
        """Return the latent channels that coding pass 0...3 codes."""
        starts = np.cumsum([0, *self.config.slices])
        group = max(number - 1, 0)
        return slice(int(starts[group]), int(starts[group + 1]))

    # ---- parts shared by training and export -------------------------------------------------

    def pass_means(self, number, features, contexts):
        """Return the means of coding pass 0...3 in units of u; `contexts`: slices of u_hat."""
        white, start = [], 0
        for context in contexts:
            white.append(context * self.whitening[start : start + context.shape[-1]])
            start += context.shape[-1]
        means = self.mean_heads[number](features, *white)
        if number == 1:
            means = means + ops.cast(self.neighbours(contexts[0]), "float32")
        return means

    def pass_indexes(self, number, features, contexts, base):
        """Return the scale indices of coding pass 0...3, whole numbers 0...63 in float32."""
        codes = [magnitude_code(c) for c in contexts]
        total = self.scale_heads[number](features, *codes) + straight_through(
            round_half_up(base), base
        )
        return ops.clip(total, 0.0, float(NUM_INDEXES - 1))

    def coding_passes(self, quantise, mean_features, scale_features, gain, inverse, base, checker):
        """Run the four coding passes.

        Args:
            quantise: function (number, means, indexes, coded) to symbols: `number` is the pass,
                `means` are gained, `coded` is 1.0 where the pass codes or None for everywhere.
            mean_features: of `hyper_synthesis`, (batch, h, w, entropy).
            scale_features: likewise; None where the symbols are known and no index is needed.
            gain, inverse, base: (batch, 1, 1, latents).
            checker: (1, h, w, 1), 1.0 on the squares of the first pass.

        Returns:
            u_hat, symbols and indexes (None without scale features), each (batch, h, w, latents).
        """
        decoded, symbols, indexes = [], [], []
        for number in range(PASSES):
            part = self.slice_of_pass(number)
            coded = (checker, 1.0 - checker)[number] if number < 2 else None
            means = self.pass_means(number, mean_features, decoded) * gain[..., part]
            index = None
            if scale_features is not None:
                known = [ops.stop_gradient(s) for s in symbols]
                index = self.pass_indexes(number, scale_features, known, base[..., part])
            symbol = quantise(number, means, index, coded)
            dequantised = (symbol + means) * inverse[..., part]
            if coded is not None:
                symbol, dequantised = symbol * coded, dequantised * coded
            if number == 1:
                decoded = [decoded[0] + dequantised]
                symbols = [symbols[0] + symbol]
                if index is not None:
                    indexes = [indexes[0] * checker + index * (1.0 - checker)]
            else:
                decoded, symbols = [*decoded, dequantised], [*symbols, symbol]
                indexes = [*indexes, index]
        indexes = ops.concatenate(indexes, axis=-1) if scale_features is not None else None
        return ops.concatenate(decoded, axis=-1), ops.concatenate(symbols, axis=-1), indexes

    # ---- training ----------------------------------------------------------------------------

    def call(self, pixels, quality, *, rounded_rate=False, training=True):
        """Run one pass.

        Args:
            pixels: (batch, 64 a, 64 b, 3), values 0...255 of any dtype.
            quality: float32 (batch,), 0...100.
            rounded_rate: estimate the rate at the rounded symbols (straight-through gradient)
                instead of with additive uniform noise.

        Returns:
            CodecOutput with `reconstruction` (levels 0...255, float32, unclipped), `latent_bits`
            and `hyper_bits` (batch,), and `symbols`, `indexes`, `hyper_latent` for inspection.
        """
        noisy = training and not rounded_rate
        pixels = ops.cast(pixels, "float32") - 128.0
        gain = ops.exp(self.gain(quality))
        inverse = ops.exp(self.inverse_gain(quality))
        base = self.scale_base(quality)
        u = self.analysis_transform(pixels)
        y = u * gain

        z_real = self.hyper_analysis(y, u * self.whitening)
        z_rounded = ops.clip(round_half_up(z_real), -float(HYPER_MAX), float(HYPER_MAX))
        z = straight_through(z_rounded, z_real)
        hyper_indexes = ops.clip(self.hyper_base(quality), 1.0, float(NUM_INDEXES - 1))
        hyper_bits = self._bits(z_real, z, hyper_indexes, noisy)
        mean_features, scale_features = self.hyper_synthesis(z)

        bits = []

        slices = self.split_slices(y)

        def quantise(number, means, index, coded):
            residual = slices[max(number - 1, 0)] - means
            rounded = round_half_up(residual) * ops.cast(index > 0, "float32")
            symbol = straight_through(rounded, residual)
            cost = self._bits(residual, symbol, index, noisy)
            bits.append(ops.sum(cost if coded is None else cost * coded, axis=(1, 2, 3)))
            return symbol

        checker = checkerboard(ops.shape(y)[1], ops.shape(y)[2])
        decoded, symbols, indexes = self.coding_passes(
            quantise, mean_features, scale_features, gain, inverse, base, checker
        )
        reconstruction = self.synthesis_transform(decoded)
        return CodecOutput(
            reconstruction=reconstruction * PIXEL_UNIT + 128.0,
            latent_bits=sum(bits[1:], bits[0]),
            hyper_bits=ops.sum(hyper_bits, axis=(1, 2, 3)),
            symbols=symbols,
            indexes=indexes,
            hyper_latent=z,
        )

    def _bits(self, real, rounded, indexes, noisy):
        if noisy:
            noise = keras.random.uniform(
                ops.shape(real), -0.5, 0.5, dtype="float32", seed=self.noise_seed
            )
            return logistic_bits(real + noise, indexes)
        return logistic_bits(rounded, indexes)

    def get_config(self):
        return {**super().get_config(), "config": vars(self.config)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        sizes = dict(config.pop("config"))
        sizes["slices"] = tuple(sizes["slices"])
        return cls(CodecConfig(**sizes), **config)


def checkerboard(height, width):
    """Return 1.0 where row + column is even, (1, height, width, 1)."""
    rows = ops.arange(height)[:, None]
    columns = ops.arange(width)[None, :]
    return ops.cast((rows + columns) % 2 == 0, "float32")[None, :, :, None]
