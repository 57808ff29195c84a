"""Features: the latents of an autoencoder for every picture of a folder, in a file.

latents.npz    latents, float32 (count, latents); names; labels ("" where there are none);
               model. Nothing in it is pickled.
latents.csv    name, label, z0, z1, …: one picture a line
"""

from __future__ import annotations

import csv
import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aeimage.apps.encoders import DEFAULT_MODEL, Encoder, open_encoder
from aeimage.apps.picture_sets import PictureSet, collect_pictures
from aeimage.apps.plan import PathLike
from aeimage.apps.report import FileResult, Progress
from aeimage.errors import UsageError
from aeimage.files import atomic_write
from aeimage.images import DEFAULT_MAX_PIXELS

SUFFIXES = (".npz", ".csv")


@dataclass(eq=False)
class Features:
    """Latents of pictures.

    Attributes:
        latents: float32 (count, latents).
        names: of the pictures: paths of files, else ``DATA/SPLIT/NUMBER``.
        labels: what each picture shows; None where nothing says so.
        model: name of the autoencoder.
        pictures: what was encoded, at the model's size; None where the features were read.
        failed: one result for each file that could not be read.
    """

    latents: NDArray[np.float32]
    names: list[str]
    labels: list[str] | None
    model: str
    pictures: PictureSet | None = field(default=None, repr=False)
    failed: list[FileResult] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)


def extract_features(
    inputs: Sequence[PathLike] | PathLike,
    model: PathLike | Encoder = DEFAULT_MODEL,
    *,
    whole: bool = False,
    split: str = "train",
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
) -> Features:
    """Encode pictures.

    Args:
        inputs, whole, split, max_pixels, progress: see `aeimage.apps.picture_sets`. Pictures are
            brought to the model's size.
        model: name or folder of an autoencoder, see `aeimage.apps.encoders`; or one that is open.

    Raises:
        UsageError: an input does not exist, or no picture could be read.
        ModelError: the model cannot be opened.
    """
    encoder = open_encoder(model) if isinstance(model, str | os.PathLike) else model
    height, width, channels = encoder.shape
    if height != width:
        raise UsageError(
            f"The model {encoder.name!r} takes pictures of {width} x {height} pixels. Expected a "
            "model for squares. Choose another one."
        )
    pictures = collect_pictures(
        inputs,
        size=height,
        channels=channels,
        whole=whole,
        split=split,
        max_pixels=max_pixels,
        progress=progress,
    )
    latents = encoder.encode(pictures.pixels)
    return Features(
        np.asarray(latents, np.float32),
        pictures.names,
        pictures.labels,
        encoder.name,
        pictures,
        pictures.failed,
    )


def write_features(path: PathLike, features: Features, *, overwrite: bool = True) -> None:
    """Write latents, whole or not at all; see the module for the formats.

    Args:
        path: ends in ``.npz`` or ``.csv``.
        features: what to write.
        overwrite: whether an existing file may be replaced.

    Raises:
        UsageError: another suffix.
        OutputExistsError: the file exists.
    """
    labels = features.labels or [""] * len(features)
    if check_suffix(path) == ".csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["name", "label", *(f"z{i}" for i in range(features.latents.shape[1]))])
        for name, label, row in zip(features.names, labels, features.latents, strict=True):
            # Nine digits tell any two float32 apart.
            writer.writerow([name, label, *(f"{value:.9g}" for value in row)])
        # Names of files may hold bytes that are no characters.
        data = text.getvalue().encode("utf-8", "surrogateescape")
        atomic_write(path, data, overwrite=overwrite)
        return
    arrays = {
        "latents": features.latents,
        "names": _texts(features.names),
        "labels": _texts(labels),
        "model": _texts([features.model]),
    }
    atomic_write(path, lambda stream: np.savez_compressed(stream, **arrays), overwrite=overwrite)


def read_features(path: PathLike) -> Features:
    """Read what `write_features` wrote.

    Raises:
        UsageError: it is no such file.
    """
    try:
        if check_suffix(path) == ".csv":
            with open(path, newline="", encoding="utf-8", errors="surrogateescape") as stream:
                header, *rows = csv.reader(stream)
            if header[:2] != ["name", "label"] or any(len(row) != len(header) for row in rows):
                raise ValueError(f"its columns are {', '.join(header[:4])} …")
            latents = np.array([row[2:] for row in rows], np.float32)
            names, labels, model = [row[0] for row in rows], [row[1] for row in rows], ""
        else:
            with np.load(path, allow_pickle=False) as file:
                latents = np.asarray(file["latents"], np.float32)
                names, labels = file["names"].tolist(), file["labels"].tolist()
                model = str(file["model"][0])
        latents = latents.reshape(len(names), -1)
    except (ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(
            f"{path}: no features ({error}). Expected a file that `aeimage features` wrote."
        ) from error
    return Features(latents, names, labels if any(labels) else None, model)


def check_suffix(path: PathLike) -> str:
    """Return the suffix of a file for features.

    Raises:
        UsageError: it is none of `SUFFIXES`.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError.for_value("output", f"a name ending in {' or '.join(SUFFIXES)}", str(path))
    return suffix


def _texts(values: Sequence[str]) -> NDArray[np.str_]:
    # Without its length, NumPy takes no strings for numbers.
    return np.array(values, dtype=f"<U{max([1, *map(len, values)])}")
