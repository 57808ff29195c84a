"""The encoder that ships leaves out dead units, and nothing else."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="exporting needs the train extra")

from keras import ops

from aeimage.export.live_units import LiveEncoder
from aeimage.models.hyperprior import HyperpriorCodec
from aeimage.training.presets import load_preset


@pytest.fixture(scope="module")
def model() -> HyperpriorCodec:
    """A codec of random weights with some units that cannot fire."""
    model = HyperpriorCodec(load_preset("codec-tiny").CONFIG)
    model.build()
    rng = np.random.default_rng(0)
    analysis = model.analysis_transform
    for block in [*analysis.blocks, analysis.last]:
        block.expand.kernel.assign(rng.normal(0, 0.1, block.expand.kernel.shape))
    for layer in (analysis.blocks[0].mix, analysis.last.mix, model.hyper_analysis.steps[1]):
        layer.bias.assign(np.where(np.arange(layer.filters) < 3, -1e4, 0.5))
    # A chain of which nothing is left.
    analysis.blocks[-1].mix.bias.assign(np.full(analysis.blocks[-1].mix.filters, -1e4))
    return model


def test_latents_and_hyper_latents_are_the_models(model, draw):
    crops = [draw(seed, 128, 64) for seed in (1, 2)]
    encoder = LiveEncoder(model, crops)
    for crop in crops:
        pixels = ops.cast(crop[None], "float32") - 128.0
        u = model.analysis_transform(pixels)
        np.testing.assert_allclose(encoder.analysis_transform(pixels), u, rtol=1e-4, atol=1e-3)
        for quality in (0.0, 50.0, 100.0):
            y = u * ops.exp(model.gain(ops.array([quality])))
            white = u * model.whitening
            expected = model.hyper_analysis(y, white)
            np.testing.assert_allclose(
                encoder.hyper_analysis(y, white), expected, rtol=1e-3, atol=1e-3
            )


def test_dead_units_are_left_out(model, draw):
    encoder = LiveEncoder(model, [draw(1, 128, 64)])
    width = model.config.width
    mix = {layer.name: [] for layer in encoder.layers}
    for layer in encoder.layers:
        mix[layer.name].append(layer.filters)
    blocks = mix["mix"][: model.config.blocks + 1]
    assert blocks[0] <= width - 3
    assert blocks[-1] <= width - 3
    assert blocks[-2] == 1
    weights = sum(layer.count_params() for layer in encoder.layers)
    assert weights < model.analysis_transform.count_params() + model.hyper_analysis.count_params()
