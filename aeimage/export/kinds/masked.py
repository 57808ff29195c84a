"""Masked autoencoders: `inpaint`, for batches of pictures of any size.

    pixels, mask -> pixels

All uint8; `mask` has one channel and is above 0 where pixels are missing. Pictures run in one
piece; `aeimage.inpaint` cuts large ones into tiles. The LiteRT file's `inpaint` takes and gives
float32, and its `pixels` were filled by `aeimage.pull_push` before: the pyramid sees the picture as
a whole, the network a tile.
"""

from pathlib import Path
from types import ModuleType

import tensorflow as tf

from aeimage.export.saved_model import Signature, pad_to_multiple
from aeimage.export.skip_bundle import as_bytes, at_tile, run_card, write_skip_bundle
from aeimage.export.source import Source
from aeimage.models.masked import MaskedAutoencoder

TILE = 256


def build(preset: ModuleType) -> MaskedAutoencoder:
    """Return the untrained model of a preset."""
    model = MaskedAutoencoder(preset.CONFIG)
    model.build()
    return model


def signatures(model: MaskedAutoencoder, source: Source | None = None) -> dict[str, Signature]:
    """Return what a SavedModel does."""
    multiple = model.config.multiple

    def inpaint(pixels, mask):
        missing = tf.cast(mask > 0, tf.float32)
        output = model(pad_to_multiple(pixels, multiple), pad_to_multiple(missing, multiple))
        return {"pixels": as_bytes(output["pixels"], pixels)}

    pixels = tf.TensorSpec((None, None, None, 3), tf.uint8, name="pixels")
    mask = tf.TensorSpec((None, None, None, 1), tf.uint8, name="mask")
    return {"inpaint": Signature(inpaint, (pixels, mask))}


def exact_variables(model: MaskedAutoencoder) -> list:
    """Return the variables that must not be rounded: none."""
    return []


class MaskedGraphs(tf.Module):
    """The signatures of a LiteRT file.

    Args:
        model: built under the float32 policy.
    """

    def __init__(self, model: MaskedAutoencoder):
        super().__init__()
        self.model = model
        self.weights = [v.value for v in model.trainable_variables]
        model.leave.as_patches = True
        pixels = tf.TensorSpec((1, None, None, 3), tf.float32, name="pixels")
        mask = tf.TensorSpec((1, None, None, 1), tf.float32, name="mask")
        self.graphs = {"inpaint": tf.function(self._inpaint, input_signature=(pixels, mask))}

    def _inpaint(self, pixels, mask):
        return {"pixels": self.model.refine(pixels, mask)}


def litert(model: MaskedAutoencoder, tile: int | None) -> tf.Module:
    """Return the graphs of a LiteRT file.

    Raises:
        UsageError: `tile` is not what the model takes.
    """
    return at_tile(MaskedGraphs(model), model, tile)


def write_bundle(
    model: MaskedAutoencoder,
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
        precision: of the stored weights.
    """
    record = source.record
    return write_skip_bundle(
        model,
        MaskedGraphs(model),
        out,
        kind="masked",
        name=name,
        card=card or run_card(name, "A masked autoencoder, which fills in missing pixels", record),
        info={"preset": record["preset"], **(info or {})},
        precision=precision,
    )
