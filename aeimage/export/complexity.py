"""Multiply-accumulates a pixel, counted from a built model's own layers."""

import keras

from aeimage.models.autoencoder import Autoencoder
from aeimage.models.hyperprior import PASSES, HyperpriorCodec
from aeimage.models.integer import IntegerConv2D
from aeimage.models.skip_autoencoder import SkipAutoencoder


def layer_macs(layer: keras.layers.Layer, output_stride: float) -> float:
    """Return the multiply-accumulates that one convolution takes for a pixel of the picture.

    Args:
        layer: a built convolution of this library or of Keras.
        output_stride: pixels to one output position, on each axis.
    """
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        rows, columns, channels, multiplier = layer.kernel.shape
        return rows * columns * channels * multiplier / output_stride**2
    weights = 1
    for size in layer.kernel.shape:
        weights *= size
    if isinstance(layer, keras.layers.Conv2DTranspose):
        # Of a transposed kernel each output position meets one tap in stride^2.
        weights /= layer.strides[0] * layer.strides[1]
    elif isinstance(layer, IntegerConv2D):
        weights /= layer.upsample**2
    return weights / output_stride**2


def chain_macs(layers, stride: float) -> float:
    """Return the multiply-accumulates a pixel of a chain of layers whose input has `stride`."""
    total = 0.0
    for layer in layers:
        for part in convolutions(layer):
            if isinstance(part, keras.layers.Conv2DTranspose):
                stride /= part.strides[0]
            elif isinstance(part, IntegerConv2D):
                stride /= part.upsample
            elif isinstance(part, keras.layers.Conv2D):
                stride *= part.strides[0]
            total += layer_macs(part, stride)
    return total


def convolutions(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Return `layer` if it is a convolution, else the convolutions in it, in order of use."""
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, IntegerConv2D)
    if isinstance(layer, (*kinds, keras.layers.Conv2DTranspose)):
        return [layer]
    found = []
    for part in layer._flatten_layers(include_self=False, recursive=False):
        found += convolutions(part)
    return found


def codec_complexity(model: HyperpriorCodec) -> dict[str, float]:
    """Return thousands of multiply-accumulates a pixel of each part of a codec, and in all.

    `decoder` is everything that decoding runs: synthesis transform, mean and scale networks. As
    they are computed, both checkerboard passes are counted on the whole grid, and the features of
    the scale network once for each of the decoder's four passes (the encoder needs them once).
    """
    synthesis = model.synthesis_transform
    analysis = model.analysis_transform
    hyper = model.hyper_synthesis
    means = chain_macs(hyper.mean_steps, 64) + layer_macs(model.neighbours, 16)
    features = chain_macs(hyper.scale_steps, 64)
    heads = sum(chain_macs(head.steps, 16) for head in model.scale_heads)
    parts = {
        "analysis": chain_macs([analysis.patch, *analysis.blocks, analysis.pair, analysis.last], 1),
        "hyper_analysis": chain_macs(model.hyper_analysis.steps, 16),
        "means": means + sum(chain_macs(head.steps, 16) for head in model.mean_heads),
        "scales": PASSES * features + heads,
        "synthesis": chain_macs(
            [synthesis.first, synthesis.pair, *synthesis.blocks, synthesis.patch], 16
        ),
    }
    parts["decoder"] = parts["means"] + parts["scales"] + parts["synthesis"]
    parts["encoder"] = (
        parts["analysis"] + parts["hyper_analysis"] + parts["means"] + features + heads
    )
    return {name: round(macs / 1000.0, 3) for name, macs in parts.items()}


def skip_complexity(model: SkipAutoencoder) -> float:
    """Return thousands of multiply-accumulates a pixel, without a restorer's level estimation."""
    chain = [model.enter, *model.encoder[0]]
    for down, blocks in zip(model.down, model.encoder[1:], strict=True):
        chain += [down, *blocks]
    for up, blocks in zip(reversed(model.up), reversed(model.decoder), strict=True):
        chain += [up, *blocks]
    return round(chain_macs([*chain, model.leave], 1) / 1000.0, 3)


def autoencoder_complexity(model: Autoencoder) -> dict[str, float]:
    """Return thousands of multiply-accumulates a pixel of an autoencoder's two halves."""
    height, width, _ = model.shape
    parts = {}
    for name, layers in (
        ("encoder", [model.encoder, model.latent]),
        ("decoder", [model.decoder]),
    ):
        inside = [part for layer in layers for part in layer._flatten_layers()]
        macs = sum(
            part.kernel.shape[0] * part.kernel.shape[1] / (height * width)
            for part in inside
            if isinstance(part, keras.layers.Dense)
        )
        parts[name] = round((macs + _convolution_macs(layers[0])) / 1000.0, 3)
    return parts


def _convolution_macs(coder) -> float:
    scales = getattr(coder, "down", None) or getattr(coder, "up", [])
    count = len(coder.blocks) // len(scales) if scales else 0
    total = 0.0
    for i, layer in enumerate(scales):
        up = isinstance(layer, keras.layers.Conv2DTranspose)
        total += layer_macs(layer, 2**i if up else 2 ** (i + 1))
        total += chain_macs(coder.blocks[i * count : (i + 1) * count], 2 ** (i + 1))
    return total
