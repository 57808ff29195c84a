"""The level of white noise is told from texture."""

import numpy as np
import pytest

from aeimage.images import read_picture
from aeimage.runtime.noise_level import white_noise_level
from aeimage.samples import sample_paths

# The other two were photographed with noise of their own.
QUIET = ["astronaut", "coffee", "rocket"]


def crop(name):
    (path,) = (p for p in sample_paths() if p.stem == name)
    return read_picture(path).rgb[:300, :400]


def noisy(pixels, sigma, seed=0):
    return pixels + np.random.default_rng(seed).normal(0.0, sigma, pixels.shape).astype("float32")


def as_bytes(pixels):
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", QUIET)
def test_photographs_without_noise(name):
    assert white_noise_level(crop(name)) < 2.5


@pytest.mark.parametrize("sigma", [3.0, 10.0, 25.0, 50.0])
@pytest.mark.parametrize("name", QUIET)
def test_level_is_found(name, sigma):
    assert white_noise_level(noisy(crop(name), sigma)) == pytest.approx(sigma, rel=0.08, abs=0.6)


def test_more_noise_is_a_higher_level():
    levels = [white_noise_level(as_bytes(noisy(crop("coffee"), s))) for s in range(1, 30, 4)]
    assert levels == sorted(levels)


def test_clipped_parts_do_not_count():
    pixels = crop("coffee").copy()
    pixels[:150] = 255
    assert white_noise_level(as_bytes(noisy(pixels, 12.0))) == pytest.approx(12.0, rel=0.1)


def test_noise_alone_and_nothing_at_all():
    flat = np.full((64, 64), 128, np.uint8)
    assert white_noise_level(flat) == 0.0
    assert white_noise_level(noisy(flat, 8.0)) == pytest.approx(8.0, rel=0.1)


def test_same_picture_same_level():
    pixels = as_bytes(noisy(crop("chelsea"), 7.0))
    assert white_noise_level(pixels) == white_noise_level(pixels.copy())


@pytest.mark.parametrize("shape", [(7, 300), (300, 7, 3), (1, 1)])
def test_too_small_to_tell(shape):
    assert white_noise_level(np.zeros(shape, np.uint8)) == 0.0
