"""One call that trains: data, task and trainer put together as the command line asks."""

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import keras

from aeimage import __version__
from aeimage.errors import ModelFileError, OutputExistsError, UsageError
from aeimage.files import atomic_write
from aeimage.training.presets import load_preset
from aeimage.training.request import TrainingRequest
from aeimage.training.trainer import Trainer, TrainerConfig
from aeimage.training.weights import load_weights

RUN_FILE = "run.json"
SETTINGS = ("steps", "batch_size", "crop", "learning_rate", "seed")


def train(request: TrainingRequest, report=print) -> Trainer:
    """Train, and return the trainer with the model in it.

    Raises:
        UsageError: an argument makes no sense, there are no pictures, or the run to go on with is
            of another preset.
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
    request = _settle(request, preset, _recorded(out, request) if request.resume else {})
    keras.config.set_dtype_policy(preset.PRECISION)

    task = preset.make_task(request, report)
    config = TrainerConfig(
        out=out,
        steps=request.steps,
        learning_rate=request.learning_rate,
        seed=request.seed,
        log_every=request.log_every,
        save_every=request.save_every,
        validate_every=request.validate_every,
    )
    trainer = Trainer(task, config, report)
    if request.resume and trainer.checkpoint_path.exists():
        trainer.load()
    elif request.init is not None:
        load_weights(trainer.model, request.init)
        task.calibrated = True
    # Only now: a run that cannot be gone on with keeps its record.
    out.mkdir(parents=True, exist_ok=True)
    record = {
        "version": __version__,
        "preset": request.preset,
        "data": [os.path.abspath(folder) for folder in request.data],
        **{name: getattr(request, name) for name in SETTINGS},
    }
    atomic_write(out / RUN_FILE, json.dumps(record, indent=2).encode())
    trainer.run(resume=request.resume)
    return trainer


def _recorded(out: Path, request: TrainingRequest) -> dict:
    """Return the record of the run in `out`, empty if there is none, and check its preset."""
    path = out / RUN_FILE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        preset = record["preset"]
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{path}: damaged ({error!r}). Expected the JSON that `aeimage train` wrote. Remove "
            "the file and give all options of the run again to go on with it."
        ) from error
    if preset.replace("-", "_") != request.preset.replace("-", "_"):
        raise UsageError(
            f"{out} is a run of the preset {preset!r} and cannot be resumed with "
            f"{request.preset!r}. It was left as it is. Give the preset {preset!r}, or choose "
            "another --out."
        )
    return record


def _settle(request: TrainingRequest, preset, record: dict) -> TrainingRequest:
    """Fill in what the request leaves open, from the run's record or the preset, and check it."""
    settings = {}
    for name in SETTINGS:
        default = record.get(name, getattr(preset, name.upper(), 0))
        asked = getattr(request, name)
        settings[name] = default if asked is None else asked
    for name in ("steps", "batch_size", "crop"):
        if settings[name] < 1:
            raise UsageError.for_value(name, "a positive whole number", settings[name])
    multiple = preset.CROP_MULTIPLE
    if settings["crop"] % multiple:
        raise UsageError.for_value("crop", f"a multiple of {multiple}", settings["crop"])
    rate = settings["learning_rate"]
    if not (math.isfinite(rate) and rate > 0):
        raise UsageError.for_value("learning_rate", "a number above 0", rate)
    if not 0 <= settings["seed"] < 2**32:
        expected = "a whole number from 0 to 4294967295"
        raise UsageError.for_value("seed", expected, settings["seed"])
    return replace(request, **settings)
