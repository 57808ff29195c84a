"""The engine without LiteRT gives the indices of LiteRT, and reads real files with them."""

from __future__ import annotations

import numpy as np
import pytest

from aeimage.errors import ModelFileError, UsageError
from aeimage.runtime.bundle import find_bundle, load_tables
from aeimage.runtime.geometry import Geometry
from aeimage.runtime.latent_codec import LatentCodec
from aeimage.runtime.reference import ReferenceEngine
from aeimage.runtime.session import Session


@pytest.fixture(scope="module")
def engine() -> ReferenceEngine:
    return ReferenceEngine.for_bundle(find_bundle("photo").path)


def test_it_reads_what_litert_wrote(engine):
    bundle = find_bundle("photo")
    slices = tuple(bundle.info["slices"])
    picture = np.random.default_rng(0).integers(0, 256, (90, 130, 3)).astype(np.uint8)
    geometry = Geometry(130, 90)
    tables = load_tables(bundle.path)
    litert = LatentCodec(Session(bundle.path / "codec.tflite"), tables, slices)
    hyper, stripes = litert.encode(litert.analyse(picture), geometry, 60.0)
    expected = litert.decode_symbols(hyper, stripes, geometry, 60.0)
    found = LatentCodec(engine, tables, slices).decode_symbols(hyper, stripes, geometry, 60.0)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.abs(expected[1]).max() > 3


def test_signatures_other_than_scales_are_refused(engine):
    with pytest.raises(UsageError, match="scales_0, scales_1, scales_2, scales_3"):
        engine.run("synthesis", latents=np.zeros((1, 4, 4, 384)))


def test_fractions_are_refused(engine):
    z, base = np.zeros((1, 1, 1, 96)), np.zeros((1, 1, 1, 48))
    assert engine.run("scales_0", hyper_latents=z, base=base)["indexes"].dtype == np.float32
    with pytest.raises(UsageError, match="whole numbers"):
        engine.run("scales_0", hyper_latents=z + 0.5, base=base)


def test_a_bundle_without_the_network_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match=r"scale_network\.npz.*Install the model again"):
        ReferenceEngine.for_bundle(tmp_path)
