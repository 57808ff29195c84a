"""The integer scale network on every runtime: engines with the signatures scales_0 to scales_3.

TensorFlow and JAX run the Keras model's own layers, with the integers of a bundle put into them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from aeimage.runtime.latent_codec import Engine
from aeimage.runtime.reference import ReferenceEngine
from aeimage.runtime.session import Session
from aeimage.scale_network import PASSES, IntegerLayer, ScaleNetwork


class FunctionEngine:
    """Engine made of one function (z, base, *contexts) -> indexes a pass, on tensors."""

    def __init__(self, functions: Sequence[Callable], to_tensor: Callable) -> None:
        self.functions = functions
        self.to_tensor = to_tensor

    def run(self, signature: str, *, hyper_latents, base, **contexts):
        """Run ``scales_0`` to ``scales_3``."""
        arrays = [hyper_latents, base, *(contexts[name] for name in sorted(contexts))]
        tensors = [self.to_tensor(np.asarray(a, np.float32)) for a in arrays]
        return {"indexes": np.asarray(self.functions[int(signature[-1])](*tensors))}


def plain_engines(network: ScaleNetwork, graphs: Path | None) -> dict[str, Engine]:
    """Return the engines that need no other process: NumPy, and LiteRT where there are graphs."""
    engines: dict[str, Engine] = {"numpy": ReferenceEngine(network)}
    if graphs is not None:
        engines |= {f"litert-{n}-threads": Session(graphs, threads=n) for n in (1, 2, 4)}
    return engines


def tensorflow_engines(network: ScaleNetwork) -> dict[str, Engine]:
    """Return engines for TensorFlow: eager, as a graph, and compiled by XLA."""
    import tensorflow as tf

    functions = keras_functions(network)

    def engine(wrap: Callable) -> Engine:
        return FunctionEngine([wrap(f) for f in functions], tf.constant)

    return {
        "eager": engine(lambda f: f),
        "graph": engine(lambda f: tf.function(f)),
        "xla": engine(lambda f: tf.function(f, jit_compile=True)),
    }


def jax_engines(network: ScaleNetwork) -> dict[str, Engine]:
    """Return the engine for JAX, which compiles with its own XLA."""
    import jax

    functions = [jax.jit(f) for f in keras_functions(network)]
    return {"jit": FunctionEngine(functions, jax.numpy.asarray)}


def keras_functions(network: ScaleNetwork) -> list[Callable]:
    """Return one function (z, base, *contexts) -> indexes a pass, of a Keras model's own layers."""
    from aeimage.models.hyperprior import HyperpriorCodec
    from aeimage.models.transforms import CodecConfig

    slices = tuple(int(network.passes[i][-1].bias.size) for i in (1, 2, 3))
    config = CodecConfig(
        slices=slices,
        hyper=network.features[0].kernel.shape[2],
        entropy=network.features[-1].bias.size,
    )
    # Its transforms are neither built nor run: they have no say in the symbols.
    model = HyperpriorCodec(config)
    load_integers(model, network)

    def function(number: int) -> Callable:
        def indexes(z, base, *contexts):
            features = model.hyper_synthesis.scale_features(z)
            return model.pass_indexes(number, features, contexts, base)

        return indexes

    return [function(number) for number in range(PASSES)]


def load_integers(model, network: ScaleNetwork) -> None:
    """Put the integers of a bundle into the layers of a `HyperpriorCodec`, and build these."""
    chains = [model.hyper_synthesis.scale_steps, *(head.steps for head in model.scale_heads)]
    for chain, arrays in zip(chains, (network.features, *network.passes), strict=True):
        for layer, integers in zip(chain, arrays, strict=True):
            _load(layer, integers)
    for head in model.scale_heads:
        head.built = True


def _load(layer, integers: IntegerLayer) -> None:
    for name in ("shift", "rectify", "upsample", "input_max"):
        assert getattr(layer, name) == getattr(integers, name), (layer.path, name)
    layer.kernel_initializer = np.zeros  # JAX compiles random numbers for seconds
    layer.build((None, None, None, integers.kernel.shape[2]))
    kernel = integers.kernel.astype(np.float32) / 64
    layer.kernel.assign(kernel.swapaxes(2, 3) if layer.upsample == 2 else kernel)
    layer.bias.assign(integers.bias.astype(np.float32) / 2**layer.shift)
