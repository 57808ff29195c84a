"""The photo benchmark: its noise, its arithmetic, and a run on a small picture."""

import math

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")
pytest.importorskip("scipy")
pytest.importorskip("skimage")

import benchmark_denoise
import photo_methods
from denoise_rows import Row
from denoise_summary import summary_markdown, tabulate
from our_restorer import OurRestorer
from photo_methods import METHODS, MethodUnavailableError, anscombe, inverse_anscombe, open_method
from photo_noise import KINDS, READ_NOISE, degrade, to_uint8


@pytest.fixture
def picture():
    y, x = np.mgrid[:48, :64]
    ramp = np.stack([2 * x + y, 128 + 0 * x, 255 - 3 * y], -1)
    return np.clip(ramp, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_seeded(picture, kind):
    once = degrade(picture, kind, 25, "a")
    assert once.dtype == np.float32 and once.shape == picture.shape
    assert np.array_equal(once, degrade(picture, kind, 25, "a"))
    if kind != "jpeg":
        assert not np.array_equal(once, degrade(picture, kind, 25, "b"))
    if kind != "gaussian":
        assert np.array_equal(to_uint8(once) / np.float32(255), once)


def test_gaussian_noise_has_its_sigma_and_is_not_clipped():
    white = np.full((200, 200, 3), 250, np.uint8)
    noise = degrade(white, "gaussian", 25, "a") * 255 - 250
    assert np.std(noise) == pytest.approx(25, rel=0.02)
    assert abs(np.mean(noise)) < 0.5 and noise.max() > 6
    clipped = degrade(white, "gaussian-8bit", 25, "a")
    # The same noise, so that the two differ in clipping and rounding alone.
    assert np.array_equal(to_uint8(degrade(white, "gaussian", 25, "a")), to_uint8(clipped))


def test_shot_noise_grows_with_the_light():
    levels = [np.full((200, 200, 3), value, np.uint8) for value in (60, 180)]
    variances = [np.var(degrade(level, "shot", 100, "a")) for level in levels]
    for value, variance in zip((60, 180), variances, strict=True):
        assert variance == pytest.approx(value / 255 / 100 + READ_NOISE**2, rel=0.05)


def test_unknown_noise_is_refused(picture):
    with pytest.raises(ValueError, match="kind"):
        degrade(picture, "rain", 1, "a")


def test_anscombe_makes_variance_one_and_inverts_means():
    rng = np.random.default_rng(0)
    for value in (0.2, 0.8):
        noisy = value + np.sqrt(value / 100 + READ_NOISE**2) * rng.standard_normal(200_000)
        stable = anscombe(noisy, 1 / 100, READ_NOISE**2)
        assert np.std(stable) == pytest.approx(1, abs=0.03)
        mean = inverse_anscombe(np.mean(stable), 1 / 100, READ_NOISE**2)
        assert mean == pytest.approx(value, abs=0.002)


def rows(psnrs, method="ours", version="photo 1", noise="gaussian", level=25.0):
    return [
        Row(name, noise, level, method, version, value, 0.1)
        for name, value in zip("abc", psnrs, strict=False)
    ]


def test_means_counts_and_differences():
    made_up = rows((30, 31, 32)) + rows((29, 30), "bm3d", "bm3d 4")
    text = summary_markdown(tabulate(made_up, {"ours": "photo 1"}, "abc"), kodak=False)
    assert "| **aeimage, sigma known** | **–** | **31.00** | **–** |" in text
    assert "| BM3D | – | 29.50 (2) | – |" in text
    assert "less BM3D on the same pictures* | – | +1.00 | – |" in text
    assert "published" not in text


def test_the_version_asked_for_counts_else_the_latest():
    made_up = rows((30, 30, 30), version="photo 2") + rows((20, 20, 20), version="photo 1")
    assert tabulate(made_up, {}, "abc").mean("gaussian", 25, "ours") == 20
    assert tabulate(made_up, {"ours": "photo 2"}, "abc").mean("gaussian", 25, "ours") == 30
    assert tabulate(made_up, {"ours": "photo 3"}, "abc").mean("gaussian", 25, "ours") is None


def test_harm_shows_in_the_worst_picture():
    made_up = [
        *rows((40, 40, 40), "input", "1", "gaussian-8bit", 2.0),
        *rows((42, 41, 39.5), "ours-blind", "photo 1", "gaussian-8bit", 2.0),
    ]
    text = summary_markdown(tabulate(made_up, {}, "abc"), kodak=True)
    assert "+0.83 (worst −0.50)" in text


def test_runs_resumes_and_passes_over_what_is_missing(picture, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(picture).save(folder / "a.png")
    calls = []

    class Restorer:
        @staticmethod
        def restore(pixels, sigma):
            calls.append((pixels.dtype.name, sigma))
            return pixels

    monkeypatch.setattr(
        photo_methods, "open_restorer", lambda model, _: OurRestorer(f"{model} 1", Restorer)
    )
    arguments = ["--data", str(folder), "--out", str(tmp_path / "out")]
    arguments += ["--methods", "input,nlm,ours,ours-blind"]
    assert benchmark_denoise.main(arguments) == 0
    output = capsys.readouterr().out
    assert "aeimage, sigma known" in output and "JPEG artefacts" in output
    assert ("float32", 25.0) in calls and ("uint8", None) in calls and ("uint8", 2.0) in calls
    assert (tmp_path / "out" / "psnr.png").exists()

    calls.clear()
    assert benchmark_denoise.main([*arguments, "--tidy"]) == 0
    assert not calls
    assert benchmark_denoise.main([*arguments, "--again", "ours"]) == 0
    assert calls


def test_a_missing_model_is_said():
    with pytest.raises(MethodUnavailableError, match="no-such-model"):
        open_method("ours", "no-such-model")


def test_methods_can_be_opened_or_say_why_not(picture):
    for name in METHODS:
        try:
            method = open_method(name)
        except MethodUnavailableError as error:
            assert name in str(error)
            continue
        assert method.name == name and set(method.kinds) <= set(KINDS)
    noisy = degrade(picture, "gaussian", 25, "a")
    restored = open_method("nlm").restore(noisy, "gaussian", 25)
    errors = [np.mean((x - picture / 255) ** 2) for x in (noisy, restored)]
    assert errors[1] < errors[0] / 2 and not math.isnan(errors[1])
