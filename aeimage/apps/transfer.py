"""Transfer learning: an autoencoder trained without labels, then a classifier from a few labels.

The encoder stays as it is; on its latents, logistic regression learns what the pictures show. It is
compared with logistic regression on the pixels and, where the autoencoder's architecture is known,
with the same network (encoder and linear classifier) trained on the labelled pictures from scratch.
Which pictures are labelled is drawn at random, evenly from all classes.
"""

from __future__ import annotations

import csv
import io
import itertools
import statistics
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import UsageError
from aeimage.runtime.classifier import LinearClassifier

LATENTS, PIXELS, SCRATCH = "latents", "pixels", "scratch"
METHODS = {
    LATENTS: "logistic regression on the latents",
    PIXELS: "logistic regression on the pixels",
    SCRATCH: "encoder and classifier trained from scratch",
}
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
FOLDS = 5
MAX_ITERATIONS = 400


@dataclass(frozen=True)
class Trial:
    """One measurement.

    Attributes:
        method: of `METHODS`.
        labels: number of labelled pictures, in all.
        seed: of their choice.
        accuracy: share of the test pictures that are classified rightly.
    """

    method: str
    labels: int
    seed: int
    accuracy: float


@dataclass(frozen=True, eq=False)
class Labelled:
    """Pictures with labels, and what an encoder makes of them.

    Attributes:
        pixels: uint8 (count, height, width, channels).
        latents: float32 (count, latents).
        labels: int64 (count,).
    """

    pixels: NDArray[np.uint8]
    latents: NDArray[np.float32]
    labels: NDArray[np.int64]


def few_labels(labels: NDArray[np.int64], count: int, seed: int = 0) -> NDArray[np.int64]:
    """Choose pictures to label, as evenly from all classes as there are pictures.

    Args:
        labels: of all pictures.
        count: pictures to choose, at least one a class.
        seed: of the choice.

    Returns:
        their numbers, sorted.

    Raises:
        UsageError: there are fewer pictures than `count`, or more classes.
    """
    classes = np.unique(labels)
    if not len(classes) <= count <= len(labels):
        expected = f"a number of labels from {len(classes)} (one a class) to {len(labels)}"
        raise UsageError.for_value("labels", expected, count)
    rng = np.random.default_rng(seed)
    queues = [rng.permutation(np.flatnonzero(labels == c)).tolist() for c in classes]
    chosen: list[int] = []
    while len(chosen) < count:
        waiting = [queue for queue in queues if queue]
        # A last, incomplete round takes from classes at random.
        turns = rng.permutation(len(waiting))[: count - len(chosen)]
        chosen += [waiting[turn].pop() for turn in turns]
    return np.sort(np.array(chosen))


def fit_classifier(
    features: NDArray,
    labels: NDArray[np.int64],
    classes: Sequence[str],
    *,
    unlabelled: NDArray | None = None,
    seed: int = 0,
) -> LinearClassifier:
    """Fit logistic regression, its strength chosen by cross-validation where that is possible.

    Args:
        features: (count, size), latents or pixels, of labelled pictures.
        labels: of them: places in `classes`, two different ones at least.
        classes: names.
        unlabelled: features of further pictures: mean and spread are taken from them.
        seed: of the parts of the cross-validation.

    Raises:
        UsageError: all labels are the same.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    labels = np.asarray(labels, np.int64)
    counts = np.bincount(labels)
    if np.count_nonzero(counts) < 2:
        raise UsageError("The labels are all the same. Expected at least two classes.")
    basis = features if unlabelled is None else unlabelled
    mean = np.asarray(basis, np.float64).mean(axis=0)
    # One scale for all pixels, or the borders that hardly ever differ would count like the rest.
    spread = np.asarray(basis, np.float64).std(axis=0)
    spread = np.maximum(spread, 0.1 * max(float(np.sqrt(np.mean(spread**2))), 1e-12))
    inputs = (np.asarray(features, np.float64) - mean) / spread
    # As many more weights as there are inputs: each may be as much smaller.
    share = 1.0 / np.sqrt(inputs.shape[1] / 32)
    model = LogisticRegression(C=share, max_iter=MAX_ITERATIONS)
    with warnings.catch_warnings():
        # Whether the last digits have settled makes no difference here.
        warnings.filterwarnings("ignore", module="sklearn")
        if counts[counts > 0].min() >= FOLDS:
            folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
            grid = {"C": [share * strength for strength in STRENGTHS]}
            model = GridSearchCV(model, grid, cv=folds)
        model.fit(inputs, labels)
    return _as_linear(getattr(model, "best_estimator_", model), mean, spread, classes)


def compare(
    train: Labelled,
    test: Labelled,
    classes: Sequence[str],
    counts: Iterable[int],
    *,
    seeds: int = 3,
    scratch: Callable[[NDArray, NDArray, NDArray, int], NDArray] | None = None,
    report: Callable[[str], object] | None = None,
) -> list[Trial]:
    """Measure how many test pictures are classified rightly after training on a few labels.

    Args:
        train: to draw the labelled pictures from; the others serve without labels.
        test: to measure on.
        classes: names of the labels.
        counts: numbers of labelled pictures, in all.
        seeds: how many times each is drawn.
        scratch: function of the labelled pictures, their labels, the test pictures and a seed, to
            predicted labels, int (test pictures,); see `aeimage.apps.transfer_training`. None
            leaves that comparison out.
        report: function that takes lines of text.
    """
    # What is known of all pictures, and what is asked about.
    features = {
        LATENTS: (train.latents, test.latents),
        PIXELS: (_flat(train.pixels), _flat(test.pixels)),
    }
    trials = []
    for count, seed in itertools.product(counts, range(seeds)):
        chosen = few_labels(train.labels, count, seed)
        given = train.labels[chosen]
        found = {}
        for method, (known, asked) in features.items():
            linear = fit_classifier(known[chosen], given, classes, unlabelled=known, seed=seed)
            found[method] = linear.probabilities(asked).argmax(axis=1)
        if scratch is not None:
            found[SCRATCH] = scratch(train.pixels[chosen], given, test.pixels, seed)
        for method, labels in found.items():
            trials.append(Trial(method, count, seed, float(np.mean(labels == test.labels))))
        if report is not None:
            told = ", ".join(f"{t.method} {100 * t.accuracy:.1f} %" for t in trials[-len(found) :])
            report(f"{count} labels, draw {seed + 1}: {told}")
    return trials


def trials_markdown(trials: Sequence[Trial]) -> str:
    """A table: a line for each method, a column for each number of labels, mean ± deviation."""
    counts = sorted({trial.labels for trial in trials})
    methods = [name for name in METHODS if any(trial.method == name for trial in trials)]
    head = ["accuracy in %, labels:", *map(str, counts)]
    lines = [_line(head), _line(["---"] * len(head))]
    for method in methods:
        cells = [METHODS[method]]
        for count in counts:
            found = [t.accuracy for t in trials if (t.method, t.labels) == (method, count)]
            spread = f" ± {100 * statistics.stdev(found):.1f}" if len(found) > 1 else ""
            cells.append(f"{100 * statistics.fmean(found):.1f}{spread}" if found else "")
        lines.append(_line(cells))
    return "\n".join(lines) + "\n"


def trials_csv(trials: Sequence[Trial]) -> bytes:
    """The trials as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "labels", "seed", "accuracy"])
    writer.writerows([t.method, t.labels, t.seed, f"{t.accuracy:.4f}"] for t in trials)
    return text.getvalue().encode()


def write_classifier(
    out: Path,
    network: bytes,
    linear: LinearClassifier,
    *,
    name: str,
    shape: tuple[int, int, int],
    card: str,
    info: dict | None = None,
) -> dict:
    """Write the bundle of a classifier, see `aeimage.runtime.classifier`.

    Args:
        out: folder; replaced as a whole.
        network: contents of ``autoencoder.tflite``.
        linear: the classifier.
        name: of the model.
        shape: of its pictures.
        card: text of the model card.
        info: further entries of the manifest.

    Returns:
        the manifest.
    """
    from aeimage.export.folder import write_folder
    from aeimage.limits import MODEL_ID_BYTES
    from aeimage.runtime.anomaly import digest
    from aeimage.runtime.classifier import KIND, NETWORK, WEIGHTS

    data = linear.to_bytes()
    manifest = {
        "name": name,
        "kind": KIND,
        "id": digest(network, data)[:MODEL_ID_BYTES].hex(),
        "shape": list(shape),
        "classes": linear.classes.tolist(),
        **(info or {}),
    }
    return write_folder(
        out, manifest, {NETWORK: network, WEIGHTS: data, "README.md": card.encode()}
    )


def _as_linear(model, mean, scale, classes: Sequence[str]) -> LinearClassifier:
    """Logistic regression of scikit-learn as arrays; classes without a label get none."""
    weights = np.zeros((len(classes), len(mean)))
    bias = np.full(len(classes), -1e4)  # a probability of 0
    if len(model.classes_) == 2:  # scikit-learn keeps the second one's alone
        model_weights = np.concatenate([-model.coef_, model.coef_]) / 2
        model_bias = np.concatenate([-model.intercept_, model.intercept_]) / 2
    else:
        model_weights, model_bias = model.coef_, model.intercept_
    weights[model.classes_], bias[model.classes_] = model_weights, model_bias
    arrays = (np.asarray(array, np.float32) for array in (mean, scale, weights, bias))
    names = np.array(list(classes), dtype=f"<U{max(map(len, classes))}")
    return LinearClassifier(*arrays, names)


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(255.0)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
