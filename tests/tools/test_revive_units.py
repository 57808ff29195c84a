"""Dead units come back to life, and the model does what it did."""

import numpy as np
import revive_units

from aeimage.models.hyperprior import HyperpriorCodec
from aeimage.models.restorer import Restorer, RestorerConfig
from aeimage.training.presets import load_preset


def test_reviving_changes_weights_but_not_the_function():
    model = HyperpriorCodec(load_preset("codec-tiny").CONFIG)
    model.build()
    mix = model.synthesis_transform.first.mix
    mix.bias.assign(np.array([-1e6] * 3 + [0.0] * (mix.filters - 3), "float32"))
    arrays = _arrays(model)
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


def test_reviving_restorers():
    model = Restorer(RestorerConfig((8, 16), (1, 1), (1,), level_map=False))
    model.build()
    first, second = model.blocks[0].first, model.blocks[0].second
    second.kernel.assign(np.ones(second.kernel.shape, "float32"))
    first.bias.assign(np.array([-1e6] * 2 + [0.0] * 6, "float32"))
    arrays = _arrays(model)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("uint8")

    before = np.asarray(model(pixels)["pixels"])
    count = revive_units.revive(model, arrays, pixels)

    assert count >= 2
    assert np.allclose(before, np.asarray(model(pixels)["pixels"]), atol=1e-3)
    assert (np.asarray(first.bias)[:2] > -1e5).all()
    assert (arrays[f"ema/{second.kernel.path}"][:, :, :2] == 0).all()
    assert (arrays[f"ema/{second.kernel.path}"][:, :, 2:] == 1).any()


def _arrays(model) -> dict[str, np.ndarray]:
    """What a checkpoint holds."""
    arrays = {}
    for variable in model.trainable_variables:
        flat = variable.path.replace("/", "_")
        arrays[f"model/{variable.path}"] = np.array(variable)
        arrays[f"ema/{variable.path}"] = np.array(variable)
        arrays[f"optimizer/adam/{flat}_momentum"] = np.ones(variable.shape, "float32")
    return arrays
