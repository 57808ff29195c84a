"""Write a codec's bundle: graphs, tables, manifest, model card."""

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aeimage.export.codec_graphs import CodecGraphs, quality_tables
from aeimage.export.complexity import codec_complexity
from aeimage.export.folder import write_folder
from aeimage.export.litert import convert_signatures
from aeimage.export.live_units import LiveEncoder
from aeimage.export.scale_network import check_graphs, require_float32, scale_network
from aeimage.limits import MODEL_ID_BYTES
from aeimage.models.hyperprior import PASSES, HyperpriorCodec
from aeimage.scale_network import FILE_NAME as SCALE_NETWORK
from aeimage.tables import NUM_INDEXES, ProbabilityTables, logistic_tables


def decoder_digest(
    model: HyperpriorCodec, tables: dict[str, np.ndarray], precision: str = "float16"
) -> bytes:
    """Return the SHA-256 over all that decoding depends on, in a fixed order.

    Tables and scale network as integers, with the settings of its layers; gains, mean network and
    synthesis transform as the numbers that ship, at their precision.
    """
    digest = hashlib.sha256(f"aeimage codec 1 {precision}".encode())
    digest.update(json.dumps(list(model.config.slices)).encode())
    for name in ("latent_tables", "hyper_tables", "base", "hyper_index", "gain", "inverse"):
        digest.update(name.encode() + np.ascontiguousarray(tables[name]).tobytes())
    integers = [*model.hyper_synthesis.scale_steps]
    for head in model.scale_heads:
        integers += head.steps
    for layer in integers:
        settings = (layer.shift, layer.rectify, layer.upsample, layer.input_max)
        digest.update(repr(settings).encode())
        digest.update(np.asarray(layer.integer_kernel()).astype("<i4").tobytes())
        digest.update(np.asarray(layer.integer_bias()).astype("<i4").tobytes())
    floats = [*model.hyper_synthesis.mean_steps, *model.mean_heads, model.neighbours]
    for layer in [*floats, model.synthesis_transform]:
        for variable in layer.weights:
            dtype = "<f2" if precision == "float16" else "<f4"
            digest.update(np.asarray(variable.value).astype(dtype).tobytes())
    return digest.digest()


def write_codec_bundle(
    model: HyperpriorCodec,
    out: Path,
    *,
    name: str,
    card: str,
    latent_tables: ProbabilityTables | None = None,
    hyper_tables: ProbabilityTables | None = None,
    rounding: np.ndarray | None = None,
    info: dict | None = None,
    precision: str = "float16",
    crops: Sequence[np.ndarray] = (),
) -> dict:
    """Write the bundle of a codec to the folder `out`, replacing it as a whole.

    Args:
        model: built under the float32 policy.
        out: folder; its name need not be the model's.
        name: of the model.
        card: text of the model card, Markdown.
        latent_tables, hyper_tables: fitted probability tables; the training's by default.
        rounding: float32 (efforts, 64) rounding offsets; plain rounding by default.
        info: further entries of the manifest (training data, results).
        precision: of the stored weights, "float16" or "float32".
        crops: pictures, uint8 (height, width, 3), sides divisible by 64; units of the encoder that
            none of them makes fire are left out. By default none is.

    Returns:
        the manifest.

    Raises:
        UsageError: the model was not built under the float32 policy.
        ModelFileError: its scale network is not exact, or the converter made it so.
    """
    require_float32(model)
    network = scale_network(model)
    raw = quality_tables(model)
    if rounding is None:
        rounding = np.full((1, NUM_INDEXES), 0.5, "float32")
    tables = {
        "latent_tables": _as_array(latent_tables or logistic_tables()),
        "hyper_tables": _as_array(hyper_tables or logistic_tables()),
        "base": raw["base"].astype("<i2"),
        "hyper_index": raw["hyper_base"].astype("u1"),
        "gain": raw["gain"].astype("<f4"),
        "inverse": raw["inverse"].astype("<f4"),
    }
    digest = decoder_digest(model, tables, precision)
    encoder = LiveEncoder(model, crops) if len(crops) else None
    graphs = convert_signatures(CodecGraphs(model, encoder=encoder), precision=precision)
    check_graphs(graphs, network)
    buffer = io.BytesIO()
    np.savez(buffer, **tables, rounding=rounding.astype("<f4"))
    files = {
        "README.md": card.encode("utf-8"),
        "codec.tflite": graphs,
        SCALE_NETWORK: network.to_bytes(),
        "tables.npz": buffer.getvalue(),
    }
    manifest = {
        "name": name,
        "kind": "codec",
        "id": digest[:MODEL_ID_BYTES].hex(),
        "slices": list(model.config.slices),
        "passes": PASSES,
        "parameters": int(model.count_params()),
        "kmac_per_pixel": codec_complexity(model),
        **(info or {}),
    }
    return write_folder(Path(out), manifest, files)


def _as_array(tables: ProbabilityTables) -> np.ndarray:
    return np.frombuffer(tables.to_bytes(), np.uint8)
