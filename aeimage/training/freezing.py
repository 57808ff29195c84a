"""Transfer: keep parts of a model as they were loaded, and train the others."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

import keras

from aeimage.errors import UsageError


def freeze(model: keras.Model, patterns: Sequence[str]) -> None:
    """Exclude parts of a built model from training.

    Args:
        model: its layers have names, such as `analysis_transform` or `mean_0`.
        patterns: names of layers, or shell patterns such as ``mean_*``.

    Raises:
        UsageError: a pattern matches no layer that has weights, or nothing is left to train.
    """
    layers = model._flatten_layers(include_self=False, recursive=False)
    parts = [layer for layer in layers if layer.trainable_variables]
    for pattern in patterns:
        chosen = [part for part in parts if fnmatchcase(part.name, pattern)]
        if not chosen:
            there = ", ".join(part.name for part in parts)
            raise UsageError.for_value("freeze", f"some of {there}", pattern)
        for part in chosen:
            part.trainable = False
    if patterns and not model.trainable_variables:
        raise UsageError.for_value("freeze", "not every part of the model", list(patterns))
