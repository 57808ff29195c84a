"""The physical parameters mean what the docstrings say."""

import io

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="corruption layers need the train extra")

import tensorflow as tf
from PIL import Image

from aeimage import corruption
from aeimage.corruption.base import Draws
from aeimage.corruption.fields import smooth_field
from aeimage.metrics import psnr

SEED = [11, 4]


def flat(level, side=128, channels=1, count=1):
    return np.full((count, side, side, channels), level, "float32")


@pytest.mark.parametrize("sigma", [3.0, 60.0])
def test_gaussian_noise_has_its_sigma_and_is_not_clipped(sigma):
    noise = (
        np.asarray(corruption.GaussianNoise(sigma=sigma)(flat(5.0, channels=3), seed=SEED)) - 5.0
    )
    assert noise.std() == pytest.approx(sigma, rel=0.02)
    assert noise.mean() == pytest.approx(0.0, abs=sigma / 50)
    neighbours = np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]
    assert abs(neighbours) < 0.02


def test_a_range_is_drawn_for_each_picture():
    noise = np.asarray(
        corruption.GaussianNoise(sigma=(10.0, 20.0))(flat(0, 64, count=32), seed=SEED)
    )
    sigmas = noise.std(axis=(1, 2, 3))
    assert 9 < sigmas.min() < 12 and 18 < sigmas.max() < 21


@pytest.mark.parametrize("level", [10.0, 100.0, 255.0])
def test_shot_noise_grows_with_the_light(level):
    layer = corruption.ShotNoise(full_well=100.0, read=4.0)
    result = np.asarray(layer(flat(level, 256), seed=SEED))
    assert result.mean() == pytest.approx(level, rel=0.02)
    assert result.var() == pytest.approx(level * 2.55 + 16.0, rel=0.03)


def test_speckle_multiplies():
    result = np.asarray(corruption.Speckle(sigma=0.2)(flat(150.0), seed=SEED))
    assert result.std() == pytest.approx(30.0, rel=0.03)
    assert not np.asarray(corruption.Speckle(sigma=0.2)(flat(0.0), seed=SEED)).any()


def test_salt_and_pepper_shares():
    layer = corruption.SaltAndPepper(amount=0.1, salt=0.3)
    result = np.asarray(layer(flat(100.0, 256, 3), seed=SEED))
    assert (result == 255).mean() == pytest.approx(0.03, abs=0.004)
    assert (result == 0).mean() == pytest.approx(0.07, abs=0.005)
    assert (result.min(-1) == result.max(-1)).all()


def test_gaussian_blur_has_its_width():
    point = np.zeros((1, 65, 65, 1), "float32")
    point[0, 32, 32] = 1000.0
    result = np.asarray(corruption.Blur(sigma=3.0)(point, seed=SEED))[0, ..., 0]
    offsets = np.arange(65) - 32
    assert result.sum() == pytest.approx(1000.0, rel=1e-3)
    for axis in (0, 1):
        assert np.sum(result.sum(axis) * offsets**2) / 1000 == pytest.approx(9.0, rel=0.02)
    # Flat stays flat, edges included.
    assert np.asarray(corruption.Blur(sigma=3.0)(flat(200.0, 32), seed=SEED)) == pytest.approx(
        200.0
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [5, 30, 75, 95])
def test_jpeg_is_what_pillow_writes(draw, channels, quality):
    picture = draw(1, 150, 101)
    picture = picture if channels == 3 else picture[..., :1]
    out = io.BytesIO()
    Image.fromarray(picture.squeeze()).save(out, "JPEG", quality=quality, subsampling="4:2:0")
    theirs = np.asarray(Image.open(out)).reshape(picture.shape)
    layer = corruption.JPEGArtefacts(quality=quality)
    ours = np.asarray(layer(picture[None].astype("float32"), seed=SEED))[0]
    assert np.array_equal(ours, np.round(ours)) and ours.min() >= 0 and ours.max() <= 255
    ours, theirs, picture = (
        np.broadcast_to(p, (*p.shape[:2], 3)).astype("uint8") for p in (ours, theirs, picture)
    )
    assert psnr(theirs, ours) > 40.0
    assert psnr(theirs, ours) > psnr(theirs, picture) + 3.0


def test_low_contrast_moves_ink_and_paper():
    layer = corruption.LowContrast(contrast=0.4, paper=200.0)
    result = np.asarray(layer(np.array([255.0, 0.0], "float32").reshape(1, 1, 2, 1), seed=SEED))
    assert result.ravel().tolist() == pytest.approx([200.0, 98.0])


def test_bilevel_fax_is_black_and_white_in_cells():
    ramp = np.tile(np.linspace(0, 255, 96, dtype="float32")[None, None, :, None], (8, 48, 1, 1))
    layer = corruption.FaxResolution(cell=3.0, stretch=2.0, bilevel=1.0, threshold=128.0)
    result = np.asarray(layer(ramp, seed=SEED))
    blocky = [p for p in result if set(np.unique(p)) <= {0.0, 255.0}]
    assert 0 < len(blocky) < 8  # the others are spread linearly
    for picture in blocky:
        cells = picture.reshape(8, 6, 32, 3)
        assert (cells == cells[:, :1, :, :1]).all()


def test_ink_damage_works_on_strokes_alone():
    page = flat(250.0, 64)
    page[:, 20:30, 10:54] = 10.0
    thinner = np.asarray(corruption.BrokenInk(thin=1.0, dropout=0.0)(page, seed=SEED))
    bolder = np.asarray(corruption.BoldInk(thick=1.0)(page, seed=SEED))
    assert thinner.mean() > page.mean() > bolder.mean()
    assert (thinner >= page).all() and (bolder <= page).all()
    for result in (thinner, bolder):
        assert np.array_equal(result[:, :15], page[:, :15])
    broken = np.asarray(corruption.BrokenInk(thin=0.0, dropout=0.3)(page, seed=SEED))
    lost = (broken - page)[:, 20:30, 10:54] > 120
    assert 0.03 < lost.mean() < 0.6


@pytest.mark.parametrize("dropout", [0.05, 0.2, 0.5])
def test_dropout_is_the_share_of_missing_ink(dropout):
    page = flat(10.0, 160, count=4)
    page[:, 0] = 250.0
    broken = np.asarray(corruption.BrokenInk(thin=0.0, dropout=dropout)(page, seed=SEED))
    assert (broken[:, 1:].mean() - 10) / 240 == pytest.approx(dropout, abs=0.05)


@pytest.mark.parametrize("amount", [0.01, 0.1])
def test_specks_cover_their_share(amount):
    layer = corruption.Specks(amount=amount, size=(2.0, 4.0), bright=0.0)
    result = np.asarray(layer(flat(255.0, 128, count=8), seed=SEED))
    assert (result < 200).mean() == pytest.approx(amount, rel=0.5)


def test_show_through_is_the_mirrored_neighbour():
    pages = flat(255.0, 48, count=2)
    pages[0, 20:24, 5:15] = 0.0
    result = np.asarray(corruption.ShowThrough(strength=0.4, blur=0.0)(pages, seed=SEED))
    faint = result[1] < 200
    assert faint.sum() == 40 and result[1].min() == pytest.approx(255 * 0.6)
    assert np.array_equal(result[0], pages[0])  # nothing behind it


def test_missing_rows_are_whole_rows():
    page = np.tile(np.arange(64, dtype="float32")[None, :, None, None] + 20, (8, 1, 32, 1))
    result = np.asarray(corruption.MissingRows(share=0.3, run=2.0)(page, seed=SEED))
    changed = result != page
    assert (changed.any(axis=2) == changed.all(axis=2)).all()
    assert 0.1 < changed.mean() < 0.5


def test_textures_multiply():
    sheets = np.random.default_rng(0).integers(100, 256, (3, 40, 30), "uint8")
    layer = corruption.PaperTexture(fibres=0.0, clouds=0.0, textures=sheets)
    result = np.asarray(layer(flat(255.0, 64, count=4), seed=SEED))
    tiles = {sheet.tobytes() for sheet in sheets}
    for picture in np.round(result[..., 0]).astype("uint8"):
        rolled = [np.roll(picture[:40, :30], (y, x), (0, 1)) for y in range(40) for x in range(30)]
        assert any(tile.tobytes() in tiles for tile in rolled)


@pytest.mark.parametrize("cell", [2.0, 7.5, 30.0])
def test_smooth_fields_have_unit_variance_and_are_smooth(cell):
    draws = Draws(SEED, (8, 160, 160, 1))
    field = np.asarray(smooth_field(draws, cell, tf.fill((8, 1, 1, 1), cell)))
    assert field.mean() == pytest.approx(0.0, abs=0.35)
    assert field.std() == pytest.approx(1.0, rel=0.25)
    step = np.diff(field, axis=2).std()
    assert step < 1.6 / cell


@pytest.mark.parametrize("name", ["OccludingBoxes", "RandomMissingPixels", "Scratches"])
def test_masks_are_what_is_lost(name):
    layer = getattr(corruption, name)(fill=7.0, probability=0.7)
    images = flat(100.0, 64, 3, count=8)
    mask = np.asarray(layer.mask(images.shape, seed=SEED))
    assert mask.shape == (8, 64, 64, 1) and set(np.unique(mask)) == {0.0, 1.0}
    result = np.asarray(layer(images, seed=SEED))
    assert np.array_equal(result, np.where(mask == 1, 7.0, images))
    assert 0 < mask.any(axis=(1, 2, 3)).sum() < 8


def test_missing_pixels_have_their_share():
    mask = corruption.RandomMissingPixels(share=0.4).mask((2, 128, 128, 3), seed=SEED)
    assert np.mean(mask) == pytest.approx(0.4, abs=0.02)


def test_flips_and_right_angles_only_move_pixels():
    picture = np.arange(64, dtype="float32").reshape(1, 8, 8, 1).repeat(64, axis=0)
    turned = np.asarray(corruption.RandomRotation()(picture, seed=SEED))
    wanted = {np.rot90(picture[0], k).tobytes() for k in range(4)}
    assert {p.tobytes() for p in turned} == wanted
    flipped = np.asarray(corruption.RandomFlip(vertical=True)(picture, seed=SEED))
    wanted = {picture[0, ::y, ::x].tobytes() for y in (1, -1) for x in (1, -1)}
    assert {p.tobytes() for p in flipped} == wanted


def test_crops_come_from_everywhere_and_keep_pairs_together():
    where = np.stack(np.mgrid[:20, :30], -1).astype("float32")[None].repeat(200, axis=0)
    layer = corruption.RandomCrop(12, 30)
    crops = np.asarray(layer(where, seed=SEED))
    starts = crops[:, 0, 0, 0]
    assert set(starts) == set(range(9)) and not crops[:, 0, 0, 1].any()
    assert np.array_equal(crops[..., 0] - starts[:, None, None], where[:, :12, :, 0])
    assert np.array_equal(np.asarray(layer(where + 1.0, seed=SEED)), crops + 1.0)


def test_small_angles_and_scales_go_about_the_centre():
    y = np.mgrid[-20:21, -20:21][0].astype("float32")
    bar = (128 + 100 * np.exp(-np.square(y / 3)))[None, ..., None].astype("float32")
    upright = corruption.RandomRotation(degrees=90.0, right_angles=False)(bar, seed=SEED)
    assert np.asarray(upright) == pytest.approx(bar.transpose(0, 2, 1, 3), abs=1.0)
    wider = np.asarray(corruption.RandomScale(scale=2.0)(bar, seed=SEED))
    inner = slice(2, -2)
    expected = (128 + 100 * np.exp(-np.square(y / 6)))[inner, inner]
    assert wider[0, inner, inner, 0] == pytest.approx(expected, abs=3.0)


def test_colour_jitter_leaves_grey_grey():
    grey = np.linspace(30, 220, 64, dtype="float32").reshape(1, 8, 8, 1)
    rgb = np.repeat(grey, 3, -1)
    result = np.asarray(corruption.ColourJitter()(rgb, seed=SEED))
    assert np.ptp(result, axis=-1).max() < 0.5
    still = corruption.ColourJitter(brightness=0.0, contrast=1.0, saturation=1.0, hue=0.0)
    assert np.asarray(still(rgb, seed=SEED)) == pytest.approx(rgb, abs=0.01)
