"""A deeper restorer does what the shallow one did, until it is trained."""

from dataclasses import replace

import deepen_restorer
import numpy as np
import pytest
from keras import ops

from aeimage.errors import UsageError
from aeimage.models.restorer import Restorer, RestorerConfig

SHALLOW = RestorerConfig(widths=(8, 12), encoder_blocks=(1, 1), decoder_blocks=(1,), level_map=True)


def drawn(config, seed=0):
    model = Restorer(config)
    model.build()
    rng = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0, 0.1, variable.shape))
    return model


def test_the_function_stays():
    shallow = drawn(SHALLOW)
    config = replace(SHALLOW, encoder_blocks=(3, 2), decoder_blocks=(2,))
    deep = deepen_restorer.deepen(shallow, config)
    assert len(deep.blocks) == 7
    pixels = np.random.default_rng(1).uniform(0, 255, (2, 32, 48, 3)).astype(np.float32)
    level = np.array([10, 30], np.float32)
    before, after = shallow(pixels, level), deep(pixels, level)
    assert ops.max(ops.abs(before["pixels"] - pixels)) > 1
    for name in before:
        np.testing.assert_array_equal(*map(ops.convert_to_numpy, (before[name], after[name])))


@pytest.mark.parametrize(
    "config",
    [
        replace(SHALLOW, widths=(8, 16)),
        replace(SHALLOW, encoder_blocks=(1, 0)),
        replace(SHALLOW, level_map=False),
    ],
)
def test_a_model_that_cannot_hold_it_is_refused(config):
    with pytest.raises(UsageError, match="as many blocks"):
        deepen_restorer.deepen(drawn(SHALLOW), config)


def test_from_the_command_line(tmp_path, monkeypatch, capsys):
    config = replace(SHALLOW, encoder_blocks=(2, 2))
    monkeypatch.setattr(
        deepen_restorer, "load_preset", lambda name: type("Preset", (), {"CONFIG": config})
    )
    shallow = drawn(SHALLOW)
    deepen_restorer.save_weights(shallow, tmp_path / "a.weights.h5", precision="float32")
    out = tmp_path / "b.weights.h5"
    arguments = [str(tmp_path / "a.weights.h5"), "--encoder-blocks", "1", "1"]
    deepen_restorer.main([*arguments, "--decoder-blocks", "1", "-o", str(out)])
    deep = Restorer(config)
    deep.build()
    deepen_restorer.load_weights(deep, out)
    pixels, level = np.full((1, 16, 16, 3), 77, np.float32), np.array([20], np.float32)
    np.testing.assert_allclose(deep(pixels, level)["pixels"], shallow(pixels, level)["pixels"])
    assert "parameters became" in capsys.readouterr().out
