"""One file, the same symbols everywhere: every runtime encodes, every runtime decodes.

What the scale network gives for hostile numbers is compared index by index, with the shipped
weights and with the largest that are allowed; then files are written with each runtime's indices
and read with each of the others'. TensorFlow and JAX run in workers, one a configuration.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from exactness_inputs import extreme_network, hostile_cases, hostile_recordings, recordings
from exactness_runtimes import NAMES, Runtimes, reason_to_skip

from aeimage.runtime.bundle import find_bundle

each_runtime = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory):
    runtimes = Runtimes(find_bundle("photo").path, tmp_path_factory.mktemp("exactness"))
    yield runtimes
    runtimes.close()


@pytest.fixture(scope="module")
def indexes(runtimes):
    return runtimes.run("indexes", hostile_cases(runtimes.setting.network))


@pytest.fixture(scope="module")
def extreme(runtimes):
    network = extreme_network(runtimes.setting.network)
    return runtimes.run("extreme", (network, hostile_cases(network)))


@pytest.fixture(scope="module")
def recorded(runtimes):
    litert = runtimes.engines["litert-2-threads"]
    found, written = recordings(litert, runtimes.setting)
    return [*found, *hostile_recordings(runtimes.setting)], written


@pytest.fixture(scope="module")
def encoded(runtimes, recorded):
    return runtimes.run("encode", recorded[0])


@pytest.fixture(scope="module")
def decoded(runtimes, encoded):
    # Equal bytes decode equally: every different file is decoded once by every runtime.
    files = list(dict.fromkeys(file for files in encoded.values() for file in files))
    results = runtimes.run("decode", files)
    return {name: dict(zip(files, r, strict=True)) for name, r in results.items()}


def skip_where_missing(name: str) -> None:
    if reason := reason_to_skip(name):
        pytest.skip(reason)


@each_runtime
def test_scale_indices_of_hostile_numbers_are_the_references(name, indexes):
    skip_where_missing(name)
    for found, expected in zip(indexes[name], indexes["numpy"], strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith("litert")])
def test_weights_at_the_limit_are_exact_too(name, extreme):
    """LiteRT needs a conversion for these: see tests/export/test_scale_network.py."""
    skip_where_missing(name)
    for found, expected in zip(extreme[name], extreme["numpy"], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_hostile_numbers_reach_every_index(indexes, extreme):
    for results in (indexes["numpy"], extreme["numpy"]):
        seen = np.unique(np.concatenate([r.ravel() for r in results]))
        assert seen.size == 64
        assert seen[0] == 0 and seen[-1] == 63


@each_runtime
def test_every_runtime_writes_the_same_bytes(name, encoded, recorded):
    skip_where_missing(name)
    _, written = recorded
    assert encoded[name] == encoded["numpy"]
    # The encoder's own graph, too, had these indices.
    assert encoded[name][: len(written)] == written
    sizes = [len(file.stripes[0]) for file in encoded[name]]
    assert 10 * min(sizes) < max(sizes), sizes


@each_runtime
def test_every_runtime_reads_what_every_other_wrote(name, encoded, decoded, recorded):
    skip_where_missing(name)
    for writer, files in encoded.items():
        for recording, file in zip(recorded[0], files, strict=True):
            z, symbols = decoded[name][file]
            message = f"{recording.name}: {writer} to {name}"
            np.testing.assert_array_equal(z, recording.z, message)
            rows, columns = file.geometry.valid
            expected = np.zeros_like(recording.symbols)
            expected[:rows, :columns] = recording.symbols[:rows, :columns]
            if recording.name == "hostile":  # some of its symbols have index 0: not coded
                expected = np.where(symbols == 0, 0, expected)
                assert np.count_nonzero(symbols) > symbols.size / 5
            np.testing.assert_array_equal(symbols, expected, message)


def test_all_runtimes_of_the_promise_were_there(indexes):
    """Where all packages of the test extra are installed, nothing above was skipped."""
    for package in ("tensorflow", "jax"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    assert set(indexes) == set(NAMES)
    assert len(NAMES) == 11
