"""Make the shipped photo codec of a training run: bundle, model card, training weights.

    python tools/ship_codec.py runs/codec --data PHOTOS --steps 16500

Writes saved_models/photo. The model card is tools/cards/photo.md with the run's figures filled in;
what the model scores is measured afterwards with tools/benchmark.py and logged in
docs/training-log.md.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from aeimage.export.run import export_run

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "saved_models" / "photo"
CARD = ROOT / "tools" / "cards" / "photo.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder that `aeimage train codec` wrote")
    parser.add_argument(
        "--data", type=Path, nargs="+", help="training pictures (default: the run's)"
    )
    parser.add_argument("--weights", type=Path, help="(default: RUN/best.weights.h5)")
    parser.add_argument("--steps", type=int, required=True, help="steps that the weights have seen")
    parser.add_argument("--crops", type=int, default=64, help="pictures to fit the tables to")
    args = parser.parse_args()
    weights = args.weights or args.run / "best.weights.h5"
    card = CARD.read_text(encoding="utf-8").replace("{steps}", f"{args.steps:,}")
    manifest = export_run(
        args.run,
        OUT,
        name="photo",
        data=args.data,
        weights=weights,
        crops=args.crops,
        card=card,
        info={"training": {"steps": args.steps, "batch": "8 crops of 256x256"}},
        overwrite=True,
    )
    shutil.copyfile(weights, OUT / "codec.weights.h5")
    print(f"{OUT}: {manifest['id']}, {manifest['kmac_per_pixel']}")


if __name__ == "__main__":
    main()
