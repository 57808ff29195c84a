"""Latents as features against principal components of the same number, on MNIST.

    python tools/family_features.py --mnist MNIST --out docs/benchmark/family

Autoencoders are trained on the 60,000 training pictures without their labels. Measured on the
10,000 test pictures, for each code of 16 numbers a picture:

- the mean squared error of the pixels that can be made of it again,
- the accuracy of the 5 nearest training pictures,
- the accuracy of logistic regression, fitted to all training pictures (linear probe),
- how well k-means finds the digits among the test pictures: adjusted Rand index, mean of 5 starts.

PCA needs no training and its distances are those of pixels: it is not easy to beat in all of these.
Writes `map.png`: t-SNE of the codes of 2,500 test pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from family_encoder import described, row, splits, steps_of
from family_reconstruction import as_floats, reconstruct

from aeimage.apps.encoders import encode_with
from aeimage.models.convolutional import ConvolutionalAutoencoder
from aeimage.models.denoising import DenoisingAutoencoder
from aeimage.models.variational import VariationalAutoencoder
from aeimage.training.autoencoder_task import fit

PART = "features"
LATENTS = 16
WIDTHS = (32, 64)
STEPS = 4000
NEIGHBOURS = 5
STARTS = 5
SHOWN = 2500

KINDS = {
    "convolutional": lambda shape: ConvolutionalAutoencoder(shape, LATENTS, WIDTHS),
    "denoising": lambda shape: DenoisingAutoencoder(
        shape, LATENTS, WIDTHS, coder="convolutional", corruption=0.3
    ),
    "variational": lambda shape: VariationalAutoencoder(shape, LATENTS, (512, 256), binarize=False),
}


def run(options: argparse.Namespace) -> list[dict]:
    """Train, encode and measure.

    Args:
        options: `mnist`, the data (anything that `load_pictures` takes); `out`, folder for the
            picture; `share`, of the steps (1 for all).

    Returns:
        rows of part, data, method, measure, value.
    """
    train, test = splits(options)
    data = described(test, options, "test")
    rows, codes = [], {}

    def measure(method: str, known: np.ndarray, asked: np.ndarray, restored: np.ndarray) -> None:
        codes[method] = asked
        found = judge(known, train.labels, asked, test.labels)
        found = {"MSE": float(np.mean(np.square(restored - as_floats(test.pixels)))), **found}
        rows.extend(row(PART, data, method, name, value) for name, value in found.items())
        print(method, {name: round(value, 4) for name, value in found.items()}, flush=True)

    measure(f"PCA, {LATENTS}", *principal_components(train.pixels, test.pixels))
    for name, make in KINDS.items():
        model = make(train.shape)
        fit(model, train.pixels, steps=steps_of(options, STEPS), precision="auto")
        known, asked = (encode_with(model, pictures.pixels) for pictures in (train, test))
        measure(f"{name}, {LATENTS}", known, asked, reconstruct(model, test.pixels))
    draw(codes, test.labels, Path(options.out) / "map.png")
    return rows


def principal_components(train: np.ndarray, test: np.ndarray):
    """Return the codes of training and test pictures, and the test pictures made of them."""
    from sklearn.decomposition import PCA

    count = min(LATENTS, train[0].size)
    pca = PCA(count, random_state=0).fit(as_floats(train).reshape(len(train), -1))
    known, asked = (pca.transform(as_floats(x).reshape(len(x), -1)) for x in (train, test))
    return known, asked, np.clip(pca.inverse_transform(asked), 0, 1).reshape(test.shape)


def judge(known, known_labels, asked, labels) -> dict[str, float]:
    """Return what codes are worth, with the labels of training and of test pictures."""
    from sklearn.cluster import KMeans
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import adjusted_rand_score
    from sklearn.neighbors import KNeighborsClassifier

    nearest = KNeighborsClassifier(NEIGHBOURS).fit(known, known_labels)
    mean, spread = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-9)
    probe = LogisticRegression(max_iter=300).fit((known - mean) / spread, known_labels)
    classes = len(np.unique(labels))
    rand = [
        adjusted_rand_score(labels, KMeans(classes, n_init=1, random_state=s).fit_predict(asked))
        for s in range(STARTS)
    ]
    return {
        f"accuracy of {NEIGHBOURS} neighbours": float(nearest.score(asked, labels)),
        "accuracy of a linear probe": float(probe.score((asked - mean) / spread, labels)),
        "adjusted Rand index of k-means": float(np.mean(rand)),
    }


def draw(codes: dict[str, np.ndarray], labels: np.ndarray, path: Path) -> None:
    """Draw t-SNE maps of all codes, side by side."""
    from matplotlib.figure import Figure

    from aeimage.apps.feature_map import project

    figure = Figure(figsize=(3.6 * len(codes), 3.9), layout="constrained")
    for axis, (name, found) in zip(figure.subplots(1, len(codes)), codes.items(), strict=True):
        points, shown = project(found[:SHOWN], "tsne"), labels[:SHOWN]
        axis.scatter(*points.T, c=shown, cmap="tab10", s=3, linewidths=0)
        for label in np.unique(shown):
            place = np.median(points[shown == label], axis=0)
            axis.text(*place, str(label), ha="center", va="center", weight="bold")
        axis.set(xticks=[], yticks=[], title=name)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", required=True, help="folder of the IDX files, or tfds:mnist")
    parser.add_argument("--out", type=Path, default=Path("build/family"))
    parser.add_argument("--share", type=float, default=1.0, help="of the training steps")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
