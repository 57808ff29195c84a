"""The OCR benchmark's arithmetic on made-up rows: best single, oracle, reductions, floors."""

import pytest

pytest.importorskip("cv2")
pytest.importorskip("scipy")

from ocr_filters import FILTERS
from ocr_markdown import summary_markdown
from ocr_run import CLEAN, COMBINED, Condition, Row, conditions, protocol
from ocr_summary import HARD, MILD, OURS, no_worse, reduction, summarise, write_summary_csv

VERSIONS = {name: filter_.version for name, filter_ in FILTERS.items()} | {OURS: "scan 1"}
WANTED = [
    Condition(CLEAN, CLEAN, ()),
    Condition("noise", "1", (("noise", 1),)),
    Condition("uneven", "1", (("uneven", 1),)),
    Condition("noise", "3", (("noise", 3),)),
    Condition("uneven+noise", COMBINED, (("uneven", 2), ("noise", 1))),
]
# Errors by condition: page a's rate is its clean rate more, page b's twice the error more.
ERRORS = {
    "raw": (0.0, 0.3, 0.3, 0.4, 0.4),
    "blur": (0.0, 0.02, 0.1, 0.3, 0.2),
    "median": (0.01, 0.1, 0.01, 0.2, 0.2),
    OURS: (0.0, 0.01, 0.005, 0.1, 0.1),
}
CLEAN_RATE = {"a": 0.01, "b": 0.0}


def made_up_rows(errors=ERRORS, pages=("a", "b"), version=None):
    return [
        Row(
            page,
            condition.damage,
            condition.level,
            method,
            version or VERSIONS[method],
            protocol(condition, "engine 1"),
            rate=CLEAN_RATE[page] + error * (1 if page == "a" else 2),
            letters=100,
            timed_out=method == "raw" and condition.level == "3" and page == "b",
            seconds=0.1,
        )
        for page in pages
        for method, values in errors.items()
        for condition, error in zip(WANTED, values, strict=True)
    ]


@pytest.fixture
def summary():
    return summarise(made_up_rows(), VERSIONS, ["a", "b"], WANTED, "engine 1")


def test_errors_are_means_over_pages_above_the_clean_page(summary):
    error = summary.errors["noise", "1", "blur"]
    assert error.mean == pytest.approx(0.03)
    assert (error.worst, error.worst_page) == (pytest.approx(0.04), "b")
    assert summary.errors["noise", "3", "raw"].timeouts == 1
    assert summary.errors[CLEAN, CLEAN, "raw"].mean == 0


def test_best_single_and_oracle(summary):
    # blur: (2 + 10)/2 = 6 %, median: (10 + 1)/2 = 5.5 %, each times 1.5 over the pages.
    assert summary.best_single(MILD) == "median"
    assert summary.mean("median", MILD) == pytest.approx(0.0825)
    assert summary.best_for("noise", "1") == "blur"
    assert summary.best_for("uneven", "1") == "median"
    assert summary.oracle(MILD) == pytest.approx(0.0225)
    assert summary.oracle(HARD) == pytest.approx(0.3)
    assert summary.mean(OURS, MILD) == pytest.approx(0.01125)
    assert summary.worst("raw", HARD).worst == pytest.approx(0.8)


def test_ours_is_never_the_oracles_choice(summary):
    assert OURS not in summary.classical
    assert all(summary.best_for(d, level) != OURS for d, level in summary.damages(MILD))


def test_reductions():
    assert reduction(0.05, 0.1) == pytest.approx(0.5)
    assert reduction(0.2, 0.1) == pytest.approx(-1)
    assert reduction(0, 0) == 0
    assert no_worse(0.0119, 0.01) and not no_worse(0.0121, 0.01)


def test_pages_not_finished_are_left_out():
    rows = [row for row in made_up_rows() if (row.page, row.method) != ("b", "median")]
    summary = summarise(rows, VERSIONS, ["a", "b"], WANTED, "engine 1")
    assert (summary.pages, summary.unfinished) == (("a",), ("b",))


def test_ours_is_left_out_unless_finished_with_this_model():
    without = {name: errors for name, errors in ERRORS.items() if name != OURS}
    old = made_up_rows({OURS: ERRORS[OURS]}, version="scan 0")
    summary = summarise(made_up_rows(without) + old, VERSIONS, ["a", "b"], WANTED, "engine 1")
    assert OURS not in summary.methods and summary.pages == ("a", "b")


def test_rows_of_another_damage_or_engine_do_not_count():
    rows = made_up_rows()
    assert summarise(rows, VERSIONS, ["a", "b"], WANTED, "engine 2") is None
    noise, harder = (protocol(c, "engine 1") for c in (WANTED[1], WANTED[3]))
    assert noise != harder and protocol(WANTED[0], "engine 1") == "engine 1"


def test_no_summary_of_nothing():
    assert summarise([], VERSIONS, ["a"], WANTED, "engine 1") is None


def test_markdown_states_the_floors(summary, tmp_path):
    text = summary_markdown(summary)
    assert "−86 %" in text  # 1.125 against the best single's 8.25
    assert text.count(": met") == 4 and "missed" not in text
    worse = ERRORS | {OURS: (0.01, 0.2, 0.2, 0.2, 0.2)}
    text = summary_markdown(
        summarise(made_up_rows(worse), VERSIONS, ["a", "b"], WANTED, "engine 1")
    )
    assert text.count("**missed**") == 4
    write_summary_csv(tmp_path / "summary.csv", summary)
    assert len((tmp_path / "summary.csv").read_text().splitlines()) == 1 + 5 * 4


def test_conditions():
    every = conditions()
    assert every[0].damage == CLEAN and len(set(every)) == len(every)
    assert {c.level for c in every} == {CLEAN, "1", "2", "3", COMBINED}
    some = conditions(["noise"], ["3"])
    assert [(c.damage, c.level) for c in some] == [(CLEAN, CLEAN), ("noise", "3")]
