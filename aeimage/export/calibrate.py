"""Fit a codec's probability tables and rounding offsets to the symbols it really produces.

Training models residuals as logistic variables and rounds to the nearest symbol. Both can be
bettered for nothing once the weights are final: tables counted from real symbols repair the model,
and an encoder that rounds towards zero where the saved bits are worth more than the distortion
(rate-distortion optimised quantisation, Sullivan 1996) needs no word to the decoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from aeimage.models.hyperprior import HyperpriorCodec
from aeimage.table_fitting import fitted_tables
from aeimage.tables import NUM_INDEXES, ProbabilityTables, logistic_tables, magnitude_histograms

# A squared error of one quantiser step costs 6 / ln 2 bits: with the step of theory,
# sqrt(18 / (ln 2 lambda)) levels, lambda * MSE comes to this, whatever lambda is.
ERROR_BITS = 6.0 / np.log(2.0)
FIT_QUALITIES = tuple(np.linspace(0.0, 100.0, 17))


def rounding_offsets(tables: ProbabilityTables, strength: float) -> np.ndarray:
    """Return what to add to |residual| before it is cut to a whole number, by scale index.

    Choosing 0 instead of 1 saves `bits(1) - bits(0)` and costs `ERROR_BITS` times the difference of
    squared errors; the two balance at a threshold above 1/2.

    Args:
        tables: that the symbols are coded with.
        strength: 0 for plain rounding, 1 for the balance above.

    Returns:
        float32 (64,), at most 1/2.
    """
    saved = tables.costs[1:, 1] - tables.costs[1:, 0]
    offsets = np.full(NUM_INDEXES, 0.5)
    offsets[1:] -= strength * np.clip(saved, 0.0, None) / (2.0 * ERROR_BITS)
    return np.maximum(offsets, 0.02).astype("float32")


@dataclass
class Calibration:
    """What calibration finds.

    Attributes:
        latent_tables, hyper_tables: fitted probability tables.
        rounding: float32 (efforts, 64): plain rounding, then optimised rounding.
    """

    latent_tables: ProbabilityTables = field(default_factory=logistic_tables)
    hyper_tables: ProbabilityTables = field(default_factory=logistic_tables)
    rounding: np.ndarray = field(default_factory=lambda: np.full((1, NUM_INDEXES), 0.5, "float32"))


def calibrate(
    model: HyperpriorCodec,
    crops: Sequence[np.ndarray],
    *,
    strength: float = 0.6,
    qualities: Sequence[float] = FIT_QUALITIES,
) -> Calibration:
    """Fit tables and rounding of a trained codec.

    Two rounds: the tables of plain rounding give offsets, and the symbols that these produce
    give the tables that ship.

    Args:
        model: built under the float32 policy.
        crops: training pictures, uint8 (height, width, 3), sides divisible by 64.
        strength: of the optimised rounding, see `rounding_offsets`.
        qualities: at which to encode every crop.
    """
    from aeimage.export.codec_graphs import CodecGraphs, encode_crop, quality_tables

    graphs = CodecGraphs(model)
    quality = quality_tables(model)
    result = Calibration()
    plain = np.full(NUM_INDEXES, 0.5, "float32")
    offsets = plain
    latents = [graphs.graphs["analysis"](crop[None])["latents"] for crop in crops]
    for _ in range(2):
        counts = np.zeros_like(magnitude_histograms(np.zeros(0, int), np.zeros(0, "uint8")))
        hyper_counts = counts.copy()
        for u in latents:
            for level in qualities:
                z, symbols, indexes = encode_crop(graphs, quality, u, level, offsets)
                counts += magnitude_histograms(symbols, indexes)
                hyper_index = quality["hyper_base"][int(level + 0.5)].astype("uint8")
                hyper_counts += magnitude_histograms(z, np.broadcast_to(hyper_index, z.shape))
        result.latent_tables = fitted_tables(counts)
        result.hyper_tables = fitted_tables(hyper_counts)
        offsets = rounding_offsets(result.latent_tables, strength)
        if strength == 0.0:
            break
    result.rounding = np.stack([plain, offsets])
    return result
