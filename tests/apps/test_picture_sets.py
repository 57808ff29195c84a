"""Pictures of files, folders and data sets as one array."""

import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from aeimage.apps.picture_sets import collect_pictures, natural_size
from aeimage.errors import PictureNotFoundError, UsageError


def flat(path, colour, size=(20, 10)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def idx(path, array):
    head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


@pytest.fixture
def zoo(tmp_path):
    flat(tmp_path / "zoo" / "cats" / "1.png", (250, 0, 0))
    flat(tmp_path / "zoo" / "cats" / "young" / "2.png", (0, 250, 0))
    flat(tmp_path / "zoo" / "dogs" / "1.png", (0, 0, 250))
    return tmp_path / "zoo"


def test_labels_are_the_first_folders_below(zoo):
    found = collect_pictures(zoo, size=8)
    assert found.pixels.shape == (3, 8, 8, 3) and found.pixels.dtype == np.uint8
    assert sorted(found.labels) == ["cats", "cats", "dogs"]
    assert found.classes == ["cats", "dogs"]
    labels = found.numbered_labels()
    assert [found.classes[n] for n in labels] == found.labels
    assert len(found.names) == len(set(found.names)) == len(found.paths) == 3


def test_files_have_no_labels(zoo):
    found = collect_pictures([zoo / "dogs" / "1.png", zoo / "dogs"], size=8)
    assert found.labels is None and len(found) == 2
    with pytest.raises(UsageError, match="at least two sub-folders"):
        found.numbered_labels()


def test_a_file_that_cannot_be_read_fails_alone(zoo):
    (zoo / "dogs" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    found = collect_pictures(zoo, size=8)
    assert len(found) == 3
    assert [result.input for result in found.failed] == [str(zoo / "dogs" / "2.png")]
    assert found.failed[0].error


def test_what_cannot_work_is_refused(zoo, tmp_path):
    with pytest.raises(PictureNotFoundError, match="nowhere"):
        collect_pictures("nowhere", size=8)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no pictures"):
        collect_pictures(tmp_path / "empty", size=8)
    (tmp_path / "empty" / "a.png").write_bytes(b"none")
    with pytest.raises(UsageError, match="none of the pictures can be read"):
        collect_pictures(tmp_path / "empty", size=8)


def test_channels_follow_the_pictures(tmp_path):
    flat(tmp_path / "a" / "grey.png", (90, 90, 90))
    assert collect_pictures(tmp_path / "a", size=8).pixels.shape[-1] == 1
    assert collect_pictures(tmp_path / "a", size=8, channels=3).pixels.shape[-1] == 3
    flat(tmp_path / "a" / "red.png", (200, 0, 0))
    assert collect_pictures(tmp_path / "a", size=8).pixels.shape[-1] == 3


def test_whole_pictures_or_their_middle(tmp_path):
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, :8] = pixels[:, -8:] = 255  # outside of the middle square
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    middle = collect_pictures(tmp_path / "wide.png", size=8)
    whole = collect_pictures(tmp_path / "wide.png", size=8, whole=True)
    assert middle.pixels.max() < 40
    assert whole.pixels[:, :, 0].min() > 200


def test_idx_files_and_digits(tmp_path):
    pixels = np.arange(3 * 28 * 28).reshape(3, 28, 28) % 256
    idx(tmp_path / "t10k-images-idx3-ubyte.gz", pixels)
    idx(tmp_path / "t10k-labels-idx1-ubyte.gz", np.array([7, 2, 1]))
    found = collect_pictures(tmp_path, size=28, split="test")
    assert np.array_equal(found.pixels[..., 0], pixels)
    assert found.labels == ["7", "2", "1"] and found.classes == ["1", "2", "7"]

    pytest.importorskip("sklearn")
    digits = collect_pictures("digits", size=8, split="test")
    assert digits.pixels.shape[1:] == (8, 8, 1) and len(digits.classes) == 10
    assert natural_size("digits") == 8


def test_data_sets_and_files_join(zoo):
    pytest.importorskip("sklearn")
    found = collect_pictures(["digits", zoo], size=8, split="test")
    assert found.pixels.shape[1:] == (8, 8, 3)
    assert len(found.names) == len(found.labels) == len(found.paths) == len(found.pixels)


def test_natural_size(zoo, tmp_path):
    assert natural_size(zoo) == 64  # not squares
    flat(tmp_path / "small" / "a.png", (1, 2, 3), (32, 32))
    assert natural_size(tmp_path / "small") == 32
    flat(tmp_path / "small" / "b.png", (1, 2, 3), (300, 300))
    assert natural_size(tmp_path / "small") == 64
