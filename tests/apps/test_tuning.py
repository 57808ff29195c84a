"""The search for hyper-parameters, with trainings that cost nothing."""

import csv
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("optuna", reason="tuning needs the tune extra")
pytest.importorskip("tensorflow", reason="tuning needs the train extra")

from aeimage.apps import tuning
from aeimage.apps.tuning import Field, table, tune
from aeimage.errors import TrainingDivergedError, UsageError
from aeimage.training.presets import load_preset
from aeimage.training.request import TrainingRequest

SPACE = [Field.parse("learning_rate=1e-5:1e-1:log"), Field.parse("config.width=4,8,16")]


class Bowl:
    """Takes the place of training: best at a learning rate of 1e-2 and a width of 16."""

    def __init__(self, stop_at: int | None = None):
        self.calls, self.stop_at, self.seen = 0, stop_at, []

    def __call__(self, request, report):
        preset = load_preset(request.preset)
        rate, width = preset.LEARNING_RATE, preset.CONFIG.width
        self.calls += 1
        out = Path(request.out)
        out.mkdir(parents=True, exist_ok=True)
        (out / "checkpoint.npz").write_bytes(b"")
        self.seen.append((out.name, rate, width))
        if rate > 5e-2:
            raise TrainingDivergedError("The loss became nan.")
        stopped = self.calls == self.stop_at
        best = abs(rate - 1e-2) * 100 + abs(width - 16) / 10
        return SimpleNamespace(best=best, stopping=stopped, step=1 if stopped else request.steps)


def quiet(line: str) -> None:
    pass


@pytest.fixture
def search(tmp_path, monkeypatch):
    """A function that searches with a bowl in `tmp_path`."""
    monkeypatch.setattr(tuning, "_forget_models", lambda: None)

    def run(bowl, **options):
        monkeypatch.setattr(tuning, "train", bowl)
        request = TrainingRequest("codec-tiny", [tmp_path], tmp_path / "out", steps=5)
        return tune(request, options.pop("space", SPACE), report=quiet, **options)

    return run


def test_a_search_gives_a_table_and_a_plot(search, tmp_path):
    before = dict(vars(load_preset("codec-tiny")))
    bowl = Bowl()
    found = search(bowl, trials=14)
    assert found.finished and len(found.rows) == bowl.calls == 14
    # The preset's own values come first.
    assert bowl.seen[0] == ("0000", before["LEARNING_RATE"], before["CONFIG"].width)
    objectives = [row["objective"] for row in found.rows]
    assert objectives == sorted(objectives) and objectives[0] < 1.7  # the preset's own
    with (tmp_path / "out" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["trial", "objective", "learning_rate", "config.width", "seconds"]
    assert [int(row["trial"]) for row in rows] == [row["trial"] for row in found.rows]
    assert (tmp_path / "out" / "tuning.png").read_bytes().startswith(b"\x89PNG")
    assert len(table(found.rows).splitlines()) == 15
    assert vars(load_preset("codec-tiny")) == before
    kept = {path.parent.name for path in (tmp_path / "out").rglob("checkpoint.npz")}
    diverged = {row["trial"] for row in found.rows if row["objective"] == float("inf")}
    assert kept == {f"{number:04d}" for number in diverged}


def test_an_interrupted_search_goes_on_with_the_interrupted_trial(search):
    first = Bowl(stop_at=3)
    found = search(first, trials=6)
    assert not found.finished and len(found.rows) == 2
    second = Bowl()
    found = search(second, trials=6)
    assert found.finished and len(found.rows) == 6
    assert second.seen[0] == first.seen[2]
    assert len({name for name, *_ in first.seen + second.seen}) == 6
    # Later trials are new ones, not those of the beginning once more.
    assert len({rate for _, rate, _ in first.seen[1:] + second.seen[1:]}) == 5
    third = Bowl()
    assert len(search(third, trials=6).rows) == 6 and third.calls == 0


def test_a_killed_search_goes_on(search, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(request, report):
        raise Killed

    with pytest.raises(Killed):
        search(killed, trials=3)
    bowl = Bowl()
    assert len(search(bowl, trials=3).rows) == 3
    assert bowl.seen[0][0] == "0000"


def test_diverged_trials_are_not_repeated(search):
    space = [Field.parse("learning_rate=0.06,0.07")]
    bowl = Bowl()
    found = search(bowl, trials=2, space=space)
    assert [row["objective"] for row in found.rows] == [float("inf")] * 2
    assert len(search(bowl, trials=2, space=space).rows) == bowl.calls == 2


def test_another_search_is_left_alone(search):
    search(Bowl(), trials=1)
    with pytest.raises(UsageError, match="space"):
        search(Bowl(), trials=2, space=SPACE[:1])


@pytest.mark.parametrize(
    "text", ["", "a", "a=", "a=5:1", "a=0:1:log", "a=x:y", "a=1:2:cube", "=1:2"]
)
def test_fields_that_make_no_sense(text):
    with pytest.raises(UsageError, match="LOW:HIGH"):
        Field.parse(text)


def test_fields_that_a_preset_does_not_have(search):
    with pytest.raises(UsageError, match=r"config\.width"):
        search(Bowl(), space=[Field.parse("nonsense=1:2")])


def test_numbers_stay_what_they_are():
    assert Field.parse("a=1:5") == Field("a", low=1, high=5)
    assert isinstance(Field.parse("a=1.0:5").low, float)
    assert Field.parse("precision=float32,mixed_bfloat16").choices == ("float32", "mixed_bfloat16")
