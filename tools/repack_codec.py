"""Write the graphs of the shipped photo codec anew, after a change to the exporter.

    python tools/repack_codec.py --data PHOTOS

Weights, tables and model card are those of saved_models/photo, so the model's id stays, and with it
every file. `tools/ship_codec.py` is for new weights.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from aeimage.data.pictures import picture_paths
from aeimage.errors import ModelFileError
from aeimage.export.codec_bundle import write_codec_bundle
from aeimage.export.kinds.codec import build, training_crops
from aeimage.runtime.bundle import read_bundle
from aeimage.tables import ProbabilityTables
from aeimage.training.presets import load_preset
from aeimage.training.weights import load_weights

BUNDLE = Path(__file__).resolve().parent.parent / "saved_models" / "photo"
DERIVED = {"format", "name", "kind", "id", "slices", "passes", "parameters", "kmac_per_pixel"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="training pictures")
    parser.add_argument("--out", type=Path, default=BUNDLE, help="(default: %(default)s)")
    parser.add_argument("--crops", type=int, default=64, help="pictures to look for dead units in")
    args = parser.parse_args()
    bundle = read_bundle(BUNDLE)
    model = build(load_preset(bundle.info["preset"]))
    load_weights(model, BUNDLE / "codec.weights.h5")
    with np.load(BUNDLE / "tables.npz", allow_pickle=False) as tables:
        latents, hyper = (
            ProbabilityTables.from_bytes(tables[name].tobytes())
            for name in ("latent_tables", "hyper_tables")
        )
        rounding = tables["rounding"]
    manifest = write_codec_bundle(
        model,
        args.out,
        name=bundle.name,
        card=bundle.card,
        latent_tables=latents,
        hyper_tables=hyper,
        rounding=rounding,
        info={k: v for k, v in bundle.info.items() if k not in DERIVED | {"files"}},
        crops=training_crops(picture_paths(args.data), args.crops),
    )
    if manifest["id"] != bundle.model_id:
        raise ModelFileError(
            f"The bundle's id became {manifest['id']}, expected {bundle.model_id}: what decoding "
            "depends on has changed. Ship it as a new model, with tools/ship_codec.py."
        )
    print(json.dumps(manifest, indent=2))


if __name__ == "__main__":
    main()
