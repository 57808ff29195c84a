"""Engines that are wrong in one place are noticed: these tests can fail.

Every mutant is a mistake that a port, a converter or a fast kernel could make.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from exactness_inputs import hostile_cases, hostile_recordings
from exactness_tasks import Setting, decode, encode, indexes

from aeimage import scale_network
from aeimage.runtime.bundle import find_bundle
from aeimage.runtime.reference import ReferenceEngine
from aeimage.scale_network import ACTIVATION_MAX, IntegerLayer, ScaleNetwork


class HalfToEven(IntegerLayer):
    def _finish(self, total):
        out = np.rint((total + self.bias) / 2**self.shift).astype(np.int64)
        return np.clip(out, 0, ACTIVATION_MAX) if self.rectify else out


class TowardsZero(IntegerLayer):
    def _finish(self, total):
        out = np.trunc((total + self.bias + self.half) / 2**self.shift).astype(np.int64)
        return np.clip(out, 0, ACTIVATION_MAX) if self.rectify else out


class NoHalf(IntegerLayer):
    def _finish(self, total):
        out = (total + self.bias) >> self.shift
        return np.clip(out, 0, ACTIVATION_MAX) if self.rectify else out


class HalfPrecisionSums(IntegerLayer):
    def _finish(self, total):
        total = np.clip(total, -65504, 65504)
        return super()._finish(total.astype(np.float16).astype(np.int64))


class EightBitActivations(IntegerLayer):
    def _finish(self, total):
        out = (total + self.bias + self.half) >> self.shift
        return np.clip(out, 0, 255) if self.rectify else out


class MisplacedTransposed(IntegerLayer):
    def _convolve_transposed(self, x):
        return np.roll(super()._convolve_transposed(x), 1, axis=0)


class FlippedKernels(IntegerLayer):
    def _convolve(self, x):
        return super()._convolve(x[::-1, ::-1])[::-1, ::-1]


class BorderRepeated(IntegerLayer):
    def _convolve(self, x):
        margin = len(self.kernel) // 2
        if not margin:
            return super()._convolve(x)
        x = np.pad(x, ((margin, margin), (margin, margin), (0, 0)), "edge")
        return super()._convolve(x)[margin:-margin, margin:-margin]


MUTANTS = IntegerLayer.__subclasses__()
FIELDS = dataclasses.fields(IntegerLayer)


@pytest.fixture(scope="module")
def setting() -> Setting:
    return Setting(find_bundle("photo").path)


@pytest.fixture(scope="module")
def files(setting):
    return encode(ReferenceEngine(setting.network), hostile_recordings(setting), setting)


def noticed_by_indexes(engine, setting) -> bool:
    cases = hostile_cases(setting.network)
    right = indexes(ReferenceEngine(setting.network), cases)
    return any(not np.array_equal(a, b) for a, b in zip(indexes(engine, cases), right, strict=True))


def noticed_by_files(engine, setting, files) -> bool:
    right = decode(ReferenceEngine(setting.network), files, setting)
    for (_, expected), found in zip(right, decode(engine, files, setting), strict=True):
        if isinstance(found, Exception) or not np.array_equal(found[1], expected):
            return True
    return False


def test_the_reference_is_no_mutant(setting, files):
    engine = ReferenceEngine(setting.network)
    assert not noticed_by_indexes(engine, setting)
    assert not noticed_by_files(engine, setting, files)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_wrong_arithmetic_is_noticed(mutant, setting, files):
    def mutate(chain):
        return tuple(mutant(**{f.name: getattr(x, f.name) for f in FIELDS}) for x in chain)

    network = setting.network
    wrong = ScaleNetwork(mutate(network.features), tuple(map(mutate, network.passes)))
    engine = ReferenceEngine(wrong)
    assert noticed_by_indexes(engine, setting)
    assert noticed_by_files(engine, setting, files)


def test_a_wrong_magnitude_code_is_noticed(setting, files, monkeypatch):
    right = scale_network.magnitude_code
    expected = decode(ReferenceEngine(setting.network), files, setting)
    monkeypatch.setattr(
        scale_network, "magnitude_code", lambda s: right(np.minimum(np.abs(s), 119))
    )
    found = decode(ReferenceEngine(setting.network), files, setting)
    assert any(
        isinstance(b, Exception) or not np.array_equal(a[1], b[1])
        for a, b in zip(expected, found, strict=True)
    )


@pytest.mark.parametrize("chain", ["features", 0, 1, 2, 3])
def test_one_wrong_weight_is_noticed(chain, setting):
    network = setting.network
    layer = (network.features if chain == "features" else network.passes[chain])[-1]
    kernel = layer.kernel.copy()
    # By the smallest step, of the weights that one input meets.
    kernel[0, 0, 0] += np.where(kernel[0, 0, 0] < 100, 1, -1).astype(np.int8)
    wrong = (dataclasses.replace(layer, kernel=kernel),)
    if chain == "features":
        mutated = dataclasses.replace(network, features=network.features[:-1] + wrong)
    else:
        passes = list(network.passes)
        passes[chain] = passes[chain][:-1] + wrong
        mutated = dataclasses.replace(network, passes=tuple(passes))
    assert noticed_by_indexes(ReferenceEngine(mutated), setting)
