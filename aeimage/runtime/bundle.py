"""Model bundles: folders that hold all that a model is, and say so.

    model.json          name, kind, id, sizes, cost, origin, SHA-256 of each file
    README.md           the model card
    codec.tflite        the graphs (see `aeimage.export.codec_graphs`)
    tables.npz          integer probability tables, scale indices by quality, gains
    scale_network.npz   the integer layers in `codec.tflite` once more, for other runtimes

A codec's id is a hash of what decoding depends on (the tables, the integer scale network and the
weights of the mean network and the synthesis transform), not of these files, so that another
packaging of the same model has the same id.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from aeimage.errors import ModelFileError, ModelNotFoundError
from aeimage.tables import ProbabilityTables

BUNDLE_FORMAT = 1
MANIFEST = "model.json"
PATH_VARIABLE = "AEIMAGE_MODELS"
"""Environment variable: further folders of bundles, separated as in PATH."""


@dataclass(frozen=True)
class Bundle:
    """An installed model.

    Attributes:
        path: its folder.
        info: the contents of ``model.json``.
    """

    path: Path
    info: dict

    @property
    def name(self) -> str:
        """Name by which users ask for it."""
        return self.info["name"]

    @property
    def kind(self) -> str:
        """What it does: "codec"."""
        return self.info["kind"]

    @property
    def model_id(self) -> str:
        """Hexadecimal id, 16 digits."""
        return self.info["id"]

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return (self.path / "README.md").read_text(encoding="utf-8")

    def verify(self) -> None:
        """Compare every file with its SHA-256.

        Raises:
            ModelFileError: a file is missing or differs.
        """
        for name, expected in self.info["files"].items():
            try:
                found = hashlib.sha256((self.path / name).read_bytes()).hexdigest()
            except OSError as error:
                raise ModelFileError(
                    f"{self.path / name}: {error.strerror}. Install the model again."
                ) from error
            if found != expected:
                raise ModelFileError(
                    f"{self.path / name}: the file is damaged: its SHA-256 is {found}, expected "
                    f"{expected}. Install the model again."
                )


def read_bundle(path: Path) -> Bundle:
    """Read the manifest of the bundle in folder `path`.

    Raises:
        ModelFileError: there is none, or it makes no sense.
    """
    manifest = Path(path) / MANIFEST
    try:
        info = json.loads(manifest.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(
            f"{path}: no model bundle: {MANIFEST} cannot be read ({error.strerror}). Expected a "
            "folder that aeimage exported."
        ) from error
    except ValueError as error:
        raise ModelFileError(f"{manifest}: no valid JSON: {error}. Install it again.") from error
    if not isinstance(info, dict) or info.get("format") != BUNDLE_FORMAT:
        raise ModelFileError(
            f"{manifest}: unknown bundle format; expected {BUNDLE_FORMAT}. If a newer aeimage made "
            "it, upgrade: pip install --upgrade aeimage."
        )
    required = {"name", "kind", "id", "files"}
    if info.get("kind") == "codec":
        required |= {"slices", "kmac_per_pixel"}
    missing = required - info.keys()
    if missing:
        raise ModelFileError(
            f"{manifest}: the fields {', '.join(sorted(missing))} are missing. Install it again."
        )
    return Bundle(Path(path), info)


def positive_whole(bundle: Bundle, field: str) -> int:
    """Return a field of the manifest that is a whole number from 1.

    Raises:
        ModelFileError: it is not.
    """
    value = bundle.info.get(field)
    if not isinstance(value, int) or value < 1:
        raise ModelFileError(
            f"{bundle.path}: the manifest's {field} makes no sense: {value!r}, expected a whole "
            "number from 1. Install the model again."
        )
    return value


def model_folders() -> list[Path]:
    """Return the folders that are searched for bundles, in order."""
    package = Path(__file__).resolve().parent.parent
    extra = [Path(p) for p in os.environ.get(PATH_VARIABLE, "").split(os.pathsep) if p]
    # Installed, the bundles are part of the package; in a checkout they stand beside it.
    folders = [*extra, package / "saved_models"]
    if (package.parent / "pyproject.toml").is_file():
        folders.append(package.parent / "saved_models")
    return folders


def installed_bundles(kind: str | None = None) -> list[Bundle]:
    """Return all bundles that can be found, each id once; those of `kind` if it is given.

    Two may have the same name: asked for by name, the first is meant; files go by id.
    """
    found: dict[str, Bundle] = {}
    for folder in model_folders():
        if not folder.is_dir():
            continue
        for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
            try:
                bundle = read_bundle(manifest.parent)
            except ModelFileError as error:
                # One damaged bundle must not hide the others.
                warnings.warn(f"passed over: {error}", RuntimeWarning, stacklevel=2)
                continue
            found.setdefault(bundle.model_id, bundle)
    return [b for b in found.values() if kind is None or b.kind == kind]


def find_bundle(model: str, *, kind: str = "codec") -> Bundle:
    """Return the bundle called `model`, or the one in the folder `model`.

    Raises:
        ModelNotFoundError: there is none.
        ModelFileError: it is damaged or of another kind.
    """
    if os.sep in model or (os.altsep and os.altsep in model):
        bundle = read_bundle(Path(model))
        if bundle.kind != kind:
            raise ModelFileError(f"{model}: a bundle of kind {bundle.kind!r}, expected {kind!r}.")
        return bundle
    bundles = installed_bundles(kind)
    for bundle in bundles:
        if bundle.name == model:
            return bundle
    raise ModelNotFoundError.for_model(model, installed=[b.name for b in bundles])


def named_or_path(model: str | os.PathLike[str]) -> str:
    """Return what `find_bundle` takes for a model given by name or path.

    A bundle in the current folder is meant before an installed model of that name.
    """
    here = (Path(model) / MANIFEST).is_file()
    return os.fspath(Path(model).absolute()) if here else os.fspath(model)


def find_codec(model_id: bytes) -> Bundle:
    """Return the codec whose id a file names.

    Raises:
        ModelNotFoundError: it is not installed.
    """
    wanted = model_id.hex()
    bundles = installed_bundles("codec")
    for bundle in bundles:
        if bundle.model_id == wanted:
            return bundle
    raise ModelNotFoundError.for_model(
        wanted, installed=[f"{b.name} ({b.model_id})" for b in bundles]
    )


@dataclass(frozen=True, eq=False)
class CodecTables:
    """What a codec needs beside its graphs.

    Attributes:
        latents, hyper: integer probability tables of latents and hyper-latents.
        base: int16 (101, latents): offsets to the scale indices at quality 0, 1 ... 100.
        hyper_index: uint8 (101, channels): scale indices of hyper-latents.
        gain, inverse: float32 (knots, latents): logarithms of the gains, at evenly spaced
            qualities from 0 to 100.
        rounding: float32 (efforts, 64): rounding offset by scale index, one row an effort.
    """

    latents: ProbabilityTables
    hyper: ProbabilityTables
    base: NDArray[np.int16]
    hyper_index: NDArray[np.uint8]
    gain: NDArray[np.float32]
    inverse: NDArray[np.float32]
    rounding: NDArray[np.float32]

    def gains(self, quality: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return gain and inverse gain at `quality`, float32 (latents,) each."""
        knots = len(self.gain) - 1
        position = np.float64(quality) / 100.0 * knots
        low = min(int(position), knots - 1)
        share = np.float32(position - low)

        def at(table):
            return np.exp(table[low] * (1 - share) + table[low + 1] * share)

        return at(self.gain), at(self.inverse)

    def level(self, quality: float) -> int:
        """Return the row of `base` and `hyper_index` for `quality`: halves round up."""
        return int(quality + 0.5)


def load_tables(path: Path) -> CodecTables:
    """Read ``tables.npz`` of the bundle in folder `path`.

    Raises:
        ModelFileError: it is missing or damaged.
    """
    try:
        with np.load(Path(path) / "tables.npz", allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return CodecTables(
            latents=ProbabilityTables.from_bytes(arrays["latent_tables"].tobytes()),
            hyper=ProbabilityTables.from_bytes(arrays["hyper_tables"].tobytes()),
            base=arrays["base"],
            hyper_index=arrays["hyper_index"],
            gain=arrays["gain"],
            inverse=arrays["inverse"],
            rounding=arrays["rounding"],
        )
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        raise ModelFileError(
            f"{path}/tables.npz: cannot be read: {error}. Install the model again."
        ) from error
