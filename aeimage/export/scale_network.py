"""The integer scale network of a model as plain arrays, and proof that its graphs compute it."""

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from keras import ops

from aeimage.errors import ModelFileError, UsageError
from aeimage.export.codec_graphs import context_count
from aeimage.models.hyperprior import PASSES, HyperpriorCodec
from aeimage.models.integer import IntegerConv2D
from aeimage.scale_network import HYPER_MAX, IntegerLayer, ScaleNetwork

_GRID = (2, 3)  # hyper-latents of the pictures that `check_graphs` tries


def require_float32(model: keras.Model) -> None:
    """Refuse a model that computes in less than float32: its whole numbers would be rounded.

    Raises:
        UsageError: a layer was built under another policy.
    """
    for layer in model._flatten_layers():
        if layer.compute_dtype != "float32" or layer.variable_dtype != "float32":
            raise UsageError(
                f"The layer {layer.path!r} computes in {layer.compute_dtype}, expected float32: in "
                "less, scale indices differ from machine to machine. Build the model for export "
                "after keras.config.set_dtype_policy('float32') and load the weights into it."
            )


def scale_network(model: HyperpriorCodec) -> ScaleNetwork:
    """Return the integer layers of a built model.

    Raises:
        ModelFileError: a layer's sums could reach 2^24, where float32 is not exact.
    """
    return ScaleNetwork(
        tuple(map(integer_layer, model.hyper_synthesis.scale_steps)),
        tuple(tuple(map(integer_layer, head.steps)) for head in model.scale_heads),
    )


def integer_layer(layer: IntegerConv2D) -> IntegerLayer:
    """Return the plain arrays of one layer.

    Raises:
        ModelFileError: its numbers are not whole, or too large to be exact.
    """
    kernel = ops.convert_to_numpy(layer.integer_kernel())
    bias = ops.convert_to_numpy(layer.integer_bias())
    if layer.upsample != 1:
        kernel = np.swapaxes(kernel, 2, 3)
    # NaN passes no comparison, and fails here too.
    if not np.all(np.abs(kernel) <= 127) or not np.all(np.abs(bias) < 2**31):
        raise ModelFileError(
            f"The integer layer {layer.path!r} has weights beyond 127 or that are no numbers: they "
            "cannot be exported. Did its training diverge?"
        )
    whole = kernel.astype(np.int8), bias.astype(np.int32)
    if not (np.array_equal(whole[0], kernel) and np.array_equal(whole[1], bias)):
        raise ModelFileError(f"The integer layer {layer.path!r} has weights with fractions.")
    return IntegerLayer(*whole, layer.shift, layer.rectify, layer.upsample, layer.input_max)


def check_graphs(graphs: bytes, network: ScaleNetwork) -> None:
    """Run converted graphs on hostile inputs and compare them with the reference.

    A converter may fold, fuse and narrow what it likes; a bundle whose graphs differ in a single
    index from the integers beside them must not leave this machine.

    Args:
        graphs: the contents of ``codec.tflite``.
        network: what it must compute.

    Raises:
        ModelFileError: an index differs.
    """
    interpreter = Interpreter(model_content=graphs)
    rng = np.random.default_rng(0)
    rows, columns = _GRID
    hyper = network.features[0].kernel.shape[2]
    slices = [network.passes[i][-1].kernel.shape[3] for i in (1, 2, 3)]
    for number in range(PASSES):
        base = rng.integers(-5, 70, network.passes[number][-1].kernel.shape[3])
        z = rng.integers(-HYPER_MAX, HYPER_MAX + 1, (rows, columns, hyper))
        sizes = slices[: context_count(number)]
        contexts = [_hostile_symbols(rng, (4 * rows, 4 * columns, n)) for n in sizes]
        runner = interpreter.get_signature_runner(f"scales_{number}")
        out = runner(
            hyper_latents=_batch(z),
            base=_batch(base[None, None]),
            **{f"symbols_{i}": _batch(c) for i, c in enumerate(contexts)},
        )
        _compare(f"scales_{number}", out["indexes"], network.indexes(number, z, contexts, base))
    _check_encode(interpreter.get_signature_runner("encode"), network, slices, rng)


def _check_encode(runner, network: ScaleNetwork, slices: list[int], rng) -> None:
    """The encoder's graph has the scale network in it once more."""
    rows, columns = (4 * n for n in _GRID)
    channels = sum(slices)
    board = (np.arange(rows)[:, None] + np.arange(columns)) % 2 == 0
    base = rng.integers(0, 40, channels)
    out = runner(
        latents=_batch(rng.normal(0, 3, (rows, columns, channels))),
        gain=_batch(np.exp(rng.normal(1, 1, (1, 1, channels)))),
        inverse=_batch(np.ones((1, 1, channels))),
        base=_batch(base[None, None]),
        checker=_batch(board[..., None]),
        valid=_batch(np.ones((rows, columns, 1))),
        rounding=np.full(64, 0.5, np.float32),
    )
    z = out["hyper_latents"][0].astype(np.int64)
    # The last group is coded last: no pass sees it.
    low, middle, _ = np.split(out["symbols"][0].astype(np.int64), np.cumsum(slices)[:2], -1)
    parts = np.split(base, np.cumsum(slices)[:2])
    black = network.indexes(0, z, [], parts[0])
    white = network.indexes(1, z, [np.where(board[..., None], low, 0)], parts[0])
    expected = [
        np.where(board[..., None], black, white),
        network.indexes(2, z, [low], parts[1]),
        network.indexes(3, z, [low, middle], parts[2]),
    ]
    _compare("encode", out["indexes"], np.concatenate(expected, axis=-1))


def _hostile_symbols(rng, shape: tuple[int, ...]) -> np.ndarray:
    """Whole numbers of every order of magnitude up to the largest, many of them zero."""
    size = rng.integers(0, 2 ** rng.integers(0, 16, shape))
    return size * rng.choice((-1, 1), shape)


def _batch(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)[None]


def _compare(signature: str, received: np.ndarray, expected: np.ndarray) -> None:
    wrong = int(np.count_nonzero(received[0] != expected))
    if wrong:
        raise ModelFileError(
            f"The converted graph {signature!r} gave {wrong} of {expected.size} scale indices "
            "other than the integer network it was made from: files would not decode on other "
            "machines. Please report this with your TensorFlow version."
        )
