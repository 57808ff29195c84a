"""The state of a run by name, as checkpoints hold it.

model/PATH                              weights, and floats that are not trained
ema/PATH                                the weights' moving average
optimizer/adam/PATH_WITH__momentum      Adam's moments, named as Keras's own Adam names them
optimizer/adam/PATH_WITH__velocity
optimizer/loss_scaling                  float16 alone: (loss scale, steps since it changed)
"""

import numpy as np

from aeimage.training.packing import Packing
from aeimage.training.step import State, Step

SCALING = "optimizer/loss_scaling"


def wanted_shapes(step: Step) -> dict[str, tuple[int, ...]]:
    """Return the names and shapes that a checkpoint must hold to be gone on with."""
    shapes = {name: array.shape for name, array in to_arrays(step, step.initial_state()).items()}
    shapes.pop(SCALING, None)  # a run may change its precision when it is resumed
    return shapes


def to_arrays(step: Step, state: State, average=None) -> dict[str, np.ndarray]:
    """Return state and average (by default the weights) by name; views, where possible."""
    average = state.weights if average is None else average
    arrays = {}
    for names, vector, packing in _parts(step):
        source = average if vector == "average" else getattr(state, vector)
        arrays.update(zip(names, packing.unpack(np.asarray(source)), strict=True))
    if step.scales_loss:
        arrays[SCALING] = np.asarray(state.scaling)
    return arrays


def from_arrays(step: Step, arrays: dict[str, np.ndarray] | None) -> tuple[State, np.ndarray]:
    """Return the state and the average in `arrays`; those of a new run if there are none."""
    state = step.initial_state()
    if arrays is None:
        return state, state.weights.copy()
    vectors = {
        vector: packing.pack([arrays[name] for name in names])
        for names, vector, packing in _parts(step)
    }
    average = vectors.pop("average")
    if step.scales_loss and SCALING in arrays:
        vectors["scaling"] = arrays[SCALING]
    return state._replace(**vectors), average


def _parts(step: Step) -> list[tuple[list[str], str, Packing]]:
    """Return names, attribute of the state (or "average") and layout of each vector."""
    weights, fixed = step.weights, step.fixed
    paths = [v.path for v in weights.variables]
    moments = [f"optimizer/adam/{path.replace('/', '_')}" for path in paths]
    return [
        ([f"model/{path}" for path in paths], "weights", weights),
        ([f"ema/{path}" for path in paths], "average", weights),
        ([f"{name}_momentum" for name in moments], "momentum", weights),
        ([f"{name}_velocity" for name in moments], "velocity", weights),
        ([f"model/{v.path}" for v in fixed.variables], "fixed", fixed),
    ]
