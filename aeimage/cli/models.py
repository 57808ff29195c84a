"""
List the installed models, or show one's card: what it is for, how it was trained, what it reaches.
A name that a codec and a restorer share shows both cards (--json: the codec), an id one.

Models come with aeimage. Further ones are found in the folders that the environment variable
AEIMAGE_MODELS names (separated as in PATH), each in a folder of its own with a model.json.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from aeimage.cli import options
from aeimage.cli.output import print_json, printable

if TYPE_CHECKING:
    from aeimage.runtime.bundle import Bundle

EXAMPLES = ["aeimage models", "aeimage models show photo", "aeimage models --json"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "action", nargs="?", choices=["list", "show"], default="list", help="list is the default"
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="or id of the model to show")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.errors import ModelNotFoundError, UsageError
    from aeimage.runtime.bundle import installed_bundles

    if (args.name is None) == (args.action == "show"):
        raise UsageError("Expected `aeimage models`, or `aeimage models show NAME`.")
    bundles = installed_bundles()
    if args.action == "list":
        if args.json:
            print_json([_fields(bundle) for bundle in bundles])
        else:
            print(printable("\n".join(_table(bundles))))
        return 0
    # Of each kind, the one that is meant by the name: the first.
    of_kind: dict[str, Bundle] = {}
    for bundle in bundles:
        if args.name in (bundle.name, bundle.model_id):
            of_kind.setdefault(bundle.kind, bundle)
    found = list(of_kind.values())
    if not found:
        raise ModelNotFoundError.for_model(args.name, installed=[b.name for b in bundles])
    if args.json:
        print_json(_fields(found[0]))  # always an object; the others are found by id
    else:
        print(printable("\n\n".join(bundle.card.rstrip() for bundle in found)))
    return 0


def _fields(bundle: Bundle) -> dict[str, object]:
    return bundle.info | {"path": str(bundle.path), "card": str(bundle.path / "README.md")}


def _table(bundles: list[Bundle]) -> list[str]:
    if not bundles:
        return ["No models are installed."]
    rows = [("NAME", "KIND", "ID", "kMAC/PIXEL", "CARD")]
    for bundle in bundles:
        cost = bundle.info.get("kmac_per_pixel", {})
        # What decoding takes is what matters most; restorers have one figure only.
        figure = cost.get("decoder") if isinstance(cost, dict) else cost
        shown = "" if figure is None else f"{figure:.1f}"
        card = str(bundle.path / "README.md")
        rows.append((bundle.name, bundle.kind, bundle.model_id, shown, card))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
