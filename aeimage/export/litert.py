"""TensorFlow functions to one LiteRT file with a signature each, built-in operators only."""

import contextlib
import os
import tempfile

import tensorflow as tf


def convert_signatures(module: tf.Module, *, precision: str = "float16") -> bytes:
    """Convert `module.graphs` (name to `tf.function` with an input signature).

    Args:
        module: holds the functions and tracks their weights.
        precision: "float16" halves the file (weights are widened again when it is opened, so
            results barely change and whole numbers up to 2048 not at all), or "float32".

    Returns:
        the contents of a `.tflite` file; signatures share their weights.
    """
    if precision not in ("float16", "float32"):
        raise ValueError(
            f"Invalid value for `precision`. Expected 'float16' or 'float32'. "
            f"Received: precision={precision!r}"
        )
    concrete = {name: graph.get_concrete_function() for name, graph in module.graphs.items()}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        tf.saved_model.save(module, folder, signatures=concrete)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(concrete))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision == "float16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


@contextlib.contextmanager
def _quiet():
    """Silence the converter's native log, which speaks of nothing a user can act on."""
    saved = os.dup(2)
    with open(os.devnull, "w") as sink:
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
