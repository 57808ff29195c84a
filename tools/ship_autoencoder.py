"""Make a shipped autoencoder of a training run: bundle, model card, training weights.

    python tools/ship_autoencoder.py runs/digits --name digits --steps 30000

Writes saved_models/NAME. The model card is tools/cards/NAME.md with the run's figures filled in.
What the model scores is measured on the bundle, and filled in by a second call with --results.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from aeimage.export.run import export_run

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder that `aeimage train` wrote")
    parser.add_argument("--name", choices=("digits", "features"), required=True)
    parser.add_argument("--steps", type=int, required=True, help="steps that the weights have seen")
    parser.add_argument("--results", default="not measured yet", help="a line for the card")
    args = parser.parse_args()

    out = ROOT / "saved_models" / args.name
    card = (ROOT / "tools" / "cards" / f"{args.name}.md").read_text(encoding="utf-8")
    record = json.loads((args.run / "run.json").read_text(encoding="utf-8"))
    batch = f"{record['batch_size']} pictures of {record['crop']}x{record['crop']}"
    weights = args.run / "best.weights.h5"
    for name, text in (("steps", f"{args.steps:,}"), ("batch", batch), ("results", args.results)):
        card = card.replace(f"{{{name}}}", text)
    manifest = export_run(
        args.run,
        out,
        name=args.name,
        weights=weights,
        card=card,
        info={"training": {"steps": args.steps, "batch": batch}},
        overwrite=True,
    )
    shutil.copyfile(weights, out / "autoencoder.weights.h5")
    size = (out / "autoencoder.tflite").stat().st_size
    print(f"{out.name}: {manifest['id']}, {manifest['parameters']:,} weights, {size:,} bytes")


if __name__ == "__main__":
    main()
