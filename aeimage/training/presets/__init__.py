"""Presets: what to train and how, as code. Each module's docstring says what to expect."""

import importlib
from types import ModuleType

from aeimage.errors import UsageError

NAMES = (
    "codec",
    "codec_tiny",
    "colorizer",
    "contractive",
    "convolutional",
    "denoising",
    "dense",
    "features",
    "masked",
    "photo",
    "scan",
    "sparse",
    "variational",
)


def load_preset(name: str) -> ModuleType:
    """Return the preset module called `name` (``-`` and ``_`` are the same).

    Raises:
        UsageError: there is none.
    """
    module = name.replace("-", "_")
    if module not in NAMES:
        known = ", ".join(n.replace("_", "-") for n in NAMES)
        raise UsageError.for_value("preset", f"one of {known}", name)
    return importlib.import_module(f"{__name__}.{module}")
