"""What a user asks of a training run."""

from dataclasses import dataclass
from pathlib import Path


@dataclass
class TrainingRequest:
    """What a user asks for; None takes the run's value on `resume`, else the preset's.

    Attributes:
        preset: name of the preset.
        data: folders of pictures.
        out: folder of the run.
        steps, batch_size, crop, learning_rate: see the preset.
        seed: of everything random; 0 if the run is new.
        resume: go on from the run's checkpoint where there is one.
        init: weights to start from (``.weights.h5``).
        validation_data: folders of held-out pictures; by default a fixed part of `data`.
        log_every, save_every, validate_every: in steps.
    """

    preset: str
    data: list[Path]
    out: Path
    steps: int | None = None
    batch_size: int | None = None
    crop: int | None = None
    learning_rate: float | None = None
    seed: int | None = None
    resume: bool = False
    init: Path | None = None
    validation_data: list[Path] | None = None
    log_every: int = 100
    save_every: int = 1000
    validate_every: int = 2500
