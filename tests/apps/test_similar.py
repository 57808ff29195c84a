"""Neighbours, near-duplicates and maps of latents that are known."""

import csv
import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

from aeimage.apps.feature_map import draw_map, project, spread_sample
from aeimage.apps.features import Features, extract_features, read_features, write_features
from aeimage.apps.similar import (
    near_duplicates,
    nearest,
    similar_csv,
    similar_report,
    similar_sheet,
)
from aeimage.errors import OutputExistsError, UsageError

pytestmark = pytest.mark.usefixtures("one_thread")


class Colours:
    """An encoder whose latents are the colours of the four quarters."""

    name, shape, latent_size = "colours", (8, 8, 3), 12

    def encode(self, pixels):
        parts = pixels.reshape(len(pixels), 2, 4, 2, 4, 3).mean(axis=(2, 4))
        return parts.reshape(len(pixels), 12).astype(np.float32) - 128


def features(latents, names=None, labels=None):
    latents = np.asarray(latents, np.float32)
    return Features(latents, names or [f"p{i}" for i in range(len(latents))], labels, "fake")


@pytest.fixture
def folder(tmp_path, draw):
    for number in range(5):
        Image.fromarray(draw(number, 64, 48)).save(tmp_path / f"{number}.png")
    Image.fromarray(draw(3, 64, 48)).resize((40, 30)).save(tmp_path / "again.jpg", quality=60)
    return tmp_path


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_features_survive_a_file(folder, tmp_path, suffix):
    found = extract_features(folder, Colours())
    assert found.latents.shape == (6, 12) and found.latents.dtype == np.float32
    found.labels = ["a", "", "b,c", 'd"', "ä", "a"]
    path = tmp_path / f"latents{suffix}"
    write_features(path, found)
    again = read_features(path)
    assert np.array_equal(again.latents, found.latents)
    assert again.names == found.names and again.labels == found.labels
    with pytest.raises(OutputExistsError):
        write_features(path, found, overwrite=False)


def test_features_of_other_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match="npz or"):
        write_features(tmp_path / "latents.txt", features([[1.0]]))
    for name in ("a.npz", "b.csv"):
        (tmp_path / name).write_bytes(b"something else\n1,2\n")
        with pytest.raises(UsageError, match="no features"):
            read_features(tmp_path / name)


def test_nearest_of_directions():
    known = features([[1, 0], [0, 1], [1, 1], [-1, 0], [0, 0]])
    asked = features([[5.0, 0.1]], ["query"])
    (row,) = nearest(known, asked, count=5)
    assert [n.number for n in row] == [0, 2, 1, 4, 3]
    assert [round(n.distance, 2) for n in row] == [0.0, 0.28, 0.98, 1.0, 2.0]
    assert [n.number for n in nearest(known, asked, count=5, threshold=0.5)[0]] == [0, 2]
    # A picture is not its own neighbour.
    assert 0 not in [n.number for n in nearest(known, features([[1, 0]], ["p0"]))[0]]
    with pytest.raises(UsageError, match="different models"):
        nearest(known, features([[1, 0, 0]]))


def test_groups_of_near_duplicates():
    turn = np.radians([0, 5, 10, 90, 180, 183, 270])
    known = features(np.stack([np.cos(turn), np.sin(turn)], axis=1))
    groups = near_duplicates(known, threshold=1 - np.cos(np.radians(6)))
    # 0 and 10 degrees are apart, but 5 links them.
    assert [[n.number for n in group] for group in groups] == [[0, 1, 2], [4, 5]]
    assert near_duplicates(known, threshold=0.0) == []
    copies = near_duplicates(features([[1, 2], [1, 2], [3, 0]]), threshold=1e-9)
    assert [[n.number for n in group] for group in copies] == [[0, 1]]
    with pytest.raises(UsageError, match="threshold"):
        near_duplicates(known, threshold=-1)


def test_a_resized_and_recompressed_copy_is_found(folder):
    found = extract_features(folder, Colours(), whole=True)
    (group,) = near_duplicates(found, threshold=0.01)
    assert {found.names[n.number].rpartition("/")[2] for n in group} == {"3.png", "again.jpg"}
    queries = extract_features(folder / "again.jpg", Colours(), whole=True)
    rows = nearest(found, queries, count=2)
    assert found.names[rows[0][0].number].endswith("3.png")
    assert len(rows[0]) == 2  # without the file itself

    lines = list(csv.reader(io.StringIO(similar_csv(found, rows, queries).decode())))
    assert lines[0] == ["query", "rank", "name", "distance"] and len(lines) == 3
    (report,) = similar_report(found, [group], None)
    assert report["group"] == 1 and len(report["pictures"]) == 2
    for results, asked in ((rows, queries), ([group], None), ([], None)):
        sheet = similar_sheet(found, results, asked)
        assert sheet.dtype == np.uint8 and sheet.ndim == 3


def test_maps(folder, tmp_path):
    found = extract_features(folder, Colours())
    path = tmp_path / "map.png"
    points = draw_map(path, found)
    assert points.shape == (6, 2) and Image.open(path).width > 500
    with pytest.raises(OutputExistsError):
        draw_map(path, found, overwrite=False)
    found.labels = ["x"] * 3 + ["y"] * 3
    draw_map(path, found, method="tsne", thumbnails=True)
    with pytest.raises(UsageError, match="at least 3"):
        project(np.zeros((2, 4)))
    with pytest.raises(UsageError, match="no pictures to show"):
        draw_map(path, features(np.eye(4)), thumbnails=True)


def test_a_map_keeps_groups_apart():
    rng = np.random.default_rng(0)
    latents = np.concatenate([rng.normal(c, 0.1, (20, 5)) for c in (0, 3)])
    for method in ("pca", "tsne"):
        points = project(latents, method)
        a, b = points[:20], points[20:]
        gap = np.linalg.norm(a.mean(0) - b.mean(0))
        assert gap > 2 * np.linalg.norm(a - a.mean(0), axis=1).mean()


def test_a_sample_of_points_covers_the_map():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 0.01, (900, 2)), [[5, 5], [-5, 5]]])
    chosen = spread_sample(points, 100)
    assert len(chosen) <= 100 and {900, 901} <= set(chosen)
    assert np.array_equal(spread_sample(points[:7], 100), np.arange(7))
