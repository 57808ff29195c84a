"""Everything that is claimed of the autoencoder family and its uses, measured in one run.

    python tools/benchmark_family.py --data MNIST --photographs PHOTOS --validation HELD_OUT
    python tools/benchmark_family.py --data MNIST --parts features,anomaly

A part is a module `tools/family_PART.py` with a function `run(options)` that returns rows: dicts of
part, data, method, measure and value. It may write pictures into the folder `--out`:

    reconstruction   784 values to 16 and back, all kinds against PCA
    features         latents against principal components: neighbours, linear probe, clustering
    anomaly          one digit against the rest; wrong labels
    generation       bounds of the likelihood of a variational autoencoder
    photographs      missing pixels and colour, against OpenCV and against grey
    edges            what an edge-preserving term does against blur
    transfer         classifiers from 10, 100 and 1,000 labels

Writes `results.csv`, `results.md` and the pictures. A part that `results.csv` has is not measured
again, so that an interrupted run goes on where it stopped; `--again PART` measures it anew.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import io
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from aeimage.files import atomic_write

PARTS = (
    "reconstruction",
    "features",
    "anomaly",
    "generation",
    "photographs",
    "edges",
    "transfer",
)
NEED_PHOTOGRAPHS = {"photographs", "edges"}
COLUMNS = ("part", "data", "method", "measure", "value")
QUICK_SHARE = 0.02
Row = dict[str, object]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts that are wanted and not there yet; 1 if one of them failed."""
    parser = _parser()
    options = parser.parse_args(argv)
    if unknown := set(options.parts + options.again) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if options.photographs is None and set(options.parts) & NEED_PHOTOGRAPHS:
        left_out = [part for part in options.parts if part in NEED_PHOTOGRAPHS]
        _say(f"left out, for want of --photographs: {', '.join(left_out)}")
        options.parts = [part for part in options.parts if part not in NEED_PHOTOGRAPHS]
    options.mnist, options.share = options.data, QUICK_SHARE if options.quick else 1.0
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "results.csv"
    rows = [row for row in read_rows(path) if row["part"] not in options.again]
    failed = []
    for part in options.parts:
        if any(row["part"] == part for row in rows):
            _say(f"{part}: is there")
            continue
        _say(f"{part}: …")
        start = time.monotonic()
        held_out = options.validation or options.photographs
        options.photos = held_out if part == "photographs" else options.photographs
        try:
            found = importlib.import_module(f"family_{part}").run(options)
        except Exception as error:  # the other parts can be measured all the same
            if os.environ.get("AEIMAGE_DEBUG") == "1":
                raise
            _say(f"{part}: FAILED: {type(error).__name__}: {error}")
            failed.append(part)
            continue
        seconds = time.monotonic() - start
        rows = [*(row for row in rows if row["part"] != part), *found]
        rows.append(dict(zip(COLUMNS, (part, "", "", "seconds", round(seconds)), strict=True)))
        # After each part: what was measured is never lost.
        rows.sort(key=lambda row: PARTS.index(row["part"]))
        write_rows(path, rows)
        text = markdown(rows, quick=options.quick)
        atomic_write(options.out / "results.md", text.encode())
        _say(f"{part}: {seconds:.0f} s")
    return 1 if failed else 0


def read_rows(path: Path) -> list[Row]:
    """Return what earlier runs have measured."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise SystemExit(f"{path}: written by another version of this tool: move it away.")
        return [row | {"value": float(row["value"])} for row in reader if row["part"] in PARTS]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write all rows, whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(row | {"value": f"{float(row['value']):.6g}"} for row in rows)
    atomic_write(path, text.getvalue().encode())


def markdown(rows: Sequence[Row], *, quick: bool = False) -> str:
    """Return a table for each part and its data: methods down, measures across.

    Where there are more measures than methods, these go across instead.
    """
    lines = ["# The autoencoder family, measured", ""]
    if quick:
        lines += ["A quick run, to try the tool: these numbers mean nothing.", ""]
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    lines.append(
        "By `tools/benchmark_family.py`, which says what is measured; all numbers: "
        f"`results.csv`. {machine}."
    )
    groups: dict[tuple, dict[str, dict[str, float]]] = {}
    for row in rows:
        if row["method"]:
            key = (row["part"], row["data"])
            of_method = groups.setdefault(key, {}).setdefault(str(row["method"]), {})
            of_method[str(row["measure"])] = float(row["value"])
    for (part, data), methods in groups.items():
        measures = list(dict.fromkeys(m for found in methods.values() for m in found))
        lines += ["", f"## {part}: {data}", ""]
        across, down = measures, list(methods)
        flip = len(measures) > max(6, len(methods))
        if flip:
            across, down = down, across
        lines += [_line(["", *across]), _line(["---"] * (len(across) + 1))]
        for name in down:
            pairs = [(m, name) if flip else (name, m) for m in across]
            cells = [methods[method].get(measure) for method, measure in pairs]
            lines.append(_line([name, *("" if c is None else f"{c:.4g}" for c in cells)]))
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", required=True, help="folder of MNIST's IDX files, tfds:mnist, or digits")
    add("--photographs", type=Path, help="folder of photographs to train on")
    add("--validation", type=Path, help="folder of held-out photographs to measure on")
    add(
        "--out",
        type=Path,
        default=Path("build/family"),
        help="where to write, and where results are kept (default: %(default)s)",
    )
    names = {"type": lambda text: text.split(","), "metavar": "A,B,…"}
    add("--parts", default=list(PARTS), help="which (default: all)", **names)
    add("--again", default=[], help="measure these anew, whatever is kept of them", **names)
    add("--quick", action="store_true", help="hardly any training: to see that everything runs")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
