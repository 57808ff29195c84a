"""Damaged pictures and their clean originals."""

import numpy as np
import pytest
from PIL import Image

from aeimage.data.page_pairs import Pair, group_pairs, read_pair, split_groups
from aeimage.errors import UsageError


@pytest.fixture
def folders(tmp_path):
    def make(damaged, clean):
        """`clean`: names with what is on each page; equal numbers are equal pages."""
        for folder, names in (("damaged", dict.fromkeys(damaged, 99)), ("clean", clean)):
            (tmp_path / folder).mkdir()
            for name, page in names.items():
                grey = np.full((20, 30), page, np.uint8)
                Image.fromarray(grey).save(tmp_path / folder / f"{name}.png")
        return tmp_path / "damaged", tmp_path / "clean"

    return make


def _names(groups):
    return [[(p.damaged.stem, p.clean.stem) for p in group] for group in groups]


def test_equal_names_match_and_equal_pages_make_one_group(folders):
    damaged, clean = folders(["1", "2", "3", "4"], {"1": 10, "2": 20, "3": 10, "4": 30})
    assert _names(group_pairs(damaged, clean)) == [
        [("1", "1"), ("3", "3")],
        [("2", "2")],
        [("4", "4")],
    ]


def test_names_that_begin_or_end_alike_match(folders):
    damaged, clean = folders(
        ["page1_coffee", "page1_fold", "page2_coffee", "noisy_x77", "FontA_Noise_TE"],
        {"page1": 1, "page2": 2, "clean_x77": 3, "FontA_Clean_TE": 4, "FontA_Clean_VA": 5},
    )
    assert _names(group_pairs(damaged, clean)) == [
        [("FontA_Noise_TE", "FontA_Clean_TE")],
        [("noisy_x77", "clean_x77")],
        [("page1_coffee", "page1"), ("page1_fold", "page1")],
        [("page2_coffee", "page2")],
    ]


def test_a_file_without_or_with_two_originals_is_an_error(folders, tmp_path):
    damaged, clean = folders(["page3"], {"page1": 1, "page2": 2, "scan_b": 3, "scan_c": 4})
    with pytest.raises(UsageError, match="Found none"):
        group_pairs(damaged, clean)
    (damaged / "page3.png").rename(damaged / "scan_a.png")
    with pytest.raises(UsageError, match="Found 2 alike, scan_b, scan_c"):
        group_pairs(damaged, clean)
    with pytest.raises(UsageError, match="no such folder"):
        group_pairs(tmp_path / "nowhere", clean)


@pytest.mark.parametrize("seed", range(5))
def test_no_clean_page_is_on_both_sides(folders, seed):
    names = [str(i) for i in range(40)]
    damaged, clean = folders(names, {name: int(name) % 10 for name in names})
    groups = group_pairs(damaged, clean)
    assert len(groups) == 10
    training, test = split_groups(groups, seed=seed)
    assert (len(training), len(test)) == (32, 8)
    pages = [{read_pair(pair)[1].max() for pair in side} for side in (training, test)]
    assert len(pages[0]) + len(pages[1]) == 10
    assert not pages[0] & pages[1]
    assert split_groups(groups[::-1], seed=seed) != (test, training)
    assert split_groups(groups, seed=seed) == (training, test)


def test_one_page_cannot_be_split(folders):
    damaged, clean = folders(["1", "2"], {"1": 5, "2": 5})
    with pytest.raises(UsageError, match="at least two different clean pictures"):
        split_groups(group_pairs(damaged, clean))


def test_the_two_of_a_pair_have_one_size(tmp_path):
    for name, width in (("damaged", 20), ("clean", 21)):
        Image.fromarray(np.zeros((9, width), np.uint8)).save(tmp_path / f"{name}.png")
    with pytest.raises(UsageError, match=r"is 20x9 pixels, .* 21x9"):
        read_pair(Pair(tmp_path / "damaged.png", tmp_path / "clean.png"))
