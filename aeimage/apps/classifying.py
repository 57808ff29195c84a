"""Classifiers from folders: make one from labelled pictures, and use one on others."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aeimage.apps.encoders import RUN_FILE, encode_with, load_trained, open_encoder
from aeimage.apps.picture_sets import PictureSet, collect_pictures
from aeimage.apps.plan import PathLike
from aeimage.apps.report import FileResult, Progress
from aeimage.apps.transfer import (
    Labelled,
    Trial,
    compare,
    few_labels,
    fit_classifier,
    trials_csv,
    trials_markdown,
    write_classifier,
)
from aeimage.errors import OutputExistsError, UsageError
from aeimage.files import atomic_write
from aeimage.images import DEFAULT_MAX_PIXELS
from aeimage.runtime.classifier import Classifier

HELD_OUT = 0.2


@dataclass(eq=False)
class TransferReport:
    """What became of a transfer.

    Attributes:
        trials: what was measured on the test pictures.
        accuracy: of the classifier that was written, on the test pictures.
        labels: number of labelled pictures that it has seen.
        classes: what it tells apart.
        failed: one result for each file that could not be read.
    """

    trials: list[Trial]
    accuracy: float
    labels: int
    classes: list[str]
    failed: list[FileResult] = field(default_factory=list)


def transfer_paths(
    inputs: Sequence[PathLike] | PathLike,
    out: PathLike,
    *,
    model: PathLike,
    test: Sequence[PathLike] | PathLike | None = None,
    counts: Sequence[int] = (),
    seeds: int = 3,
    scratch: bool = False,
    seed: int = 0,
    overwrite: bool = False,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
    report: Callable[[str], object] | None = None,
) -> TransferReport:
    """Make a classifier of an autoencoder and labelled pictures; write it, and how good it is.

    Args:
        inputs: labelled pictures: a folder with a sub-folder for each class, a folder with MNIST's
            files, ``tfds:NAME`` or ``digits``.
        out: folder of the classifier's bundle. Beside the model it gets ``report.md`` and
            ``trials.csv``.
        model: autoencoder, see `aeimage.apps.encoders`.
        test: labelled pictures to measure on; by default the split `test` of a data set, and a
            fifth of the pictures of folders, which is then kept out of the training.
        counts: also measure with only so many labels, in all.
        seeds: how many times these are drawn.
        scratch: also train the same network from scratch with them; `model` must be a run.
        seed: of the fifth.
        overwrite: replace an existing bundle.
        max_pixels, progress: see `aeimage.apps.picture_sets`.
        report: function that takes lines of text.

    Raises:
        UsageError: there are no labels, or an argument makes no sense.
        OutputExistsError: `out` exists.
        ModelError: the model cannot be opened.
    """
    out, is_run = Path(out), (Path(model) / RUN_FILE).is_file()
    if out.exists() and not overwrite:
        raise OutputExistsError.for_path(out)
    if scratch and not is_run:
        raise UsageError(
            "Training from scratch needs the autoencoder's architecture. Expected the folder of a "
            f"training run as model. Received: {model}"
        )
    trained = load_trained(model) if is_run else None
    encoder = None if is_run else open_encoder(model)
    shape = tuple(trained.shape if is_run else encoder.shape)
    common = {
        "size": shape[0],
        "channels": shape[2],
        "max_pixels": max_pixels,
        "progress": progress,
    }
    pictures = collect_pictures(inputs, split="train", **common)
    labels, classes = pictures.numbered_labels(), pictures.classes
    encode = encoder.encode if trained is None else lambda pixels: encode_with(trained, pixels)
    known, asked, failed = _parts(inputs, test, pictures, labels, seed, common)
    train = Labelled(known[0], encode(known[0]), known[1])
    held_out = Labelled(asked[0], encode(asked[0]), asked[1])
    compared = None
    if scratch:
        from aeimage.apps.transfer_training import from_scratch

        compared = from_scratch(trained, classes=len(classes))
    for count in counts:  # before it takes long
        few_labels(train.labels, count)
    trials = compare(train, held_out, classes, counts, seeds=seeds, scratch=compared, report=report)
    linear = fit_classifier(train.latents, train.labels, classes, seed=seed)
    found = linear.probabilities(held_out.latents).argmax(axis=1)
    accuracy = float(np.mean(found == held_out.labels))
    text = (
        f"{len(train.labels)} labels, measured on {len(held_out.labels)} other pictures: "
        f"{100 * accuracy:.1f} % right.\n"
    )
    text += f"\n{trials_markdown(trials)}" if trials else ""
    write_classifier(
        out,
        _network(encoder, trained),
        linear,
        name=out.name,
        shape=shape,
        card=f"# {out.name}\n\nA classifier on the latents of the autoencoder "
        f"`{Path(model).name}`, with {len(classes)} classes: {', '.join(classes)[:400]}.\n\n{text}",
    )
    atomic_write(out / "report.md", text.encode())
    atomic_write(out / "trials.csv", trials_csv(trials))
    return TransferReport(trials, accuracy, len(train.labels), classes, pictures.failed + failed)


@dataclass(eq=False)
class Classified:
    """What pictures show.

    Attributes:
        names: of the pictures.
        classes: what there is.
        probabilities: float64 (count, classes).
        failed: one result for each file that could not be read.
    """

    names: list[str]
    classes: list[str]
    probabilities: NDArray[np.float64]
    failed: list[FileResult] = field(default_factory=list)

    def rows(self) -> list[dict]:
        """A dict for each picture: name, label and its probability."""
        best = self.probabilities.argmax(axis=1)
        return [
            {
                "name": name,
                "label": self.classes[best[i]],
                "probability": round(float(self.probabilities[i, best[i]]), 4),
            }
            for i, name in enumerate(self.names)
        ]

    def as_csv(self) -> bytes:
        """The rows as CSV."""
        text = io.StringIO()
        writer = csv.DictWriter(text, ["name", "label", "probability"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows())
        return text.getvalue().encode("utf-8", "surrogateescape")


def classify_paths(
    model: PathLike,
    inputs: Sequence[PathLike] | PathLike,
    *,
    split: str = "test",
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
) -> Classified:
    """Tell what pictures show. Needs neither TensorFlow nor scikit-learn.

    Args:
        model: folder or name of a classifier.
        inputs, split, max_pixels, progress: see `aeimage.apps.picture_sets`.

    Raises:
        UsageError: an input does not exist, or no picture could be read.
        ModelError: the model cannot be opened.
    """
    classifier = Classifier(model)
    side, _, channels = classifier.shape
    pictures = collect_pictures(
        inputs,
        size=side,
        channels=channels,
        split=split,
        max_pixels=max_pixels,
        progress=progress,
    )
    found = classifier.classify(pictures.pixels)
    return Classified(pictures.names, classifier.classes, found, pictures.failed)


def _parts(inputs, test, pictures: PictureSet, labels, seed, common):
    """Pixels and labels to train on, those to measure on, and files that could not be read."""
    if test is None and all(path is None for path in pictures.paths):
        test = inputs  # data sets have a split of their own
    if test is not None:
        other = collect_pictures(test, split="test", **common)
        place = {name: number for number, name in enumerate(pictures.classes)}
        if unknown := sorted(set(other.labels or ["(none)"]) - set(place)):
            raise UsageError(
                f"The test pictures show {', '.join(unknown[:5])}, which no training picture "
                "does. Expected the same labels."
            )
        numbers = np.array([place[label] for label in other.labels or ()], np.int64)
        return (pictures.pixels, labels), (other.pixels, numbers), other.failed
    order = np.random.default_rng(seed).permutation(len(labels))
    asked = np.zeros(len(labels), bool)
    for number in range(len(pictures.classes)):
        members = order[labels[order] == number]
        asked[members[: round(HELD_OUT * len(members))]] = True
    if not asked.any():
        raise UsageError(
            f"{len(labels)} pictures are too few to keep some for testing. Expected at least 3 of "
            "a class. Give pictures to test on."
        )
    return (pictures.pixels[~asked], labels[~asked]), (pictures.pixels[asked], labels[asked]), []


def _network(encoder, trained) -> bytes:
    if trained is None:
        from aeimage.runtime.autoencoder import FILE_NAME

        return (encoder.bundle.path / FILE_NAME).read_bytes()
    from aeimage.apps.transfer_training import network_of

    return network_of(trained)
