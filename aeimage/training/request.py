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
        steps, batch_size, crop, learning_rate: see the preset. The batch is the global one, shared
            out among all devices.
        epochs: instead of `steps`: how many crops of each picture, and of each reduced copy.
        seed: of everything random; 0 if the run is new.
        resume: go on from the run's checkpoint where there is one.
        init: weights to start from: a ``.weights.h5`` file, or the folder of a run or bundle.
        freeze: parts that are not trained, see `aeimage.training.freezing.freeze`.
        validation_data: folders of held-out pictures; by default a fixed part of `data`.
        options: what the preset takes besides, by name; see its docstring.
        precision: see `aeimage.training.devices.choose_precision`; "auto" if the run is new.
        patience: stop after this many validations without a better objective; 0: never.
        deterministic: the same bits each time from every operation, at some cost on GPUs.
        strategy, devices: see `aeimage.training.devices.make_strategy`.
        log_every, save_every, validate_every: in steps.
    """

    preset: str
    data: list[Path]
    out: Path
    steps: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    crop: int | None = None
    learning_rate: float | None = None
    seed: int | None = None
    resume: bool = False
    init: Path | None = None
    freeze: list[str] | None = None
    validation_data: list[Path] | None = None
    options: dict[str, str] | None = None
    precision: str | None = None
    patience: int | None = None
    deterministic: bool | None = None
    strategy: str = "auto"
    devices: list[str] | None = None
    log_every: int = 100
    save_every: int = 1000
    validate_every: int = 2500
