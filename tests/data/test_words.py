"""Made-up and real words."""

import random

import pytest

from aeimage.data.words import (
    DIACRITICS,
    LANGUAGES,
    TYPOGRAPHIC,
    Vocabulary,
    number,
    plain_words,
    read_words,
)
from aeimage.errors import UsageError

ALL = frozenset(DIACRITICS + TYPOGRAPHIC)


@pytest.mark.parametrize("letters", [frozenset(), frozenset("éèçß“”"), ALL])
def test_words_need_only_the_letters_there_are(letters):
    vocabulary = Vocabulary(["“Où”", "naïve", "straße", "ﬁn", "漢字"], share=0.5)
    draw = random.Random(1)
    for _ in range(200):
        words = vocabulary.passage(draw, 12, letters)
        assert words and all(words)
        assert all(c.isascii() or c in letters for word in words for c in word), words


def test_every_language_occurs_with_all_of_its_letters():
    draw = random.Random(0)
    for language in LANGUAGES:
        drawn = {c for _ in range(3000) for c in language.word(draw)}
        lower = {c for c in language.letters if c.islower()}
        assert lower <= drawn, language.name


def test_the_same_seed_gives_the_same_words():
    passages = [Vocabulary().passage(random.Random(4), 50, ALL) for _ in range(2)]
    assert passages[0] == passages[1]
    assert passages[0] != Vocabulary().passage(random.Random(5), 50, ALL)


def test_letters_a_font_lacks_are_shown_plainly():
    assert plain_words(["“ﬁne”", "a—b", "Łódź", "漢"], frozenset("ó")) == [
        '"fine"',
        "a-b",
        "ód",
        "-",
    ]


def test_texts_are_read_with_their_punctuation(tmp_path):
    (tmp_path / "text.txt").write_text(f"_It_ was,\n perhaps: {'-' * 60} so.\n", encoding="utf-8")
    assert read_words([tmp_path / "text.txt"]) == ["It", "was,", "perhaps:", "so."]
    (tmp_path / "other").write_bytes(b"\xff\xfe\x00")
    for name in ("other", "nowhere"):
        with pytest.raises(UsageError, match="expected a text file in UTF-8"):
            read_words([tmp_path / name])


def test_numbers_have_digits():
    draw = random.Random(0)
    assert all(any(c.isdigit() for c in number(draw)) for _ in range(100))
