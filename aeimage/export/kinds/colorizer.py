"""Colorizers: `colorize`, for batches of pictures of any size.

    luminance -> chroma

`luminance` uint8 (batch, height, width, 1); `chroma` float32 (batch, height / 2, width / 2, 2), Cb
and Cr in levels, 0 for grey; odd sides are halved and rounded up. Reduce pictures to the manifest's
`shorter_side` first: the network knows things at that size. `aeimage.colorize` does that, enlarges
the chroma along the picture's edges and keeps its luminance. The LiteRT file's `colorize` takes
float32, sides multiples of the model's.
"""

from pathlib import Path
from types import ModuleType

import tensorflow as tf

from aeimage.export.saved_model import Signature, pad_to_multiple
from aeimage.export.skip_bundle import at_tile, run_card, write_skip_bundle
from aeimage.export.source import Source
from aeimage.models.colorizer import Colorizer

TILE = 256


def build(preset: ModuleType) -> Colorizer:
    """Return the untrained model of a preset."""
    model = Colorizer(preset.CONFIG)
    model.build()
    return model


def signatures(model: Colorizer, source: Source | None = None) -> dict[str, Signature]:
    """Return what a SavedModel does."""

    def colorize(luminance):
        chroma = model(pad_to_multiple(luminance, model.config.multiple))["chroma"]
        height, width = (-(-n // 2) for n in tf.unstack(tf.shape(luminance)[1:3]))
        return {"chroma": chroma[:, :height, :width]}

    luminance = tf.TensorSpec((None, None, None, 1), tf.uint8, name="luminance")
    return {"colorize": Signature(colorize, (luminance,))}


def exact_variables(model: Colorizer) -> list:
    """Return the variables that must not be rounded: none."""
    return []


class ColorizerGraphs(tf.Module):
    """The signatures of a LiteRT file.

    Args:
        model: built under the float32 policy.
    """

    def __init__(self, model: Colorizer):
        super().__init__()
        self.model = model
        self.weights = [v.value for v in model.trainable_variables]
        luminance = tf.TensorSpec((1, None, None, 1), tf.float32, name="luminance")
        self.graphs = {"colorize": tf.function(self._colorize, input_signature=(luminance,))}

    def _colorize(self, luminance):
        return self.model(luminance)


def litert(model: Colorizer, tile: int | None) -> tf.Module:
    """Return the graphs of a LiteRT file.

    Raises:
        UsageError: `tile` is not what the model takes.
    """
    return at_tile(ColorizerGraphs(model), model, tile)


def write_bundle(
    model: Colorizer,
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
    shorter_side = source.preset.SHORTER_SIDE
    return write_skip_bundle(
        model,
        ColorizerGraphs(model),
        out,
        kind="colorizer",
        name=name,
        card=card or run_card(name, "A colorizer of grey photographs", record),
        info={"preset": record["preset"], "shorter_side": shorter_side, **(info or {})},
        precision=precision,
    )
