"""Paper cut out of scans."""

import numpy as np
import pytest
from PIL import Image

from aeimage.data.paper import paper_textures
from aeimage.errors import UsageError


@pytest.fixture
def scan(tmp_path):
    """A function that writes a scan and its mask and returns both."""

    def make(height, width, ink_share=0.15, masked=True):
        rng = np.random.default_rng(0)
        light = np.linspace(150, 200, width)
        paper = light + rng.normal(0, 4, (height, width))
        # Blocks with a soft edge, as letters have.
        ink = np.repeat(
            np.repeat(rng.random((height // 10, width // 10)) < ink_share, 10, 0), 10, 1
        )
        ink = np.pad(ink, [(0, height - ink.shape[0]), (0, width - ink.shape[1])])
        page = np.where(ink, 25, paper)
        paths = tmp_path / "scan.png", tmp_path / "mask.png"
        Image.fromarray(page.astype(np.uint8)).save(paths[0])
        Image.fromarray(~ink if masked else np.ones_like(ink)).save(paths[1])
        return [paths[0]], [paths[1]]

    return make


def test_the_ink_is_gone_and_the_grain_stays(scan):
    sheets = paper_textures(*scan(420, 700), side=128)
    assert sheets.dtype == np.uint8
    assert sheets.shape == (2 * 4, 128, 128)
    assert sheets.min() > 130
    assert 240 <= np.percentile(sheets, 98) <= 255
    # Grain of 4 levels, scaled with the paper to white.
    grain = np.diff(sheets.astype(float), axis=2).std() / 2**0.5
    assert 4 < grain < 8


def test_a_small_scan_gives_a_sheet_without_seams(scan):
    (sheet,) = paper_textures(*scan(60, 700), side=600)
    assert sheet.shape == (600, 600)
    levels = sheet.astype(float)
    inside = np.abs(np.diff(levels, axis=1)).mean()
    seam = np.abs(levels[:, 0] - levels[:, -1]).mean()
    assert seam < 2 * inside


def test_sheets_are_the_same_every_time(scan):
    paths = scan(300, 300)
    np.testing.assert_array_equal(paper_textures(*paths, side=64), paper_textures(*paths, side=64))


def test_ink_that_the_mask_leaves_out_is_no_paper(scan):
    with pytest.raises(UsageError, match="No blank paper"):
        paper_textures(*scan(300, 300, masked=False), side=128)
    with pytest.raises(UsageError, match="No blank paper"):
        paper_textures(*scan(300, 300, ink_share=0.9), side=128)


def test_each_scan_needs_its_mask(scan, tmp_path):
    scans, masks = scan(300, 300)
    with pytest.raises(UsageError, match="1 scans with 2 masks"):
        paper_textures(scans, masks * 2)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "mask.png")
    with pytest.raises(UsageError, match="not of the same size"):
        paper_textures(scans, [tmp_path / "mask.png"])
