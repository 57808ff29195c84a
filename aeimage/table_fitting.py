"""Probability tables fitted to the symbols a trained model really produces (NumPy only).

The logistic distributions of training are only a model: real residuals have heavier tails, and an
encoder that optimises its symbols moves mass towards zero. Tables counted from the model's own
symbols repair both for nothing, since the decoder loads its tables anyway. Where counts are few
they need a prior, and empirical Bayes takes it from the data in two steps:

1. a scale mixture of discretised logistic distributions per index, its weights fitted by
   expectation-maximisation (Kiefer and Wolfowitz 1956; Dempster, Laird and Rubin 1977) and held by
   a weak Dirichlet prior on the index's own scale: smooth, symmetric, sane where nothing was seen,
   and the plain logistic distribution where there is no data at all;
2. the counts themselves, under a Dirichlet prior around that mixture whose strength maximises the
   marginal likelihood (Minka 2000): many counts speak for themselves, few give way to the mixture.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aeimage.errors import UsageError
from aeimage.tables import (
    HISTOGRAM_WIDTH,
    S_MAX,
    S_MIN,
    ProbabilityTables,
    logistic_magnitudes,
    scale_table,
    tables_from_magnitudes,
)

_STRENGTHS = 2.0 ** np.arange(2, 31, 2)


def fitted_tables(
    histograms: NDArray[np.integer],
    scales: ArrayLike | None = None,
    *,
    prior_count: float = 32.0,
    iterations: int = 200,
) -> ProbabilityTables:
    """Build tables from counts of symbols.

    Args:
        histograms: counts of magnitudes, integers, shape ``(n, HISTOGRAM_WIDTH)``, 2 to 256 rows,
            as `aeimage.tables.magnitude_histograms` gives them; the sum over many pictures. Signs
            are pooled: the tables are symmetric. Row 0 is not coded and is ignored.
        scales: shape ``(n,)``, the scale each index stood for in training; `scale_table` by
            default. Rows may as well be the channels of a hyper-latent with a scale each.
        prior_count: weight of the training's scale, in symbols.
        iterations: steps of expectation-maximisation.

    Returns:
        tables of ``n`` rows. The same counts give the same tables on the same machine; another
        machine may differ in a last bit, so ship the tables and not the counts.

    Raises:
        UsageError: shapes do not fit or a count is negative.
    """
    counts = np.asarray(histograms, np.float64)
    scales = np.asarray(scale_table() if scales is None else scales, np.float64)
    if counts.shape != (scales.size, HISTOGRAM_WIDTH):
        raise UsageError.for_value(
            "histograms",
            f"one row per scale, shape ({scales.size}, {HISTOGRAM_WIDTH})",
            counts.shape,
        )
    if not np.all(counts >= 0):
        raise UsageError.for_value("histograms", "counts from 0 up", counts.min())
    mixtures = _logistic_mixtures(counts, scales, prior_count, iterations)
    return tables_from_magnitudes(
        np.stack([_posterior(*pair) for pair in zip(counts, mixtures, strict=True)])
    )


def _logistic_mixtures(
    counts: NDArray[np.float64],
    scales: NDArray[np.float64],
    prior_count: float,
    iterations: int,
) -> NDArray[np.float64]:
    """Smooth distributions of magnitudes, one per row of counts; shapes as in `fitted_tables`."""
    # Four components an octave, common to all rows; component 0 of each row is its own logistic.
    # A row without counts stays that one; few counts may move to neighbouring scales, not far.
    bank = S_MIN * 2.0 ** np.arange(0, math.log2(4 * S_MAX / S_MIN), 0.25)
    # Denormal numbers in the far tails would make the products below ten times slower.
    bank_pmf = np.maximum(logistic_magnitudes(bank), 1e-100)
    own_pmf = np.maximum(logistic_magnitudes(scales), 1e-100)
    near = np.exp(-0.5 * np.log2(bank / scales[:, None]) ** 2) + 1e-6
    prior = prior_count * np.concatenate(
        [np.full((len(counts), 1), 0.9), 0.1 * near / near.sum(axis=1, keepdims=True)], axis=1
    )
    weights = prior / prior.sum(axis=1, keepdims=True)
    norm = prior.sum(axis=1, keepdims=True) + counts.sum(axis=1, keepdims=True)

    def mixture() -> NDArray[np.float64]:
        return weights[:, :1] * own_pmf + weights[:, 1:] @ bank_pmf

    for _ in range(iterations):
        ratio = counts / mixture()
        shares = np.concatenate(
            [np.sum(ratio * own_pmf, axis=1, keepdims=True), ratio @ bank_pmf.T], axis=1
        )
        weights = (prior + weights * shares) / norm
    return np.where(counts.any(axis=1, keepdims=True), mixture(), own_pmf)


def _posterior(counts: NDArray[np.float64], mixture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Posterior mean of a row under a Dirichlet prior around ``mixture``, strength by evidence."""
    total = counts.sum()
    if total == 0:
        return mixture
    seen = np.flatnonzero(counts)

    def evidence(strength: float) -> float:
        value = math.lgamma(strength) - math.lgamma(strength + total)
        for count, share in zip(counts[seen], np.maximum(mixture[seen], 1e-12), strict=True):
            value += math.lgamma(count + strength * share) - math.lgamma(strength * share)
        return value

    strength = max(_STRENGTHS, key=evidence)
    return (counts + strength * mixture) / (total + strength)
