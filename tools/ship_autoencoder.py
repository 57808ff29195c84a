"""Make a shipped autoencoder of a training run: bundle, model card, training weights.

    python tools/ship_autoencoder.py runs/digits --name digits --steps 30000
    python tools/ship_autoencoder.py runs/features --name features --steps 5000 --whiten PHOTOS

The latents of `features` are whitened (`aeimage.models.whitening`), which changes none of its
reconstructions: `aeimage similar` compares them by their angles.

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
SQUARES = 4000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder that `aeimage train` wrote")
    parser.add_argument("--name", choices=("digits", "features"), required=True)
    parser.add_argument("--steps", type=int, required=True, help="steps that the weights have seen")
    parser.add_argument("--results", default="not measured yet", help="a line for the card")
    parser.add_argument("--whiten", type=Path, help="folder of the photographs of the training")
    args = parser.parse_args()
    if args.name == "features" and args.whiten is None:
        parser.error("features needs --whiten PHOTOS: `aeimage similar` relies on it")

    out = ROOT / "saved_models" / args.name
    card = (ROOT / "tools" / "cards" / f"{args.name}.md").read_text(encoding="utf-8")
    record = json.loads((args.run / "run.json").read_text(encoding="utf-8"))
    batch = f"{record['batch_size']} pictures of {record['crop']}x{record['crop']}"
    weights = args.run / "best.weights.h5"
    if args.whiten is not None:
        weights = write_whitened(args.run, args.whiten)
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


def write_whitened(run: Path, photographs: Path) -> Path:
    """Write the run's weights with whitened latents, and return the file."""
    from aeimage.data.pictures import picture_paths
    from aeimage.data.squares import SquareSampler
    from aeimage.export.kinds import load_kind
    from aeimage.export.source import open_source
    from aeimage.models.whitening import whiten_latents
    from aeimage.training.weights import save_weights

    model = open_source(run).load(load_kind("autoencoder"))
    sampler = SquareSampler(
        picture_paths([photographs]), size=model.shape[0], batch_size=SQUARES, seed=1
    )
    whiten_latents(model, sampler.batch(0))
    path = run / "white.weights.h5"
    save_weights(model, path)
    return path


if __name__ == "__main__":
    main()
