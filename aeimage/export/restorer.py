"""Write a restorer's bundle: graphs, manifest, model card."""

import hashlib
from pathlib import Path

import numpy as np

from aeimage.export.complexity import restorer_complexity
from aeimage.export.folder import write_folder
from aeimage.export.litert import convert_signatures
from aeimage.export.restorer_graphs import RestorerGraphs
from aeimage.export.scale_network import require_float32
from aeimage.limits import MODEL_ID_BYTES
from aeimage.models.restorer import Restorer


def restorer_digest(model: Restorer, precision: str) -> bytes:
    """Return the SHA-256 over sizes and weights, as they ship at `precision`, in a fixed order."""
    digest = hashlib.sha256(f"aeimage restorer 1 {precision} {model.config}".encode())
    dtype = "<f2" if precision == "float16" else "<f4"
    for variable in model.trainable_variables:
        digest.update(np.asarray(variable.value).astype(dtype).tobytes())
    return digest.digest()


def write_restorer_bundle(
    model: Restorer,
    out: Path,
    *,
    name: str,
    task: str,
    card: str,
    info: dict | None = None,
    precision: str = "float16",
) -> dict:
    """Write the bundle of a restorer to the folder `out`, replacing it as a whole.

    Args:
        model: built under the float32 policy.
        out: folder; its name need not be the model's.
        name: of the model.
        task: "scan" or "photo": what it restores.
        card: text of the model card, Markdown.
        info: further entries of the manifest (training data, results).
        precision: of the stored weights, "float16" or "float32".

    Returns:
        the manifest.

    Raises:
        UsageError: the model was not built under the float32 policy.
    """
    require_float32(model)
    manifest = {
        "name": name,
        "kind": "restorer",
        "task": task,
        "id": restorer_digest(model, precision)[:MODEL_ID_BYTES].hex(),
        "multiple": model.config.multiple,
        "halo": model.config.halo,
        "parameters": int(model.count_params()),
        "kmac_per_pixel": restorer_complexity(model),
        **(info or {}),
    }
    graphs = convert_signatures(RestorerGraphs(model), precision=precision)
    return write_folder(
        Path(out), manifest, {"restorer.tflite": graphs, "README.md": card.encode()}
    )
