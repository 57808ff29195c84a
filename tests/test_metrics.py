"""MSE, PSNR, MS-SSIM, bpp: by hand, at the limits, and against TensorFlow where it is installed."""

import math

import numpy as np
import pytest
from PIL import Image, ImageFilter

from aeimage.errors import AEImageError, UsageError
from aeimage.metrics import bits_per_pixel, gmsd, ms_ssim, mse, psnr


def _picture(height, width, seed=0):
    """Smooth shapes with some noise: something like a photograph."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / (7 + 3 * c) + c) + np.cos(y / (11 - 2 * c)) for c in range(3)]
    levels = 128 + 50 * np.stack(waves, -1) + rng.normal(0, 8, (height, width, 3))
    return np.clip(levels, 0, 255).astype(np.uint8)


def _damaged(picture, strength=20, seed=1):
    noise = np.random.default_rng(seed).normal(0, strength, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_mse_and_psnr_by_hand():
    a = np.zeros((2, 5, 3), np.uint8)
    b = a.copy()
    b[0, 0, 1] = 30
    assert mse(a, b) == 30  # 900 over 30 values
    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 / 30))
    assert psnr(a, a) == math.inf
    assert psnr(a, np.full_like(a, 255)) == 0


def test_mse_does_not_depend_on_its_bands():
    a, b = _picture(700, 301), _picture(700, 301, seed=5)
    assert mse(a, b) == pytest.approx(np.mean((a.astype(int) - b) ** 2), rel=1e-12)


def test_pillow_pictures_are_accepted():
    a, b = _picture(40, 50), _picture(40, 50, seed=3)
    images = Image.fromarray(a), Image.fromarray(b)
    assert psnr(*images) == psnr(a, b)
    assert ms_ssim(*images) == ms_ssim(a, b)


def test_ms_ssim_of_identical_pictures_is_one():
    picture = _picture(200, 250)
    assert ms_ssim(picture, picture) == pytest.approx(1, abs=1e-6)


def test_ms_ssim_falls_with_damage_and_is_symmetric():
    picture = _picture(200, 250)
    slight, strong = _damaged(picture, 5), _damaged(picture, 60)
    assert 1 > ms_ssim(picture, slight) > ms_ssim(picture, strong) > 0
    assert ms_ssim(picture, strong) == pytest.approx(ms_ssim(strong, picture), abs=1e-6)


def test_ms_ssim_does_not_depend_on_its_bands(monkeypatch):
    picture = _picture(333, 217)
    damaged = _damaged(picture)
    whole = ms_ssim(picture, damaged)
    monkeypatch.setattr("aeimage.metrics._BAND_PIXELS", 3000)
    assert ms_ssim(picture, damaged) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 30), (2, 3), (10, 10), (11, 11), (12, 400), (160, 160)]
)
def test_small_pictures_have_fewer_scales(size):
    picture = _picture(*size)
    assert ms_ssim(picture, picture) == pytest.approx(1, abs=1e-6)
    assert 0 <= ms_ssim(picture, _damaged(picture, 60)) < 1


@pytest.mark.parametrize("size", [(176, 176), (161, 161), (177, 191), (253, 181), (400, 211)])
def test_ms_ssim_equals_tensorflow(size):
    tf = pytest.importorskip("tensorflow")
    picture = _picture(*size)
    for strength in (3, 25, 90):
        damaged = _damaged(picture, strength)
        expected = float(tf.image.ssim_multiscale(picture[None], damaged[None], 255)[0])
        assert ms_ssim(picture, damaged) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("metric", [mse, psnr, ms_ssim])
@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
        Image.new("L", (8, 8)),
    ],
    ids=["grey", "alpha", "float", "empty", "Pillow grey"],
)
def test_other_than_rgb_is_refused(metric, wrong):
    right = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(UsageError, match=r"Invalid value for `b`\. Expected an 8-bit RGB picture"):
        metric(right, wrong)
    with pytest.raises(AEImageError, match="`a`"):
        metric(wrong, right)


def test_pictures_of_two_sizes_are_refused():
    with pytest.raises(UsageError, match="Received: 8x6 and 6x8 pixels"):
        psnr(np.zeros((6, 8, 3), np.uint8), np.zeros((8, 6, 3), np.uint8))


def test_bits_per_pixel():
    assert bits_per_pixel(768 * 512 // 8, 768, 512) == 1
    assert bits_per_pixel(0, 1, 1) == 0
    with pytest.raises(UsageError, match="n_bytes=-1"):
        bits_per_pixel(-1, 1, 1)
    with pytest.raises(UsageError, match="width=0"):
        bits_per_pixel(1, 0, 1)


def test_gmsd_grows_with_blur_and_ignores_brightness(draw):
    picture = draw(3, 96, 80) // 2 + 40
    image = Image.fromarray(picture)
    blurred = [np.asarray(image.filter(ImageFilter.GaussianBlur(r))) for r in (0.5, 1, 2, 4)]
    values = [gmsd(picture, other) for other in blurred]
    assert gmsd(picture, picture) == 0.0
    assert gmsd(picture, picture + 20) == pytest.approx(0.0, abs=1e-9)
    assert 0.0 < values[0] < values[1] < values[2] < values[3] < 0.4
    assert gmsd(blurred[1], picture) == pytest.approx(values[1])


def test_gmsd_is_its_formula():
    """A step of 60 levels against a flat picture: in two columns of thirty there is no likeness."""
    a = np.zeros((64, 64, 3), np.uint8)
    a[:, 32:] = 60
    share, likeness = 2 / 30, 170.0 / (60.0**2 + 170.0)
    expected = math.sqrt(share * (1 - share)) * (1 - likeness)
    assert gmsd(a, np.zeros_like(a)) == pytest.approx(expected)


def test_gmsd_refuses_tiny_pictures():
    with pytest.raises(UsageError, match="6 pixels"):
        gmsd(np.zeros((5, 9, 3), np.uint8), np.zeros((5, 9, 3), np.uint8))
