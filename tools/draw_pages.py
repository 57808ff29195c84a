"""Draw pages of text to measure with: the same files on every machine.

    python tools/draw_pages.py --out pages --count 12
    python tools/benchmark.py --data pages --out docs/benchmark/pages

Uses the fonts that matplotlib brings along, no other, so that what a machine has installed does
not matter.
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from aeimage.data.fonts import find_faces
from aeimage.data.pages import draw_page


def main(argv: list[str] | None = None) -> int:
    """Draw them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", required=True, type=Path, help="folder for page_00.png …")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--width", type=int, default=1240, help="pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=1754, help="pixels (default: %(default)s)")
    parser.add_argument("--dpi", type=float, default=150.0)
    args = parser.parse_args(argv)

    faces = find_faces([Path(matplotlib.get_data_path()) / "fonts" / "ttf"])
    args.out.mkdir(parents=True, exist_ok=True)
    for number in range(args.count):
        page = draw_page(
            np.random.default_rng(number),
            faces,
            size=(args.height, args.width),
            dpi=args.dpi,
            channels=3,
        )
        path = args.out / f"page_{number:02}.png"
        Image.fromarray(page).save(path, dpi=(args.dpi, args.dpi), optimize=True)
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
