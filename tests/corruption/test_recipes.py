"""The training distributions."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="corruption layers need the train extra")

import corruption_cases as cases
import tensorflow as tf

from aeimage.corruption import Blur, PaperTexture, PhotoDamage, SaltAndPepper, ScanDamage


@pytest.fixture(scope="module")
def scans():
    """128 pages before and after."""
    layer = ScanDamage(clean=0.25)
    pages = cases.pictures("ScanDamage", 1, count=16)
    damage = tf.function(lambda seed: layer(pages, seed=seed))
    return np.tile(pages, (8, 1, 1, 1)), np.concatenate(
        [damage(tf.constant([1, i])).numpy() for i in range(8)]
    )


def test_scans_are_eight_bit_pictures(scans):
    _, after = scans
    assert np.array_equal(after, np.round(after))
    assert after.min() >= 0 and after.max() <= 255


def test_some_scans_stay_clean_and_the_others_are_all_kinds_of_bad(scans):
    before, after = scans
    rms = np.sqrt(np.mean(np.square(after - before), axis=(1, 2, 3)))
    assert 0.1 < (rms == 0).mean() < 0.5
    worn = rms[rms > 0]
    assert (worn < 25).mean() > 0.05 and (worn > 60).mean() > 0.15


def test_the_batch_is_cut_into_groups_if_its_size_allows():
    page = cases.pictures("ScanDamage", 1, count=5)
    layer = ScanDamage(groups=4)
    assert layer(page, seed=[1, 2]).shape == page.shape
    assert layer(page[:1], seed=[1, 2]).shape == page[:1].shape


def test_photo_damage_knows_its_level():
    photos = np.full((8, 64, 64, 3), 128.0, "float32")
    damaged, level = PhotoDamage(sigma=30.0, shot=0.0, jpeg=0.0, blurred=0.0)(photos, seed=[1, 2])
    assert np.asarray(level) == pytest.approx(30.0, rel=0.05)
    rms = np.sqrt(np.mean(np.square(damaged - photos), axis=(1, 2, 3)))
    assert np.asarray(level) == pytest.approx(rms, rel=1e-4)


def test_photo_damage_covers_its_range():
    photos = cases.pictures("PhotoDamage", 3, count=64)
    damaged, level = (np.asarray(v) for v in PhotoDamage()(photos, seed=[1, 2]))
    assert level.min() < 8 and 60 < level.max() < 130
    whole = np.array([np.array_equal(p, np.round(p)) for p in damaged])
    assert 0.35 < whole.mean() < 0.85
    assert damaged[~whole].min() < 0 and damaged[~whole].max() > 255


def test_half_the_photographs_get_the_lowest_third_of_the_noise():
    photos = np.full((256, 16, 16, 3), 128.0, "float32")
    damage = PhotoDamage(sigma=(0.0, 60.0), shot=0.0, jpeg=0.0, blurred=0.0)
    _, level = damage(photos, seed=[1, 2])
    assert 0.4 < np.mean(np.asarray(level) < 20.0) < 0.6
    assert np.max(level) > 55.0


def test_photo_damage_in_a_model_gives_both():
    damaged, level = PhotoDamage()(tf.keras.Input((None, None, 3)))
    assert damaged.shape == (None, None, None, 3) and level.shape == (None,)


def test_textures_reach_the_paper():
    sheets = np.zeros((1, 8, 8), "uint8")
    layer = ScanDamage(textures=sheets)
    paper = next(step for step in layer.layers if isinstance(step, PaperTexture))
    assert paper.textures is sheets


def test_a_recipe_of_ones_own_comes_back_from_its_config():
    layer = ScanDamage(clean=0.0, steps=[(Blur(sigma=2.0), 0.3), (SaltAndPepper(), 1.0)])
    again = ScanDamage.from_config(layer.get_config())
    assert [type(step) for step in again.layers] == [Blur, SaltAndPepper]
    assert again.shares == [0.3, 1.0] and again.layers[0].sigma == layer.layers[0].sigma
