"""Data sets of small pictures: where they come from, what is cut, what a label is."""

import gzip
import struct

import numpy as np
import pytest
from PIL import Image

from aeimage.data.small_pictures import fit_picture, load_pictures
from aeimage.data.squares import SquareSampler
from aeimage.errors import UsageError


def write_idx(path, array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype("u1").tobytes()))


@pytest.fixture
def mnist(tmp_path):
    rng = np.random.default_rng(1)
    for prefix, count in (("train", 12), ("t10k", 5)):
        pixels = rng.integers(0, 256, (count, 28, 28))
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", pixels)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    return tmp_path


def save(path, colour, size=(30, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def test_idx_files_are_read_as_they_are(mnist):
    train, test = load_pictures(mnist), load_pictures(mnist, split="test")
    assert (train.shape, len(train), len(test)) == ((28, 28, 1), 12, 5)
    assert train.pixels.dtype == np.uint8 and train.labels.tolist()[:3] == [0, 1, 2]
    assert train.classes == tuple("0123456789")
    larger = load_pictures(mnist, size=32, channels=3)
    assert larger.shape == (32, 32, 3)
    assert (larger.pixels == larger.pixels[..., :1]).all()


def test_some_of_the_pictures(mnist):
    train = load_pictures(mnist)
    ones = train.take(train.labels == 1)
    assert ones.labels.tolist() == [1, 1] and ones.names == ("000001", "000011")
    np.testing.assert_array_equal(ones.pixels[1], train.pixels[11])


def test_a_folder_is_cut_resized_and_labelled(tmp_path):
    save(tmp_path / "cats" / "one.png", (250, 10, 10))
    save(tmp_path / "cats" / "more" / "two.png", (10, 250, 10))
    save(tmp_path / "dogs" / "three.jpg", (10, 10, 250))
    (tmp_path / "dogs" / "damaged.png").write_bytes(b"nothing")
    told = []
    found = load_pictures(tmp_path, size=8, channels=3, report=told.append)
    assert found.shape == (8, 8, 3) and len(told) == 1
    assert found.classes == ("cats", "dogs") and found.labels.tolist() == [0, 0, 1]
    assert [name.split("/")[-1] for name in found.names] == ["two.png", "one.png", "three.jpg"]
    assert found.pixels[1].mean(axis=(0, 1)) == pytest.approx([250, 10, 10], abs=1)


def test_folders_called_train_and_test_are_splits(tmp_path):
    save(tmp_path / "train" / "a.png", (9, 9, 9))
    save(tmp_path / "train" / "b.png", (9, 9, 9))
    save(tmp_path / "test" / "c.png", (9, 9, 9))
    assert len(load_pictures(tmp_path, size=4)) == 2
    test = load_pictures(tmp_path, size=4, split="test")
    assert len(test) == 1 and test.labels is None and test.classes == ()


def test_the_middle_square_is_what_stays():
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 200
    assert (fit_picture(pixels, 10, 3) == 200).all()
    assert fit_picture(pixels, 5, 1).shape == (5, 5, 1)
    np.testing.assert_array_equal(fit_picture(pixels, None, 3), pixels)


def test_digits_need_no_network():
    pytest.importorskip("sklearn", reason="needs the family extra")
    train, test = load_pictures("digits"), load_pictures("digits", split="test")
    assert len(train) + len(test) == 1797 and train.shape == (8, 8, 1)
    assert set(train.labels) == set(test.labels) == set(range(10))
    assert train.pixels.max() == 255
    whole = {p.tobytes() for p in train.pixels}
    assert sum(p.tobytes() in whole for p in test.pixels) < 5


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"split": "validation"}, "split"),
        ({"channels": 2}, "channels"),
        ({"size": 0}, "size"),
        ({"split": "test"}, "no pictures for testing"),
        ({}, "2 sizes"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, options, told):
    save(tmp_path / "a.png", (9, 9, 9), (8, 8))
    save(tmp_path / "b.png", (9, 9, 9), (9, 9))
    with pytest.raises(UsageError, match=told):
        load_pictures(tmp_path, **options)


def test_squares_are_of_all_sizes_and_the_same_again(photo_folder, draw):
    paths = sorted(photo_folder.rglob("*.png"))
    sampler = SquareSampler(paths, size=16, batch_size=40, seed=3)
    assert max(min(p.shape[:2]) for p in sampler.pictures) <= 64
    one = sampler.batch(5)
    assert one.shape == (40, 16, 16, 3) and one.dtype == np.uint8
    np.testing.assert_array_equal(
        SquareSampler(paths, size=16, batch_size=40, seed=3).batch(5), one
    )
    assert not np.array_equal(sampler.batch(6), one)
    with pytest.raises(UsageError, match="4000x4000"):
        SquareSampler(paths, size=4000)
