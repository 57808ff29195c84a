"""Make a shipped restorer of a training run: bundle, model card, SavedModel, training weights.

    python tools/ship_restorer.py runs/scan --name scan --steps 7500

Writes saved_models/restore-NAME. The model card is tools/cards/restore-NAME.md with the run's
figures filled in; what the model scores is measured afterwards with tools/benchmark_ocr.py and
tools/benchmark_denoise.py and logged in docs/training-log.md.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from aeimage.export.run import export_model, export_run

# Pages are large, and a level more or less is nothing to an OCR engine; to a photograph it may be.
PRECISIONS = {"scan": "int8", "photo": "float16"}
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder that `aeimage train` wrote")
    parser.add_argument("--name", choices=("scan", "photo"), required=True)
    parser.add_argument("--weights", type=Path, help="(default: RUN/best.weights.h5)")
    parser.add_argument("--steps", type=int, required=True, help="steps that the weights have seen")
    args = parser.parse_args()

    out = ROOT / "saved_models" / f"restore-{args.name}"
    card = (ROOT / "tools" / "cards" / f"restore-{args.name}.md").read_text(encoding="utf-8")
    record = json.loads((args.run / "run.json").read_text(encoding="utf-8"))
    batch = f"{record['batch_size']} crops of {record['crop']}x{record['crop']}"
    weights = args.weights or args.run / "best.weights.h5"
    manifest = export_run(
        args.run,
        out,
        name=args.name,
        weights=weights,
        precision=PRECISIONS[args.name],
        card=card.replace("{steps}", f"{args.steps:,}").replace("{batch}", batch),
        info={"training": {"steps": args.steps, "batch": batch}},
        overwrite=True,
    )
    shutil.copyfile(weights, out / "restorer.weights.h5")
    export_model(out, out / "saved_model", "saved_model", overwrite=True)
    print(f"{out}: {manifest['id']}, {manifest['kmac_per_pixel']} kMAC/pixel")


if __name__ == "__main__":
    main()
