"""JPEG's errors are told by the edges of blocks, and from pictures without any."""

import io

import numpy as np
import pytest
from PIL import Image

from aeimage.images import read_picture
from aeimage.runtime.jpeg_level import jpeg_level
from aeimage.samples import sample_paths


def sample(number=0, side=400):
    return read_picture(sorted(sample_paths())[number]).rgb[:side, :side]


def coded(pixels, quality):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def small(pixels):
    """Half the size: whatever had happened to it, no blocks are left."""
    return np.asarray(Image.fromarray(pixels).reduce(2))


@pytest.mark.parametrize("number", range(len(sample_paths())))
def test_the_level_is_about_the_error(number):
    clean = small(sample(number))
    assert jpeg_level(clean) == 0.0
    for quality in (10, 20, 30):
        found = coded(clean, quality)
        error = np.sqrt(np.mean((found.astype(float) - clean) ** 2))
        assert error / 1.8 < jpeg_level(found) < 1.8 * error


def test_lower_quality_is_a_higher_level():
    clean = small(sample())
    levels = [jpeg_level(coded(clean, quality)) for quality in (40, 20, 10, 5)]
    assert levels == sorted(levels) and levels[0] > 0


def test_grey_and_float_are_the_same():
    found = coded(np.asarray(Image.fromarray(small(sample())).convert("L")), 15)
    colour = np.repeat(found[..., None], 3, axis=-1)
    assert jpeg_level(found) > 3
    for same in (colour, found.astype(np.float32), colour.astype(np.float32)):
        assert jpeg_level(same) == pytest.approx(jpeg_level(found), rel=1e-4)


def test_noise_and_nothing_have_no_blocks():
    noise = np.random.default_rng(0).normal(128, 20, (200, 300, 3)).astype(np.float32)
    assert jpeg_level(noise) == 0.0
    assert jpeg_level(np.full((64, 64), 128, np.uint8)) == 0.0
    assert jpeg_level(coded(small(sample()), 10)[:23, :60]) == 0.0


def test_another_grid_is_not_taken_for_jpegs():
    assert jpeg_level(coded(small(sample()), 20)[3:, 3:]) == 0.0
