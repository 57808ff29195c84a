"""One call that trains: data, task and trainer put together as the command line asks."""

import json
import math
import os
import zlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from aeimage import __version__
from aeimage.errors import ModelFileError, OutputExistsError, UsageError
from aeimage.files import atomic_write
from aeimage.training.devices import choose_precision, make_deterministic, make_strategy
from aeimage.training.presets import load_preset
from aeimage.training.request import TrainingRequest
from aeimage.training.trainer import Trainer, TrainerConfig
from aeimage.training.weights import find_weights, load_weights

RUN_FILE = "run.json"
# What a resumed run takes from the run's record, and the values of a run without preset or record.
SETTINGS = {
    "steps": 0,
    "batch_size": 0,
    "crop": 0,
    "learning_rate": 0.0,
    "seed": 0,
    "precision": "auto",
    "patience": 0,
    "deterministic": False,
    "freeze": [],
    "options": {},
}


def train(request: TrainingRequest, report=print) -> Trainer:
    """Train, and return the trainer with the model in it.

    Raises:
        UsageError: an argument makes no sense, there are no pictures, or the run to go on with is
            of another preset.
        OutputExistsError: the run exists and is not to be resumed.
        ModelFileError: checkpoint or weights are damaged or of another architecture.
    """
    out = Path(request.out)
    if (out / "checkpoint.npz").exists() and not request.resume:
        raise OutputExistsError(
            f"{out} holds a run already and was left as it is. Add --resume to go on with it, or "
            "choose another --out."
        )
    trainer, request = prepare(request, report)
    if request.resume and trainer.checkpoint_path.exists():
        trainer.load()
    elif request.init is not None:
        load_weights(trainer.model, find_weights(request.init))
        trainer.task.calibrated = True
    # Only now: a run that cannot be gone on with keeps its record.
    _record(request, trainer)
    trainer.run(resume=request.resume)
    return trainer


def prepare(request: TrainingRequest, report=print) -> tuple[Trainer, TrainingRequest]:
    """Return a trainer whose data is loaded, and the request with nothing left open.

    Raises:
        UsageError: as `train`.
        ModelFileError: the record of the run to go on with is damaged.
    """
    preset = load_preset(request.preset)
    request = _settle(request, preset, _recorded(request) if request.resume else {})
    if request.deterministic:
        make_deterministic()
    strategy = make_strategy(request.strategy, request.devices)
    request.precision = choose_precision(request.precision, preset.PRECISION)
    keras.config.set_dtype_policy(request.precision)
    task = preset.make_task(request, report)
    if request.epochs:
        request.steps = _steps_of(request, task)
    config = TrainerConfig(
        out=Path(request.out),
        steps=request.steps,
        learning_rate=request.learning_rate,
        seed=request.seed,
        patience=request.patience or None,
        log_every=request.log_every,
        save_every=request.save_every,
        validate_every=request.validate_every,
        freeze=tuple(request.freeze),
    )
    trainer = Trainer(task, config, report, strategy=strategy)
    replicas = trainer.engine.replicas
    if request.batch_size % replicas:
        expected = f"a multiple of the number of devices, {replicas}"
        raise UsageError.for_value("batch_size", expected, request.batch_size)
    _agree(request, trainer)
    where = f"{replicas} devices" if replicas > 1 else "1 device"
    trainer.log.progress.line(
        f"{trainer.model.count_params():,} weights, {request.precision}, {where}"
    )
    return trainer, request


def _steps_of(request: TrainingRequest, task) -> int:
    examples = getattr(task, "examples", None)
    if not examples:
        raise UsageError(
            f"The preset {request.preset!r} draws its examples without end, so that there are no "
            "epochs. Expected a number of steps. Give --steps."
        )
    return math.ceil(request.epochs * examples / request.batch_size)


def _agree(request: TrainingRequest, trainer: Trainer) -> None:
    """Refuse to train with another machine that was given other options."""
    settings = {name: getattr(request, name) for name in SETTINGS}
    digest = zlib.crc32(json.dumps([request.preset, settings]).encode())
    mine = np.array([digest >> 16, digest & 0xFFFF], "float32")  # exact in float32
    if not np.array_equal(trainer.engine.of_chief(mine), mine):
        raise UsageError(
            "The chief of this training was given other options than this worker, which has "
            f"{settings}. Give every worker the same options; with --resume, give all of them "
            "where a worker cannot read the chief's --out."
        )


def _record(request: TrainingRequest, trainer: Trainer) -> None:
    if not trainer.engine.chief:
        return
    trainer.out.mkdir(parents=True, exist_ok=True)
    record = {
        "version": __version__,
        "preset": request.preset,
        "data": [os.path.abspath(d) if os.path.exists(d) else str(d) for d in request.data],
        **{name: getattr(request, name) for name in SETTINGS},
    }
    atomic_write(trainer.out / RUN_FILE, json.dumps(record, indent=2).encode())


def _recorded(request: TrainingRequest) -> dict:
    """Return the record of the run to go on with, empty if there is none; check its preset."""
    path = Path(request.out) / RUN_FILE
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
            f"{request.out} is a run of the preset {preset!r} and cannot be resumed with "
            f"{request.preset!r}. It was left as it is. Give the preset {preset!r}, or choose "
            "another --out."
        )
    return record


def _settle(request: TrainingRequest, preset, record: dict) -> TrainingRequest:
    """Fill in what the request leaves open, from the run's record or the preset, and check it."""
    settings = {}
    for name, plain in SETTINGS.items():
        usual = plain if name == "precision" else getattr(preset, name.upper(), plain)
        asked = getattr(request, name)
        settings[name] = record.get(name, usual) if asked is None else asked
    for name in ("steps", "batch_size", "crop"):
        if settings[name] < 1:
            raise UsageError.for_value(name, "a positive whole number", settings[name])
    if request.epochs is not None and request.epochs < 1:
        raise UsageError.for_value("epochs", "a positive whole number", request.epochs)
    known = getattr(preset, "ACCEPTS", ())
    for name in settings["options"]:
        if name not in known:
            expected = f"one of {', '.join(known)}" if known else "none with this preset"
            raise UsageError.for_value("options (--set)", expected, name)
    multiple = preset.CROP_MULTIPLE
    if settings["crop"] % multiple:
        raise UsageError.for_value("crop", f"a multiple of {multiple}", settings["crop"])
    rate = settings["learning_rate"]
    if not (math.isfinite(rate) and rate > 0):
        raise UsageError.for_value("learning_rate", "a number above 0", rate)
    if not 0 <= settings["seed"] < 2**32:
        expected = "a whole number from 0 to 4294967295"
        raise UsageError.for_value("seed", expected, settings["seed"])
    if settings["patience"] < 0:
        raise UsageError.for_value("patience", "a whole number from 0", settings["patience"])
    return replace(request, **settings)
