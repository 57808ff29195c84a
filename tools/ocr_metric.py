"""The character error rate of OCR text against the truth, and the error a damage adds to a page.

Typesetting that OCR cannot or need not know is made alike in both texts first (`normalise`): line
breaks, hyphens at line ends, the shapes of quotes and dashes, the long s.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_QUOTES = dict.fromkeys(map(ord, "‘’‚‛′‵`´"), "'") | dict.fromkeys(map(ord, "“”„‟″‶«»"), '"')
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-")
_SAME = _QUOTES | _DASHES | {ord("ſ"): "s"}
_SOFT_HYPHEN = "\u00ad"
# Of the dashes only these two divide words.
_HYPHEN_AT_LINE_END = re.compile(rf"(?<=\w)[-\u2010{_SOFT_HYPHEN}][ \t]*\r?\n\s*(?=\w)")


def normalise(text: str) -> str:
    """The text as it is compared.

    NFC; words divided by a hyphen at a line's end are joined; quotes (two single ones are a double
    one), dashes and the long s get one form each; all white space becomes single spaces, none at
    the ends.
    """
    text = unicodedata.normalize("NFC", text)
    text = _HYPHEN_AT_LINE_END.sub("", text).replace(_SOFT_HYPHEN, "")
    return " ".join(text.translate(_SAME).replace("''", '"').split())


def character_error_rate(text: str, truth: str) -> float:
    """Levenshtein distance of the normalised texts over the truth's length, at most 1.

    Raises:
        ValueError: if the truth is empty.
    """
    text, truth = normalise(text), normalise(truth)
    if not truth:
        raise ValueError("Invalid value for `truth`. Expected a text. Received: an empty one.")
    return min(1.0, levenshtein(text, truth) / len(truth))


def added_error(rate: float, clean_rate: float) -> float:
    """What the damage added: the rate less that of the same undamaged page, at least 0."""
    return max(0.0, rate - clean_rate)


def levenshtein(a: str, b: str) -> int:
    """The least number of insertions, deletions and substitutions that make `a` into `b`."""
    return prefix_distances(a, b)[-1]


def prefix_distances(pattern: str, text: str) -> list[int]:
    """The Levenshtein distances of `pattern` to every prefix of `text`, the empty one first.

    Myers: "A fast bit-vector algorithm for approximate string matching based on dynamic
    programming", 1999, in Hyyrö's form; a column of the table is two Python integers of one bit a
    letter of the pattern.
    """
    length = len(pattern)
    if not length:
        return list(range(len(text) + 1))
    ones, last = (1 << length) - 1, 1 << (length - 1)
    places: dict[str, int] = {}
    for i, letter in enumerate(pattern):
        places[letter] = places.get(letter, 0) | 1 << i
    up, down = ones, 0  # where the column's value is one more, or one less, than the one above
    distances = [length]
    for letter in text:
        match = places.get(letter, 0)
        zero = (((match & up) + up) ^ up) | match | down
        right_up = down | ~(zero | up) & ones
        right_down = up & zero
        distances.append(distances[-1] + bool(right_up & last) - bool(right_down & last))
        # The empty pattern's distance grows by one with every letter: a one comes in at the bottom.
        right_up = (right_up << 1 | 1) & ones
        right_down = (right_down << 1) & ones
        up = right_down | ~(zero | right_up) & ones
        down = right_up & zero
    return distances


def matching_prefix(part: str, truth: str) -> tuple[str, int]:
    """The prefix of `truth`, ending where a word ends, that is nearest to `part`; its distance.

    Both are taken as normalised. Where several prefixes are as near, the longest is meant: letters
    that OCR missed at the end are errors, not absent.
    """
    distances = prefix_distances(part, truth)
    ends = [i for i, (this, next_) in enumerate(pairwise(truth + " "), 1) if next_ == " " != this]
    best = min(ends, key=lambda end: (distances[end], -end))
    return truth[:best], distances[best]
