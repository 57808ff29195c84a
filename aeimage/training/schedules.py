"""Learning-rate schedules as plain functions of the step."""

import math


def warmup_cosine(step: int, *, total: int, peak: float, floor: float, warmup: int = 200) -> float:
    """Return the learning rate at `step`: linear warm-up, then a half cosine down to `floor`.

    The total may change when a run is resumed: the rate depends on the step and the total alone.
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return floor + (peak - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))
