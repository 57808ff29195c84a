"""Where a trained model lies: in the folder of a run, or in that of a bundle."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import keras

from aeimage.errors import ModelFileError, UsageError
from aeimage.export.folder import MANIFEST
from aeimage.training.presets import load_preset
from aeimage.training.run import RUN_FILE
from aeimage.training.weights import SUFFIX, find_weights, load_weights


@dataclass(frozen=True)
class Source:
    """A trained model.

    Attributes:
        path: folder of the run or bundle.
        record: what the run's or bundle's manifest says.
        weights: file of the weights.
        bundled: it is a bundle.
    """

    path: Path
    record: dict
    weights: Path
    bundled: bool

    @property
    def preset(self) -> ModuleType:
        """The preset that it was trained with."""
        return load_preset(self.record["preset"])

    @property
    def model_settings(self) -> dict:
        """What the run was given of the settings on which the preset's model depends."""
        given = {"crop": self.record.get("crop"), **(self.record.get("options") or {})}
        wanted = getattr(self.preset, "MODEL_SETTINGS", ())
        return {name: value for name, value in given.items() if name in wanted}

    def load(self, kind: ModuleType) -> keras.Model:
        """Return the trained model, in float32.

        Raises:
            ModelFileError: the weights are damaged or do not fit.
        """
        keras.config.set_dtype_policy("float32")
        model = kind.build(self.preset, **self.model_settings)
        load_weights(model, self.weights)
        return model


def open_source(path: Path, weights: Path | None = None) -> Source:
    """Find the trained model in `path`.

    Args:
        path: folder that `aeimage train` or `aeimage export` wrote.
        weights: file to take the weights from; by default the run's best, or the bundle's.

    Raises:
        ModelFileError: `path` is neither, or there are no weights.
    """
    path = Path(path)
    bundled = not (path / RUN_FILE).exists() and (path / MANIFEST).exists()
    manifest = path / (MANIFEST if bundled else RUN_FILE)
    try:
        record = json.loads(manifest.read_text(encoding="utf-8"))
        record["preset"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{path}: no training run: {manifest.name} cannot be read ({error!r}). Expected a "
            "folder that `aeimage train` wrote, or a bundle with the weights it was made of."
        ) from error
    usual = path if bundled else path / f"best{SUFFIX}"
    found = find_weights(weights or usual)
    if not found.is_file():
        raise ModelFileError(
            f"no weights yet: {found} is no file. Expected the weights of a run, which training "
            "writes when it validates or is stopped. Let `aeimage train` go on with --resume, or "
            "give a file with --weights."
        )
    return Source(path, record, found, bundled)


def require_tensorflow() -> None:
    """Refuse a Keras that runs on another backend.

    Raises:
        UsageError: it does.
    """
    if keras.backend.backend() != "tensorflow":
        raise UsageError.for_value(
            "KERAS_BACKEND", "tensorflow, which converts to LiteRT", keras.backend.backend()
        )
