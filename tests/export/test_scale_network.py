"""The integers that leave with a bundle are exact, or nothing leaves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

from aeimage import scale_network as plain  # noqa: E402
from aeimage.errors import ModelFileError, UsageError  # noqa: E402
from aeimage.export.codec_bundle import write_codec_bundle  # noqa: E402
from aeimage.export.codec_graphs import CodecGraphs  # noqa: E402
from aeimage.export.litert import convert_signatures  # noqa: E402
from aeimage.export.scale_network import (  # noqa: E402
    check_graphs,
    integer_layer,
    require_float32,
    scale_network,
)
from aeimage.models.hyperprior import PASSES, HyperpriorCodec  # noqa: E402
from aeimage.models.integer import IntegerConv2D  # noqa: E402
from aeimage.models.transforms import CodecConfig  # noqa: E402
from aeimage.runtime.bundle import read_bundle  # noqa: E402
from aeimage.runtime.reference import ReferenceEngine  # noqa: E402

# As many channels as ship where sums are largest, few elsewhere.
SMALL = CodecConfig(slices=(8, 8, 16), hyper=16, entropy=96, width=8, blocks=1)


def make_model(config: CodecConfig = SMALL) -> HyperpriorCodec:
    model = HyperpriorCodec(config)
    model.build()
    return model


def integer_layers(model: HyperpriorCodec) -> list[IntegerConv2D]:
    return [*model.hyper_synthesis.scale_steps, *(s for h in model.scale_heads for s in h.steps)]


def make_extreme(layer: IntegerConv2D, rng: np.random.Generator) -> None:
    """Give a layer weights far beyond what its integers can hold."""
    kernel = rng.choice((-9.0, 9.0), layer.kernel.shape)
    kernel[..., ::2] = np.abs(kernel[..., ::2])
    layer.kernel.assign(kernel)
    layer.bias.assign(rng.choice((-1e4, 1e4), layer.bias.shape))


@pytest.fixture(scope="module")
def extreme() -> tuple[bytes, plain.ScaleNetwork]:
    """Converted graphs of a model whose integers are all at their limits, and these."""
    model = make_model()
    rng = np.random.default_rng(0)
    for layer in integer_layers(model):
        make_extreme(layer, rng)
    module = CodecGraphs(model)
    for name in ("analysis", "dequantise", "synthesis"):
        del module.graphs[name]
    return convert_signatures(module), scale_network(model)


def test_the_network_is_in_the_bundle(tiny_bundle):
    bundle = read_bundle(tiny_bundle)
    bundle.verify()
    assert plain.FILE_NAME in bundle.info["files"]
    network = ReferenceEngine.for_bundle(tiny_bundle).network
    check_graphs((tiny_bundle / "codec.tflite").read_bytes(), network)


def test_converted_graphs_are_exact_with_weights_at_their_limits(extreme):
    graphs, network = extreme
    layers = [x for chain in (network.features, *network.passes) for x in chain]
    assert max(x.largest_sum for x in layers) > 2**22
    assert all(np.abs(x.bias).max() == plain.BIAS_MAX for x in layers)
    check_graphs(graphs, network)


def test_graphs_that_differ_a_little_are_refused(extreme):
    graphs, network = extreme
    last = network.passes[3][-1]
    # An eighth of an index: most are the same.
    bias = last.bias - 64 * np.sign(last.bias)
    chain = (*network.passes[3][:-1], dataclasses.replace(last, bias=bias))
    wrong = dataclasses.replace(network, passes=(*network.passes[:3], chain))
    with pytest.raises(ModelFileError, match="'scales_3' gave"):
        check_graphs(graphs, wrong)


@pytest.mark.parametrize(
    ("inputs", "settings"),
    [
        (16, {"filters": 8, "kernel_size": 1}),
        (96, {"filters": 8, "kernel_size": 3}),
        (200, {"filters": 8, "kernel_size": 3}),
        (96, {"filters": 8, "kernel_size": 4, "upsample": 2, "input_max": 63, "shift": 3}),
        (400, {"filters": 8, "kernel_size": 4, "upsample": 2}),
    ],
)
def test_over_large_weights_are_clipped_by_construction(inputs, settings):
    layer = IntegerConv2D(**settings)
    layer.build((None, None, None, inputs))
    make_extreme(layer, np.random.default_rng(0))
    arrays = integer_layer(layer)
    assert arrays.largest_sum < plain.EXACT_LIMIT
    assert np.abs(arrays.bias).max() == plain.BIAS_MAX
    # The layer computes what its arrays do, at the limit.
    x = np.random.default_rng(1).integers(0, arrays.input_max + 1, (2, 3, inputs))
    x[:, :2] = arrays.input_max
    found = keras.ops.convert_to_numpy(layer(x[None].astype("float32")))[0]
    np.testing.assert_array_equal(found, arrays(x.astype(np.int64)))


def test_a_kernel_that_escaped_its_limit_is_refused():
    layer = IntegerConv2D(4, 3)
    layer.build((None, None, None, 200))
    make_extreme(layer, np.random.default_rng(0))
    layer.weight_limit = 127
    with pytest.raises(ModelFileError, match="2\\^24"):
        integer_layer(layer)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverged_model_is_refused(bad):
    layer = IntegerConv2D(4, 1)
    layer.build((None, None, None, 8))
    kernel = np.zeros(layer.kernel.shape, "float32")
    kernel[0, 0, 0, 0] = bad
    layer.kernel.assign(kernel)
    if np.isinf(bad):
        layer.bias.assign([bad, 0, 0, np.nan])
    with pytest.raises(ModelFileError, match="Did its training diverge"):
        integer_layer(layer)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "bfloat16"])
def test_models_of_lower_precision_are_not_exported(policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    try:
        model = HyperpriorCodec(SMALL)
        with pytest.raises(UsageError, match=r"set_dtype_policy\('float32'\)"):
            write_codec_bundle(model, tmp_path / "out", name="x", card="")
    finally:
        keras.config.set_dtype_policy("float32")
    assert not (tmp_path / "out").exists()


def test_the_policy_of_the_moment_does_not_matter():
    """A float32 model stays one while the process trains another in mixed precision."""
    model = make_model()
    z = np.random.default_rng(0).integers(-63, 64, (1, 2, 2, SMALL.hyper)).astype("float32")
    expected = keras.ops.convert_to_numpy(model.hyper_synthesis.scale_features(z))
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        require_float32(model)
        found = keras.ops.convert_to_numpy(model.hyper_synthesis.scale_features(z))
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_array_equal(found, expected)


def test_constants_agree_with_the_models():
    assert plain.PASSES == PASSES
