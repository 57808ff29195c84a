"""Runs every layer under `jax.jit` and prints the names of those that kept their promises."""

import corruption_cases as cases
import jax
import keras
import numpy as np

assert keras.backend.backend() == "jax"
for name, make in cases.LAYERS.items():
    layer = make()
    images = cases.pictures(name, 3, count=2)

    @jax.jit
    def call(seed, name=name, layer=layer, images=images):
        return cases.damaged(name, layer(images, seed=seed))

    seeds = ([1, 2], [1, 2], [1, 3])
    results = [np.asarray(call(np.array(seed, "uint32"))) for seed in seeds]
    assert results[0].shape == (2, *cases.SIZE, 3) and np.isfinite(results[0]).all(), name
    assert np.array_equal(results[0], results[1]), name
    assert not np.array_equal(results[0], results[2]), name
    print(name)
