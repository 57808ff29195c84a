"""The codec: `encode` and `decode`."""

import random
from pathlib import Path
from types import ModuleType

import numpy as np

from aeimage.data.examples import find_pictures
from aeimage.data.pictures import Example, centre_crop, decode
from aeimage.errors import UsageError
from aeimage.export.calibrate import calibrate
from aeimage.export.codec_bundle import write_codec_bundle
from aeimage.export.codec_graphs import CodecGraphs
from aeimage.export.codec_signatures import CodecSignatures
from aeimage.export.saved_model import Signature
from aeimage.export.source import Source
from aeimage.models.hyperprior import HyperpriorCodec
from aeimage.models.integer import IntegerConv2D

TILE = 256
CROP = 384


def build(preset: ModuleType) -> HyperpriorCodec:
    """Return the untrained model of a preset."""
    model = HyperpriorCodec(preset.CONFIG)
    model.build()
    return model


def signatures(model: HyperpriorCodec, source: Source) -> dict[str, Signature]:
    """Return what a SavedModel does; a bundle's optimised rounding is taken over."""
    rounding = None
    if source.bundled:
        with np.load(source.path / "tables.npz", allow_pickle=False) as tables:
            rounding = tables["rounding"][-1]
    return CodecSignatures(model, rounding).signatures()


def exact_variables(model: HyperpriorCodec) -> list:
    """Return the variables that must not be rounded: those of the integer network."""
    layers = [x for x in model._flatten_layers() if isinstance(x, IntegerConv2D)]
    return [v for layer in layers for v in layer.variables]


def litert(model: HyperpriorCodec, tile: int | None) -> CodecGraphs:
    """Return the graphs of a LiteRT file.

    Raises:
        UsageError: `tile` is no multiple of 64.
    """
    if tile is not None and (tile < 64 or tile % 64):
        raise UsageError.for_value("tile", "a multiple of 64", tile)
    return CodecGraphs(model, tile)


def write_bundle(
    model: HyperpriorCodec,
    source: Source,
    out: Path,
    *,
    name: str,
    data: list[Path] | None = None,
    crops: int = 48,
    precision: str = "float16",
    card: str | None = None,
    info: dict | None = None,
) -> dict:
    """Fit the entropy coder's tables to training pictures and write the bundle.

    Args:
        model: trained.
        source: where it came from.
        out: folder of the bundle.
        name: of the model.
        data: folders of training pictures; by default the run's.
        crops: number of pictures to fit to.
        precision: of the stored weights.
        card: text of the model card; by default a short one about the run.
        info: further entries of the manifest.

    Raises:
        UsageError: there are no pictures.
    """
    folders = data or source.record.get("data")
    if not folders:
        raise UsageError(
            f"{source.path} does not say what it was trained on. Name folders of training pictures "
            "(`data`, --data): the entropy coder's tables are fitted to them."
        )
    paths = find_pictures(folders)
    pictures = training_crops(paths, crops)
    found = calibrate(model, pictures)
    return write_codec_bundle(
        model,
        out,
        name=name,
        card=card or _card(name, source.record, len(paths)),
        latent_tables=found.latent_tables,
        hyper_tables=found.hyper_tables,
        rounding=found.rounding,
        info={"preset": source.record["preset"], **(info or {})},
        precision=precision,
        crops=pictures,
    )


def training_crops(paths: list[Path | Example], count: int) -> list[np.ndarray]:
    """Return centre crops of `count` pictures, drawn at random but always the same."""
    random.Random(0).shuffle(paths)
    pictures = []
    for path in paths:
        rgb = decode(path)
        crop = None if rgb is None else centre_crop(rgb, CROP)
        if crop is not None:
            pictures.append(crop)
        if len(pictures) == count:
            break
    return pictures


def _card(name: str, record: dict, pictures: int) -> str:
    version = record.get("version", "")
    return (
        f"# {name}\n\nA learned image codec of the preset `{record['preset']}`, trained with "
        f"aeimage {version} on {pictures} pictures of its owner. Not evaluated: measure it with "
        "`tools/benchmark.py` before you rely on it.\n"
    )
