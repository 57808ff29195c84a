"""Anomalies and wrong labels on MNIST.

    python tools/family_anomaly.py --mnist MNIST --out docs/benchmark/family

One digit against the rest: for each digit, `aeimage.apps.anomaly.fit_detector` learns from its
training pictures alone, with the settings of `aeimage anomaly fit`, the same for all digits; the
10,000 test pictures are scored. Measured: the area under the ROC curve (AUROC) of the score, of its
parts, and of the plain squared error of the same reconstructions; and what the threshold of 0.99,
set without any anomaly, does. Published with this protocol: Deep SVDD 0.948 (Ruff et al., ICML
2018), OCGAN 0.975 (Perera et al., CVPR 2019).

Wrong labels: 5 % of the training labels are replaced by another one, drawn uniformly. Measured: the
precision among as many pictures as were changed, the most suspicious ones, with latents of an
autoencoder trained on these pictures, and with as many principal components.

Writes `anomaly.png` (heat maps) and `mislabelled.png` (the most suspicious labels).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from family_encoder import LATENTS, described, latents_of, row, shared_encoder, splits, steps_of
from PIL import Image

from aeimage.apps.anomaly import DEFAULT_STEPS, fit_detector, paint_heat
from aeimage.apps.contact_sheet import Cell, draw_sheet
from aeimage.apps.mislabelled import find_mislabelled
from aeimage.apps.picture_sets import PictureSet
from aeimage.runtime.session import Session

PART = "anomaly"
NOISE_RATE = 0.05
QUANTILE = 0.99
DRAWS = 3


def run(options: argparse.Namespace) -> list[dict]:
    """Measure both.

    Args:
        options: `mnist`, the data (anything that `load_pictures` takes); `out`, folder for the
            pictures; `share`, of the steps (1 for all); `quick`, to leave most digits out.

    Returns:
        rows of part, data, method, measure, value.
    """
    train, test = splits(options)
    Path(options.out).mkdir(parents=True, exist_ok=True)
    return one_against_rest(options, train, test) + wrong_labels(options, train)


def one_against_rest(options, train, test) -> list[dict]:
    """Return the rows of ten detectors, and draw what they see."""
    from sklearn.metrics import roc_auc_score

    data = described(test, options, "test, one digit against the rest")
    found: dict[str, list[float]] = {}
    passed, caught, seconds, sheet = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        # In a quick run, two digits.
        for digit in np.unique(train.labels)[: 2 if getattr(options, "quick", False) else None]:
            start = time.monotonic()
            detector = fit_detector(
                train.pixels[train.labels == digit],
                Path(folder) / f"digit{digit}",
                steps=steps_of(options, DEFAULT_STEPS),
            )
            seconds.append(time.monotonic() - start)
            scores, _ = detector.measure(test.pixels)
            strange = test.labels != digit
            scored = {
                "score": scores.total,
                "reconstruction alone": scores.reconstruction,
                "neighbours alone": scores.neighbours,
                "plain squared error": squared_error(detector, test.pixels),
            }
            for method, values in scored.items():
                found.setdefault(method, []).append(roc_auc_score(strange, values))
            flagged = scores.total > detector.threshold(QUANTILE)
            passed.append(1 - flagged[~strange].mean())
            caught.append(flagged[strange].mean())
            told = {method: round(values[-1], 4) for method, values in found.items()}
            print(f"digit {digit}: AUROC {told}, {seconds[-1]:.0f} s", flush=True)
            sheet += _sheet_rows(detector, test, scores.total, int(digit))
    image = draw_sheet(
        sheet,
        side=72,
        title="normal, least and most abnormal | the rest (red), most and least abnormal",
    )
    Image.fromarray(image).save(Path(options.out) / "anomaly.png")
    rows = [
        row(PART, data, method, f"AUROC, digit {digit}", value)
        for method, values in found.items()
        for digit, value in enumerate(values)
    ]
    rows += [row(PART, data, m, "AUROC, mean", float(np.mean(v))) for m, v in found.items()]
    rest = {
        f"share of normal ones that pass at {QUANTILE}": np.mean(passed),
        f"share of anomalies found at {QUANTILE}": np.mean(caught),
        "seconds to fit": np.mean(seconds),
    }
    return rows + [row(PART, data, "score", name, float(value)) for name, value in rest.items()]


def squared_error(detector, pixels: np.ndarray) -> np.ndarray:
    """Return the plain error of the same reconstructions, float64 (count,)."""
    network = Session(detector.bundle.path / "autoencoder.tflite")
    errors = []
    for first in range(0, len(pixels), 500):
        batch = pixels[first : first + 500].astype(np.float32) / np.float32(255.0)
        restored = network.run("reconstruct", pixels=batch)["pixels"]
        errors.append(np.square(restored - batch, dtype=np.float64).mean(axis=(1, 2, 3)))
    return np.concatenate(errors)


def wrong_labels(options, train) -> list[dict]:
    """Return the rows of wrong labels, and draw the most suspicious ones."""
    data = described(train, options, f"training, {100 * NOISE_RATE:g} % of the labels changed")
    latents = latents_of(shared_encoder(options, train.pixels), train.pixels)
    methods = {f"{LATENTS} latents": latents, f"{LATENTS} components": _components(train.pixels)}
    rows = []
    for method, codes in methods.items():
        precisions, estimates = [], []
        for seed in range(DRAWS if method.endswith("latents") else 1):
            given, changed = change_labels(train.labels, seed)
            suspects = find_mislabelled(codes, given, train.classes, seed=seed)
            precisions.append(float(changed[suspects.order[: changed.sum()]].mean()))
            estimates.append(float(suspects.wrong.mean()))
            print(f"wrong labels, {method}, draw {seed + 1}: {precisions[-1]:.4f}", flush=True)
            if not rows and seed == 0:
                names = [f"was {label}" for label in train.labels]
                pictures = PictureSet(train.pixels, names, [train.classes[g] for g in given])
                sheet = suspects.sheet(pictures)
                Image.fromarray(sheet).save(Path(options.out) / "mislabelled.png")
        measure = "precision at the noise rate"
        rows.append(row(PART, data, method, measure, float(np.mean(precisions))))
        rows.append(row(PART, data, method, "estimated share", float(np.mean(estimates))))
    return rows


def change_labels(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels of which some are replaced by another one, and which those are."""
    rng = np.random.default_rng(seed)
    changed = np.zeros(len(labels), bool)
    changed[rng.permutation(len(labels))[: round(NOISE_RATE * len(labels))]] = True
    classes = int(labels.max()) + 1
    shift = rng.integers(1, classes, len(labels))
    return np.where(changed, (labels + shift) % classes, labels), changed


def _components(pixels: np.ndarray) -> np.ndarray:
    from sklearn.decomposition import PCA

    flat = pixels.reshape(len(pixels), -1) / np.float32(255.0)
    return PCA(min(LATENTS, flat.shape[1]), random_state=0).fit_transform(flat)


def _sheet_rows(detector, test, scores: np.ndarray, digit: int) -> list[list[Cell]]:
    """A row: the two most and least normal pictures of the digit, and of the others."""
    order = np.argsort(scores)
    normal = order[test.labels[order] == digit]
    strange = order[test.labels[order] != digit]
    chosen = [*normal[:2], *normal[-2:], *strange[-2:], *strange[:2]]
    _, heat = detector.measure(test.pixels[chosen], heatmaps=True)
    cells = []
    for number, map_ in zip(chosen, heat, strict=True):
        enlarged = np.kron(np.repeat(test.pixels[number], 3, axis=-1), np.ones((4, 4, 1), np.uint8))
        label = f"{test.labels[number]}: {scores[number]:.1f}"
        painted = paint_heat(enlarged, map_)
        cells.append(Cell(painted[:, -enlarged.shape[1] :], (label,), test.labels[number] != digit))
    return [cells]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", required=True, help="folder of the IDX files, or tfds:mnist")
    parser.add_argument("--out", type=Path, default=Path("build/family"))
    parser.add_argument("--share", type=float, default=1.0, help="of the training steps")
    for found in run(parser.parse_args()):
        print(f"{found['method']:24} {found['measure']:44} {found['value']:.4f}")


if __name__ == "__main__":
    main()
