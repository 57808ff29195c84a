"""Pull-push: what is known stays, what is not is smooth, windows agree with the whole."""

import numpy as np
import pytest

from aeimage.pull_push import UNKNOWN, fill, weigh
from aeimage.runtime.filling import STRIPE, Filling

SHAPES = [(64, 96), (37, 51), (1, 9), (1, 1)]


def picture(height, width, missing=0.7, seed=0):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    return pixels, rng.random((height, width)) < missing


def filled(pixels, mask):
    pixels = pixels[None].astype(np.float32)
    return fill(weigh(pixels, mask[None, ..., None].astype(np.float32)))[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_known_pixels_stay_and_others_stay_in_range(shape):
    pixels, mask = picture(*shape)
    out = filled(pixels, mask)
    assert out.dtype == np.float32 and out.shape == pixels.shape
    assert np.array_equal(out[~mask], pixels[~mask])
    if not mask.all():
        assert out.min() > pixels[~mask].min() - 0.01
        assert out.max() < pixels[~mask].max() + 0.01


def test_what_is_missing_does_not_matter():
    pixels, mask = picture(40, 50)
    other = pixels.copy()
    other[mask] = 7
    assert np.array_equal(filled(pixels, mask), filled(other, mask))


def test_a_plane_is_filled_with_itself_and_a_slope_nearly():
    _, mask = picture(64, 64, missing=0.5)
    mask[10:30, 20:50] = True
    plane = np.full((64, 64, 3), 77, np.uint8)
    assert np.abs(filled(plane, mask) - 77).max() < 1e-3
    slope = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None] * 3, (64, 64, 3))
    assert np.abs(filled(slope, mask) - slope).max() < 20
    # Far better than the mean of what is known.
    assert np.abs(filled(slope, mask) - slope)[mask].mean() < 0.1 * slope[~mask].std()


def test_without_a_known_pixel_it_is_grey():
    pixels, _ = picture(20, 30)
    assert np.array_equal(filled(pixels, np.ones((20, 30), bool)), np.full_like(pixels, UNKNOWN))


@pytest.mark.parametrize("shape", SHAPES)
def test_models_fill_as_everyone_does(shape):
    ops = pytest.importorskip("keras", reason="models need the train extra").ops
    pixels, mask = picture(*shape)
    inputs = pixels[None].astype("float32"), mask[None, ..., None].astype("float32")
    ours = np.asarray(fill(weigh(*map(ops.convert_to_tensor, inputs), ops), ops))[0]
    assert np.abs(ours - filled(pixels, mask)).max() < 1e-3


def test_windows_agree_with_the_whole():
    pixels, mask = picture(2 * STRIPE + 91, 203)
    mask[100:400, 50:190] = True  # over the border of two stripes
    whole = filled(pixels, mask)
    filling = Filling(pixels, mask)
    for rows, columns in [
        (slice(0, 603), slice(0, 203)),
        (slice(248, 264), slice(8, 16)),
        (slice(96, 512), slice(64, 203)),
    ]:
        window = filling.window(rows, columns)
        assert np.abs(window - whole[rows, columns]).max() < 1e-3
    grey = Filling(pixels[..., 0], mask).window(slice(0, 603), slice(0, 203))
    assert np.abs(grey[..., 0] - whole[..., 0]).max() < 1e-3
