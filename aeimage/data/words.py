"""Words for synthetic pages: made-up ones with the letters of many languages, and real texts.

A restorer must not learn a language: it would correct what it cannot read. So most words are
syllables put together, with each language's letters and their accents about as often as there.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aeimage.errors import UsageError


@dataclass(frozen=True)
class Language:
    """Syllables of a language: one of `starts`, of `vowels` and of `ends` makes one.

    An empty syllable part is written ``-``. Parts that are listed twice come twice as often.
    """

    name: str
    starts: Sequence[str]
    vowels: Sequence[str]
    ends: Sequence[str]
    syllables: tuple[int, int] = (1, 3)
    letters: frozenset[str] = field(init=False)

    def __post_init__(self):
        parts = "".join((*self.starts, *self.vowels, *self.ends))
        both = parts + parts.upper()
        object.__setattr__(self, "letters", frozenset(both) - frozenset(string.printable))

    def word(self, draw: random.Random) -> str:
        """Make up a word in lower case."""
        count = draw.randint(*self.syllables)
        parts = []
        for _ in range(count):
            parts += [draw.choice(self.starts), draw.choice(self.vowels), draw.choice(self.ends)]
        return "".join(parts)


def _parts(text: str) -> tuple[str, ...]:
    return tuple("" if part == "-" else part for part in text.split())


def _language(name: str, starts: str, vowels: str, ends: str, most: int = 3) -> Language:
    return Language(name, _parts(starts), _parts(vowels), _parts(ends), (1, most))


LANGUAGES = (
    _language(
        "English",
        "b c d f g h l m n p r s t w th th sh ch st tr pl gr wh y k v qu j - - -",
        "a e i o u a e i o ea ou ee ai oo",
        "- - - n r s t d l ng st nd ll ck th ght m p ly y ed x ff",
    ),
    _language(
        "French",
        "b c d f g l m n p r s t v ch qu l' d' tr pl gu j - -",
        "a e i o u é é è ê à ou eau ai oi â î û ô ë ï œ ù",
        "- - - - n r s t x nt que lle ss ç tion",
    ),
    _language(
        "German",
        "b d f g h k l m n p r s t w z sch st sp pf tr qu v j - -",
        "a e e i o u ei ie ä ö ü au eu äu",
        "- - n n r t s st ch ß ck cht ng tz lich ung ff",
    ),
    _language(
        "Spanish and Portuguese",
        "b c d f g l m n p r s t v ll ñ ch qu j z nh lh - -",
        "a e i o u a o á é í ó ú ü ã õ â ê ô ão ie ue",
        "- - - - n s r l ción ç dad x",
    ),
    _language(
        "Polish",
        "b c d g k l ł m n p r s t w z cz sz rz ż ź ś ć dz prz j h",
        "a e i o u y ą ę ó ie ia a o",
        "- - - - ł ń ś ć m k ch j sz",
    ),
    _language(
        "Czech, Slovak and Croatian",
        "b c č d ď h ch k l m n ň p r ř s š t ť v z ž j đ ľ",
        "a e i o u á é ě í ó ů ú y ý ô ä",
        "- - - - l r t k m ž š n ř ĺ ŕ",
    ),
    _language(
        "Turkish",
        "b c ç d g h k l m n p r s ş t v y z - -",
        "a e ı i o ö u ü a e i â",
        "- - - k l m n r ğ ş t z lar ler",
    ),
    _language(
        "Vietnamese",
        "b c ch d đ g gh h kh l m n ng nh ph qu r s t th tr v x",
        "a ă â e ê i o ô ơ u ư y á à ả ã ạ ắ ằ ẳ ẵ ặ ấ ầ ẩ ẫ ậ é è ẻ ẽ ẹ ế ề ể ễ ệ "
        "í ì ỉ ĩ ị ó ò ỏ õ ọ "
        "ố ồ ổ ỗ ộ ớ ờ ở ỡ ợ ú ù ủ ũ ụ ứ ừ ử ữ ự ý ỳ ỷ ỹ ỵ ươ iê",
        "- - n ng nh c t m p ch",
        1,
    ),
    _language(
        "Icelandic and Danish",
        "b d f g h k l m n r s t v þ ð hv sk st j - -",
        "a e i o u á é í ó ú ý ö æ ø å ei au",
        "- - n r ð s t nn ll ur gn l",
    ),
    _language(
        "Hungarian",
        "b c cs d f g gy h k l m n ny p r s sz t ty v z zs - -",
        "a á e é i í o ó ö ő u ú ü ű",
        "- - k l m n s t sz r gy",
    ),
    _language(
        "Romanian, Baltic and Maltese",
        "b c d f g l m n p r s t v ș ț z č š ž ķ ļ ņ ģ ħ ġ ż -",
        "a e i o u ă â î ā ē ī ū ė į ų",
        "- - n r s ș t l ul as is us",
    ),
    _language(
        "Old print",
        "b c d f g h l m n p r ſ ſ ſt t th w ſh ct qu v -",
        "a e i o u ea ou æ œ ie",
        "- - n r s t ſt nd ll ſſe fi fl ct e e",
    ),
)

DIACRITICS = "".join(sorted(frozenset().union(*(language.letters for language in LANGUAGES))))
TYPOGRAPHIC = "“”‘’„‚«»–—…†‡§•°½¼×©£€½№ﬁﬂﬀ"

# Shown in their nearest plain form where a font lacks them.
_PLAIN = str.maketrans(
    dict(zip("“”„«»‘’‚–—…•×№ſﬁﬂﬀ", '"""""\'\'\'--.*xNs', strict=False))
    | {"ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff"}
)
_QUOTES = (("“", "”"), ("„", "“"), ("«", "»"), ("‘", "’"), ("»", "«"), ('"', '"'))


def read_words(paths: Iterable[Path]) -> list[str]:
    """Return the words of text files in their order, with their punctuation.

    Raises:
        UsageError: a file is not UTF-8 text, or cannot be read.
    """
    words: list[str] = []
    for path in paths:
        try:
            words += Path(path).read_text(encoding="utf-8-sig").split()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: expected a text file in UTF-8: {error}") from error
    # Underscores are how plain text prints italics. Addresses and rows of dashes have no place to
    # break a line.
    words = [word.replace("_", "") for word in words]
    return [word for word in words if 0 < len(word) <= 20]


class Vocabulary:
    """A source of running words.

    Args:
        words: of real texts in their order, as `read_words` returns; may be empty.
        share: of the passages that are taken from `words` where there are any.
    """

    def __init__(self, words: Sequence[str] = (), *, share: float = 0.35):
        self.words = words
        self.share = share if words else 0.0

    def passage(self, draw: random.Random, count: int, letters: frozenset[str]) -> list[str]:
        """Return `count` words with punctuation.

        Args:
            draw: source of randomness.
            count: of words, at least 1.
            letters: accented letters and marks there are glyphs for; others do not occur.
        """
        if draw.random() < self.share:
            start = draw.randrange(max(1, len(self.words) - count))
            return plain_words(self.words[start : start + count], letters)
        able = [language for language in LANGUAGES if language.letters <= letters]
        language = draw.choice(able or LANGUAGES[:1])
        quotes = draw.choice([pair for pair in _QUOTES if letters.issuperset(pair)] or _QUOTES[-1:])
        words: list[str] = []
        capital = True
        for _ in range(count):
            word = _variant(draw, language.word(draw), letters)
            if capital or draw.random() < (0.3 if language.name == "German" else 0.07):
                word = word[:1].upper() + word[1:]
            mark = draw.random()
            capital = mark < 0.09
            if capital:
                word += draw.choice("....?!")
            elif mark < 0.18:
                word += draw.choice(",,,,;:")
            elif mark < 0.20:
                word = f"{quotes[0]}{word}{quotes[1]}"
            elif mark < 0.21:
                word = f"({word})"
            words.append(word)
        return words


def plain_words(words: Sequence[str], letters: frozenset[str]) -> list[str]:
    """Return words with what is neither ASCII nor in `letters` replaced by ASCII, or left out."""
    replaced = []
    for word in words:
        if not word.isascii():
            word = "".join(
                c if c in letters else c.translate(_PLAIN) for c in word if c.isprintable()
            )
            word = "".join(c for c in word if c.isascii() or c in letters)
        replaced.append(word or "-")
    return replaced


def number(draw: random.Random) -> str:
    """Make up a number as tables and texts have them."""
    kind = draw.random()
    if kind < 0.35:
        return str(draw.randint(0, 2100))
    if kind < 0.55:
        return f"{draw.uniform(0, 1000):,.2f}"
    if kind < 0.65:
        return f"{draw.randint(1, 28):02d}.{draw.randint(1, 12):02d}.{draw.randint(1700, 2030)}"
    if kind < 0.75:
        return f"{draw.randint(0, 100)}%"
    if kind < 0.85:
        return f"{draw.randint(1, 900)}-{draw.randint(1, 99)}/{draw.choice(string.ascii_uppercase)}"
    return f"{draw.uniform(-9, 99):.{draw.randint(1, 3)}f}"


def _variant(draw: random.Random, word: str, letters: frozenset[str]) -> str:
    kind = draw.random()
    if kind < 0.04:
        return number(draw)
    if kind < 0.055:
        # ß, ı and ŉ have capitals of another length, or none in most fonts.
        upper = word.upper()
        return upper if all(c.isascii() or c in letters for c in upper) else word
    if kind < 0.07:
        dash = draw.choice([d for d in "–—" if d in letters] or ["-"])
        return word + dash + draw.choice(("", word[:3]))
    if kind < 0.08:
        marks = [c for c in "†‡§•°½¼×©£€…ﬁﬂﬀ" if c in letters] + list("&@#$%*+=/[]{}<>_~^|\\")
        return word + draw.choice(marks)
    return word
