"""Crops of pages: scans, synthetic ones, pairs, photographs; and the pool they come from."""

import threading
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from aeimage.data.fonts import find_faces
from aeimage.data.page_crops import PageSampler, page_paths
from aeimage.data.page_pairs import group_pairs
from aeimage.data.page_pool import PagePool
from aeimage.data.pages import draw_page
from aeimage.errors import UsageError

FOLDER = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@pytest.fixture(scope="module")
def faces():
    return find_faces([FOLDER])


@pytest.fixture(scope="module")
def sources(tmp_path_factory, faces, draw):
    """Folders of clean scans of two levels, damaged and clean pages, and photographs."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("scans", "damaged", "clean", "photos"):
        (folder / name).mkdir()
    for i in range(4):
        page = draw_page(np.random.default_rng((9, i)), faces, size=(260, 240), dpi=150)
        two_levels = Image.fromarray(page).point(lambda value: 255 * (value > 128)).convert("1")
        two_levels.save(folder / "scans" / f"{'abcd'[i]}.png")
        Image.fromarray(page).save(folder / "clean" / f"{i}.png")
        # Grey paper tells a damaged picture from a clean one.
        Image.fromarray((page * 0.6).astype(np.uint8)).save(folder / "damaged" / f"{i}.png")
        Image.fromarray(draw(i, 200, 180)).save(folder / "photos" / f"{i}.png")
    return folder


def _sampler(sources, faces, **options):
    pairs = group_pairs(sources / "damaged", sources / "clean")
    settings = {
        "size": 64,
        "batch_size": 8,
        "seed": 3,
        "pairs": [pair for group in pairs for pair in group],
        "pair_share": 0.25,
        "photos": page_paths([sources / "photos"]),
        "photo_share": 0.25,
        "faces": faces,
        "page_size": (200, 160),
        "pool": 3,
    }
    return PageSampler(page_paths([sources / "scans"]), **(settings | options))


@pytest.mark.parametrize("channels", [1, 3])
def test_batches_have_the_shape_and_kind_asked_for(sources, faces, channels):
    sampler = _sampler(sources, faces, channels=channels)
    clean, damaged, has_pair = (
        np.concatenate(x) for x in zip(*map(sampler.batch, range(6)), strict=True)
    )
    assert clean.shape == damaged.shape == (48, 64, 64, channels)
    assert clean.dtype == damaged.dtype == np.uint8
    assert has_pair.dtype == np.float32
    assert 4 < has_pair.sum() < 24
    paired = has_pair == 1
    np.testing.assert_array_equal(clean[~paired], damaged[~paired])
    # But for what was rescaled, which overshoots at edges where it is not clipped.
    error = damaged[paired] - 0.6 * clean[paired].astype(np.float32)
    assert np.abs(error).mean() < 0.7


def test_a_step_repeats_after_a_fresh_start(sources, faces):
    through = _sampler(sources, faces, refresh=2)
    batches = [through.batch(step) for step in range(9)]
    resumed = _sampler(sources, faces, refresh=2)
    for step in (7, 8, 2):
        for left, right in zip(batches[step], resumed.batch(step), strict=True):
            np.testing.assert_array_equal(left, right)
    other = _sampler(sources, faces, refresh=2, seed=4).batch(7)[0]
    assert not np.array_equal(batches[7][0], other)
    assert not np.array_equal(batches[7][0], batches[8][0])


def test_synthetic_pages_do_alone(faces):
    sampler = PageSampler(size=64, batch_size=32, faces=faces, page_size=(400, 300), pool=8)
    clean, damaged, has_pair = sampler.batch(0)
    np.testing.assert_array_equal(clean, damaged)
    assert not has_pair.any()
    # Four in five of the blank crops are passed over.
    with_ink = (clean < 128).mean((1, 2, 3)) > 0.005
    assert with_ink.mean() > 0.7


def test_shares_are_kept(sources, faces):
    only_scans = _sampler(
        sources, faces, synthetic=0.0, pair_share=0.0, photo_share=0.0, soften=0.0
    )
    assert set(np.unique(only_scans.batch(0)[0])) == {0, 255}
    softened = _sampler(sources, faces, synthetic=0.0, pair_share=0.0, photo_share=0.0, soften=1.0)
    assert len(np.unique(softened.batch(0)[0])) > 100
    only_pairs = _sampler(sources, faces, pair_share=1.0, photo_share=0.0)
    assert only_pairs.batch(0)[2].all()


def test_pages_have_parts_of_photographs_pasted_in(sources, faces):
    settings = {"channels": 3, "pair_share": 0.0, "photo_share": 0.0}
    plain = _sampler(sources, faces, **settings, inset_share=0.0)
    pasted = _sampler(sources, faces, **settings, inset_share=1.0)

    def coloured(sampler):
        clean, damaged, _ = sampler.batch(2)
        assert np.array_equal(clean, damaged)
        return np.mean(np.ptp(clean.astype(int), axis=-1) > 0, axis=(1, 2))

    assert (coloured(plain) == 0).all()
    assert 0.05 < np.mean(coloured(pasted)) < 0.95


def test_what_makes_no_sense_is_refused(sources, faces):
    with pytest.raises(UsageError, match="channels"):
        _sampler(sources, faces, channels=2)
    with pytest.raises(UsageError, match="pair_share"):
        _sampler(sources, faces, pair_share=0.7, photo_share=0.7)
    with pytest.raises(UsageError, match="synthetic"):
        _sampler(sources, faces, synthetic=1.5)
    with pytest.raises(UsageError, match="No readable page of at least 999x999"):
        _sampler(sources, faces, size=999)


def test_held_pictures_stay_below_the_limit(sources, faces):
    limit = 200_000
    sampler = _sampler(sources, faces, max_bytes=limit, pairs=())
    held = sum(page.nbytes for page in sampler._scans + sampler._photos)
    assert 0 < held <= limit


def test_page_paths_are_chosen_by_name(sources):
    scans = sources / "scans"
    assert [p.name for p in page_paths([scans], exclude=["d*"])] == ["a.png", "b.png", "c.png"]
    assert [p.name for p in page_paths([scans], include=["[ab]*"], exclude=["b*"])] == ["a.png"]
    with pytest.raises(UsageError, match="None of 4 pictures"):
        page_paths([scans], include=["z*"])


def test_the_pool_moves_by_a_page_every_few_steps():
    pool = PagePool(lambda number: np.array(number), count=5, refresh=4)

    def numbers(step):
        return [int(pool.page(step, draw)) for draw in np.linspace(0, 0.999, 50)]

    assert set(numbers(0)) == set(numbers(3)) == set(range(5))
    assert set(numbers(4)) == set(range(1, 6))
    assert set(numbers(4000)) == set(range(1000, 1005))
    assert set(numbers(0)) == set(range(5))


def test_a_page_is_drawn_once_and_in_the_background():
    drawn = []

    def make(number):
        drawn.append((number, threading.current_thread() is threading.main_thread()))
        return np.array(number)

    pool = PagePool(make, count=4, refresh=1)
    for step in range(20):
        for draw in (0.0, 0.3, 0.6, 0.9):
            pool.page(step, draw)
    assert len({number for number, _ in drawn}) == len(drawn)
    assert not any(main for _, main in drawn)


def test_what_fails_in_the_background_is_raised():
    def make(number):
        raise OSError("font gone")

    with pytest.raises(OSError, match="font gone"):
        PagePool(make).page(0, 0.0)
