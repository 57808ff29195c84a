"""One call that trains: data, task and trainer put together as the command line asks."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import keras

from aeimage import __version__
from aeimage.data.crops import CropSampler
from aeimage.data.pictures import centre_crop, decode_all, picture_paths, split
from aeimage.errors import OutputExistsError, UsageError
from aeimage.files import atomic_write
from aeimage.training.presets import load_preset
from aeimage.training.trainer import Trainer, TrainerConfig
from aeimage.training.weights import load_weights

RUN_FILE = "run.json"


@dataclass
class TrainingRequest:
    """What a user asks for; None takes the preset's value.

    Attributes:
        preset: name of the preset.
        data: folders of pictures.
        out: folder of the run.
        steps, batch_size, crop, learning_rate: see the preset.
        seed: of everything random.
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
    seed: int = 0
    resume: bool = False
    init: Path | None = None
    validation_data: list[Path] | None = None
    log_every: int = 100
    save_every: int = 1000
    validate_every: int = 2500


def train(request: TrainingRequest, report=print) -> Trainer:
    """Train, and return the trainer with the model in it.

    Raises:
        UsageError: an argument makes no sense, or there are no pictures.
        OutputExistsError: the run exists and is not to be resumed.
        ModelFileError: checkpoint or weights are of another architecture.
    """
    preset = load_preset(request.preset)
    out = Path(request.out)
    if (out / "checkpoint.npz").exists() and not request.resume:
        raise OutputExistsError(
            f"{out} holds a run already and was left as it is. Add --resume to go on with it, or "
            "choose another --out."
        )
    crop = request.crop or preset.CROP
    if crop % 64:
        raise UsageError.for_value("crop", "a multiple of 64", crop)
    for name in ("steps", "batch_size"):
        value = getattr(request, name)
        if value is not None and value < 1:
            raise UsageError.for_value(name, "a positive whole number", value)
    keras.config.set_dtype_policy(preset.PRECISION)

    paths = picture_paths(request.data)
    if request.validation_data:
        training, held_out = paths, picture_paths(request.validation_data)[:24]
    else:
        training, held_out = split(paths)
    validation = [centre_crop(rgb) for rgb in decode_all(held_out, report)]
    validation = [rgb for rgb in validation if rgb is not None]
    sampler = CropSampler(
        training,
        size=crop,
        batch_size=request.batch_size or preset.BATCH_SIZE,
        seed=request.seed,
        report=report,
    )
    report(
        f"{len(training)} pictures to train on ({len(sampler.pictures)} with their reduced copies "
        f"in memory), {len(validation)} held out"
    )
    task = preset.make_task(sampler, validation, request.seed)
    config = TrainerConfig(
        out=out,
        steps=request.steps or preset.STEPS,
        learning_rate=request.learning_rate or preset.LEARNING_RATE,
        seed=request.seed,
        log_every=request.log_every,
        save_every=request.save_every,
        validate_every=request.validate_every,
    )
    trainer = Trainer(task, config, report)
    out.mkdir(parents=True, exist_ok=True)
    record = {
        "version": __version__,
        "preset": request.preset,
        "data": [os.path.abspath(folder) for folder in request.data],
        "seed": request.seed,
        "steps": config.steps,
    }
    atomic_write(out / RUN_FILE, json.dumps(record, indent=2).encode())
    if request.init is not None and not trainer.checkpoint_path.exists():
        load_weights(trainer.model, request.init)
        task.calibrated = True
    trainer.run(resume=request.resume)
    return trainer
