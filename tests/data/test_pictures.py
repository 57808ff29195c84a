"""Folders of pictures and crops from them."""

import numpy as np
import pytest

from aeimage.data.crops import CropSampler
from aeimage.data.pictures import centre_crop, decode_all, picture_paths, split
from aeimage.errors import UsageError


def test_a_tree_gives_its_pictures_and_nothing_else(photo_folder):
    paths = picture_paths([photo_folder])
    assert [p.name for p in paths] == sorted(
        (p.name for p in paths), key=lambda n: [str(q) for q in paths if q.name == n]
    )
    assert len(paths) == 5


def test_missing_and_empty_folders_are_errors(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        picture_paths([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match="no pictures"):
        picture_paths([tmp_path])


def test_split_is_fixed_and_has_no_overlap(photo_folder):
    paths = picture_paths([photo_folder])
    training, held_out = split(paths)
    assert split(list(reversed(paths))) == (training, held_out)
    assert sorted(training + held_out) == paths
    assert held_out


def test_unreadable_pictures_are_reported_and_left_out(photo_folder, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    lines = []
    decoded = decode_all([broken, *picture_paths([photo_folder])], lines.append)
    assert len(decoded) == 5
    assert len(lines) == 1
    assert "broken.png" in lines[0]


def test_centre_crop_has_sides_a_codec_can_take():
    assert centre_crop(np.zeros((200, 700, 3), "uint8")).shape == (192, 512, 3)
    assert centre_crop(np.zeros((63, 700, 3), "uint8")) is None


def test_crops_depend_on_seed_and_step_alone(photo_folder):
    paths = picture_paths([photo_folder])
    first = CropSampler(paths, size=64, batch_size=4, seed=3)
    again = CropSampler(list(reversed(paths)), size=64, batch_size=4, seed=3)
    again.batch(17)  # no state is carried from step to step
    np.testing.assert_array_equal(first.batch(5), again.batch(5))
    assert not np.array_equal(first.batch(5), first.batch(6))
    other = CropSampler(paths, size=64, batch_size=4, seed=4)
    assert not np.array_equal(first.batch(5), other.batch(5))


def test_too_small_pictures_are_an_error(photo_folder):
    with pytest.raises(UsageError, match="1024x1024"):
        CropSampler(picture_paths([photo_folder]), size=1024)


def test_memory_limit_holds(photo_folder):
    limited = CropSampler(picture_paths([photo_folder]), size=64, max_bytes=200_000)
    assert sum(p.nbytes for p in limited.pictures) <= 200_000


def test_pictures_beyond_the_memory_limit_are_not_decoded(monkeypatch, tmp_path):
    decoded = []

    def decode(path, report):
        decoded.append(path)
        return np.zeros((64, 64, 3), "uint8")

    monkeypatch.setattr("aeimage.data.crops.decode", decode)
    paths = [tmp_path / f"{i}.png" for i in range(100)]
    limited = CropSampler(paths, size=64, scales=False, max_bytes=3 * 64 * 64 * 3)
    assert len(limited.pictures) == 3
    assert len(decoded) < 10
