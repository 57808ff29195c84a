"""Builders for TensorFlow Datasets that need no network.

    builder = PictureFolder("holidays")          # or MnistIdx("mnist")
    builder.download_and_prepare()               # once: to shards in ~/tensorflow_datasets
    train = builder.as_dataset(split="train")

From then on ``tfds.load("picture_folder")`` has it too (where this module was imported), and so has
``aeimage train … --data tfds:picture_folder``. `tfds.ImageFolder` reads JPEG and PNG files alone
and passes over others without a word.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import tensorflow_datasets as tfds

from aeimage.data.idx import read_mnist
from aeimage.data.pictures import decode, picture_paths
from aeimage.errors import UsageError

SPLITS = ("train", "validation", "test")


class _LocalBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A builder of files in a folder; only preparing needs it.

    Args:
        folder: the files; None where the data set was prepared before.
        data_dir: where TensorFlow Datasets keeps what it prepared.
    """

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, folder: str | Path | None = None, **options):
        self._folder = None if folder is None else Path(folder)
        super().__init__(**options)

    def __getstate__(self):
        state = super().__getstate__()
        return {"_original_state": {**state["_original_state"], "folder": self._folder}}

    @property
    def folder(self) -> Path:
        """The files.

        Raises:
            UsageError: none was given.
        """
        if self._folder is None:
            raise UsageError(
                f"{self.name} was not prepared yet. Expected the folder of its files: "
                f"{type(self).__name__}(FOLDER).download_and_prepare()."
            )
        return self._folder


class PictureFolder(_LocalBuilder):
    """The pictures of a folder tree, of every format that aeimage reads.

    Sub-folders `train`, `validation` and `test` become splits; else everything is `train`. The
    first folder below is the label. Unreadable pictures are reported as warnings and left out.

    Examples hold `image`, uint8 (height, width, 3), `label`, and `file`, the path in the tree.
    """

    def _info(self) -> tfds.core.DatasetInfo:
        labels = None
        if self._folder is not None:
            trees = [(root, picture_paths([root])) for root in self._roots().values()]
            labels = sorted({_label(path, root) for root, paths in trees for path in paths})
        return tfds.core.DatasetInfo(
            builder=self,
            description="The pictures of a folder tree, labelled by their folders.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3)),
                    "label": tfds.features.ClassLabel(names=labels),
                    "file": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _roots(self) -> dict[str, Path]:
        found = {name: self.folder / name for name in SPLITS if (self.folder / name).is_dir()}
        return found or {"train": self.folder}

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(root) for name, root in self._roots().items()}

    def _generate_examples(self, root: Path):
        for path in picture_paths([root]):
            pixels = decode(path, lambda line: warnings.warn(line, RuntimeWarning, stacklevel=2))
            if pixels is not None:
                file = path.relative_to(self.folder).as_posix()
                yield file, {"image": pixels, "label": _label(path, root), "file": file}


def _label(path: Path, root: Path) -> str:
    parts = path.relative_to(root).parts
    return parts[0] if len(parts) > 1 else "."


class MnistIdx(_LocalBuilder):
    """MNIST, or a data set in its format, from its four IDX files, compressed or not.

    Examples hold `image`, uint8 (28, 28, 1), and `label`, 0...9, as those of ``tfds:mnist``.
    """

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="MNIST from IDX files.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(28, 28, 1)),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://yann.lecun.com/exdb/mnist/",
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in ("train", "test")}

    def _generate_examples(self, split: str):
        pictures, labels = read_mnist(self.folder, split)
        for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
            yield number, {"image": picture[..., None], "label": int(label)}
