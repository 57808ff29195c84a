"""Similar pictures by the distance of their latents: recommendations and near-duplicates.

The distance of two pictures is the cosine distance of their latents: 0 for the same direction, 1
for latents that have nothing in common, at most 2. The latents of the model ``features`` are white
over photographs (see `aeimage.models.whitening`), so that unlike pictures are near 1; those of
other models need not be, and then ask for a smaller threshold.

Neighbours are found by scikit-learn's `NearestNeighbors`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aeimage.apps.contact_sheet import Cell, draw_sheet
from aeimage.apps.features import Features
from aeimage.errors import UsageError

DEFAULT_COUNT = 10
DEFAULT_THRESHOLD = 0.25
MAX_ROWS = 40


@dataclass(frozen=True)
class Neighbour:
    """A picture near another one.

    Attributes:
        number: its place among the features.
        distance: cosine distance, from 0.
    """

    number: int
    distance: float


def nearest(
    features: Features,
    queries: Features,
    *,
    count: int = DEFAULT_COUNT,
    threshold: float | None = None,
) -> list[list[Neighbour]]:
    """Return the pictures that are most like each query, the nearest first.

    Args:
        features: of the pictures to choose from.
        queries: of the pictures to compare with, from the same model. A file that is also among
            the pictures is not its own neighbour.
        count: neighbours of each query.
        threshold: largest distance; None takes any.

    Raises:
        UsageError: `count` is below 1, or the features come from different models.
    """
    from sklearn.neighbors import NearestNeighbors

    if count < 1:
        raise UsageError.for_value("count", "a whole number from 1", count)
    _check_same(features, queries)
    wanted = min(len(features), count + 1)
    found = NearestNeighbors(n_neighbors=wanted, metric="cosine").fit(directions(features.latents))
    distances, numbers = found.kneighbors(directions(queries.latents))
    names = [_identity(features, number) for number in range(len(features))]
    results = []
    for query, (row, places) in enumerate(zip(distances, numbers, strict=True)):
        own = _identity(queries, query)
        others = [
            Neighbour(int(n), max(0.0, float(d)))
            for d, n in zip(row, places, strict=True)
            if names[n] != own and (threshold is None or d <= threshold)
        ]
        results.append(others[:count])
    return results


def near_duplicates(
    features: Features, *, threshold: float = DEFAULT_THRESHOLD
) -> list[list[Neighbour]]:
    """Return groups of pictures that are nearly the same, the largest first.

    A picture belongs to a group if it is no further than `threshold` from one of its members, so
    that a chain of small changes makes one group.

    Args:
        features: of the pictures.
        threshold: largest distance, from 0.

    Returns:
        groups of at least two pictures, each in the order of the features; `distance` is that to
        the nearest other member.

    Raises:
        UsageError: `threshold` is below 0.
    """
    from scipy.sparse.csgraph import connected_components
    from sklearn.neighbors import NearestNeighbors

    if not threshold >= 0:
        raise UsageError.for_value("threshold", "a number from 0", threshold)
    found = NearestNeighbors(radius=threshold, metric="cosine").fit(directions(features.latents))
    # With no argument, a picture is not its own neighbour.
    links = found.radius_neighbors_graph(mode="distance").tocoo()
    nearest_one = np.full(len(features), np.inf)
    np.minimum.at(nearest_one, links.row, np.maximum(links.data, 0.0))
    links.data = np.ones_like(links.data)  # a distance of 0 is a link, too
    _, group_of = connected_components(links, directed=False)
    groups = []
    for group in np.flatnonzero(np.bincount(group_of) > 1):
        members = np.flatnonzero(group_of == group)
        groups.append([Neighbour(int(n), float(nearest_one[n])) for n in members])
    return sorted(groups, key=lambda group: (-len(group), group[0].number))


def directions(latents: NDArray) -> NDArray[np.float64]:
    """Return latents of length 1; a zero stays zero, at the distance 1 from everything."""
    latents = np.asarray(latents, np.float64)
    lengths = np.linalg.norm(latents, axis=1, keepdims=True)
    return latents / np.where(lengths > 0, lengths, 1.0)


def similar_csv(
    features: Features, results: Sequence[Sequence[Neighbour]], queries: Features | None
) -> bytes:
    """Return results as CSV: query (or group), place, name, distance."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["query" if queries else "group", "rank", "name", "distance"])
    for number, row in enumerate(results):
        head = queries.names[number] if queries else number + 1
        for rank, found in enumerate(row, 1):
            writer.writerow([head, rank, features.names[found.number], f"{found.distance:.6f}"])
    return text.getvalue().encode("utf-8", "surrogateescape")


def similar_report(
    features: Features, results: Sequence[Sequence[Neighbour]], queries: Features | None
) -> list[dict]:
    """Return results for JSON: a list of queries with their neighbours, or of groups."""
    report = []
    for number, row in enumerate(results):
        head = {"query": queries.names[number]} if queries else {"group": number + 1}
        found = [{"name": features.names[f.number], "distance": round(f.distance, 6)} for f in row]
        report.append({**head, "pictures": found})
    return report


def similar_sheet(
    features: Features, results: Sequence[Sequence[Neighbour]], queries: Features | None
):
    """Draw a row for each query, which comes first, or for each group, as uint8 (height, width, 3).

    Of many rows the first are shown, of long ones the beginning.

    Raises:
        UsageError: the features were read from a file, without pictures.
    """
    if features.pictures is None or (queries is not None and queries.pictures is None):
        raise UsageError("Features that were read from a file have no pictures to show.")
    pixels = features.pictures.pixels
    rows = []
    for number, row in enumerate(results[:MAX_ROWS]):
        cells = []
        if queries is not None:
            lines = (queries.names[number], "asked for")
            cells = [Cell(queries.pictures.pixels[number], lines, marked=True)]
        cells += [
            Cell(pixels[f.number], (features.names[f.number], f"{f.distance:.3f}"))
            for f in row[:12]
        ]
        rows.append(cells)
    what = "most similar pictures" if queries is not None else "near-duplicates, a group a row"
    left_out = len(results) - len(rows)
    more = f" (the first {len(rows)} of {len(results)} rows)" if left_out > 0 else ""
    return draw_sheet(rows, title=f"{what}: cosine distance of latents{more}")


def _check_same(features: Features, queries: Features) -> None:
    a, b = features.latents.shape[1], queries.latents.shape[1]
    if a != b or features.model != queries.model:
        raise UsageError(
            f"The features come from different models: {features.model!r} with {a} latents and "
            f"{queries.model!r} with {b}. Expected one model for all. Encode them again."
        )


def _identity(features: Features, number: int) -> object:
    """What tells a picture from others: the file, however its path is written."""
    pictures = features.pictures
    path = pictures.paths[number] if pictures is not None else None
    return path.resolve() if path is not None else features.names[number]
