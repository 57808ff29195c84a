"""Autoencoders: `encode`, `decode` and `reconstruct`, for batches of pictures of the model's size.

    encode       pixels -> latents        of a variational autoencoder, the means
    decode       latents -> pixels        with latents from a normal distribution, it generates
    reconstruct  pixels -> pixels

Pixels are float32 (batch, height, width, channels) in [0, 1]; latents are float32 (batch, latents).
"""

import hashlib
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import tensorflow as tf

from aeimage.errors import UsageError
from aeimage.export.complexity import autoencoder_complexity
from aeimage.export.folder import write_folder
from aeimage.export.litert import convert_signatures
from aeimage.export.saved_model import Signature
from aeimage.export.scale_network import require_float32
from aeimage.export.skip_bundle import run_card
from aeimage.export.source import Source
from aeimage.limits import MODEL_ID_BYTES
from aeimage.models.autoencoder import Autoencoder
from aeimage.training.autoencoder_preset import all_options, make_model

FILE_NAME = "autoencoder.tflite"
TILE = 0


class AutoencoderGraphs(tf.Module):
    """The signatures of a LiteRT file.

    Args:
        model: built under the float32 policy.
        batch: pictures at a time; None for any number.
    """

    def __init__(self, model: Autoencoder, batch: int | None = None):
        super().__init__()
        self.model = model
        self.weights = [v.value for v in model.trainable_variables]
        if hasattr(model.decoder, "set_as_patches"):
            model.decoder.set_as_patches(True)
        self.graphs = {
            name: tf.function(signature.function, signature.inputs, autograph=False)
            for name, signature in signatures(model, batch=batch).items()
        }


def build(preset: ModuleType, crop: int | None = None, **options: str) -> Autoencoder:
    """Return the untrained model of a preset.

    Args:
        preset: module of `aeimage.training.presets`.
        crop: side of the pictures.
        options: of the run.
    """
    return make_model(preset.MODEL, preset.MODEL_OPTIONS, crop or preset.CROP, options)


def signatures(
    model: Autoencoder, source: Source | None = None, *, batch: int | None = None
) -> dict[str, Signature]:
    """Return what a SavedModel does."""
    pixels = tf.TensorSpec((batch, *model.shape), tf.float32, name="pixels")
    latents = tf.TensorSpec((batch, model.latent_size), tf.float32, name="latents")

    def encode(pixels):
        return {"latents": model.encode(pixels)}

    def decode(latents):
        return {"pixels": model.decode(latents)}

    def reconstruct(pixels):
        return {"pixels": model.reconstruct(pixels)}

    return {
        "encode": Signature(encode, (pixels,)),
        "decode": Signature(decode, (latents,)),
        "reconstruct": Signature(reconstruct, (pixels,)),
    }


def exact_variables(model: Autoencoder) -> list:
    """Return the variables that must not be rounded: none."""
    return []


def litert(model: Autoencoder, tile: int | None) -> AutoencoderGraphs:
    """Return the graphs of a LiteRT file.

    Args:
        model: built under the float32 policy.
        tile: None for any number of pictures at a time, else one; their size is the model's own.

    Raises:
        UsageError: `tile` is another size.
    """
    if tile not in (None, TILE, model.shape[0]):
        expected = f"{model.shape[0]}, the side of this model's pictures"
        raise UsageError.for_value("tile", expected, tile)
    return AutoencoderGraphs(model, None if tile is None else 1)


def write_bundle(
    model: Autoencoder,
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
    settings = {
        "preset": record["preset"],
        "crop": model.shape[0],
        "options": all_options(source.preset.MODEL_OPTIONS, record.get("options") or {}),
    }
    return write_autoencoder(
        model,
        out,
        name=name,
        card=card or run_card(name, "An autoencoder", record),
        info={**settings, **(info or {})},
        precision=precision,
    )


def write_autoencoder(
    model: Autoencoder,
    out: Path,
    *,
    name: str,
    card: str,
    info: dict | None = None,
    precision: str = "float16",
) -> dict:
    """Write the bundle of an autoencoder that need not come from a run.

    Args:
        model: built under the float32 policy.
        out: folder; what an older bundle there has is replaced.
        name: of the model.
        card: text of the model card, Markdown.
        info: further entries of the manifest.
        precision: of the stored weights, "float16" or "float32".

    Returns:
        the manifest.

    Raises:
        UsageError: the model was not built under the float32 policy.
    """
    require_float32(model)
    manifest = {
        "name": name,
        "kind": "autoencoder",
        "family": model.family,
        "id": autoencoder_digest(model, precision)[:MODEL_ID_BYTES].hex(),
        "shape": list(model.shape),
        "latent_size": model.latent_size,
        "parameters": int(model.count_params()),
        "kmac_per_pixel": autoencoder_complexity(model),
        **(info or {}),
    }
    files = {
        FILE_NAME: convert_signatures(AutoencoderGraphs(model), precision=precision),
        "README.md": card.encode(),
    }
    return write_folder(Path(out), manifest, files)


def autoencoder_digest(model: Autoencoder, precision: str) -> bytes:
    """Return the SHA-256 over sizes and weights, as they ship at `precision`, in a fixed order."""
    config = {k: v for k, v in model.get_config().items() if k not in ("name", "dtype")}
    text = json.dumps(config, sort_keys=True, default=str)
    digest = hashlib.sha256(f"aeimage autoencoder 1 {precision} {model.family} {text}".encode())
    dtype = "<f2" if precision == "float16" else "<f4"
    for variable in model.trainable_variables:
        digest.update(np.asarray(variable.value).astype(dtype).tobytes())
    return digest.digest()
