"""Grids of pictures: drawn, on the way between two, of given latents."""

import numpy as np
import pytest
from PIL import Image

from aeimage.apps import generate
from aeimage.apps.generate import draw_grid, generate_grid
from aeimage.errors import OutputExistsError, UsageError
from aeimage.latents import interpolate
from aeimage.runtime import autoencoder


class FakeSession:
    """Latents are the corners of a picture; the decoder paints the first one everywhere."""

    def __init__(self, path, threads=None):
        pass

    def run(self, signature, **inputs):
        if signature == "encode":
            return {"latents": inputs["pixels"][:, [0, 0, -1], [0, -1, 0], 0]}
        latents = inputs["latents"]
        return {"pixels": np.broadcast_to(latents[:, :1, None, None], (len(latents), 6, 6, 1))}


@pytest.fixture
def model(monkeypatch, tmp_path):
    """The folder of a bundle with nothing behind it."""
    monkeypatch.setattr(autoencoder.Autoencoder, "session_class", FakeSession)

    def make(family="variational"):
        folder = tmp_path / family
        folder.mkdir(exist_ok=True)
        (folder / "model.json").write_text(
            '{"format": 1, "name": "m", "kind": "autoencoder", "id": "00", "files": {}, '
            f'"family": "{family}", "shape": [6, 6, 1], "latent_size": 3}}'
        )
        return folder

    return make


def read(path):
    return np.asarray(Image.open(path))


def test_samples_repeat_for_the_same_seed(model, tmp_path):
    out = tmp_path / "grid.png"
    made = generate_grid(model(), out, count=10, seed=3, scale=2)
    assert (made.pictures, made.rows, made.columns, made.seed) == (10, 3, 4, 3)
    first = read(out)
    assert first.shape == (3 * 14 + 2, 4 * 14 + 2, 3)
    expected = np.clip(np.random.default_rng(3).normal(size=(10, 3))[:, 0], 0, 1)
    np.testing.assert_allclose(
        first[3::14][:3, 3::14].reshape(-1, 3)[:10, 0] / 255, expected, atol=0.003
    )
    with pytest.raises(OutputExistsError):
        generate_grid(model(), out)
    generate_grid(model(), out, count=10, seed=3, scale=2, overwrite=True)
    np.testing.assert_array_equal(read(out), first)
    seeds = {generate_grid(model(), out, overwrite=True).seed for _ in range(3)}
    assert len(seeds) == 3


def test_rows_of_interpolations(model, tmp_path):
    made = generate_grid(
        model(), tmp_path / "g.png", count=3, interpolate=True, steps=5, seed=1, scale=1
    )
    assert (made.pictures, made.rows, made.columns) == (15, 3, 5)


def test_between_two_pictures_with_any_family(model, tmp_path):
    for name, level in (("a.png", 0), ("b.png", 240)):
        Image.new("L", (12, 9), level).save(tmp_path / name)
    paths = (tmp_path / "a.png", tmp_path / "b.png")
    made = generate_grid(model("dense"), tmp_path / "g.png", between=paths, steps=4, scale=1)
    assert (made.rows, made.columns, made.seed) == (1, 4, None)
    levels = read(tmp_path / "g.png")[4, 4::8][:, 0]
    assert levels[0] == 0 and levels[-1] == 240 and (np.diff(levels.astype(int)) > 0).all()


def test_given_latents(model, tmp_path):
    latents = np.linspace(0, 1, 15, dtype="float32").reshape(5, 3)
    np.save(tmp_path / "l.npy", latents)
    made = generate_grid(model("dense"), tmp_path / "g.png", latents=tmp_path / "l.npy", scale=1)
    assert (made.pictures, made.rows, made.columns) == (5, 2, 3)
    np.save(tmp_path / "wrong.npy", latents[:, :2])
    with pytest.raises(UsageError, match="latents"):
        generate_grid(model(), tmp_path / "h.png", latents=tmp_path / "wrong.npy")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"count": 0}, "count"),
        ({"steps": 1, "interpolate": True}, "steps"),
        ({"seed": -1}, "seed"),
        ({"scale": 99}, "scale"),
        ({"interpolate": True, "latents": "x.npy"}, "Only one"),
    ],
)
def test_what_makes_no_sense_is_refused(model, tmp_path, options, told):
    with pytest.raises(UsageError, match=told):
        generate_grid(model(), tmp_path / "g.png", **options)
    assert not (tmp_path / "g.png").exists()


def test_only_variational_ones_draw(model, tmp_path):
    with pytest.raises(UsageError, match="aeimage train variational"):
        generate_grid(model("dense"), tmp_path / "g.png")
    with pytest.raises(UsageError, match="output"):
        generate_grid(model(), tmp_path / "grid.xyz")


def test_colours_stay_in_their_places():
    pixels = np.zeros((2, 3, 4, 3))
    pixels[1, 0, 0] = (1.0, 0.5, 2.0)
    grid = draw_grid(pixels, 2, 3)
    assert grid.shape == (9 + 2 * generate.GAP, 24 + 3 * generate.GAP, 3)
    assert grid[generate.GAP, 12 + 2 * generate.GAP].tolist() == [255, 128, 255]


def test_interpolation_turns_evenly():
    a, b = np.array([2.0, 0.0]), np.array([0.0, 4.0])
    path = interpolate(a, b, 5)
    np.testing.assert_allclose(path[[0, -1]], [a, b])
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), [2.0, 2.5, 3.0, 3.5, 4.0], rtol=1e-6)
    angles = np.degrees(np.arctan2(path[:, 1], path[:, 0]))
    np.testing.assert_allclose(angles, [0.0, 22.5, 45.0, 67.5, 90.0], atol=1e-4)
    # Without a plane to turn in, straight on.
    np.testing.assert_allclose(interpolate(a, -a, 3)[1], 0.0)
    np.testing.assert_allclose(interpolate(a * 0, b, 3)[1], b / 2)
    with pytest.raises(UsageError, match="count"):
        interpolate(a, b, 1)
