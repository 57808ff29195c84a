"""A map of pictures: latents brought down to two dimensions, so that what is alike lies together.

PCA shows the two directions in which the latents vary most and is always the same; t-SNE (van der
Maaten and Hinton, 2008) shows neighbourhoods, takes longer, and its distances mean little.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aeimage.apps.features import Features
from aeimage.apps.plan import PathLike
from aeimage.errors import UsageError
from aeimage.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METHODS = ("pca", "tsne")
MAX_THUMBNAILS = 400
PCA_BEFORE_TSNE = 50
MANY_CLASSES = 20


def project(latents: NDArray, method: str = "pca", *, seed: int = 0) -> NDArray[np.float64]:
    """Bring latents down to two dimensions.

    Args:
        latents: (count, latents), at least 3 rows.
        method: "pca" or "tsne".
        seed: of t-SNE.

    Returns:
        float64 (count, 2).

    Raises:
        UsageError: there are too few rows, or no such method.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if method not in METHODS:
        raise UsageError.for_value("method", " or ".join(METHODS), method)
    count, size = latents.shape
    if count < 3:
        raise UsageError(f"A map needs at least 3 pictures, received {count}.")
    latents = np.asarray(latents, np.float64)
    if size == 1:
        latents = np.concatenate([latents, np.zeros_like(latents)], axis=1)
    if method == "pca":
        return PCA(2, random_state=seed).fit_transform(latents)
    if size > PCA_BEFORE_TSNE and count > PCA_BEFORE_TSNE:
        latents = PCA(PCA_BEFORE_TSNE, random_state=seed).fit_transform(latents)
    # t-SNE wants a perplexity well below the number of points.
    perplexity = min(30.0, (count - 1) / 3)
    return TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(latents)


def draw_map(
    path: PathLike,
    features: Features,
    *,
    method: str = "pca",
    thumbnails: bool | None = None,
    seed: int = 0,
    overwrite: bool = True,
) -> NDArray[np.float64]:
    """Draw the map of features to a PNG file: a dot for each picture, coloured by its label.

    Args:
        path: of the file.
        features: as `extract_features` returns them; with their pictures, for thumbnails.
        method, seed: see `project`.
        thumbnails: show the pictures themselves, of many a sample spread over the map; None: where
            there are no labels.
        overwrite: whether an existing file may be replaced.

    Returns:
        the places, float64 (count, 2), in the order of the features.

    Raises:
        UsageError: see `project`; also where thumbnails are wanted and the pictures are not there.
        OutputExistsError: the file exists.
    """
    from matplotlib.figure import Figure

    if thumbnails and features.pictures is None:
        raise UsageError("Features that were read from a file have no pictures to show.")
    if thumbnails is None:
        thumbnails = features.labels is None and features.pictures is not None
    points = project(features.latents, method, seed=seed)
    figure = Figure(figsize=(10, 8), layout="constrained")
    axes = figure.subplots()
    _scatter(axes, points, features.labels)
    if thumbnails:
        _thumbnails(axes, points, features, seed)
    title = {"pca": "PCA", "tsne": "t-SNE"}[method]
    axes.set_title(
        f"{title} of {features.latents.shape[1]} latents, {len(features)} pictures"
        + (f", model {features.model}" if features.model else "")
    )
    axes.set(xticks=[], yticks=[])
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    atomic_write(path, picture.getvalue(), overwrite=overwrite)
    return points


def spread_sample(points: NDArray, count: int) -> NDArray[np.intp]:
    """Choose points that cover the map evenly: the first in each cell of a grid.

    Args:
        points: (count, 2).
        count: of points at most.

    Returns:
        their numbers, sorted.
    """
    if len(points) <= count:
        return np.arange(len(points))
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    cells = max(1, int(np.sqrt(count)))
    places = ((points - low) / np.where(span > 0, span, 1.0) * cells).astype(int)
    places = np.minimum(places, cells - 1)
    _, first = np.unique(places[:, 0] * cells + places[:, 1], return_index=True)
    return np.sort(first)


def _scatter(axes: Axes, points: NDArray, labels: list[str] | None) -> None:
    size = float(np.clip(20_000 / len(points), 3, 40))
    if labels is None:
        axes.scatter(*points.T, s=size, color="#8C8C8C", linewidths=0)
        return
    from matplotlib import colormaps

    classes = sorted(set(labels))
    colours = colormaps["tab10" if len(classes) <= 10 else "gist_rainbow"]
    array = np.array(labels)
    for number, name in enumerate(classes):
        here = points[array == name]
        share = number if len(classes) <= 10 else number / (len(classes) - 1)
        axes.scatter(*here.T, s=size, color=colours(share), linewidths=0, label=name or "(none)")
        if 1 < len(classes) <= MANY_CLASSES:
            # The name where the class lies, so that nobody has to compare colours.
            axes.annotate(
                name,
                np.median(here, axis=0),
                ha="center",
                va="center",
                fontweight="bold",
                bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.7, "lw": 0},
            )
    if 1 < len(classes) <= MANY_CLASSES:
        axes.legend(
            markerscale=max(1.0, 6 / np.sqrt(size)), loc="center left", bbox_to_anchor=(1, 0.5)
        )


def _thumbnails(axes: Axes, points: NDArray, features: Features, seed: int) -> None:
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    pixels = features.pictures.pixels
    shown = spread_sample(points, MAX_THUMBNAILS)
    zoom = min(48, 700 / np.sqrt(len(shown))) / pixels.shape[1]
    for number in shown:
        picture = pixels[number]
        picture = np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture
        box = AnnotationBbox(OffsetImage(picture, zoom=zoom), points[number], frameon=False, pad=0)
        axes.add_artist(box)
