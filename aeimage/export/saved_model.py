"""SavedModels: named signatures that any TensorFlow runs, without aeimage and without Keras."""

import functools
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from aeimage.export.folder import replace_folder


@dataclass(frozen=True)
class Signature:
    """One thing that a SavedModel does.

    Attributes:
        function: takes tensors, returns a dict of tensors; its arguments' names are the inputs'.
        inputs: shape and dtype of each argument.
    """

    function: Callable[..., dict]
    inputs: tuple[tf.TensorSpec, ...]


class _Stored(tf.Module):
    """A model's weights as they are stored, and its signatures upon them."""

    def __init__(self, model, signatures, precision, exact):
        super().__init__()
        exact = {id(v) for v in exact}
        # Of Keras's own variables this object must not know: TensorFlow would save them as well.
        variables = list(model.variables)
        self.stored = [
            tf.Variable(_narrowed(v, precision, id(v) in exact), trainable=False) for v in variables
        ]
        for name, signature in signatures.items():
            function = _bound(signature.function, variables, self.stored)
            setattr(self, name, tf.function(function, signature.inputs, autograph=False))


def _bound(function, variables, stored):
    """Return `function` with the model's variables taken from those that are stored."""

    @functools.wraps(function)
    def run(*inputs):
        mapping = [(v, tf.cast(s, v.dtype)) for v, s in zip(variables, stored, strict=True)]
        with keras.StatelessScope(state_mapping=mapping):
            return function(*inputs)

    return run


def _narrowed(variable, precision: str, exact: bool) -> np.ndarray:
    values = np.asarray(ops.convert_to_numpy(variable.value))
    if precision == "float32" or values.dtype != np.float32:
        return values
    half = values.astype(np.float16)
    return values if exact and not np.array_equal(half.astype(np.float32), values) else half


def write_saved_model(
    model: keras.Model,
    signatures: dict[str, Signature],
    out: Path,
    *,
    precision: str = "float16",
    exact: Iterable = (),
) -> None:
    """Write the folder `out`, replacing it as a whole.

    Args:
        model: built; the functions of `signatures` run it.
        signatures: by name; results are the same for all precisions up to what the weights lose.
        out: folder.
        precision: of the stored weights, "float16" or "float32"; computation is in float32.
        exact: variables to keep at float32 where float16 would round them.
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    module = _Stored(model, signatures, precision, exact)
    concrete = {name: getattr(module, name).get_concrete_function() for name in signatures}
    with tempfile.TemporaryDirectory(dir=out.parent) as temporary:
        folder = Path(temporary) / out.name
        tf.saved_model.save(module, str(folder), signatures=concrete)
        replace_folder(folder, out, aside=Path(temporary) / "replaced")


def pad_to_multiple(pixels: tf.Tensor, multiple: int) -> tf.Tensor:
    """Repeat the last row and column of pictures until their sides are divisible by `multiple`."""
    for axis in (1, 2):
        size = tf.shape(pixels)[axis]
        whole = -(-size // multiple) * multiple
        pixels = tf.gather(pixels, tf.minimum(tf.range(whole), size - 1), axis=axis)
    return pixels
