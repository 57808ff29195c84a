"""Dead units come back to life, and the codec does what it did."""

import numpy as np
import revive_units

from aeimage.models.hyperprior import HyperpriorCodec
from aeimage.training.presets import load_preset


def test_reviving_changes_weights_but_not_the_function():
    model = HyperpriorCodec(load_preset("codec-tiny").CONFIG)
    model.build()
    mix = model.synthesis_transform.first.mix
    mix.bias.assign(np.array([-1e6] * 3 + [0.0] * (mix.filters - 3), "float32"))
    arrays = {}
    for variable in model.trainable_variables:
        flat = variable.path.replace("/", "_")
        arrays[f"model/{variable.path}"] = np.array(variable)
        arrays[f"ema/{variable.path}"] = np.array(variable)
        arrays[f"optimizer/adam/{flat}_momentum"] = np.ones(variable.shape, "float32")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("uint8")
    quality = np.array([20.0, 80.0], "float32")

    before = np.asarray(model(pixels, quality, training=False)["reconstruction"])
    count = revive_units.revive(model, arrays, pixels)
    after = np.asarray(model(pixels, quality, training=False)["reconstruction"])

    assert count >= 3
    assert np.allclose(before, after, atol=1e-3)
    assert (np.asarray(mix.bias)[:3] > -1e5).all()
    assert np.array_equal(arrays[f"model/{mix.kernel.path}"], np.asarray(mix.kernel))
    momentum = arrays[f"optimizer/adam/{mix.kernel.path.replace('/', '_')}_momentum"]
    assert (momentum[..., :3] == 0).all() and (momentum[..., 3:] == 1).any()
