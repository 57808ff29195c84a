"""What restorers, masked autoencoders and colorizers share when they are exported."""

import hashlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from aeimage.errors import UsageError
from aeimage.export.complexity import skip_complexity
from aeimage.export.folder import write_folder
from aeimage.export.litert import convert_signatures
from aeimage.export.scale_network import require_float32
from aeimage.limits import MODEL_ID_BYTES
from aeimage.models.skip_autoencoder import SkipAutoencoder


def weights_digest(model: SkipAutoencoder, kind: str, precision: str) -> bytes:
    """Return the SHA-256 over sizes and weights, as they ship at `precision`, in a fixed order.

    What "int8" makes of the weights is up to the converter: the digest is over the float32 ones.
    """
    digest = hashlib.sha256(f"aeimage {kind} 1 {precision} {model.config}".encode())
    dtype = "<f2" if precision == "float16" else "<f4"
    for variable in model.trainable_variables:
        digest.update(np.asarray(variable.value).astype(dtype).tobytes())
    return digest.digest()


def write_skip_bundle(
    model: SkipAutoencoder,
    graphs: tf.Module,
    out: Path,
    *,
    kind: str,
    name: str,
    card: str,
    info: dict | None = None,
    precision: str = "float16",
) -> dict:
    """Write a bundle to the folder `out`, replacing it as a whole.

    Args:
        model: built under the float32 policy.
        graphs: its signatures, which become the file ``KIND.tflite``.
        out: folder; its name need not be the model's.
        kind: of the bundle.
        name: of the model.
        card: text of the model card, Markdown.
        info: further entries of the manifest (task, training data, results).
        precision: of the stored weights, see `aeimage.export.litert.convert_signatures`.

    Returns:
        the manifest.

    Raises:
        UsageError: the model was not built under the float32 policy.
    """
    require_float32(model)
    manifest = {
        "name": name,
        "kind": kind,
        "id": weights_digest(model, kind, precision)[:MODEL_ID_BYTES].hex(),
        "multiple": model.config.multiple,
        "halo": model.config.halo,
        "parameters": int(model.count_params()),
        "kmac_per_pixel": skip_complexity(model),
        **(info or {}),
    }
    files = {f"{kind}.tflite": convert_signatures(graphs, precision=precision)}
    return write_folder(Path(out), manifest, {**files, "README.md": card.encode()})


def run_card(name: str, what: str, record: dict) -> str:
    """Return the model card of a run of which nothing more is known.

    Args:
        name: of the model.
        what: it is, e.g. "A restorer".
        record: of the run.
    """
    return (
        f"# {name}\n\n{what} of the preset `{record['preset']}`, trained with aeimage "
        f"{record.get('version', '')} by its owner. Not evaluated: measure it before you rely on "
        "it.\n"
    )


def at_tile(module: tf.Module, model: SkipAutoencoder, tile: int | None) -> tf.Module:
    """Fix the sides of what a module's graphs take to `tile` pixels; None leaves them open.

    Raises:
        UsageError: `tile` is not what the model takes.
    """
    if tile is None:
        return module
    multiple = model.config.multiple
    if tile < multiple or tile % multiple:
        raise UsageError.for_value("tile", f"a multiple of {multiple}", tile)
    module.graphs = {name: _fixed(graph, tile) for name, graph in module.graphs.items()}
    return module


def _fixed(graph, tile: int):
    specs = [
        tf.TensorSpec([tile if n is None else n for n in spec.shape], spec.dtype, spec.name)
        for spec in graph.input_signature
    ]
    return tf.function(graph.python_function, input_signature=specs)


def as_bytes(levels: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Return levels as uint8, clipped, halves rounded up, cut to the size of `like`."""
    height, width = tf.shape(like)[1], tf.shape(like)[2]
    levels = tf.floor(levels[:, :height, :width] + 0.5)
    return tf.cast(tf.clip_by_value(levels, 0.0, 255.0), tf.uint8)
