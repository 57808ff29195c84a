"""Mislabelled pictures: which labels of a data set are probably wrong.

Two classifiers on the latents of an autoencoder judge every picture without having seen its label:
cross-validation, five times on four fifths. A label is the more suspicious, the less likely it is
held to be.

    confidence = p(given label)         0 ... 1, the least first

Pictures whose given label is less likely than is usual for it, while another one is at least as
likely as is usual for that one, are counted as errors (confident learning): this estimates how many
labels are wrong. Sources: Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty
in Dataset Labels", JAIR 2021; the ranking is their "self-confidence".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aeimage.apps.contact_sheet import Cell, draw_sheet, in_rows
from aeimage.apps.features import extract_features
from aeimage.apps.picture_sets import PictureSet, collect_pictures, natural_size
from aeimage.apps.plan import PathLike
from aeimage.apps.report import Progress
from aeimage.errors import UsageError
from aeimage.images import DEFAULT_MAX_PIXELS

FOLDS = 5
NEIGHBOURS = 10
LANDMARKS = 1000
SHOWN = 60


@dataclass(eq=False)
class Suspects:
    """What is held of the labels of a data set.

    Attributes:
        classes: names of the labels.
        given: int64 (count,): each picture's label as a place in `classes`.
        confidence: float64 (count,), 0 (surely wrong) to 1; see the module.
        suggested: int64 (count,): the likeliest other label.
        wrong: bool (count,): counted as errors by confident learning.
        order: int64 (count,): all pictures, the most suspicious first.
    """

    classes: list[str]
    given: NDArray[np.int64]
    confidence: NDArray[np.float64]
    suggested: NDArray[np.int64]
    wrong: NDArray[np.bool_]
    order: NDArray[np.int64]

    def rows(self, names: Sequence[str]) -> list[dict]:
        """A dict for each picture, the most suspicious first."""
        return [
            {
                "rank": rank,
                "name": names[number],
                "label": self.classes[self.given[number]],
                "suggested": self.classes[self.suggested[number]],
                "confidence": round(float(self.confidence[number]), 4),
                "wrong": bool(self.wrong[number]),
            }
            for rank, number in enumerate(self.order, 1)
        ]

    def as_csv(self, names: Sequence[str]) -> bytes:
        """The rows as CSV."""
        text = io.StringIO()
        rows = self.rows(names)
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {"wrong": int(row["wrong"])} for row in rows)
        return text.getvalue().encode("utf-8", "surrogateescape")

    def sheet(self, pictures: PictureSet, count: int = SHOWN):
        """Draw the most suspicious pictures, each with its label and the suggested one."""
        cells = [
            Cell(
                pictures.pixels[number],
                (
                    f"{self.classes[self.given[number]]}: {self.classes[self.suggested[number]]}?",
                    pictures.names[number],
                ),
                marked=bool(self.wrong[number]),
            )
            for number in self.order[:count]
        ]
        title = (
            f"the {len(cells)} most suspicious labels of {len(self.given)}: given: suggested; "
            f"{int(self.wrong.sum())} are held to be wrong (red)"
        )
        return draw_sheet(in_rows(cells, 10), title=title)


def mislabelled_paths(
    inputs: Sequence[PathLike] | PathLike,
    *,
    model: PathLike | None = None,
    split: str = "train",
    steps: int = 3000,
    seed: int = 0,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
    report: Callable[[str], object] | None = None,
) -> tuple[Suspects, PictureSet]:
    """Rank the labelled pictures of a folder, or of a data set.

    Args:
        inputs, split, max_pixels, progress: see `aeimage.apps.picture_sets`.
        model: autoencoder that encodes them, see `aeimage.apps.encoders`; ``"pixels"`` takes the
            pixels themselves, 16 a side or fewer; None trains an autoencoder on these very
            pictures, without their labels, which needs the train extra.
        steps: of that training.
        seed: of everything random.
        report: function that takes lines of text about the progress.

    Returns:
        what was found, and the pictures.

    Raises:
        UsageError: there are no labels, or too few pictures of one.
        ModelError: the model cannot be opened.
        MissingDependencyError: an extra is not installed.
    """
    common = {"split": split, "max_pixels": max_pixels, "progress": progress}
    if model is None:
        from aeimage.apps.training import require_training

        require_training("Training an autoencoder on the pictures")
        pictures = collect_pictures(inputs, size=natural_size(inputs, 32), **common)
        pictures.numbered_labels()  # before it takes long
        from aeimage.apps.encoders import encode_with
        from aeimage.apps.transfer_training import train_encoder

        encoder = train_encoder(pictures.pixels, steps=steps, seed=seed, report=report)
        latents = encode_with(encoder, pictures.pixels)
    elif str(model) == "pixels":
        pictures = collect_pictures(inputs, size=natural_size(inputs, 16), **common)
        latents = pictures.pixels.reshape(len(pictures), -1) / 255.0
    else:
        features = extract_features(inputs, model, **common)
        pictures, latents = features.pictures, features.latents
    labels = pictures.numbered_labels()
    return find_mislabelled(latents, labels, pictures.classes, seed=seed, report=report), pictures


def find_mislabelled(
    latents: NDArray,
    labels: NDArray[np.int64],
    classes: Sequence[str],
    *,
    folds: int = FOLDS,
    seed: int = 0,
    report: Callable[[str], object] | None = None,
) -> Suspects:
    """Rank pictures by how suspicious their labels are.

    Args:
        latents: (count, latents).
        labels: of each picture, a place in `classes`.
        classes: their names.
        folds: parts of the cross-validation.
        seed: of everything random.
        report: function that takes lines of text about the progress.

    Raises:
        UsageError: a class has fewer pictures than there are folds.
    """
    labels = np.asarray(labels, np.int64)
    counts = np.bincount(labels, minlength=len(classes))
    if len(classes) < 2 or counts.min() < folds:
        few = classes[int(counts.argmin())]
        raise UsageError(
            f"The label {few!r} has {counts.min()} pictures. Expected two labels or more, each "
            f"with at least {folds}. Leave small classes out, or ask for fewer folds."
        )
    found = _out_of_fold(np.asarray(latents, np.float64), labels, folds, seed, report)
    given, others = _split(found, labels)
    return Suspects(
        list(classes),
        labels,
        np.clip(given, 0.0, 1.0),
        others.argmax(axis=1),
        confident_errors(found, labels),
        np.argsort(given, kind="stable"),
    )


def confident_errors(probabilities: NDArray, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which labels are off the diagonal of the confident joint.

    Args:
        probabilities: float (count, classes), out of sample.
        labels: (count,).
    """
    count, classes = probabilities.shape
    usual = np.array([probabilities[labels == c, c].mean() for c in range(classes)])
    likely = np.where(probabilities >= usual, probabilities, -1.0)
    best = likely.argmax(axis=1)
    return (likely[np.arange(count), best] >= 0) & (best != labels)


def _out_of_fold(latents, labels, folds, seed, report) -> NDArray[np.float64]:
    """Probabilities, (count, classes), each from classifiers that did not see the picture."""
    from sklearn.model_selection import StratifiedKFold

    found = np.zeros((len(labels), int(labels.max()) + 1))
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(latents, labels)
    for number, (seen, held_out) in enumerate(parts, 1):
        # A fold has every class: it is stratified, and no class is smaller than the folds.
        neighbours = _neighbours(latents[seen], labels[seen], latents[held_out])
        kernel = _kernel(latents[seen], labels[seen], latents[held_out], seed)
        found[held_out] = 0.5 * (neighbours + kernel)
        if report is not None:
            report(f"fold {number} of {folds}")
    return found


def _neighbours(known, labels, asked) -> NDArray[np.float64]:
    """Shares of the labels of the nearest pictures, the nearer counting more."""
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(min(NEIGHBOURS, len(known)), weights="distance")
    return model.fit(known, labels).predict_proba(asked)


def _kernel(known, labels, asked, seed: int) -> NDArray[np.float64]:
    """Kernel ridge regression of the labels' indicators, which estimates their probabilities.

    It errs where neighbours do not, and takes seconds where logistic regression takes minutes. What
    it estimates may lie a little outside of 0 to 1; for a ranking, that is as good.
    """
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import Ridge

    # The width of the kernel: the usual squared distance of two pictures, reduced.
    gamma = 1.0 / (0.6 * max(float(known.var(axis=0).sum()), 1e-12))
    basis = Nystroem(gamma=gamma, n_components=min(LANDMARKS, len(known)), random_state=seed)
    indicators = np.eye(int(labels.max()) + 1)[labels]
    model = Ridge(alpha=1e-3).fit(basis.fit_transform(known), indicators)
    return model.predict(basis.transform(asked))


def _split(probabilities: NDArray, labels: NDArray) -> tuple[NDArray, NDArray]:
    """The given labels' probabilities, and all with those struck out."""
    rows = np.arange(len(labels))
    others = probabilities.copy()
    others[rows, labels] = -1.0
    return probabilities[rows, labels], others
