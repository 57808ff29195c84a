"""The encoder's networks without the units that no picture makes fire.

Many a ReLU ends training below zero for every input and takes its share of the time nevertheless.
An encoder may leave it out: files do not depend on how their latents were computed, and where it
would have fired after all, the picture is coded a little differently, never wrongly. The decoder's
networks are what they are: leaving out a unit there would be another model.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from aeimage.models.hyperprior import HyperpriorCodec
from aeimage.models.layers import ResidualBlock

QUALITIES = (0.0, 25.0, 50.0, 75.0, 100.0)


class LiveEncoder:
    """A codec's `analysis_transform` and `hyper_analysis`, without their dead units.

    Args:
        model: built under the float32 policy.
        crops: pictures that stand for all others, uint8 (height, width, 3), sides divisible by 64;
            a unit that fires on none of them is dead.
    """

    def __init__(self, model: HyperpriorCodec, crops: Sequence[np.ndarray]) -> None:
        analysis = model.analysis_transform
        self._enter, self._pair = analysis.enter, analysis.pair
        self._features = model.hyper_analysis.features
        pixels = [ops.cast(crop[None], "float32") - 128.0 for crop in crops]
        inputs = [analysis.enter(x) for x in pixels]
        self._blocks = []
        for block in analysis.blocks:
            self._blocks.append(_live_chain(_steps(block), inputs))
            inputs = [block(x) for x in inputs]
        inputs = [ops.cast(analysis.pair(x), "float32") for x in inputs]
        self._last = _live_chain(_steps(analysis.last), inputs)
        latents = [analysis.last(x) for x in inputs]
        gains = [ops.exp(model.gain(ops.array([quality]))) for quality in QUALITIES]
        inputs = [self._features(u * g, u * model.whitening) for u in latents for g in gains]
        self._hyper = _live_chain(model.hyper_analysis.steps, inputs)

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The layers that take the place of the model's."""
        return [layer for chain in (*self._blocks, self._last, self._hyper) for layer in chain]

    def analysis_transform(self, pixels):
        """Do what the model's analysis transform does."""
        x = self._enter(pixels)
        for block in self._blocks:
            x = x + _run(block, x)
        x = ops.cast(self._pair(x), "float32")
        return x + _run(self._last, x)

    def hyper_analysis(self, y, u):
        """Do what the model's hyper analysis does."""
        return _run(self._hyper, self._features(y, u))


def _steps(block: ResidualBlock) -> list[keras.layers.Layer]:
    return [block.reduce, block.mix, block.expand]


def _run(chain, x):
    for layer in chain:
        x = layer(x)
    return x


def _live_chain(chain, inputs) -> list[keras.layers.Layer]:
    """Return convolutions in the place of `chain`, without the units that stay 0 on `inputs`."""
    live = np.arange(chain[0].kernel.shape[2])
    result = []
    for layer in chain:
        inputs = [layer(x) for x in inputs]
        before, live = live, np.arange(layer.filters)
        if layer is not chain[-1]:
            peaks = np.max([ops.convert_to_numpy(ops.max(x, (0, 1, 2))) for x in inputs], axis=0)
            live = np.flatnonzero(peaks > 0)
            # A layer of no units is none.
            live = live if live.size else np.array([int(peaks.argmax())])
        result.append(_cut(layer, before, live))
    return result


def _cut(layer: keras.layers.Conv2D, inputs: np.ndarray, outputs: np.ndarray):
    """Return a convolution of some of the inputs and units of another."""
    cut = keras.layers.Conv2D.from_config({**layer.get_config(), "filters": len(outputs)})
    cut.build((None, None, None, len(inputs)))
    kernel, bias = map(ops.convert_to_numpy, (layer.kernel, layer.bias))
    cut.set_weights([kernel[:, :, inputs][..., outputs], bias[outputs]])
    return cut
