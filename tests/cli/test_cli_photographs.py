"""aeimage inpaint and aeimage colorize, as typed."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def _here(workplace):
    """Everything here happens in the folder of the examples."""


def pixels_of(path, mode="RGB"):
    with Image.open(path) as image:
        return np.asarray(image.convert(mode))


def test_known_pixels_stay_and_the_comparison_shows_both(shell):
    result = shell("aeimage inpaint photo.png -o whole.png --mask mask.png --compare --json")
    assert result.code == 0 and result.errors.startswith("1 file: 1 filled in; ")
    (file,) = json.loads(result.text)["files"]
    missing = pixels_of("mask.png", "L") > 0
    assert file["missing"] == missing.sum()
    before, after = pixels_of("photo.png"), pixels_of("whole.png")
    assert np.array_equal(after[~missing], before[~missing])
    assert not np.array_equal(after[missing], before[missing])
    with Image.open("whole.png.compare.png") as image:
        assert image.size == (88, 30)


def test_a_tree_with_a_mask_for_each(shell):
    Path("masks/2024/two.png").rename("masks/2024/two.bmp")  # whatever the suffix
    result = shell("aeimage inpaint photos -o out --mask masks --jobs 2")
    assert result.code == 0, result.errors
    assert sorted(p.name for p in Path("out").rglob("*.*")) == ["one.jpg", "two.png"]
    Path("masks/one.png").unlink()
    result = shell("aeimage inpaint photos -o again --mask masks")
    assert result.code == 1
    assert "There is no mask for it" in result.errors and "one.*" in result.errors
    assert Path("again/2024/two.png").exists() and not Path("again/one.jpg").exists()
    Path("masks/2024/two.png").write_bytes(Path("mask.png").read_bytes())
    Path("masks/2024/two.jpg").write_bytes(Path("photo.jpg").read_bytes())
    result = shell("aeimage inpaint photos/2024/two.png -o x.png --mask masks/2024")
    assert result.code == 1 and "90 x 70" in result.errors  # its own name comes first
    Path("masks/2024/two.png").unlink()
    result = shell("aeimage inpaint photos/2024/two.png -o x.png --mask masks/2024")
    assert result.code == 1 and "several masks" in result.errors


def test_where_nothing_is_missing_the_file_is_copied(shell):
    result = shell("aeimage inpaint photo.png -o out.png --missing '#123456'")
    assert result.code == 0 and "photo.png: nothing is missing, copied to out.png" in result.errors
    assert Path("out.png").read_bytes() == Path("photo.png").read_bytes()


def test_transparent_pixels_and_streams(shell):
    data = Path("cutout.png").read_bytes()
    result = shell("aeimage inpaint - --format png", stdin=data)
    with Image.open(io.BytesIO(result.output)) as image:
        assert image.mode == "RGB" and np.asarray(image)[15, 20].tolist() == [202] * 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("photo.png -o x.png", "no transparency"),
        ("photo.png -o x.png --mask nothing.png", "no such mask"),
        ("photo.png -o x.png --mask scan.png", "120 x 90 pixels, the picture 40 x 30"),
        ("photo.png -o x.png --mask masks", "no mask for it"),
        ("photo.png -o x.png --missing nonsense", "a colour such as"),
        ("photo.png -o x.png --mask mask.png --missing red", "not allowed with"),
        ("photo.png --mask mask.png", "place of its own"),
        ("photos -o x --mask photo.png", "40 x 30 pixels"),
        ("- --mask masks --format png", "no name to find its mask by"),
    ],
)
def test_bad_masks_are_refused(shell, line, message):
    result = shell(f"aeimage inpaint {line}", stdin=Path("photo.png").read_bytes())
    assert result.code != 0 and message in result.errors
    assert not Path("x.png").exists()


def test_a_mask_of_everything_is_refused(shell):
    Image.new("L", (40, 30), 255).save("all.png")
    result = shell("aeimage inpaint photo.png -o x.png --mask all.png")
    assert result.code == 1 and "every pixel is missing" in result.errors


def test_colours_of_exactly_the_same_luminance(shell):
    result = shell("aeimage colorize scan.png -o colours.png --compare")
    assert (result.code, result.output) == (0, b"") and "1 coloured" in result.errors
    assert np.array_equal(pixels_of("colours.png", "L"), pixels_of("scan.png", "L"))
    with Image.open("colours.png") as image:
        assert image.mode == "RGB" and image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    with Image.open("colours.png.compare.png") as image:
        assert image.mode == "RGB" and np.asarray(image)[:, 140:].std(axis=-1).max() > 0
    result = shell("aeimage colorize scans -o out --format tif")
    assert result.code == 0 and len(list(Path("out").rglob("*.tif"))) == 2


def test_a_senseless_saturation_is_refused(shell):
    result = shell("aeimage colorize scan.png -o x.png --saturation 9")
    assert result.code == 2 and "0 to 4" in result.errors
