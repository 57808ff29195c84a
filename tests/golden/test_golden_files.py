"""Every golden .aei file decodes to the symbols and the picture it was made of."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aeimage.codec.container import read_container
from aeimage.metrics import psnr
from aeimage.runtime.compressor import Codec
from aeimage.runtime.geometry import Geometry
from aeimage.samples import sample_paths

FILES = sorted(Path(__file__).parent.glob("*.aei"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_golden_file_decodes_as_it_always_did(path):
    record = json.loads(path.with_suffix(".json").read_text())
    data = path.read_bytes()
    codec = Codec.for_file(data)
    container = read_container(data)
    header = container.header
    z, symbols = codec._latents.decode_symbols(
        container.hyper,
        container.stripes,
        Geometry(header.width, header.height),
        header.quality,
    )
    assert hashlib.sha256(z.astype("<i2").tobytes()).hexdigest() == record["hyper_latents_sha256"]
    assert hashlib.sha256(symbols.astype("<i2").tobytes()).hexdigest() == record["symbols_sha256"]
    # Pixels pass through floating point: the same to the eye, not to the last bit.
    sample = next(p for p in sample_paths() if p.name == record["sample"])
    with Image.open(sample) as image:
        original = np.asarray(image.convert("RGB").crop(record["box"]))
    decoded = np.asarray(codec.decompress(data))
    assert psnr(decoded, original) == pytest.approx(record["psnr"], abs=0.01)


def test_there_is_a_golden_file_for_every_shipped_codec():
    from aeimage.runtime.bundle import installed_bundles

    shipped = {b.model_id for b in installed_bundles("codec")}
    assert shipped <= {p.stem.rsplit("_", 1)[1] for p in FILES}
