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
            results barely change and whole numbers up to 2048 not at all), "float32", or "int8":
            a quarter of the file, weights with a scale for each channel, whose convolutions round
            their inputs to 8 bits as well, over the range of what they are given. That is up to
            twice as fast on CPUs with instructions for it, and no longer exact: a tile may come
            out a level lighter or darker than in the whole picture.

    Returns:
        the contents of a `.tflite` file; signatures share their weights.
    """
    if precision not in ("float16", "float32", "int8"):
        raise ValueError(
            f"Invalid value for `precision`. Expected 'float16', 'float32' or 'int8'. "
            f"Received: precision={precision!r}"
        )
    concrete = {name: graph.get_concrete_function() for name, graph in module.graphs.items()}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        tf.saved_model.save(module, folder, signatures=concrete)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(concrete))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
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
