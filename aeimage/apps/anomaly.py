"""Anomalies: learn what normal pictures look like from a folder of them, and find what deviates.

The model is a denoising autoencoder trained on the normal pictures, with what it takes to judge its
reconstructions; `aeimage.runtime.anomaly` says how. All pictures are resized to the model's size,
whatever their proportions: what is smaller than a pixel there cannot be found.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aeimage.apps.picture_sets import PictureSet, collect_pictures, natural_size
from aeimage.apps.plan import PathLike
from aeimage.apps.report import FileResult, Progress
from aeimage.errors import OutputExistsError, UsageError
from aeimage.files import atomic_write
from aeimage.images import DEFAULT_MAX_PIXELS, Picture, read_picture, write_picture
from aeimage.runtime.anomaly import DEFAULT_QUANTILE, AnomalyDetector, Scores

DEFAULT_LATENT, DEFAULT_STEPS = 32, 1500
LEAST, HELD_OUT, MOST_HELD_OUT = 20, 0.1, 1000
LEAST_SIDE, MAX_SIDE = 8, 256


def fit_detector(
    pixels: NDArray[np.uint8],
    out: PathLike,
    *,
    name: str | None = None,
    latent_size: int = DEFAULT_LATENT,
    steps: int = DEFAULT_STEPS,
    noise: float = 0.3,
    seed: int = 0,
    precision: str = "auto",
    overwrite: bool = False,
    report: Callable[[str], object] | None = None,
) -> AnomalyDetector:
    """Train an anomaly model on normal pictures and write its bundle. Needs the train extra.

    Of the pictures a tenth, at most 1,000, is held out of the training: their scores set the
    threshold. No abnormal picture is needed or used.

    Args:
        pixels: uint8 (count, height, width, channels), at least 20 pictures.
        out: folder of the bundle.
        name: of the model; by default that of `out`.
        latent_size: number of latents: few, so that only what is normal can be reconstructed.
        steps: of training, with 128 pictures each.
        noise: standard deviation of the noise that the autoencoder learns to undo, where white
            is 1.
        seed: of everything random.
        precision: of the training; "auto" is what is fast here.
        overwrite: replace an existing bundle.
        report: function that takes lines of text about the training.

    Returns:
        the open model.

    Raises:
        UsageError: there are too few pictures, or an argument makes no sense.
        OutputExistsError: `out` exists.
        MissingDependencyError: the train extra is not installed.
    """
    from aeimage.apps.training import require_training

    require_training("Fitting an anomaly model", backend="tensorflow")
    out = Path(out)
    if out.exists() and not overwrite:
        raise OutputExistsError.for_path(out)
    if len(pixels) < LEAST:
        raise UsageError(
            f"An anomaly model needs normal pictures to learn from: expected at least {LEAST}, "
            f"some hundreds are better. Received: {len(pixels)}."
        )
    from aeimage.apps.anomaly_fitting import train_normal, write_detector

    order = np.random.default_rng(seed).permutation(len(pixels))
    held_out = min(MOST_HELD_OUT, max(math.ceil(HELD_OUT * len(pixels)), LEAST // 4))
    normal, kept = pixels[order[held_out:]], pixels[order[:held_out]]
    model = train_normal(
        normal,
        latent_size=latent_size,
        steps=steps,
        noise=noise,
        seed=seed,
        precision=precision,
        report=report,
    )
    training = {"pictures": len(normal), "held_out": held_out, "steps": steps, "noise": noise}
    write_detector(model, normal, kept, out, name=name or out.name, training=training, seed=seed)
    return AnomalyDetector(out)


def fit_paths(
    inputs: Sequence[PathLike] | PathLike,
    out: PathLike,
    *,
    size: int | None = None,
    label: str | None = None,
    split: str = "train",
    overwrite: bool = False,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
    **options,
) -> tuple[AnomalyDetector, list[FileResult]]:
    """Train an anomaly model on the normal pictures of files, folders or a data set.

    Args:
        inputs, split, max_pixels, progress: see `aeimage.apps.picture_sets`.
        out: folder of the bundle.
        size: side to which pictures are resized; see `natural_size` for the default.
        label: take only the pictures of this sub-folder, or with this label.
        overwrite: replace an existing bundle.
        options: see `fit_detector`.

    Returns:
        the open model, and a result for each file that could not be read.

    Raises:
        UsageError: there are too few pictures, or an argument makes no sense.
        OutputExistsError: `out` exists.
        MissingDependencyError: the train extra is not installed.
    """
    if Path(out).exists() and not overwrite:
        raise OutputExistsError.for_path(out)
    if size is not None and not LEAST_SIDE <= size <= MAX_SIDE:
        raise UsageError.for_value("size", f"pixels from {LEAST_SIDE} to {MAX_SIDE}", size)
    found = collect_pictures(
        inputs,
        size=size or natural_size(inputs),
        whole=True,
        split=split,
        max_pixels=max_pixels,
        progress=progress,
    )
    pixels = found.pixels
    if label is not None:
        if label not in found.classes:
            known = ", ".join(found.classes[:20]) or "no labels"
            raise UsageError.for_value("label", f"one of those there are ({known})", label)
        pixels = pixels[np.array([name == label for name in found.labels or ()])]
    return fit_detector(pixels, out, overwrite=overwrite, **options), found.failed


@dataclass(eq=False)
class AnomalyReport:
    """What scoring found.

    Attributes:
        names: of the pictures.
        scores: of each; see `aeimage.runtime.anomaly`.
        threshold: pictures above it are anomalous.
        quantile: share of normal pictures below the threshold.
        model: name of the model.
        failed: one result for each file that could not be read, or whose heat map not written.
        labels: what each picture shows, where folders or data sets say so; not used for scores.
    """

    names: list[str]
    scores: Scores
    threshold: float
    quantile: float
    model: str
    failed: list[FileResult] = field(default_factory=list)
    labels: list[str] | None = None

    @property
    def anomalous(self) -> NDArray[np.bool_]:
        """Which pictures are above the threshold."""
        return self.scores.total > self.threshold

    def rows(self) -> list[dict]:
        """A dict for each picture: name, score, anomalous and the parts of the score."""
        found = self.scores
        return [
            {
                "name": name,
                "score": round(float(found.total[i]), 4),
                "anomalous": bool(self.anomalous[i]),
                "reconstruction": round(float(found.reconstruction[i]), 4),
                "neighbours": round(float(found.neighbours[i]), 4),
                "contrast": round(float(found.contrast[i]), 4),
            }
            for i, name in enumerate(self.names)
        ]

    def as_dict(self) -> dict:
        """The report as JSON can hold it."""
        return {
            "model": self.model,
            "quantile": self.quantile,
            "threshold": round(self.threshold, 4),
            "pictures": self.rows(),
            "failed": [{"name": result.input, "error": result.error} for result in self.failed],
        }

    def as_csv(self) -> bytes:
        """The rows as CSV, the most abnormal first."""
        text = io.StringIO()
        rows = sorted(self.rows(), key=lambda row: -row["score"])
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {"anomalous": int(row["anomalous"])} for row in rows)
        return text.getvalue().encode("utf-8", "surrogateescape")


def score_pictures(
    model: PathLike | AnomalyDetector,
    inputs: Sequence[PathLike] | PathLike,
    *,
    quantile: float = DEFAULT_QUANTILE,
    output: PathLike | None = None,
    heatmaps: PathLike | None = None,
    split: str = "test",
    force: bool = False,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
) -> AnomalyReport:
    """Score pictures. Needs neither TensorFlow nor scikit-learn.

    Args:
        model: folder or name of an anomaly model; or one that is open.
        inputs, split, max_pixels, progress: see `aeimage.apps.picture_sets`.
        quantile: pictures are anomalous above the score that this share of held-out normal
            pictures stays below.
        output: CSV file to write, a line for each picture, the most abnormal first.
        heatmaps: folder to write heat maps to, of the anomalous pictures: the picture, and where
            it deviates in red.
        force: replace outputs that exist.

    Raises:
        UsageError: an input does not exist, no picture could be read, or an argument makes no
            sense.
        ModelError: the model cannot be opened.
        OutputExistsError: the CSV file exists.
    """
    detector = model if isinstance(model, AnomalyDetector) else AnomalyDetector(model)
    threshold = detector.threshold(quantile)
    if output is not None and not force and Path(output).exists():
        raise OutputExistsError.for_path(output)
    found = collect_pictures(
        inputs,
        size=detector.shape[0],
        channels=detector.shape[2],
        whole=True,
        split=split,
        max_pixels=max_pixels,
        progress=progress,
    )
    scores, maps = detector.measure(found.pixels, heatmaps=heatmaps is not None)
    report = AnomalyReport(
        found.names, scores, threshold, quantile, detector.name, found.failed, found.labels
    )
    if heatmaps is not None:
        report.failed += _write_heatmaps(Path(heatmaps), found, maps, report.anomalous, force)
    if output is not None:
        atomic_write(output, report.as_csv(), overwrite=force)
    return report


def paint_heat(rgb: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Show a picture beside itself in grey, with red where it deviates.

    Args:
        rgb: uint8 (height, width, 3).
        heat: (rows, columns), of any size: 1 is the most that is usual, 3 and more is full red.

    Returns:
        uint8 (height, 2 x width + a gap, 3).
    """
    height, width = rgb.shape[:2]
    strength = np.clip((heat - 1.0) / 2.0, 0.0, 1.0).astype(np.float32)
    image = Image.fromarray(strength).resize((width, height), Image.Resampling.BILINEAR)
    strength = np.asarray(image)[..., None]
    # Pale, so that red is seen on dark and on light.
    grey = 64 + 0.5 * rgb.mean(axis=-1, keepdims=True)
    painted = grey * (1 - strength) + np.array([230.0, 20.0, 20.0]) * strength
    gap = np.full((height, max(2, width // 40), 3), 255, np.uint8)
    return np.concatenate([rgb, gap, np.round(painted).astype(np.uint8)], axis=1)


def _write_heatmaps(
    folder: Path,
    found: PictureSet,
    maps: NDArray[np.float32],
    wanted: NDArray[np.bool_],
    force: bool,
) -> list[FileResult]:
    folder.mkdir(parents=True, exist_ok=True)
    failed = []
    used: set[str] = set()
    for number in np.flatnonzero(wanted):
        path, name = found.paths[number], found.names[number]
        stem = path.name if path is not None else name.replace("/", "-")
        target = folder / f"{stem}.heat.png"
        count = 1
        while target.name in used:  # files of one name in different folders
            count += 1
            target = folder / f"{stem}.{count}.heat.png"
        used.add(target.name)
        try:
            rgb = _shown(found, int(number))
            write_picture(Picture(paint_heat(rgb, maps[number])), target, overwrite=force)
        except (OSError, UsageError) as error:
            result = FileResult(os.fspath(target))
            result.fail(error)
            failed.append(result)
    return failed


def _shown(found: PictureSet, number: int, least: int = 112, most: int = 1024) -> NDArray[np.uint8]:
    """The picture as it is painted on: the file itself, or an enlarged one of a data set."""
    path = found.paths[number]
    if path is not None:
        image = Image.fromarray(read_picture(path, max_pixels=None).rgb)
        image.thumbnail((most, most))
    else:
        pixels = found.pixels[number]
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    scale = math.ceil(least / max(image.size))
    if scale > 1:
        image = image.resize([scale * side for side in image.size], Image.Resampling.NEAREST)
    return np.asarray(image)
