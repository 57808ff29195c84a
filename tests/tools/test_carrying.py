"""What carries pictures to a borrowed machine, and checkpoints back."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the train extra")

TOOLS = Path(__file__).parents[2] / "tools"
if str(TOOLS) not in sys.path:
    sys.path.insert(0, str(TOOLS))

import pack_crops  # noqa: E402
import split_checkpoint  # noqa: E402

from aeimage.data.pictures import decode, picture_paths  # noqa: E402
from aeimage.training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402


@pytest.fixture
def checkpoint(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {}
    for path in ("conv/kernel", "conv/bias"):
        for name in (f"model/{path}", f"ema/{path}"):
            arrays[name] = rng.normal(size=(50, 70)).astype("float32")
        moment = f"optimizer/adam/{path.replace('/', '_')}"
        scale = 10.0 ** rng.integers(-20, 2, (50, 70))
        arrays[f"{moment}_momentum"] = (rng.normal(size=(50, 70)) * scale).astype("float32")
        arrays[f"{moment}_velocity"] = scale.astype("float32")
    save_checkpoint(tmp_path / "checkpoint.npz", arrays, {"step": 7, "best": 0.5})
    return tmp_path / "checkpoint.npz"


def again(checkpoint, **options):
    out = checkpoint.parent / "parts"
    parts = split_checkpoint.split(checkpoint, out, **options)
    split_checkpoint.join(out, checkpoint.parent / "joined.npz")
    return parts, *load_checkpoint(checkpoint.parent / "joined.npz")


def test_parts_make_the_same_checkpoint(checkpoint):
    before, meta = load_checkpoint(checkpoint)
    parts, after, meta_after = again(checkpoint, file_bytes=20_000)
    assert len(parts) == 6 and all(p.stat().st_size <= 20_000 for p in parts)
    assert meta_after == meta
    assert before.keys() == after.keys()
    for name, array in before.items():
        np.testing.assert_array_equal(after[name], array)


def test_half_precision_keeps_the_range_of_moments(checkpoint):
    before, _ = load_checkpoint(checkpoint)
    (part,), after, _ = again(checkpoint, half=True)
    assert part.stat().st_size < 0.6 * checkpoint.stat().st_size
    for name, array in before.items():
        assert after[name].dtype == np.float32
        error = np.abs(after[name] - array) / np.abs(array)
        assert error.max() <= (2**-8 if "adam" in name else 2**-10), name
    moments = after["optimizer/adam/conv_kernel_momentum"]
    bias = np.mean(moments / before["optimizer/adam/conv_kernel_momentum"]) - 1
    assert abs(bias) < 1e-3


def test_averaged_weights_alone_are_enough_to_go_on(checkpoint):
    before, _ = load_checkpoint(checkpoint)
    _, after, _ = again(checkpoint, half=True, keep=["average"])
    assert before.keys() == after.keys()
    np.testing.assert_array_equal(after["model/conv/kernel"], after["ema/conv/kernel"])
    assert not after["optimizer/adam/conv_bias_velocity"].any()


def test_damaged_parts_are_noticed(checkpoint):
    parts = split_checkpoint.split(checkpoint, checkpoint.parent / "parts", file_bytes=20_000)
    data = bytearray(parts[2].read_bytes())
    data[5] ^= 1
    parts[2].write_bytes(data)
    joined = checkpoint.parent / "joined.npz"
    with pytest.raises(SystemExit, match=r"checkpoint\.002"):
        split_checkpoint.join(checkpoint.parent / "parts", joined)
    assert not joined.exists()
    with pytest.raises(SystemExit, match="--half"):
        split_checkpoint.split(checkpoint, checkpoint.parent / "parts", most_bytes=10_000)


def pack(monkeypatch, folder, out, *options):
    command = ["pack_crops.py", folder, "--out", out, "--side", "64", *options]
    monkeypatch.setattr(sys, "argv", [str(word) for word in command])
    pack_crops.main()
    return {name: sorted((out / name).iterdir()) for name in ("train", "validation")}


def test_packed_crops_are_what_training_reads(photo_folder, tmp_path, monkeypatch, capsys):
    found = pack(monkeypatch, photo_folder, tmp_path / "a", "--validation", "0.5")
    printed = capsys.readouterr().out
    assert "pixels a byte" in printed and "dB" in printed
    assert found["train"] and found["validation"]
    crops = [decode(p) for p in picture_paths([tmp_path / "a"])]
    assert all(crop.shape == (64, 64, 3) for crop in crops)
    # The same again, and a picture is never on both sides, whatever else changes.
    assert pack(monkeypatch, photo_folder, tmp_path / "b", "--validation", "0.5").keys()
    for name, files in found.items():
        copies = sorted((tmp_path / "b" / name).iterdir())
        assert [p.read_bytes() for p in files] == [p.read_bytes() for p in copies]
    stems = [{p.stem.split("_", 1)[1] for p in files} for files in found.values()]
    assert not stems[0] & stems[1]


def test_packing_respects_limit_and_exclusion(photo_folder, tmp_path, monkeypatch):
    options = ("--bytes", "20k", "--exclude", "0.png", "1.png", "--format", "lossless")
    found = pack(monkeypatch, photo_folder, tmp_path / "c", *options)
    files = [p for paths in found.values() for p in paths]
    assert 0 < sum(p.stat().st_size for p in files) <= 20_000
    assert not {p.stem.split("_", 1)[1] for p in files} & {"0", "1"}
    assert all(p.suffix == ".webp" for p in files)


def test_busiest_squares_do_not_overlap():
    rgb = np.full((200, 300, 3), 128, np.uint8)
    rng = np.random.default_rng(0)
    rgb[64:128, 192:256] = rng.integers(0, 256, (64, 64, 3))
    first, *others = pack_crops.busiest(rgb, 64, 5)
    np.testing.assert_array_equal(first, rgb[64:128, 192:256])
    assert len(others) == 4 and all(other.std() == 0 for other in others)
    assert pack_crops.busiest(rgb[:50], 64, 1) == []
