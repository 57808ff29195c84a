"""What docs/exactness.md tells the authors of other decoders is true."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from exactness_inputs import GEOMETRY, hostile_cases, hostile_recordings
from exactness_tasks import Setting, decode, encode

from aeimage.codec import stripes
from aeimage.codec.entropy import SymbolDecoder, decode_symbols
from aeimage.runtime.bundle import find_bundle
from aeimage.runtime.reference import ReferenceEngine
from aeimage.scale_network import FILE_NAME, magnitude_code

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "exactness.md"


@pytest.fixture(scope="module")
def bundle() -> Path:
    return find_bundle("photo").path


def test_its_code_gives_the_indices(bundle):
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names: dict = {}
    exec(code, names)
    setting = Setting(bundle)
    with np.load(bundle / FILE_NAME) as network:
        for case in hostile_cases(setting.network):
            found = names["indexes"](network, case.number, case.z, case.contexts, case.base)
            expected = setting.network.indexes(case.number, case.z, case.contexts, case.base)
            np.testing.assert_array_equal(found, expected)


def test_a_decoder_written_after_it_reads_files(bundle, monkeypatch):
    monkeypatch.setattr(stripes, "STRIPE_PIXELS", 2**13)  # a stripe of 64 rows, and one of 36
    setting = Setting(bundle)
    (recording,) = [r for r in hostile_recordings(setting) if r.quality == 37.5]
    (file,) = encode(ReferenceEngine(setting.network), [recording], setting)
    assert len(file.stripes) == 2

    low, middle, high = setting.slices
    level = (3750 + 50) // 100
    rows, columns = -(-GEOMETRY.height // 16), -(-GEOMETRY.width // 16)
    grid = -(-GEOMETRY.height // 64), -(-GEOMETRY.width // 64)
    each = setting.tables.hyper_index[level]
    z = decode_symbols(file.hyper, np.tile(each, grid[0] * grid[1]), setting.tables.hyper)
    z = z.reshape(*grid, -1)

    q = np.zeros((4 * grid[0], 4 * grid[1], low + middle + high), np.int64)
    first, second, third = slice(0, low), slice(low, low + middle), slice(low + middle, None)
    passes = [(first, []), (first, [first]), (second, [first]), (third, [first, second])]
    streams = [SymbolDecoder(data, setting.tables.latents) for data in file.stripes]
    for number, (channels, seen) in enumerate(passes):
        base = setting.tables.base[level, channels]
        k = setting.network.indexes(number, z, [q[..., c] for c in seen], base)
        found = {}
        for stream, (top, bottom) in zip(streams, [(0, 4), (4, rows)], strict=True):
            places = [
                (r, c)
                for r in range(top, bottom)
                for c in range(columns)
                if number > 1 or (r + c) % 2 == number
            ]
            values = stream.take(np.concatenate([k[place] for place in places]))
            found |= dict(zip(places, values.reshape(len(places), -1), strict=True))
        for (r, c), values in found.items():
            q[r, c, channels] = values

    ((expected_z, expected_q),) = decode(ReferenceEngine(setting.network), [file], setting)
    np.testing.assert_array_equal(z, expected_z)
    np.testing.assert_array_equal(q, expected_q)
    assert np.count_nonzero(q) > 1000


def test_its_table_of_magnitude_codes():
    text = DOCUMENT.read_text()
    line = re.search(r"`a = ([\d, ]+)` and more give `([\d, ]+)`", text)
    inputs, outputs = ([int(n) for n in part.split(",")] for part in line.groups())
    assert magnitude_code(np.array(inputs)).tolist() == outputs
    assert magnitude_code(np.array([10**6])).tolist() == outputs[-1:]


def test_its_levels_are_the_librarys(bundle):
    tables = Setting(bundle).tables
    for hundredths in range(10001):
        assert tables.level(hundredths / 100) == (hundredths + 50) // 100


def test_its_channels_are_those_of_the_shipped_model(bundle):
    setting = Setting(bundle)
    low, middle, high = setting.slices
    text = DOCUMENT.read_text()
    assert f'"slices": [{low}, {middle}, {high}]' in text
    assert f"channels {low + middle}–{low + middle + high - 1}" in text
    assert setting.tables.base.shape == (101, low + middle + high)
    assert setting.tables.hyper_index.shape[0] == 101
