"""Character error rates: what counts as an error, and what is normalised away."""

import random

import pytest
from ocr_metric import (
    added_error,
    character_error_rate,
    levenshtein,
    matching_prefix,
    normalise,
    prefix_distances,
)


def table(a, b):
    """Distances of `a` to every prefix of `b`, by the textbook."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (x != y)))
    return row


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a  b\n\n c\t", "a b c"),
        ("Reforma-\ntion", "Reformation"),
        ("Reforma\u2010 \r\n  tion", "Reformation"),
        ("Refor\u00admation", "Reformation"),
        ("self-sacrifice", "self-sacrifice"),
        ("“Aline’s ‘book’”", "\"Aline's 'book'\""),
        ("''Aline''", '"Aline"'),
        ("life;—first – last−1", "life;-first - last-1"),
        ("bleſſed", "blessed"),
        ("cafe\u0301", "caf\u00e9"),
        ("he said—\nnothing", "he said- nothing"),
    ],
)
def test_normalises(text, same):
    assert normalise(text) == same
    assert normalise(normalise(text)) == same


def test_distance_is_the_textbooks():
    rng = random.Random(1)
    for _ in range(300):
        a, b = ("".join(rng.choices("abc", k=rng.randint(0, 14))) for _ in range(2))
        assert prefix_distances(a, b) == table(a, b)
        assert levenshtein(a, b) == levenshtein(b, a)


def test_distance_of_long_texts():
    a = "the quick brown fox " * 60
    assert levenshtein(a, a) == 0
    assert levenshtein(a, a.replace("quick", "quack")) == 60
    assert levenshtein(a, "") == len(a)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("abcdefghij", 0.0),
        ("abcdefghiX", 0.1),
        ("", 1.0),
        ("completely different, and much longer than the truth", 1.0),
        ("abcde fghij", 0.1),
    ],
)
def test_rate(text, rate):
    assert character_error_rate(text, "abcdefghij") == pytest.approx(rate)


def test_no_truth_is_an_error():
    with pytest.raises(ValueError, match="truth"):
        character_error_rate("text", " \n")


def test_added_error_is_never_negative():
    assert added_error(0.3, 0.1) == pytest.approx(0.2)
    assert added_error(0.1, 0.3) == 0


def test_finds_where_a_strip_ends_in_the_truth():
    truth = "one two three four five six"
    assert matching_prefix("one tvvo three", truth) == ("one two three", 2)
    assert matching_prefix("one two three four five six", truth) == (truth, 0)
    # Letters missed at the end are errors: the word they belong to is not cut off.
    assert matching_prefix("one two thre", truth)[0] == "one two three"
