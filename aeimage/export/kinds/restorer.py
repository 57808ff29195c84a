"""Restorers: `denoise`, for batches of pictures of any size.

    pixels [, sigma] -> pixels

Both uint8. `sigma` is the level of the damage in levels of 255, one number a picture, below 0 where
the network shall estimate it; only restorers with a level map take it. Pictures run in one piece;
`aeimage.denoise` cuts large ones into tiles.
"""

from pathlib import Path
from types import ModuleType

import tensorflow as tf

from aeimage.export.restorer_graphs import RestorerGraphs
from aeimage.export.saved_model import Signature, pad_to_multiple
from aeimage.export.skip_bundle import as_bytes, at_tile, run_card, write_skip_bundle
from aeimage.export.source import Source
from aeimage.models.restorer import MAX_LEVEL, Restorer

TILE = 256
INT8 = True


def build(preset: ModuleType) -> Restorer:
    """Return the untrained model of a preset."""
    model = Restorer(preset.CONFIG)
    model.build()
    return model


def signatures(model: Restorer, source: Source | None = None) -> dict[str, Signature]:
    """Return what a SavedModel does."""
    multiple = model.config.multiple

    def denoise_at(pixels, sigma):
        inputs = tf.cast(pad_to_multiple(pixels, multiple), tf.float32)
        level = tf.where(sigma < 0.0, model.estimate(inputs), tf.minimum(sigma, MAX_LEVEL))
        return {"pixels": as_bytes(model.restore(inputs, level), pixels)}

    def denoise(pixels):
        inputs = tf.cast(pad_to_multiple(pixels, multiple), tf.float32)
        return {"pixels": as_bytes(model.restore(inputs), pixels)}

    pixels = tf.TensorSpec((None, None, None, 3), tf.uint8, name="pixels")
    sigma = tf.TensorSpec((None,), tf.float32, name="sigma")
    if model.config.level_map:
        return {"denoise": Signature(denoise_at, (pixels, sigma))}
    return {"denoise": Signature(denoise, (pixels,))}


def exact_variables(model: Restorer) -> list:
    """Return the variables that must not be rounded: none."""
    return []


def litert(model: Restorer, tile: int | None) -> tf.Module:
    """Return the graphs of a LiteRT file.

    Raises:
        UsageError: `tile` is not what the model takes.
    """
    return at_tile(RestorerGraphs(model), model, tile)


def write_bundle(
    model: Restorer,
    source: Source,
    out: Path,
    *,
    name: str,
    card: str | None = None,
    info: dict | None = None,
    precision: str = "float16",
) -> dict:
    """Write the bundle.

    Args:
        model: trained.
        source: where it came from.
        out: folder of the bundle.
        name: of the model.
        card: text of the model card; by default a short one about the run.
        info: further entries of the manifest.
        precision: of the stored weights, see `aeimage.export.litert.convert_signatures`.
    """
    record = source.record
    task = "photo" if model.config.level_map else "scan"
    return write_skip_bundle(
        model,
        RestorerGraphs(model),
        out,
        kind="restorer",
        name=name,
        card=card or run_card(name, "A restorer", record),
        info={"task": task, "preset": record["preset"], **(info or {})},
        precision=precision,
    )
