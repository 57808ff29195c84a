"""Write the golden .aei file of the shipped codec: tests/golden/photo_<id>.aei and .json.

    python tools/make_golden.py

A test decodes it to the same symbols for ever. Before aeimage 1.0 a model may be replaced, and its
golden file with it; from 1.0 on, golden files and the bundles that read them stay.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

from aeimage.codec.container import read_container
from aeimage.metrics import psnr
from aeimage.runtime.compressor import Codec
from aeimage.runtime.geometry import Geometry
from aeimage.samples import sample_paths

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
SAMPLE, BOX, QUALITY = "chelsea.webp", (90, 40, 253, 137), 35.5


def main() -> None:
    codec = Codec("photo")
    path = next(p for p in sample_paths() if p.name == SAMPLE)
    with Image.open(path) as image:
        picture = np.asarray(image.convert("RGB").crop(BOX))
    data = codec.compress(picture, QUALITY)
    container = read_container(data)
    geometry = Geometry(picture.shape[1], picture.shape[0])
    z, symbols = codec._latents.decode_symbols(
        container.hyper, container.stripes, geometry, container.header.quality
    )
    record = {
        "sample": SAMPLE,
        "box": BOX,
        "hyper_latents_sha256": hashlib.sha256(z.astype("<i2").tobytes()).hexdigest(),
        "symbols_sha256": hashlib.sha256(symbols.astype("<i2").tobytes()).hexdigest(),
        "psnr": round(psnr(np.asarray(codec.decompress(data)), picture), 3),
    }
    stem = GOLDEN / f"photo_{codec.model_id}"
    stem.with_suffix(".aei").write_bytes(data)
    stem.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")
    print(f"{stem.with_suffix('.aei')}: {len(data)} bytes, {record['psnr']} dB")


if __name__ == "__main__":
    main()
