"""784 pixels to 16 numbers and back: every kind of autoencoder against PCA, on MNIST.

    python tools/family_reconstruction.py --mnist MNIST --out docs/benchmark/family

All are trained here, on the 60,000 training pictures, and measured on the 10,000 test pictures: the
mean squared error of pixels in [0, 1]. PCA with as many components is the best that a linear code
can do. The sparse, denoising and contractive autoencoders pay for another aim than this error, and
so does the variational one, whose latents are noisy in training.

Writes `reconstruction.png`: test digits, what PCA makes of them, and what autoencoders do.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from aeimage.data.small_pictures import load_pictures
from aeimage.models.autoencoder import Autoencoder
from aeimage.models.contractive import ContractiveAutoencoder
from aeimage.models.convolutional import ConvolutionalAutoencoder
from aeimage.models.denoising import DenoisingAutoencoder
from aeimage.models.dense import DenseAutoencoder
from aeimage.models.sparse import SparseAutoencoder
from aeimage.models.variational import VariationalAutoencoder
from aeimage.training.autoencoder_task import fit

LATENTS = 16
WIDE = (512, 256)
BATCH = 128
LEARNING_RATE = 2e-3
SHOWN = 12
PART = "reconstruction"
DATA = "MNIST test, 10,000 pictures"

# Kind: how it is made of a shape, and steps. The convolutional one is the one to beat PCA with.
KINDS = {
    "dense": (lambda shape: DenseAutoencoder(shape, LATENTS, WIDE), 4000),
    "convolutional": (
        lambda shape: ConvolutionalAutoencoder(shape, LATENTS, (32, 64, 128), activation="silu"),
        6000,
    ),
    "sparse": (lambda shape: SparseAutoencoder(shape, LATENTS, WIDE, weight=1e-4), 4000),
    "denoising": (lambda shape: DenoisingAutoencoder(shape, LATENTS, WIDE, corruption=0.2), 4000),
    "contractive": (lambda shape: ContractiveAutoencoder(shape, LATENTS, WIDE, weight=1e-4), 2000),
    "variational": (
        lambda shape: VariationalAutoencoder(shape, LATENTS, WIDE, binarize=False),
        4000,
    ),
}


def run(options: argparse.Namespace) -> list[dict]:
    """Train and measure all kinds.

    Args:
        options: `mnist`, the data (anything that `load_pictures` takes); `out`, folder for the
            picture; `share`, of the steps (1 for all).

    Returns:
        rows of part, data, method, measure, value.
    """
    train = load_pictures(options.mnist)
    test = load_pictures(options.mnist, split="test").pixels
    targets = as_floats(test)
    rows, restored = [], {}

    def add(method: str, pixels: np.ndarray, **more: float) -> float:
        mse = float(np.mean(np.square(pixels - targets)))
        restored[method] = pixels[:: len(pixels) // SHOWN][:SHOWN]
        for measure, value in {"MSE": mse, **more}.items():
            rows.append(_row(method, measure, value))
        return mse

    components, pca = pca_errors(as_floats(train.pixels), targets)
    baseline = add("PCA", pca(LATENTS))
    for name, (make, steps) in KINDS.items():
        start = time.monotonic()
        model = make(train.shape)
        steps = max(20, round(steps * getattr(options, "share", 1.0)))
        fit(
            model,
            train.pixels,
            steps=steps,
            batch_size=BATCH,
            learning_rate=LEARNING_RATE,
            precision="auto",
        )
        seconds = time.monotonic() - start
        mse = add(name, reconstruct(model, test), steps=steps, seconds=round(seconds))
        needed = int(np.argmax(components <= mse)) if (components <= mse).any() else len(components)
        rows.append(_row(name, "MSE, share of PCA's", mse / baseline))
        rows.append(_row(name, "PCA components for the same MSE", needed))
        print(f"{name}: MSE {mse:.5f}, {mse / baseline:.3f} of PCA's, {seconds:.0f} s", flush=True)
    draw(targets[:: len(test) // SHOWN][:SHOWN], restored, Path(options.out) / "reconstruction.png")
    return rows


def pca_errors(train: np.ndarray, test: np.ndarray):
    """Return the test MSE by number of components, and a function that reconstructs with so many.

    Args:
        train, test: float32 (count, height, width, channels).
    """
    from sklearn.decomposition import PCA

    flat = test.reshape(len(test), -1)
    pca = PCA(svd_solver="covariance_eigh").fit(train.reshape(len(train), -1))
    codes = pca.transform(flat)
    total = np.sum(np.square(flat - pca.mean_), axis=1).mean()
    # Components are orthonormal: what each leaves out adds up.
    left = total - np.concatenate([[0.0], np.cumsum(np.square(codes).mean(axis=0))])

    def reconstruct(count: int) -> np.ndarray:
        pixels = codes[:, :count] @ pca.components_[:count] + pca.mean_
        return np.clip(pixels, 0.0, 1.0).reshape(test.shape)

    return left / flat.shape[1], reconstruct


def reconstruct(model: Autoencoder, pixels: np.ndarray, at_a_time: int = 500) -> np.ndarray:
    """Return reconstructions, float32, of uint8 pictures."""
    parts = [
        np.asarray(model.reconstruct(as_floats(pixels[start : start + at_a_time])))
        for start in range(0, len(pixels), at_a_time)
    ]
    return np.clip(np.concatenate(parts), 0.0, 1.0)


def as_floats(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 pictures as float32 in [0, 1]."""
    return pixels.astype(np.float32) / np.float32(255.0)


def draw(originals: np.ndarray, restored: dict[str, np.ndarray], path: Path) -> None:
    """Draw originals and reconstructions, a row a method."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = {"original": originals, **restored}
    figure, axes = plt.subplots(
        len(rows), 1, figsize=(len(originals) * 0.75 + 1.6, 0.8 * len(rows)), layout="constrained"
    )
    for axis, (name, pictures) in zip(axes, rows.items(), strict=True):
        axis.imshow(np.concatenate(list(pictures[..., 0]), axis=1), cmap="gray", vmin=0, vmax=1)
        axis.set_xticks([])
        axis.set_yticks([])
        label = name if name == "original" else f"{name}\n{LATENTS} numbers"
        axis.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _row(method: str, measure: str, value: float) -> dict:
    return {"part": PART, "data": DATA, "method": method, "measure": measure, "value": value}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", required=True, help="folder of the IDX files, or tfds:mnist")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmark/family"))
    parser.add_argument("--share", type=float, default=1.0, help="of the training steps")
    for row in run(parser.parse_args()):
        print(f"{row['method']:16} {row['measure']:34} {row['value']:.5g}")


if __name__ == "__main__":
    main()
