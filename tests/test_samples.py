"""The shipped pictures open, stay small, and each has its licence written down."""

from PIL import Image

from aeimage.samples import sample_paths


def test_samples_open_and_are_varied():
    paths = sample_paths()
    assert len(paths) >= 4
    for path in paths:
        with Image.open(path) as picture:
            picture.load()
            assert picture.mode == "RGB"
            assert max(picture.size) <= 640


def test_samples_stay_small():
    assert sum(path.stat().st_size for path in sample_paths()) <= 1.5e6


def test_every_sample_has_a_licence():
    text = (sample_paths()[0].parent / "LICENSES.md").read_text(encoding="utf-8")
    for path in sample_paths():
        assert f"`{path.name}`" in text
