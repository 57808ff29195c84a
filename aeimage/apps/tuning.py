"""Search for hyper-parameters: many short training runs, each with other fields of a preset.

    OUT/study.journal    every trial, written as it happens: an interrupted search goes on from here
    OUT/trials/0007/     the run of a trial, without its checkpoint
    OUT/trials.csv       the table, best first
    OUT/tuning.png       the objective by trial, and against each field

The first trial is the preset as it is. The others are suggested by Optuna's tree-structured Parzen
estimator (Bergstra et al., "Algorithms for Hyper-Parameter Optimization", 2011).
"""

from __future__ import annotations

import contextlib
import csv
import gc
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType

import optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import FrozenTrial, TrialState

from aeimage.errors import TrainingDivergedError, UsageError
from aeimage.files import atomic_write
from aeimage.training.presets import load_preset
from aeimage.training.request import TrainingRequest
from aeimage.training.run import train

JOURNAL = "study.journal"
Value = int | float | str


@dataclass(frozen=True)
class Field:
    """A field of a preset and the values that are tried.

    Attributes:
        name: of the preset's constant, in lower case, such as ``learning_rate``; of a field of its
            model's sizes ``config.width``.
        choices: values to choose from; if there are none, `low` to `high` are tried.
        low, high: numbers; whole ones if both are.
        log: search evenly in the logarithm.
    """

    name: str
    choices: tuple[Value, ...] = ()
    low: int | float = 0
    high: int | float = 0
    log: bool = False

    @classmethod
    def parse(cls, text: str) -> Field:
        """Read ``NAME=LOW:HIGH``, ``NAME=LOW:HIGH:log`` or ``NAME=A,B,C``.

        Raises:
            UsageError: it is none of these.
        """
        name, _, values = text.partition("=")
        low, colon, rest = values.partition(":")
        high, _, scale = rest.partition(":")
        if name and values and not colon:
            return cls(name, choices=tuple(_value(v) for v in values.split(",")))
        bounds = _value(low), _value(high)
        wrong = not name or scale not in ("", "log") or any(isinstance(b, str) for b in bounds)
        if wrong or not bounds[0] < bounds[1] or (scale and bounds[0] <= 0):
            expected = "NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=A,B,C"
            raise UsageError.for_value("param", expected, text)
        return cls(name, low=bounds[0], high=bounds[1], log=scale == "log")

    def suggest(self, trial: optuna.Trial) -> Value:
        """Let a trial choose a value."""
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.name, self.low, self.high, log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)

    def holds(self, value: Value) -> bool:
        """Return whether a value is among those that are tried."""
        if self.choices:
            return value in self.choices
        return not isinstance(value, str) and self.low <= value <= self.high


def _value(text: str) -> Value:
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


@dataclass(frozen=True)
class Found:
    """What a search has found.

    Attributes:
        rows: the finished trials, best first: `trial`, `objective` and the fields.
        finished: all trials that were asked for were made.
    """

    rows: list[dict[str, Value]]
    finished: bool


def tune(
    request: TrainingRequest, space: Sequence[Field], *, trials: int = 20, report=print
) -> Found:
    """Search, or go on searching where `request.out` holds the same search.

    Args:
        request: preset, data, folder of the search, steps of each trial, seed.
        space: what to try.
        trials: in all, those of earlier calls included.
        report: function that takes a line of text.

    Raises:
        UsageError: the preset lacks a field, or the folder holds another search.
    """
    preset = load_preset(request.preset)
    usual = {field.name: _usual(preset, field) for field in space}
    out = Path(request.out)
    out.mkdir(parents=True, exist_ok=True)
    request = replace(request, steps=request.steps or preset.STEPS)
    study = _open_study(request, space)
    _enqueue(study, usual, space)
    finished = True
    while sum(_is_done(t) for t in study.trials) < trials and finished:
        trial = study.ask()
        values = {field.name: field.suggest(trial) for field in space}
        folder = out / "trials" / trial.user_attrs.get("folder", f"{trial.number:04d}")
        trial.set_user_attr("folder", folder.name)
        report(f"trial {trial.number}: " + _words(values))
        finished = _run(study, trial, preset, values, replace(request, out=folder), report)
    rows = _rows(study, space)
    if rows:
        _write_table(out / "trials.csv", rows)
        from aeimage.apps.tuning_plot import plot

        plot(out / "tuning.png", rows, space)
    return Found(rows, finished)


def _open_study(request: TrainingRequest, space: Sequence[Field]) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = Path(request.out) / JOURNAL
    study = optuna.create_study(
        study_name="tuning",
        storage=JournalStorage(JournalFileBackend(str(path))),
        load_if_exists=True,
    )
    # A search that goes on must not draw what it drew when it began.
    seed = (request.seed or 0) * 100_003 + len(study.trials)
    startup = max(4, 2 * len(space))
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=startup, seed=seed % 2**32)
    asked = {"preset": request.preset, "steps": request.steps, "space": repr(list(space))}
    for name, value in asked.items():
        before = study.user_attrs.get(name, value)
        if before != value:
            raise UsageError(
                f"{path} holds a search with {name} {before}, which cannot go on with {value}. It "
                "was left as it is. Give the same options, or choose another --out."
            )
        if name not in study.user_attrs:
            study.set_user_attr(name, value)
    return study


def _enqueue(study: optuna.Study, usual: dict[str, Value], space: Sequence[Field]) -> None:
    """Put first what was interrupted, and in a new search the preset's own values."""
    if not study.trials and all(field.holds(usual[field.name]) for field in space):
        study.enqueue_trial(usual)
    taken = {t.user_attrs.get("folder") for t in study.trials if _is_done(t)}
    for trial in study.trials:
        folder = trial.user_attrs.get("folder")
        if trial.state == TrialState.RUNNING:  # its process was killed
            study.tell(trial.number, state=TrialState.FAIL)
        if trial.state in (TrialState.RUNNING, TrialState.FAIL) and folder not in taken:
            if folder and not _is_done(trial):
                study.enqueue_trial(trial.params, user_attrs={"folder": folder})
            taken.add(folder)


def _is_done(trial: FrozenTrial) -> bool:
    """Return whether a trial has a result, if only that it diverged."""
    return trial.state == TrialState.COMPLETE or "diverged" in trial.user_attrs


def _run(study, trial, preset, values, request: TrainingRequest, report) -> bool:
    """Train and tell the study; return False if the user interrupted it."""
    request = replace(request, resume=True, validate_every=request.steps)
    try:
        with _fields(preset, values):
            trainer = train(request, lambda line: None)
    except TrainingDivergedError as error:
        trial.set_user_attr("diverged", str(error))
        study.tell(trial, state=TrialState.FAIL)
        report("  diverged")
        return True
    if trainer.stopping and trainer.step < request.steps:
        study.tell(trial, state=TrialState.FAIL)
        return False
    (Path(request.out) / "checkpoint.npz").unlink(missing_ok=True)
    study.tell(trial, trainer.best)
    report(f"  objective {trainer.best:.5g}, best {study.best_value:.5g}")
    _forget_models()
    return True


def _forget_models() -> None:
    import keras

    keras.backend.clear_session()
    gc.collect()


@contextlib.contextmanager
def _fields(preset: ModuleType, values: dict[str, Value]) -> Iterator[None]:
    """Give a preset other values for a while."""
    before = dict(vars(preset))
    try:
        for name, value in values.items():
            head, _, size = name.partition(".")
            if size:
                value = replace(getattr(preset, head.upper()), **{size: value})
            setattr(preset, head.upper(), value)
        yield
    finally:
        vars(preset).update(before)


def _usual(preset: ModuleType, field: Field) -> Value:
    """Return the preset's own value of a field."""
    there = {name.lower(): value for name, value in vars(preset).items() if name.isupper()}
    for name in [n for n, value in there.items() if is_dataclass(value)]:
        sizes = there.pop(name)
        there |= {f"{name}.{f.name}": getattr(sizes, f.name) for f in fields(sizes)}
    there = {n: v for n, v in there.items() if isinstance(v, Value) and n not in ("kind", "steps")}
    if field.name not in there:
        names = ", ".join(sorted(there))
        raise UsageError.for_value("param", f"a field of the preset: {names}", field.name)
    return there[field.name]


def _rows(study: optuna.Study, space: Sequence[Field]) -> list[dict[str, Value]]:
    rows = [
        {
            "trial": trial.number,
            "objective": trial.value if trial.value is not None else math.inf,
            **{field.name: trial.params[field.name] for field in space},
            "seconds": round(trial.duration.total_seconds(), 1) if trial.duration else 0.0,
        }
        for trial in study.trials
        if _is_done(trial)
    ]
    return sorted(rows, key=lambda row: row["objective"])


def _write_table(path: Path, rows: list[dict[str, Value]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, text.getvalue().encode())


def table(rows: list[dict[str, Value]]) -> str:
    """Return rows as text in columns."""
    cells = [list(rows[0]), *([_short(v) for v in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(lines)


def _short(value: Value) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _words(values: dict[str, Value]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items())
