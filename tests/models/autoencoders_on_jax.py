"""Runs every kind on JAX: a step down, and the contractive penalty against `jax.jacrev`."""

import autoencoder_cases as cases
import jax
import keras
import numpy as np

assert keras.backend.backend() == "jax"
for name in cases.ON_JAX:
    model = cases.made(name)
    before, after = cases.step_down(model, cases.pictures(model.shape))
    assert after < before, name
    print(name)

for name in ("contractive, analytic", "contractive, estimate"):
    model = cases.made(name)
    x = cases.pictures(model.shape, 1)

    @jax.jit
    def jacobian_of(one, model=model):
        return jax.jacrev(lambda picture: model.encode(picture[None])[0])(one)

    jacobian = np.asarray(jacobian_of(x[0]))
    # The mean over many copies of a picture is as good as many probes of one.
    copies = np.repeat(x, 2000, axis=0)
    squared = jax.jit(
        lambda many, model=model: model.squared_jacobian(many, seed=np.uint32([1, 2]))
    )
    found = float(np.mean(squared(copies)))
    np.testing.assert_allclose(found, np.sum(np.square(jacobian)), rtol=0.1)
    print("jacobian of", name)
