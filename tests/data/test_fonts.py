"""Which fonts are found, and what is known of them."""

import random
import shutil
from pathlib import Path

import matplotlib
import pytest
from PIL import ImageFont

from aeimage.data import fonts
from aeimage.data.font_tables import mapped_characters
from aeimage.data.fonts import find_faces, split_families
from aeimage.errors import UsageError

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
SANS = FOLDER / "DejaVuSans.ttf"


@pytest.fixture(scope="module")
def faces():
    return find_faces([FOLDER])


def test_text_faces_are_found_and_symbols_are_not(faces):
    families = {face.family for face in faces}
    assert {"DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono", "STIXGeneral"} <= families
    assert not {f for f in families if "NonUnicode" in f or "Size" in f or "LastResort" in f}


def test_styles_and_pitch_are_known(faces):
    sans = {face.style: face for face in faces if face.family == "DejaVu Sans"}
    assert [s for s, face in sans.items() if face.bold and face.italic] == ["Bold Oblique"]
    assert not sans["Book"].bold and not sans["Book"].italic
    assert {face.family for face in faces if face.fixed_pitch} >= {"DejaVu Sans Mono"}
    assert not sans["Book"].fixed_pitch
    assert {"é", "ł", "ơ", "ſ", "„"} <= sans["Book"].letters


def test_the_order_is_that_of_the_files_and_copies_count_once(tmp_path, faces):
    for i, face in enumerate(reversed(faces)):
        (tmp_path / str(i)).mkdir()
        shutil.copy(face.path, tmp_path / str(i))
    again = find_faces([tmp_path, FOLDER])
    assert [(f.family, f.style) for f in again] == [(f.family, f.style) for f in faces]


def test_coverage_is_what_freetype_draws():
    characters = mapped_characters(SANS)
    font = ImageFont.truetype(SANS, 20, layout_engine=ImageFont.Layout.BASIC)

    def drawn(character):
        mask = font.getmask(character)
        return mask.size, bytes(mask)

    # A private character that no font has: all that are missing look like it.
    missing = drawn("\U0010fffd")
    draw = random.Random(0)
    for code in draw.sample(range(0x21, 0x3000), 400):
        assert (chr(code) in characters) == (drawn(chr(code)) != missing), hex(code)


def test_damaged_fonts_are_value_errors_and_passed_over(tmp_path):
    data = SANS.read_bytes()
    for i, length in enumerate((0, 3, 11, 40, 200, 5000)):
        path = tmp_path / f"{i}.ttf"
        path.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"\w"):
            mapped_characters(path)
    shutil.copy(SANS, tmp_path)
    assert [face.family for face in find_faces([tmp_path])] == ["DejaVu Sans"]


def test_pillows_own_face_stands_in(monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "font_folders", lambda: [tmp_path])
    (face,) = find_faces()
    assert face.path is None
    assert face.at(20).getlength("Hello") > 20


def test_no_fonts_say_what_to_install(monkeypatch, tmp_path):
    with pytest.raises(UsageError, match="apt-get install fonts-liberation"):
        find_faces([tmp_path])
    monkeypatch.setattr(fonts, "font_folders", lambda: [tmp_path / "nowhere"])
    monkeypatch.setattr(fonts, "_pillow_faces", list)
    with pytest.raises(UsageError, match="No text fonts on this system"):
        find_faces()


def test_a_family_is_on_one_side_whatever_else_there_is(faces):
    training, test = split_families(faces, share=0.5)
    assert sorted(training + test, key=str) == sorted(faces, key=str)
    assert not {f.superfamily for f in training} & {f.superfamily for f in test}
    some = [face for face in faces if face.family.startswith("DejaVu")]
    assert split_families(some, share=0.5) == tuple(
        [face for face in side if face in some] for side in (training, test)
    )
