"""Masked autoencoders and colorizers as SavedModels and LiteRT files."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="exporting needs the train extra")

import tensorflow as tf

from aeimage.errors import UsageError
from aeimage.export.kinds import load_kind
from aeimage.export.saved_model import pad_to_multiple, write_saved_model
from aeimage.models.colorizer import Colorizer
from aeimage.models.masked import MaskedAutoencoder
from aeimage.models.skip_autoencoder import SkipConfig

CONFIG = SkipConfig((4, 6), (1, 1), (1,))
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (2, 37, 50, 3)).astype("uint8")


def randomised(model):
    model.build()
    for variable in model.trainable_variables:
        variable.assign(variable + RNG.normal(0.0, 0.05, variable.shape))
    return model


def test_a_saved_model_inpaints_any_size(tmp_path):
    model, kind = randomised(MaskedAutoencoder(CONFIG)), load_kind("masked")
    write_saved_model(model, kind.signatures(model), tmp_path / "saved", precision="float32")
    inpaint = tf.saved_model.load(str(tmp_path / "saved")).signatures["inpaint"]
    mask = (RNG.random((2, 37, 50, 1)) < 0.5).astype("uint8") * 255
    out = inpaint(pixels=tf.constant(PIXELS), mask=tf.constant(mask))["pixels"].numpy()
    known = np.broadcast_to(mask == 0, out.shape)
    assert out.dtype == np.uint8 and np.array_equal(out[known], PIXELS[known])
    padded = [pad_to_multiple(x, 4).numpy() for x in (PIXELS, (mask > 0).astype("float32"))]
    expected = np.clip(np.asarray(model(*padded)["pixels"])[:, :37, :50], 0, 255)
    assert np.abs(out - expected).max() < 0.51


def test_a_saved_model_colorizes_any_size(tmp_path):
    model, kind = randomised(Colorizer(CONFIG)), load_kind("colorizer")
    write_saved_model(model, kind.signatures(model), tmp_path / "saved", precision="float32")
    colorize = tf.saved_model.load(str(tmp_path / "saved")).signatures["colorize"]
    light = PIXELS[..., :1]
    chroma = colorize(luminance=tf.constant(light))["chroma"].numpy()
    assert chroma.shape == (2, 19, 25, 2)
    expected = model(pad_to_multiple(light, 4).numpy())["chroma"][:, :19, :25]
    assert np.abs(chroma - expected).max() < 1e-3


@pytest.mark.parametrize(
    ("name", "signature", "model"),
    [("masked", "inpaint", MaskedAutoencoder), ("colorizer", "colorize", Colorizer)],
)
def test_tiles_of_fixed_size(name, signature, model):
    kind, model = load_kind(name), model(CONFIG)
    model.build()
    graphs = kind.litert(model, 64).graphs
    assert all(spec.shape[1:3] == (64, 64) for spec in graphs[signature].input_signature)
    with pytest.raises(UsageError, match="multiple of 4"):
        kind.litert(model, 66)
