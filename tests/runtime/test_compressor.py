"""The codec as users meet it, with the shipped model."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest
from PIL import Image

import aeimage
from aeimage.codec.container import read_container, write_container
from aeimage.errors import AEImageError, ModelNotFoundError, UsageError
from aeimage.images import Picture
from aeimage.metrics import psnr
from aeimage.runtime.bundle import installed_bundles
from aeimage.runtime.compressor import Codec, Target
from aeimage.samples import sample_paths

pytestmark = pytest.mark.skipif(
    not any(b.name == "photo" for b in installed_bundles("codec")),
    reason="the shipped model is not in this checkout",
)


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec("photo")


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    path = next(p for p in sample_paths() if "coffee" in p.name)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))[100:292, 150:406]


@pytest.mark.parametrize(
    "size", [(1, 1), (2, 1), (1, 65), (16, 16), (63, 64), (65, 129), (200, 7), (31, 300)]
)
def test_every_size_comes_back(codec, draw, size):
    width, height = size
    picture = draw(1, width, height)
    image = codec.decompress(codec.compress(picture, 70))
    assert image.size == size
    assert image.mode == "RGB"
    assert psnr(np.asarray(image), picture) > 20


def test_quality_is_monotonic_in_bytes_and_in_decibels(codec, photograph):
    files = [codec.compress(photograph, q) for q in (0, 25, 50, 75, 100)]
    sizes = [len(data) for data in files]
    decibels = [psnr(np.asarray(codec.decompress(data)), photograph) for data in files]
    assert sizes == sorted(sizes)
    assert decibels == sorted(decibels)
    assert sizes[-1] > 5 * sizes[0]
    assert decibels[-1] > decibels[0] + 8


def test_the_same_input_gives_the_same_bytes(codec, photograph):
    expected = codec.compress(photograph, 33.3)
    assert codec.compress(photograph, 33.3) == expected
    assert codec.compress(Image.fromarray(photograph), 33.3) == expected
    assert Codec("photo", threads=1).compress(photograph, 33.3) == expected


def test_size_targets_are_kept_and_nearly_used(codec, photograph):
    pixels = photograph.shape[0] * photograph.shape[1]
    for limit in (2500, 5000, 9000):
        data = codec.compress(photograph, max_bytes=limit)
        assert 0.95 * limit < len(data) <= limit
    data = codec.compress(photograph, bpp=0.6)
    assert 0.57 < 8 * len(data) / pixels <= 0.6


def test_a_psnr_target_is_reached_and_hardly_exceeded(codec, photograph):
    picture = Picture(rgb=np.ascontiguousarray(photograph))
    found = codec.compress_picture(picture, Target(psnr=33.0))
    reached = psnr(np.asarray(codec.decompress(found.data)), photograph)
    assert found.met
    assert reached == pytest.approx(found.psnr)
    assert 33.0 <= reached < 33.3


def test_targets_out_of_reach_give_the_nearest_and_say_so(codec, photograph):
    picture = Picture(rgb=np.ascontiguousarray(photograph))
    small = codec.compress_picture(picture, Target(max_bytes=10))
    assert not small.met
    assert small.quality == 0
    good = codec.compress_picture(picture, Target(psnr=80.0))
    assert not good.met
    assert good.quality == 100


@pytest.mark.parametrize(
    "fields", [{"quality": 101}, {"quality": -1}, {"quality": 5, "bpp": 1}, {"bpp": -2.0}]
)
def test_targets_that_make_no_sense_are_refused(fields):
    with pytest.raises(UsageError):
        Target(**fields)


def test_metadata_and_alpha_come_back(codec, draw):
    alpha = draw(3, 70, 50)[..., 0]
    exif = Image.Exif()
    exif[0x010E] = "a description"
    picture = Picture(
        rgb=draw(2, 70, 50),
        alpha=np.ascontiguousarray(alpha),
        icc=b"not checked here" * 20,
        exif=exif.tobytes().removeprefix(b"Exif\0\0"),
        xmp=b"<x:xmpmeta/>",
        dpi=(300.0, 150.0),
    )
    kept = codec.decompress_picture(codec.compress_picture(picture).data)
    np.testing.assert_array_equal(kept.alpha, alpha)
    for name in ("icc", "exif", "xmp", "dpi"):
        assert getattr(kept, name) == getattr(picture, name), name
    stripped = codec.decompress_picture(codec.compress_picture(picture, strip=True).data)
    np.testing.assert_array_equal(stripped.alpha, alpha)
    assert stripped.icc is stripped.exif is stripped.xmp is stripped.dpi is None


def test_the_module_level_functions_work(photograph):
    data = aeimage.compress(photograph, quality=40)
    assert aeimage.decompress(data).size == (256, 192)
    assert Codec.for_file(data).name == "photo"


def test_a_file_of_a_model_that_is_not_there_names_it(codec, photograph):
    container = read_container(codec.compress(photograph, 20))
    header = dataclasses.replace(container.header, model_id=bytes(range(8)))
    foreign = write_container(dataclasses.replace(container, header=header))
    with pytest.raises(ModelNotFoundError, match="0001020304050607"):
        aeimage.decompress(foreign)
    with pytest.raises(AEImageError, match="0001020304050607"):
        codec.decompress(foreign)


def test_no_changed_or_missing_byte_goes_unnoticed(codec, draw):
    data = codec.compress(draw(5, 40, 24), 10)
    rng = np.random.default_rng(0)
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= int(rng.integers(1, 256))
        with pytest.raises(AEImageError):
            codec.decompress(bytes(damaged))
        with pytest.raises(AEImageError):
            codec.decompress(data[:position])
    for extra in (b"\0", b"x" * 9):
        with pytest.raises(AEImageError):
            codec.decompress(data + extra)


def test_garbage_behind_valid_checksums_ends_in_an_error_or_a_picture(codec, draw):
    """Symbols that no encoder wrote may decode; they must not crash, hang or grow the picture."""
    container = read_container(codec.compress(draw(6, 100, 80), 50))
    rng = np.random.default_rng(1)
    for size in (1, 40, 3000):
        stripes = [rng.bytes(size) + b"\1" for _ in container.stripes]
        hostile = write_container(dataclasses.replace(container, stripes=stripes))
        with contextlib.suppress(AEImageError):
            assert codec.decompress(hostile).size == (100, 80)


def test_pixel_limit_is_checked_before_decoding(codec, draw):
    data = codec.compress(draw(7, 64, 64), 10)
    with pytest.raises(AEImageError, match="4096"):
        codec.decompress(data, max_pixels=4095)
    assert codec.decompress(data, max_pixels=4096).size == (64, 64)
