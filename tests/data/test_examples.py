"""MNIST's files, TensorFlow Datasets, and our builders for them, all without a network."""

import gzip
import pickle
import struct

import numpy as np
import pytest
from PIL import Image

from aeimage.data.idx import read_idx, read_mnist
from aeimage.errors import DamagedPictureError, UsageError


def idx(array, code=8) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """A folder with 30 pictures to train on, gzipped, and 12 to test, not, and what is in it."""
    folder = tmp_path_factory.mktemp("mnist")
    rng = np.random.default_rng(0)
    arrays = {}
    for split, name, count in (("train", "train", 30), ("test", "t10k", 12)):
        pictures = rng.integers(0, 256, (count, 28, 28), np.uint8)
        labels = rng.integers(0, 10, count, np.uint8)
        arrays[split] = pictures, labels
        files = {f"{name}-images-idx3-ubyte": idx(pictures), f"{name}-labels.idx1-ubyte": b""}
        files[f"{name}-labels.idx1-ubyte"] = idx(labels)
        for file, data in files.items():
            if split == "train":
                file, data = f"{file}.gz", gzip.compress(data)
            (folder / file).write_bytes(data)
    return folder, arrays


@pytest.mark.parametrize(("dtype", "code"), [("u1", 8), (">i2", 11), (">i4", 12), (">f8", 14)])
def test_idx_files_of_all_types(tmp_path, dtype, code):
    array = np.arange(-6, 6).reshape(3, 4).astype(dtype)
    (tmp_path / "a").write_bytes(idx(array, code))
    read = read_idx(tmp_path / "a")
    np.testing.assert_array_equal(read, array)
    assert read.dtype.isnative


def test_damaged_idx_files(tmp_path):
    whole = idx(np.zeros((3, 4), "u1"))
    packed = gzip.compress(whole)
    for data in (b"", whole[:3], whole[:-1], whole + b"x", b"\0\1" + whole[2:], packed[:-9]):
        (tmp_path / "a").write_bytes(data)
        with pytest.raises(DamagedPictureError, match="IDX"):
            read_idx(tmp_path / "a")


def test_mnist(mnist, tmp_path):
    folder, arrays = mnist
    for split in arrays:
        for read, expected in zip(read_mnist(folder, split), arrays[split], strict=True):
            np.testing.assert_array_equal(read, expected)
    with pytest.raises(UsageError, match="train-images"):
        read_mnist(tmp_path)
    with pytest.raises(UsageError, match="train or test"):
        read_mnist(folder, "validation")


class TestTensorFlowDatasets:
    """With the real library; what it prepares goes to a temporary folder."""

    @pytest.fixture(scope="class")
    def prepared(self, tmp_path_factory):
        """Where a folder of pictures was prepared, and that folder."""
        pytest.importorskip("tensorflow_datasets", reason="needs the train extra")
        from aeimage.data.builders import PictureFolder

        folder = tmp_path_factory.mktemp("pictures")
        rng = np.random.default_rng(1)
        files = ("train/cat/a.png", "train/cat/b.tif", "train/dog/c.webp", "test/dog/d.bmp")
        for number, file in enumerate(files):
            pixels = rng.integers(0, 256, (70 + number, 90, 3), np.uint8)
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / file, lossless=True)
        deep = rng.integers(0, 2**16, (80, 70), np.uint16)
        Image.fromarray(deep).save(folder / "train" / "16-bit.tif")
        (folder / "train" / "dog" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
        data = tmp_path_factory.mktemp("tfds")
        builder = PictureFolder(folder, data_dir=data)
        with pytest.warns(RuntimeWarning, match=r"broken\.png"):
            builder.download_and_prepare()
        return data, folder

    def test_pictures_of_a_folder(self, prepared):
        import tensorflow_datasets as tfds

        from aeimage.data.builders import PictureFolder
        from aeimage.data.pictures import decode

        data, folder = prepared
        builder = PictureFolder(data_dir=data)  # the files are not asked for again
        assert builder.info.features["label"].names == [".", "cat", "dog"]
        assert {k: v.num_examples for k, v in builder.info.splits.items()} == {
            "train": 4,
            "test": 1,
        }
        for example in tfds.as_numpy(builder.as_dataset(split="train+test")):
            file = example["file"].decode()
            np.testing.assert_array_equal(example["image"], decode(folder / file))
            label = builder.info.features["label"].int2str(int(example["label"]))
            assert label in (file.split("/")[1], ".")
        assert pickle.loads(pickle.dumps(PictureFolder(folder, data_dir=data))).folder == folder

    def test_mnist(self, mnist, tmp_path):
        import tensorflow_datasets as tfds

        from aeimage.data.builders import MnistIdx

        folder, arrays = mnist
        builder = MnistIdx(folder, data_dir=tmp_path)
        builder.download_and_prepare()
        for split, (pictures, labels) in arrays.items():
            examples = list(tfds.as_numpy(builder.as_dataset(split=split)))
            found = {(e["image"].tobytes(), int(e["label"])) for e in examples}
            expected = zip(pictures, labels, strict=True)
            assert found == {(p.tobytes(), int(label)) for p, label in expected}

    def test_training_on_a_data_set(self, prepared, monkeypatch, tmp_path):
        from aeimage.data.examples import find_pictures
        from aeimage.training.photos import load_photos
        from aeimage.training.request import TrainingRequest

        data, folder = prepared
        monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", str(data))
        name = "tfds:picture_folder@train"
        found = find_pictures([name, folder / "test"])
        assert len(found) == 5
        request = TrainingRequest("codec-tiny", [name], tmp_path, crop=64, batch_size=2, seed=0)
        lines = []
        sampler, validation = load_photos(request, lines.append)
        assert sampler.batch(0).shape == (2, 64, 64, 3) and len(validation) == 1
        np.testing.assert_array_equal(
            sampler.batch(3), load_photos(request, lines.append)[0].batch(3)
        )

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("tfds:nothing_of_that_name", "nothing_of_that_name"),
            ("tfds:picture_folder@nonsense", "nonsense"),
        ],
    )
    def test_names_that_do_not_exist(self, prepared, name, message):
        from aeimage.data.examples import load_data_set

        with pytest.raises(UsageError, match=message) as caught:
            load_data_set(name, data_dir=prepared[0])
        assert "tfds:NAME" in str(caught.value)

    def test_only_what_fits_into_memory(self, prepared):
        from aeimage.data.examples import load_data_set

        lines = []
        found = load_data_set(
            "tfds:picture_folder", data_dir=prepared[0], max_bytes=45_000, report=lines.append
        )
        assert 1 <= len(found) < 4 and "fit into memory" in lines[0]


def test_any_pixels_become_rgb():
    pytest.importorskip("keras", reason="needs the train extra")
    from aeimage.data.examples import as_rgb

    deep = np.array([[0, 257, 65535]], np.uint16)
    np.testing.assert_array_equal(as_rgb(deep)[0, :, 0], [0, 1, 255])
    assert as_rgb(np.ones((4, 5, 1), np.float32)).tolist() == [[[255] * 3] * 5] * 4
    assert as_rgb(np.zeros((4, 5, 4), np.uint8)).shape == (4, 5, 3)
