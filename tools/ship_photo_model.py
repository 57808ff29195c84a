"""Make a shipped masked autoencoder or colorizer of a training run: bundle, card, weights.

    python tools/ship_photo_model.py runs/inpaint --name inpaint --steps 5000

Writes saved_models/NAME. The model card is tools/cards/NAME.md with the run's figures filled in,
and a table of what the model scores, from the rows of `tools/family_photographs.py` (--results).
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from pathlib import Path

from aeimage.export.run import export_run

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "benchmark" / "family" / "results.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder that `aeimage train` wrote")
    parser.add_argument("--name", choices=("inpaint", "colorize"), required=True)
    parser.add_argument("--steps", type=int, required=True, help="steps that the weights have seen")
    parser.add_argument("--results", type=Path, default=RESULTS, help="CSV file of rows")
    args = parser.parse_args()

    out = ROOT / "saved_models" / args.name
    card = (ROOT / "tools" / "cards" / f"{args.name}.md").read_text(encoding="utf-8")
    record = json.loads((args.run / "run.json").read_text(encoding="utf-8"))
    batch = f"{record['batch_size']} crops of {record['crop']}x{record['crop']}"
    for key, text in {
        "steps": f"{args.steps:,}",
        "batch": batch,
        "results": table(args.results, args.name),
    }.items():
        card = card.replace(f"{{{key}}}", text)
    info = {"training": {"steps": args.steps, "batch": batch}}
    manifest = export_run(args.run, out, name=args.name, card=card, info=info, overwrite=True)
    shutil.copyfile(args.run / "best.weights.h5", out / f"{manifest['kind']}.weights.h5")
    print(f"{out}: {manifest['id']}, {manifest['kmac_per_pixel']} kMAC/pixel")


def table(results: Path, name: str) -> str:
    """Return the rows about one model as Markdown; a note where there are none."""
    if not results.is_file():
        return "Not measured yet: `tools/family_photographs.py`."
    with open(results, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["data"].startswith(f"{name}, ")]
    if not rows:
        return "Not measured yet: `tools/family_photographs.py`."
    # Data by method, or, where the data is always the same, method by measure.
    first, second = (
        ("data", "method") if len({r["data"] for r in rows}) > 1 else ("method", "measure")
    )
    if first == "data":
        rows = [row | {"method": column_of(row)} for row in rows]
    columns = list(dict.fromkeys(row[second] for row in rows))
    lines = [f"| | {' | '.join(columns)} |", f"| --- |{' --- |' * len(columns)}"]
    for key in dict.fromkeys(row[first] for row in rows):
        cells = {row[second]: f"{float(row['value']):.2f}" for row in rows if row[first] == key}
        label = key.removeprefix(f"{name}, ")
        lines.append(f"| {label} | {' | '.join(cells.get(c, '') for c in columns)} |")
    return "\n".join(lines)


def column_of(row: dict) -> str:
    """Return a column's title: the method, without its best radius, or what is compared."""
    if row["measure"].startswith("PSNR"):
        return row["method"].partition(", radius")[0]
    return row["measure"]


if __name__ == "__main__":
    main()
