"""Tiles, bands and threads leave no trace: latents, bytes and pixels are those of one piece."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from aeimage.codec import stripes
from aeimage.errors import MalformedFileError
from aeimage.runtime import latent_codec
from aeimage.runtime.bundle import find_bundle, load_tables
from aeimage.runtime.geometry import Geometry, checkerboard, padded_rows
from aeimage.runtime.latent_codec import LatentCodec
from aeimage.runtime.session import Session

QUALITY = 62.5
# Height, width: multiples of nothing; long and low; high and narrow; a last stripe of 3 blocks
# after two of 4 (whose length does not divide its start).
SIZES = [(200, 330), (70, 601), (515, 90), (650, 250)]


def open_codec(threads: int) -> LatentCodec:
    bundle = find_bundle("photo")
    session = Session(bundle.path / "codec.tflite", threads)
    return LatentCodec(session, load_tables(bundle.path), tuple(bundle.info["slices"]))


@pytest.fixture(scope="module")
def codec() -> LatentCodec:
    return open_codec(2)


def draw(height: int, width: int) -> NDArray[np.uint8]:
    """A picture with edges, gradients and noise everywhere, most of all where tiles would meet."""
    rng = np.random.default_rng(height)
    rows, columns = np.mgrid[:height, :width]
    picture = np.stack([rows, columns, rows + columns], axis=-1) * rng.uniform(0.2, 1.5, 3) % 256
    picture[(rows // 40 + columns // 56) % 2 == 1] /= 2
    picture += rng.normal(0, 12, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


def both_ways(codec: LatentCodec, picture: NDArray[np.uint8]):
    geometry = Geometry(picture.shape[1], picture.shape[0])
    u = codec.analyse(picture)
    hyper, coded = codec.encode(u, geometry, QUALITY)
    z, symbols = codec.decode_symbols(hyper, coded, geometry, QUALITY)
    return u, (hyper, *coded), z, symbols, codec.reconstruct(z, symbols, geometry, QUALITY)


def set_sizes(monkeypatch, pixel_tile: int, latent_tile: int, band: int) -> None:
    monkeypatch.setattr(latent_codec, "PIXEL_TILE", pixel_tile)
    monkeypatch.setattr(latent_codec, "LATENT_TILE", latent_tile)
    monkeypatch.setattr(latent_codec, "BAND_LATENTS", band)


@pytest.mark.parametrize("size", SIZES)
def test_no_seam_exists(size, codec, monkeypatch):
    picture = draw(*size)
    # Stripes of at most 4 blocks of 64 rows for the widest of these pictures.
    monkeypatch.setattr(stripes, "STRIPE_PIXELS", 2**16)
    set_sizes(monkeypatch, 4096, 256, 2**16)
    whole = both_ways(codec, picture)
    for sizes in ((64, 4, 1), (192, 12, 400)):
        set_sizes(monkeypatch, *sizes)
        u, data, z, symbols, pixels = both_ways(codec, picture)
        np.testing.assert_array_equal(u, whole[0])
        assert data == whole[1]
        np.testing.assert_array_equal(z, whole[2])
        np.testing.assert_array_equal(symbols, whole[3])
        np.testing.assert_array_equal(pixels, whole[4])
    error = np.mean((whole[4].astype(float) - picture) ** 2)
    assert error < 300, "the picture should come back"


@pytest.mark.parametrize(
    ("halo", "too_small"),
    [
        ("ANALYSIS_HALO", 0),
        ("ENCODE_HALO", 4),
        ("SCALES_HALO", 0),
        ("DEQUANTISE_HALO", 0),
        ("SYNTHESIS_HALO", 0),
    ],
)
def test_a_halo_that_is_too_small_would_be_noticed(halo, too_small, codec, monkeypatch):
    picture = draw(128, 192)
    set_sizes(monkeypatch, 64, 8, 2**16)
    expected = both_ways(codec, picture)
    monkeypatch.setattr(latent_codec, halo, too_small)
    try:
        found = both_ways(codec, picture)
    except MalformedFileError:
        return
    assert not all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_stripes_do_not_change_symbols(codec, monkeypatch):
    picture = draw(650, 250)
    monkeypatch.setattr(stripes, "STRIPE_PIXELS", 2**16)
    many = both_ways(codec, picture)
    monkeypatch.setattr(stripes, "STRIPE_PIXELS", 2**20)
    one = both_ways(codec, picture)
    assert len(many[1]) == 1 + 3
    assert len(one[1]) == 1 + 1
    for a, b in zip(many[2:], one[2:], strict=True):
        np.testing.assert_array_equal(a, b)


def test_threads_do_not_change_bytes_or_pixels(codec):
    picture = draw(200, 330)
    expected = both_ways(codec, picture)
    for threads in (1, 4):
        u, data, _, _, pixels = both_ways(open_codec(threads), picture)
        np.testing.assert_array_equal(u, expected[0])
        assert data == expected[1]
        np.testing.assert_array_equal(pixels, expected[4])


@pytest.mark.parametrize("size", [(1, 1), (1, 65), (16, 16), (17, 64), (64, 64)])
def test_the_smallest_pictures(size, codec):
    picture = draw(*size)
    u, _, z, symbols, pixels = both_ways(codec, picture)
    geometry = Geometry(size[1], size[0])
    assert u.shape[:2] == symbols.shape[:2] == geometry.latents
    assert z.shape[:2] == geometry.hyper
    assert pixels.shape == picture.shape
    rows, columns = geometry.valid
    assert not symbols[rows:].any()
    assert not symbols[:, columns:].any()


def test_a_symbol_beyond_the_range_is_an_error(codec):
    """The coder can carry more than latents ever are."""
    from aeimage.codec.entropy import SymbolEncoder

    geometry = Geometry(64, 64)
    hyper_count = codec.tables.hyper_index.shape[1]
    for z, symbol, message in ((64, 0, "hyper-latent exceeds 63"), (0, 40000, "exceeds 32767")):
        encoder = SymbolEncoder(codec.tables.hyper)
        row = codec.tables.hyper_index[codec.tables.level(QUALITY)]
        encoder.put(np.full(hyper_count, z, np.int32), row)
        hyper = encoder.finish()
        encoder = SymbolEncoder(codec.tables.latents)
        if symbol:
            zero = np.zeros((*geometry.latents, codec.channels), np.int16)
            k = codec.indexes_of_pass(
                0,
                np.zeros((1, 1, hyper_count), np.int8),
                zero,
                codec.tables.base[codec.tables.level(QUALITY)][codec._parts[0]],
                (slice(0, 4), slice(0, 4)),
            )[checkerboard(4, 4)]
            encoder.put(np.full(k.size, symbol, np.int32), k.ravel())
        with pytest.raises(MalformedFileError, match=message):
            codec.decode_symbols(hyper, [encoder.finish()], geometry, QUALITY)


# ---- geometry --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size", [(1, 1), (64, 64), (65, 1000), (8000, 12500), (5000, 70), (99, 50000)]
)
@pytest.mark.parametrize("rows", [1, 20, 64, 10**6])
def test_bands_hold_every_stripe_once_and_in_order(size, rows):
    geometry = Geometry(size[1], size[0])
    bands = geometry.bands(rows)
    assert [stripe for band in bands for stripe in band] == geometry.stripes()
    stop = 0
    for band in bands:
        whole = padded_rows(band)
        assert whole.start == stop
        assert whole.stop % 4 == 0
        assert len(band) == 1 or whole.stop - whole.start <= rows + 3
        stop = whole.stop
    assert stop == geometry.latents[0]


def test_a_checkerboard_goes_on_over_windows():
    board = checkerboard(12, 20)
    assert board[0, 0]
    np.testing.assert_array_equal(board[4:, 8:], checkerboard(8, 12))
    assert (board[1:] != board[:-1]).all()
    assert (board[:, 1:] != board[:, :-1]).all()
