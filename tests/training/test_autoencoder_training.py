"""Autoencoders in training: in memory, through the trainer, and from preset to bundle."""

import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="training needs the train extra")

from PIL import Image

from aeimage.errors import TrainingDivergedError, UsageError
from aeimage.models.convolutional import ConvolutionalAutoencoder
from aeimage.models.dense import DenseAutoencoder
from aeimage.models.variational import VariationalAutoencoder
from aeimage.training.autoencoder_preset import all_options, make_model
from aeimage.training.autoencoder_task import AutoencoderTask, PictureSampler, fit
from aeimage.training.presets import NAMES, load_preset
from aeimage.training.request import TrainingRequest
from aeimage.training.run import _settle, train


@pytest.fixture(autouse=True)
def policy():
    """Training sets the dtype policy of the whole process."""
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


PRESETS = [name for name in NAMES if load_preset(name).KIND == "autoencoder"]


def stripes(count=64, channels=1):
    """Stripes of three widths, black on white: uint8 (count, 8, 8, channels)."""
    rng = np.random.default_rng(2)
    columns = np.arange(8)[None, None, :] + rng.integers(0, 8, (count, 1, 1))
    wide = rng.integers(1, 4, (count, 1, 1))
    pictures = np.where(columns // wide % 2, 230, 20).repeat(8, axis=1)
    return pictures[..., None].repeat(channels, axis=-1).astype("uint8")


def made(kind=DenseAutoencoder, **options):
    keras.utils.set_random_seed(1)
    model = kind((8, 8, 1), 6, (32,), **options)
    model.build()
    return model


def error(model, pixels):
    x = pixels.astype("float32") / 255.0
    return float(np.mean(np.square(np.asarray(model.reconstruct(x)) - x)))


def test_fit_learns_and_repeats_itself():
    pixels, told = stripes(), []
    errors = []
    for _ in range(2):
        model = made()
        before = error(model, pixels)
        fit(model, pixels, steps=120, batch_size=32, learning_rate=5e-3, report=told.append)
        errors.append(error(model, pixels))
    assert errors[0] < 0.5 * before
    assert errors[0] == pytest.approx(errors[1], rel=1e-3)
    assert told[1].startswith("step=120 loss=")


def test_fit_in_mixed_precision_leaves_a_model_of_float32():
    pixels = stripes()
    model = made(ConvolutionalAutoencoder)
    before = error(model, pixels)
    fit(model, pixels, steps=60, batch_size=32, learning_rate=5e-3, precision="mixed_bfloat16")
    assert error(model, pixels) < before
    assert model.compute_dtype == "float32"


@pytest.mark.parametrize(
    ("pixels", "options", "told"),
    [
        (np.zeros((3, 8, 8, 1), "float32"), {}, "uint8"),
        (np.zeros((3, 8, 9, 1), "uint8"), {}, "pixels"),
        (np.zeros((0, 8, 8, 1), "uint8"), {}, "count"),
        (np.zeros((3, 8, 8, 1), "uint8"), {"precision": "int8"}, "precision"),
    ],
)
def test_what_fit_cannot_use_is_refused(pixels, options, told):
    with pytest.raises(UsageError, match=told):
        fit(made(), pixels, steps=1, **options)


def test_a_loss_that_is_no_number_is_told():
    model = made()
    model.latent.bias.assign(np.full(6, np.nan))
    with pytest.raises(TrainingDivergedError, match="learning rate"):
        fit(model, stripes(), steps=2, batch_size=8)


def test_an_epoch_shows_every_picture_once():
    pixels = np.arange(10, dtype="uint8").reshape(10, 1, 1, 1)
    sampler = PictureSampler(pixels, batch_size=4, seed=1)
    shown = np.concatenate([sampler.batch(step) for step in range(10)])[:, 0, 0, 0]
    for epoch in range(4):
        assert sorted(shown[10 * epoch : 10 * epoch + 10]) == list(range(10))
    assert not np.array_equal(shown[:10], shown[10:20])
    np.testing.assert_array_equal(PictureSampler(pixels, 4, 1).batch(7), sampler.batch(7))


def test_validation_is_the_same_every_time_and_shows_pictures():
    model = made(VariationalAutoencoder, binarize=True)
    task = AutoencoderTask(model, None, stripes(300), seed=4)
    model = task.build()

    def forward(pixels):
        return model(pixels)

    one, pictures = task.validate(forward)
    other, _ = task.validate(forward)
    assert one == other
    assert {"objective", "elbo", "kl", "mse"} <= set(one)
    assert one["mse"] == pytest.approx(error(model, stripes(300)), rel=1e-4)
    (shown,) = pictures.values()
    assert shown.dtype == np.uint8 and shown.shape == (16, 64, 3)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_make_their_model(name):
    preset = load_preset(name)
    side = 16
    model = make_model(preset.MODEL, preset.MODEL_OPTIONS, side, {"latent": "5", "widths": "6,4"})
    assert model.shape[:2] == (side, side) and model.latent_size == 5
    assert model.get_config()["widths"] == (6, 4)
    usual = make_model(preset.MODEL, preset.MODEL_OPTIONS, preset.CROP, {})
    assert usual.shape[0] == preset.CROP
    assert set(preset.ACCEPTS) <= set(preset.MODEL_OPTIONS)


@pytest.mark.parametrize("name", PRESETS)
def test_options_as_text_make_the_same_model(name):
    preset = load_preset(name)
    texts = all_options(preset.MODEL_OPTIONS, {"latent": "7"})
    assert all(isinstance(text, str) for text in texts.values())
    one, other = (
        make_model(preset.MODEL, preset.MODEL_OPTIONS, 16, given).get_config()
        for given in (texts, {"latent": "7"})
    )
    assert one == other and one["latent_size"] == 7


@pytest.mark.parametrize("name", PRESETS)
def test_presets_need_no_options(name, tmp_path):
    request = TrainingRequest(name, [tmp_path], tmp_path / "run")
    settled = _settle(request, load_preset(name), {})
    assert settled.options == {}


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("dense", "latent", "many"),
        ("dense", "widths", "5;4"),
        ("variational", "binarize", "1"),
        ("variational", "beta", "x"),
        ("sparse", "penalty", "l3"),
    ],
)
def test_options_that_make_no_sense_are_refused(name, option, value):
    preset = load_preset(name)
    with pytest.raises(UsageError, match=option):
        make_model(preset.MODEL, preset.MODEL_OPTIONS, 16, {option: value})


def test_from_preset_to_bundle(tmp_path):
    """Trained, resumed, exported, and opened without the options being given again."""
    from aeimage.export.run import export_model, export_run
    from aeimage.runtime.autoencoder import Autoencoder

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, picture in enumerate(stripes(20, channels=3)):
        Image.fromarray(picture).save(folder / f"{number}.png")
    options = {"latent": "5", "widths": "6,8", "binarize": "yes"}
    request = TrainingRequest(
        "variational", [folder], tmp_path / "run", steps=3, batch_size=8, crop=8, options=options
    )
    train(request, report=lambda line: None)
    again = TrainingRequest("variational", [folder], tmp_path / "run", steps=5, resume=True)
    trainer = train(again, report=lambda line: None)
    export_run(tmp_path / "run", tmp_path / "model")
    runtime = Autoencoder(f"{tmp_path / 'model'}")
    assert (runtime.shape, runtime.latent_size, runtime.generative) == ((8, 8, 1), 5, True)
    # All of them are recorded, so that other usual values change nothing.
    assert options.items() <= runtime.info["options"].items()
    assert set(runtime.info["options"]) == set(load_preset("variational").MODEL_OPTIONS)
    pixels = stripes(9)
    x = pixels.astype("float32") / 255.0
    np.testing.assert_allclose(runtime.encode(pixels), trainer.model.encode(x), atol=0.05)
    assert runtime.generate(4, seed=1).shape == (4, 8, 8, 1)
    export_model(tmp_path / "run", tmp_path / "m.keras", "keras", precision="float32")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(loaded.encode(x), runtime.encode(pixels), atol=0.02)
