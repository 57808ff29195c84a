"""Copies of the sample pictures, found by the shipped model among other pictures."""

import pytest
from PIL import Image

pytest.importorskip("sklearn")

from aeimage.apps.features import extract_features
from aeimage.apps.similar import near_duplicates, nearest
from aeimage.images import read_picture
from aeimage.runtime.bundle import installed_bundles
from aeimage.samples import sample_paths

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.skipif(
        not any(bundle.name == "features" for bundle in installed_bundles("autoencoder")),
        reason="no bundle features in saved_models/",
    ),
]


@pytest.fixture(scope="module")
def features(tmp_path_factory, draw):
    """Of each sample: itself, half the size, recompressed, cropped by 3 % on each side."""
    folder = tmp_path_factory.mktemp("copies")
    for path in sample_paths():
        image = Image.fromarray(read_picture(path).rgb)
        width, height = image.size
        x, y = round(0.03 * width), round(0.03 * height)
        image.save(folder / f"{path.stem}-same.png")
        image.resize((width // 2, height // 2)).save(folder / f"{path.stem}-half.png")
        image.save(folder / f"{path.stem}-jpeg.jpg", quality=30)
        image.crop((x, y, width - x, height - y)).save(folder / f"{path.stem}-crop.png")
    for number in range(6):
        Image.fromarray(draw(number, 96, 80)).save(folder / f"other{number}-same.png")
    return extract_features(folder, whole=True)


def stem(features, neighbour):
    return features.names[neighbour.number].rpartition("/")[2].partition("-")[0]


def test_copies_are_grouped_and_others_left_alone(features):
    groups = near_duplicates(features)
    assert len(groups) == len(sample_paths())
    for group in groups:
        assert len(group) == 4
        assert len({stem(features, member) for member in group}) == 1


def test_copies_are_nearest(features):
    for number, row in enumerate(nearest(features, features, count=3)):
        own = features.names[number].rpartition("/")[2].partition("-")[0]
        if not own.startswith("other"):
            assert {stem(features, found) for found in row} == {own}
            assert row[-1].distance < 0.25
