"""What the exporter must know of each kind of model: one module a kind, named as presets name it.

A kind's module holds

- ``TILE``: side in pixels of a tile, for runtimes that want fixed shapes;
- ``build(preset, **settings)``: the untrained model of a preset, built under the current dtype
  policy; the settings are those of the run that the preset's ``MODEL_SETTINGS`` names;
- ``signatures(model, source)``: what a SavedModel offers, name to `Signature`: batches of pictures
  of any size;
- ``exact_variables(model)``: those that a stored float16 must not round;
- ``litert(model, tile)``: a `tf.Module` whose ``graphs`` become the signatures of a LiteRT file;
  `tile` is the side of the pictures in pixels, or None for any size;
- ``INT8``, if it is true: LiteRT files of it may have 8-bit weights;
- ``write_bundle(model, source, out, **options)``: writes what `aeimage.runtime` opens, and returns
  the manifest.

A `.keras` file needs nothing but a model whose ``get_config`` is complete.
"""

import importlib
from types import ModuleType

from aeimage.errors import UsageError

KINDS = ("autoencoder", "codec", "colorizer", "masked", "restorer")


def load_kind(name: str) -> ModuleType:
    """Return the module of the kind that a preset names.

    Raises:
        UsageError: models of this kind cannot be exported.
    """
    if name not in KINDS:
        raise UsageError.for_value("kind", f"one of {', '.join(KINDS)}", name)
    return importlib.import_module(f"{__name__}.{name}")
