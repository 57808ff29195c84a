"""The family's benchmark: parts, resumption, table; quick runs on scikit-learn's digits."""

import sys
import types

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
pytest.importorskip("tensorflow", reason="training needs the train extra")

import benchmark_family

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def fake_parts(monkeypatch):
    """Two parts that count their calls; one fails at first."""
    calls = []

    def part(name, fails=0):
        def run(options):
            calls.append(name)
            if calls.count(name) <= fails:
                raise ValueError("out of luck")
            return [
                {"part": name, "data": "d", "method": m, "measure": "x", "value": v}
                for m, v in (("a", 1.0), ("b", 2.5))
            ]

        module = types.ModuleType(f"family_{name}")
        module.run = run
        monkeypatch.setitem(sys.modules, module.__name__, module)

    part("features")
    part("transfer", fails=1)
    return calls


def test_a_run_goes_on_where_it_stopped(fake_parts, tmp_path, capsys):
    line = ["--data", "digits", "--out", str(tmp_path), "--parts", "features,transfer"]
    assert benchmark_family.main(line) == 1
    assert "out of luck" in capsys.readouterr().err
    assert benchmark_family.main(line) == 0
    assert benchmark_family.main(line) == 0
    assert fake_parts == ["features", "transfer", "transfer"]
    rows = benchmark_family.read_rows(tmp_path / "results.csv")
    assert [row["part"] for row in rows] == ["features"] * 3 + ["transfer"] * 3
    assert "| b | 2.5 |" in (tmp_path / "results.md").read_text()
    assert benchmark_family.main([*line, "--again", "features"]) == 0
    assert fake_parts.count("features") == 2 and fake_parts.count("transfer") == 2


def test_parts_must_exist_and_may_be_left_out(fake_parts, tmp_path, capsys):
    with pytest.raises(SystemExit):
        benchmark_family.main(["--data", "digits", "--parts", "nonsense"])
    line = ["--data", "digits", "--out", str(tmp_path), "--parts", "features,photographs"]
    assert benchmark_family.main(line) == 0
    assert "for want of --photographs: photographs" in capsys.readouterr().err


def test_a_table_lies_on_its_side_where_measures_are_many():
    rows = [
        {"part": "p", "data": "d", "method": m, "measure": f"m{i}", "value": i}
        for m in ("a", "b")
        for i in range(9)
    ]
    assert "|  | a | b |" in benchmark_family.markdown(rows)
    assert "|  | m0 | m1 | m2 |" in benchmark_family.markdown(rows[:3])


@pytest.mark.parametrize(
    ("part", "pictures", "measures"),
    [
        ("features", ["map.png"], ["MSE", "accuracy of a linear probe"]),
        ("anomaly", ["anomaly.png", "mislabelled.png"], ["AUROC, mean", "estimated share"]),
        ("transfer", ["transfer.png"], ["accuracy, 100 labels"]),
    ],
)
def test_quick_runs(part, pictures, measures, tmp_path):
    line = ["--data", "digits", "--out", str(tmp_path), "--parts", part, "--quick"]
    assert benchmark_family.main(line) == 0
    for name in pictures:
        assert (tmp_path / name).stat().st_size > 1000
    text = (tmp_path / "results.md").read_text()
    assert "these numbers mean nothing" in text
    for measure in measures:
        assert measure in text
