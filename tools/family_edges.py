"""What an edge-preserving term does against blur: photographs at 64x64, with it and without.

    python tools/family_edges.py --photos PHOTOS --validation PHOTOS --out docs/benchmark/family

The squared error alone is least for the mean of all pictures that latents leave open, so plain
autoencoders blur. Copies of the shipped `saved_models/features` go on training for the same
steps on the same squares, one with the squared error alone, two with the gradient difference loss
(`aeimage.models.edges`) beside it, at two weights. Measured on squares of held-out photographs:
PSNR, gradient magnitude similarity deviation (GMSD, Xue et al. 2014, less is better), and
sharpness: the mean gradient as a share of the original's (1 is as sharp as it was).

Writes `edges.png`: originals, squared error alone, with the term at both weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from family_reconstruction import as_floats, reconstruct
from PIL import Image

from aeimage.apps.generate import draw_grid
from aeimage.data.pictures import picture_paths
from aeimage.data.squares import SquareSampler
from aeimage.metrics import gmsd, psnr
from aeimage.models.convolutional import ConvolutionalAutoencoder
from aeimage.training.autoencoder_task import fit

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "saved_models" / "features"
STEPS = 800
BATCH = 64
LEARNING_RATE = 5e-4
WEIGHTS = (0.0, 0.1, 1.0)
SQUARES = 200
SHOWN = 10
PART = "edges"
DATA = f"{SQUARES} squares of held-out photographs, 64x64"


def run(options: argparse.Namespace) -> list[dict]:
    """Train with and without the term, and measure both.

    Args:
        options: `photos` and `validation`, folders of photographs; `out`, folder for the picture;
            `share`, of the steps (1 for all).

    Returns:
        rows of part, data, method, measure, value.
    """
    start = load_shipped()
    side = start.shape[0]
    held_out = SquareSampler(picture_paths([options.validation]), size=side, batch_size=SQUARES)
    squares = held_out.batch(0)
    sampler = SquareSampler(picture_paths([options.photos]), size=side, batch_size=BATCH)
    steps = max(20, round(STEPS * getattr(options, "share", 1.0)))
    rows, shown = [], [as_floats(squares[:SHOWN])]
    for weight in WEIGHTS:
        method = f"MSE + {weight:g} edges" if weight else "MSE alone"
        config = {**start.get_config(), "edge_weight": weight}
        model = ConvolutionalAutoencoder.from_config(config)
        model.build()
        model.set_weights(start.get_weights())
        fit(
            model,
            None,
            sampler=sampler,
            steps=steps,
            learning_rate=LEARNING_RATE,
            precision="auto",
            report=print,
        )
        restored = reconstruct(model, squares)
        shown.append(restored[:SHOWN])
        for measure, value in compare(squares, restored).items():
            row = {"part": PART, "data": DATA, "method": method, "measure": measure}
            rows.append({**row, "value": value})
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_grid(np.concatenate(shown), SHOWN, 2)).save(out / "edges.png")
    return rows


def load_shipped() -> ConvolutionalAutoencoder:
    """Return the shipped model, from its weights."""
    from aeimage.export.kinds import load_kind
    from aeimage.export.source import open_source

    return open_source(BUNDLE).load(load_kind("autoencoder"))


def compare(squares: np.ndarray, restored: np.ndarray) -> dict[str, float]:
    """Return means over pictures.

    Args:
        squares: uint8 (count, height, width, 3).
        restored: float32 of the same shape, in [0, 1].
    """
    levels = np.round(restored * 255.0).astype(np.uint8)
    pairs = list(zip(squares, levels, strict=True))
    return {
        "PSNR, dB": float(np.mean([psnr(a, b) for a, b in pairs])),
        "GMSD": float(np.mean([gmsd(a, b) for a, b in pairs])),
        "sharpness": float(_gradients(levels).mean() / _gradients(squares).mean()),
    }


def _gradients(pictures: np.ndarray) -> np.ndarray:
    grey = pictures.astype(np.float64).mean(axis=-1)
    across, down = np.diff(grey, axis=2)[:, 1:], np.diff(grey, axis=1)[:, :, 1:]
    return np.hypot(across, down)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder to train on")
    parser.add_argument("--validation", type=Path, required=True, help="folder to measure on")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmark/family"))
    parser.add_argument("--share", type=float, default=1.0, help="of the training steps")
    for row in run(parser.parse_args()):
        print(f"{row['method']:20} {row['measure']:12} {row['value']:.4f}")


if __name__ == "__main__":
    main()
