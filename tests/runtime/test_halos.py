"""The halos of the runtime are no smaller than the receptive fields of the model's layers.

Each function goes backwards through layers from what is wanted to what must be known, both as
(first, last) positions on one axis; kernel sizes and strides are read from the layers.
"""

from __future__ import annotations

import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

from aeimage.export.codec_graphs import context_count  # noqa: E402
from aeimage.export.complexity import convolutions  # noqa: E402
from aeimage.models.hyperprior import PASSES, HyperpriorCodec  # noqa: E402
from aeimage.models.integer import IntegerConv2D  # noqa: E402
from aeimage.models.transforms import CodecConfig  # noqa: E402
from aeimage.runtime import latent_codec  # noqa: E402
from aeimage.runtime.geometry import BLOCK, HYPER, STRIDE  # noqa: E402

# A tile of the latent grid, far from the borders, of the smallest size.
TILE = (HYPER * 100, HYPER * 101 - 1)


@pytest.fixture(scope="module")
def model() -> HyperpriorCodec:
    # Receptive fields do not depend on numbers of channels.
    default = CodecConfig()
    small = CodecConfig(slices=(8, 8, 8), hyper=8, entropy=8, width=8, blocks=default.blocks)
    model = HyperpriorCodec(small)
    model.build()
    return model


def union(*parts: tuple[int, int]) -> tuple[int, int]:
    return min(p[0] for p in parts), max(p[1] for p in parts)


def through(layers, wanted: tuple[int, int]) -> tuple[int, int]:
    """What a chain of layers must see, in order, to give `wanted`."""
    parts = [part for layer in layers for part in convolutions(layer)]
    for layer in reversed(parts):
        if isinstance(layer, IntegerConv2D):
            size, stride, transposed = layer.kernel_size, layer.upsample, layer.upsample > 1
        else:
            size, stride = layer.kernel_size[0], layer.strides[0]
            transposed = isinstance(layer, keras.layers.Conv2DTranspose)
        first, last = wanted
        before = (size - stride) // 2  # of "same" padding, where the stride divides the input
        if transposed:
            wanted = -((size - 1 - before - first) // stride), (last + before) // stride
        else:
            wanted = stride * first - before, stride * last - before + size - 1
    return wanted


def halo(seen: tuple[int, int], tile: tuple[int, int]) -> int:
    return max(tile[0] - seen[0], seen[1] - tile[1])


def coding_passes(model, heads, features) -> tuple[tuple[int, int], tuple[int, int]]:
    """What the four passes must see to give a tile: latents, and hyper-latents."""
    wanted = [TILE] * PASSES
    known = TILE
    for number in reversed(range(PASSES)):
        inputs = [through(head[number].steps, wanted[number]) for head in heads]
        known = union(known, *inputs)
        if number == 1:
            inputs.append(through([model.neighbours], wanted[1]))
        # The first group of latents is coded by the first two passes.
        for seen in range(min(number, context_count(number) + 1)):
            wanted[seen] = union(wanted[seen], *inputs)
    return union(*wanted), union(*(through(chain, known) for chain in features))


def on_latents(hyper: tuple[int, int]) -> tuple[int, int]:
    return hyper[0] * HYPER, hyper[1] * HYPER + HYPER - 1


def check(found: int, needed: int, step: int) -> None:
    assert found % step == 0
    assert needed <= found < needed + step, f"a halo of {found} where {needed} is seen"


def test_analysis(model):
    part = model.analysis_transform
    seen = through([part.patch, *part.blocks, part.pair, part.last], TILE)
    pixels = TILE[0] * STRIDE, TILE[1] * STRIDE + STRIDE - 1
    check(latent_codec.ANALYSIS_HALO, halo(seen, pixels), BLOCK)


def test_encode(model):
    synthesis = model.hyper_synthesis
    latents, hyper = coding_passes(
        model,
        [model.mean_heads, model.scale_heads],
        [synthesis.mean_steps, synthesis.scale_steps],
    )
    seen = union(latents, through(model.hyper_analysis.steps, hyper))
    check(latent_codec.ENCODE_HALO, halo(seen, TILE), HYPER)


def test_scales(model):
    needed = []
    for head in model.scale_heads:
        seen = through(head.steps, TILE)
        hyper = through(model.hyper_synthesis.scale_steps, seen)
        needed.append(halo(union(seen, on_latents(hyper)), TILE))
    check(latent_codec.SCALES_HALO, max(needed), HYPER)


def test_dequantise(model):
    latents, hyper = coding_passes(model, [model.mean_heads], [model.hyper_synthesis.mean_steps])
    check(latent_codec.DEQUANTISE_HALO, halo(union(latents, on_latents(hyper)), TILE), HYPER)


def test_synthesis(model):
    part = model.synthesis_transform
    pixels = TILE[0] * STRIDE, TILE[1] * STRIDE + STRIDE - 1
    seen = through([part.first, part.pair, *part.blocks, part.patch], pixels)
    check(latent_codec.SYNTHESIS_HALO, halo(seen, TILE), HYPER)
