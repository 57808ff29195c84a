"""Runs every kind on JAX: a step down, and the contractive penalty against `jax.jacrev`."""

import autoencoder_cases as cases
import jax
import keras
import numpy as np

assert keras.backend.backend() == "jax"
for name in cases.KINDS:
    model = cases.made(name)
    before, after = cases.step_down(model, cases.pictures(model.shape))
    assert after < before, name
    print(name, sep="\n")

for name in ("contractive, analytic", "contractive, estimate"):
    options = {} if "analytic" in name else {"probes": 2000}
    model = cases.made(name, **options)
    x = cases.pictures(model.shape, 2)
    jacobian = np.asarray(jax.jacrev(lambda one, model=model: model.encode(one[None])[0])(x[0]))
    found = float(model.squared_jacobian(x, seed=(1, 2))[0])
    np.testing.assert_allclose(found, np.sum(np.square(jacobian)), rtol=0.1)
    print("jacobian of", name)
