"""The masked autoencoder: pull-push at first, known pixels exact always, tiles as the whole."""

import keras
import numpy as np
import pytest

from aeimage import pull_push
from aeimage.errors import UsageError
from aeimage.models.masked import MaskedAutoencoder, start_from_restorer
from aeimage.models.restorer import Restorer, RestorerConfig
from aeimage.models.skip_autoencoder import SkipConfig

SIZES = {"widths": (4, 6, 8), "encoder_blocks": (1, 1, 1), "decoder_blocks": (1, 1)}
CONFIG = SkipConfig(**SIZES)


def randomised(model):
    rng = np.random.default_rng(2)
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0.0, 0.05, variable.shape))
    return model


def built(config=CONFIG):
    keras.utils.set_random_seed(1)
    model = MaskedAutoencoder(config)
    model.build()
    return model


def example(height=64, width=96, seed=0):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (2, height, width, 3)).astype("uint8")
    return pixels, (rng.random((2, height, width, 1)) < 0.6).astype("float32")


def test_an_untrained_one_is_pull_push():
    pixels, mask = example()
    output = built()(pixels, mask)
    filled = pull_push.fill(pull_push.weigh(pixels.astype("float32"), mask))
    assert np.allclose(output["filled"], filled, atol=1e-3)
    assert np.array_equal(output["pixels"], output["filled"])


def test_known_pixels_are_the_same_bit_for_bit_in_mixed_precision_too():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = randomised(built())
    finally:
        keras.config.set_dtype_policy("float32")
    pixels, mask = example()
    output = np.asarray(model(pixels, mask)["pixels"])
    known = np.broadcast_to(mask == 0, pixels.shape)
    assert np.array_equal(output[known], pixels[known])
    assert np.abs(output - np.asarray(model(pixels, mask)["filled"]))[~known].max() > 1


def test_it_sees_the_mask_and_not_what_it_hides():
    model = randomised(built())
    pixels, mask = example()
    hidden = np.where(mask > 0, 99, pixels).astype("uint8")
    assert np.array_equal(model(hidden, mask)["pixels"], model(pixels, mask)["pixels"])
    filled = np.asarray(model(pixels, mask)["filled"])
    assert not np.allclose(model.refine(filled, mask), model.refine(filled, np.ones_like(mask)))


def test_with_the_halo_a_tile_comes_out_as_in_the_whole():
    model = randomised(built())
    halo, side = CONFIG.halo, 2 * CONFIG.multiple
    rng = np.random.default_rng(3)
    filled = rng.uniform(0, 255, (1, 2 * halo + 64, 2 * halo + 64, 3)).astype("float32")
    mask = (rng.random((*filled.shape[:3], 1)) < 0.5).astype("float32")
    whole = np.asarray(model.refine(filled, mask))
    start = CONFIG.multiple
    window = slice(start, start + 2 * halo + side)
    part = np.asarray(model.refine(filled[:, window, window], mask[:, window, window]))
    inner = slice(start + halo, start + halo + side)
    assert np.allclose(part[:, halo:-halo, halo:-halo], whole[:, inner, inner], atol=1e-3)


@pytest.mark.parametrize("more", [0, 1])
def test_it_can_start_with_what_a_restorer_knows(more):
    blocks = {"encoder_blocks": (1 + more, 1, 1), "decoder_blocks": (1, 1 + more)}
    restorer = Restorer(RestorerConfig(**{**SIZES, **blocks}, level_map=True))
    restorer.build()
    randomised(restorer)
    model = built()
    start_from_restorer(model, restorer)
    pixels, mask = example()
    # Still pull-push, and blind to the mask, but with the restorer's features.
    assert np.array_equal(model(pixels, mask)["pixels"], model(pixels, mask)["filled"])
    for mine, theirs in ((0, 0), (2, 2 + more), (4, 4 + more)):
        mine, theirs = model.blocks[mine], restorer.blocks[theirs]
        assert mine.name == theirs.name
        assert np.array_equal(mine.first.kernel, theirs.first.kernel)
    assert np.array_equal(model.enter.kernel[:, :, :3], restorer.enter.kernel)
    other = built(SkipConfig((4, 6), (1, 1), (1,)))
    with pytest.raises(UsageError, match="one of the sizes"):
        start_from_restorer(other, restorer)
    deeper = built(SkipConfig(**{**SIZES, "encoder_blocks": (1, 2, 1)}))
    with pytest.raises(UsageError, match="one of the sizes"):
        start_from_restorer(deeper, restorer)


def test_it_is_saved_and_loaded(tmp_path):
    model = randomised(built())
    model.save(tmp_path / "masked.keras")
    loaded = keras.saving.load_model(tmp_path / "masked.keras")
    assert loaded.config == CONFIG
    expected = np.asarray(model(*example())["pixels"])
    assert np.allclose(loaded(*example())["pixels"], expected, atol=1e-3)
