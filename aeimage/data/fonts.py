"""Text fonts on this machine, for drawing synthetic pages.

Looked for in the system's font folders, in matplotlib if it is installed (DejaVu, STIX, Computer
Modern), and in any folder given. A face is used if it has all characters of ASCII and is
no known one of symbols; faces that draw letters alike (copies, and the scripts of one superfamily)
count once.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFont

from aeimage.data.font_tables import mapped_characters
from aeimage.data.words import DIACRITICS, TYPOGRAPHIC
from aeimage.errors import UsageError

FONT_SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc"})
DEBIAN_PACKAGES = (
    "fonts-liberation fonts-dejavu fonts-freefont-ttf fonts-linuxlibertine fonts-ebgaramond "
    "fonts-crosextra-carlito fonts-crosextra-caladea fonts-lato fonts-roboto fonts-texgyre"
)

# Names of fonts whose "letters" are mathematics, Greek, outlines or pictures.
_NO_TEXT = re.compile(
    r"symbol|emoji|dingbat|icon|awesome|ornament|barcode|braille|music|glyphicon|math|keycaps"
    r"|lastresort|nonuni|stixsi[sz]|^cm[a-z]+10|^rsfs|^(eu|es)int|outline|redacted|keyboard"
    r"|abecedario|babel|alfa-beta|ellhnikh|humor|^d050000l",
    re.IGNORECASE,
)
_ASCII = frozenset(map(chr, range(33, 127)))
_BOLD = re.compile(r"bold|black|heavy|\bbol|demi|ultra|extra(?!-?light)", re.IGNORECASE)
_ITALIC = re.compile(r"italic|oblique|slanted|inclined|(?<![a-z])ita?\b", re.IGNORECASE)
_FAINT = re.compile(r"thin|hairline|extra-?light|ultra-?light", re.IGNORECASE)


@dataclass(frozen=True)
class Face:
    """One face of a font file.

    Attributes:
        path: the file; None for the face that Pillow carries.
        index: of the face in the file (collections have several).
        family, style: as the file says, e.g. ``"Liberation Serif"`` and ``"Bold Italic"``.
        letters: which of the accented letters and typographic marks of `aeimage.data.words` it
            has, beyond plain ASCII.
        fixed_pitch: every letter is as wide as the others, as on a typewriter.
    """

    path: Path | None
    index: int
    family: str
    style: str
    letters: frozenset[str]
    fixed_pitch: bool

    @property
    def bold(self) -> bool:
        """Whether the style is bolder than regular."""
        return bool(_BOLD.search(self.style))

    @property
    def italic(self) -> bool:
        """Whether the style is italic or oblique."""
        return bool(_ITALIC.search(self.style))

    @property
    def superfamily(self) -> str:
        """The first word of the family's name, shared by designs that belong together."""
        return re.split(r"[\W\d_]", self.family.strip(), maxsplit=1)[0]

    def at(self, pixels: float, *, shaped: bool = False) -> ImageFont.FreeTypeFont:
        """Return the face with `pixels` to the em; `shaped` with kerning and ligatures."""
        if self.path is None:
            return _default(pixels)
        engine = ImageFont.Layout.RAQM if shaped else ImageFont.Layout.BASIC
        return ImageFont.truetype(self.path, pixels, index=self.index, layout_engine=engine)


def font_folders() -> list[Path]:
    """Return the folders fonts are looked for in; some may not exist."""
    home = Path.home()
    if sys.platform == "win32":
        folders = [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
        if local := os.environ.get("LOCALAPPDATA"):
            folders.append(Path(local) / "Microsoft" / "Windows" / "Fonts")
    elif sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    else:
        data = os.environ.get("XDG_DATA_HOME")
        folders = [
            Path("/usr/share/fonts"),
            Path("/usr/local/share/fonts"),
            Path("/usr/share/texmf/fonts/opentype"),
            (Path(data) if data else home / ".local" / "share") / "fonts",
            home / ".fonts",
        ]
    # Found without importing matplotlib, which takes a second.
    matplotlib = importlib.util.find_spec("matplotlib")
    if matplotlib is not None and matplotlib.origin is not None:
        folders.append(Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf")
    return folders


def find_faces(folders: Iterable[Path] | None = None) -> list[Face]:
    """Return the text faces below some folders, in an order that depends on the files alone.

    Args:
        folders: looked through, with all below; by default `font_folders`, and where they hold
            none the one face that Pillow carries.

    Raises:
        UsageError: no face of a text font in the given folders, or none at all.
    """
    faces: list[Face] = []
    seen: set[bytes] = set()
    for path in _font_files(font_folders() if folders is None else folders):
        for index in range(16):
            face, likeness = _read(path, index)
            if likeness is None:  # no such face, or unreadable
                break
            if face is not None and likeness not in seen:
                seen.add(likeness)
                faces.append(face)
            if path.suffix.lower() not in (".ttc", ".otc"):
                break
    if not faces and folders is None:
        faces = _pillow_faces()
    if not faces:
        where = "on this system" if folders is None else ", ".join(map(str, folders))
        raise UsageError(
            f"No text fonts {where}: expected TrueType or OpenType files with Latin letters. "
            f"On Debian and Ubuntu, install some with: apt-get install {DEBIAN_PACKAGES}"
        )
    return sorted(faces, key=lambda face: (face.family, face.style, str(face.path), face.index))


def split_families(faces: Sequence[Face], *, share: float = 0.2) -> tuple[list[Face], list[Face]]:
    """Split faces into training and test, by family, the same on every machine.

    A family's side depends on the first word of its name alone ("Noto", "Liberation": designs
    that belong together stay together), never on which other fonts there are.

    Args:
        faces: as `find_faces` returns.
        share: of all names there could be that fall on the test side.

    Returns:
        Training and test; either may be empty where there are few fonts.
    """
    sides: tuple[list[Face], list[Face]] = ([], [])
    for face in faces:
        draw = (
            int.from_bytes(hashlib.sha256(face.superfamily.lower().encode()).digest()[:4], "big")
            / 2**32
        )
        sides[draw < share].append(face)
    return sides


def _font_files(folders: Iterable[Path]) -> list[Path]:
    found: set[Path] = set()
    for folder in map(Path, folders):
        if folder.is_file():
            found.add(folder)
        elif folder.is_dir():
            found |= {p for p in folder.rglob("*") if p.suffix.lower() in FONT_SUFFIXES}
    # By name first: where a copy of a font lies does not change which of two is kept.
    return sorted(found, key=lambda p: (p.name, str(p)))


def _read(path: Path, index: int) -> tuple[Face | None, bytes | None]:
    """Return the face if it is one for text, and a digest of how its letters look."""
    try:
        characters = mapped_characters(path, index)
        if not characters >= _ASCII:
            return None, b""
        font = ImageFont.truetype(path, 24, index=index, layout_engine=ImageFont.Layout.BASIC)
        family, style = (name or "" for name in font.getname())
        if _NO_TEXT.search(family) or _NO_TEXT.search(path.stem) or _FAINT.search(style):
            return None, b""
        if len({_drawing(font, letter) for letter in "aboTX8"}) < 6:
            return None, b""
        likeness = hashlib.sha256(_drawing(font, "HamburgefonstivRQCW&2570")).digest()
    except (OSError, ValueError):  # unreadable, or no such face
        return None, None
    return _face(font, path, index, family or path.stem, style, characters), likeness


def _face(font, path, index: int, family: str, style: str, characters: frozenset[str]) -> Face:
    letters = characters.intersection(DIACRITICS + TYPOGRAPHIC)
    fixed_pitch = font.getlength("i") == font.getlength("M")
    return Face(path, index, family, style, letters, fixed_pitch)


def _drawing(font: ImageFont.FreeTypeFont, text: str) -> bytes:
    mask, offset = font.getmask2(text, mode="1")
    return repr((mask.size, offset)).encode() + bytes(mask) if mask.size[0] else b""


def _default(pixels: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(pixels)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _pillow_faces() -> list[Face]:
    try:
        font = _default(24)
    except (AssertionError, ImportError, OSError):  # a Pillow without FreeType
        return []
    # It comes without a file to read this from; these all of its versions have.
    family, style = (name or "" for name in font.getname())
    return [_face(font, None, 0, family, style, _ASCII | frozenset("©«°»‘’“”…ﬁﬂ"))]
