"""Masked autoencoder and colorizer: seeded, learning, on JAX as on TensorFlow, exported."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aeimage.corruption import MissingParts, RandomMissingPixels, Scratches
from aeimage.data.pictures import Example
from aeimage.errors import UsageError
from aeimage.models.colorizer import chroma_of
from aeimage.models.skip_autoencoder import SkipConfig
from aeimage.training.colorizer_task import ColorizerTask, aged
from aeimage.training.losses import chroma_loss, filling_loss
from aeimage.training.masked_task import MaskedTask
from aeimage.training.trainer import Trainer, TrainerConfig

SIZE = 32
CONFIG = SkipConfig((8, 8), (1, 1), (1,))


class Stripes:
    """Crops of stripes, red where they are bright and blue where they are dark."""

    pictures = range(8)

    def batch(self, step):
        rng = np.random.default_rng(step)
        columns = np.arange(SIZE)[None, None, :, None] + rng.integers(0, 8, (8, 1, 1, 1))
        bright = columns // 4 % 2
        crops = np.where(bright, [230, 150, 120], [30, 60, 140])
        return np.broadcast_to(crops, (8, SIZE, SIZE, 3)).astype("uint8")


def trainer_of(task, out, steps):
    config = TrainerConfig(
        out, steps=steps, learning_rate=3e-3, ema_decay=0.9, validate_every=steps, warmup=10
    )
    return Trainer(task, config, lambda line: None)


def masked_task(**options):
    masks = MissingParts(kinds=[RandomMissingPixels(share=0.5), Scratches(width=(2.0, 4.0))])
    return MaskedTask(Stripes(), [Stripes().batch(10**6)[0]], config=CONFIG, masks=masks, **options)


def colorizer_task(**options):
    return ColorizerTask(Stripes(), [Stripes().batch(10**6)[0]], config=CONFIG, **options)


def test_the_masked_autoencoder_learns_what_smooth_filling_cannot(tmp_path):
    task = masked_task()
    trainer = trainer_of(task, tmp_path, 120)
    untrained, _ = task.validate(lambda *inputs: trainer.model(*inputs))
    assert untrained["gain_pixels"] == untrained["gain_boxes"] == 0.0
    trainer.run()
    trained, pictures = task.validate(trainer.engine.forward)
    assert trained["gain_pixels"] > 2.0 and trained["objective"] < untrained["objective"] - 1.0
    assert all(p.dtype == np.uint8 for p in pictures.values())


def test_the_colorizer_learns_colours_from_brightness(tmp_path):
    task = colorizer_task()
    trainer = trainer_of(task, tmp_path, 120)
    untrained, _ = task.validate(lambda x: trainer.model(x))
    assert untrained["rmse"] == pytest.approx(untrained["rmse_grey"], rel=1e-3)
    trainer.run()
    trained, pictures = task.validate(trainer.engine.forward)
    assert trained["rmse"] < 0.6 * trained["rmse_grey"] and trained["colour"] > 0.4
    assert all(p.dtype == np.uint8 for p in pictures.values())


@pytest.mark.parametrize("make", [masked_task, colorizer_task])
def test_damage_depends_on_the_seed_and_the_step_alone(make):
    task = make(seed=5)
    model = task.build()
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(variable + rng.normal(0.0, 0.1, variable.shape))
    losses = [
        float(task.loss(model, task.batch(step), task.scalars(step))[0]) for step in (3, 3, 4)
    ]
    assert losses[0] == losses[1] != losses[2]


def test_the_filling_loss_counts_factors_and_is_blind_to_what_is_known():
    rng = np.random.default_rng(0)
    truth, noise = rng.uniform(0, 255, (2, 2, 8, 8, 3)).astype("float32")
    noise = (noise - 128) * 4
    mask = (rng.random((2, 8, 8, 1)) < 0.5).astype("float32")
    loss, parts = filling_loss(truth + noise, truth + noise, truth, mask)
    assert float(parts["relative_mae"]) == float(parts["relative_rmse"]) == 1.0
    half, parts = filling_loss(truth + 0.5 * noise, truth + noise, truth, mask)
    assert float(loss) - float(half) == pytest.approx(np.log(2), abs=0.02)
    assert float(parts["relative_mae"]) == pytest.approx(0.5, abs=0.01)
    elsewhere = truth + noise * mask + (1 - mask) * 99
    again, _ = filling_loss(elsewhere, truth + noise, truth, mask)
    assert float(again) == pytest.approx(float(loss), rel=1e-5)


def test_the_chroma_loss_minds_vivid_colours_more():
    reference = np.zeros((1, 4, 4, 2), "float32")
    pale, vivid = reference + 3.0, reference + 40.0
    wrong = [float(chroma_loss(c + 5.0, c)[0]) for c in (pale, vivid)]
    assert wrong[0] < wrong[1] and float(chroma_loss(vivid, vivid)[0]) < 1e-3


def test_aged_pictures_stay_pictures():
    light = np.random.default_rng(0).uniform(0, 255, (16, 32, 32, 1)).astype("float32")
    old = np.asarray(aged(light, np.array([1, 2], "uint32")))
    assert np.array_equal(old, np.round(old)) and old.min() >= 0 and old.max() <= 255
    assert np.abs(old - light).mean() > 5
    # Brighter stays brighter, by and large.
    flat = zip(old.reshape(16, -1), light.reshape(16, -1), strict=True)
    assert min(np.corrcoef(o, x)[0, 1] for o, x in flat) > 0.9


def test_presets_train_and_their_bundles_work_without_tensorflow(tmp_path, photo_folder):
    from aeimage.export.run import export_run
    from aeimage.runtime.colorizer import Colorizer
    from aeimage.runtime.inpainter import Inpainter
    from aeimage.training.request import TrainingRequest
    from aeimage.training.run import train

    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (70, 90, 3), np.uint8)
    mask = rng.random((70, 90)) < 0.5
    for preset in ("masked", "colorizer"):
        run, out = tmp_path / preset, tmp_path / f"{preset}_bundle"
        options = {"crop": 64, "batch_size": 2, "steps": 2, "precision": "float32"}
        trainer = train(TrainingRequest(preset, [photo_folder], run, **options), lambda line: None)
        model = trainer.model
        for variable in model.trainable_variables:
            variable.assign(variable + rng.normal(0.0, 0.02, variable.shape))
        model.save_weights(tmp_path / f"{preset}.weights.h5")
        info = export_run(run, out, weights=tmp_path / f"{preset}.weights.h5", precision="float32")
        assert info["kind"] == preset and info["kmac_per_pixel"] > 1
        if preset == "masked":
            found = Inpainter(f"{out}/").inpaint(pixels, mask)
            padded = [np.pad(x, [(0, 2), (0, 6), (0, 0)], "symmetric")[None] for x in (pixels,)]
            gaps = np.pad(mask, [(0, 2), (0, 6)], "symmetric")[None, ..., None]
            expected = np.asarray(model(padded[0], gaps.astype("float32"))["pixels"])[0, :70, :90]
            # The padding is filled in another way, which shows near the lower right alone.
            inside = np.s_[:40, :40]
            assert np.abs(found[inside] - np.clip(expected, 0, 255)[inside]).max() < 1.1
            assert np.array_equal(found[~mask], pixels[~mask])
        else:
            found = Colorizer(f"{out}/").colorize(pixels[..., 0], 4.0)
            assert np.abs(np.asarray(chroma_of(found[None]))).max() > 1


def test_the_masked_autoencoder_starts_from_a_restorer(tmp_path):
    from aeimage.models.restorer import Restorer, RestorerConfig

    config = RestorerConfig((8, 8), (1, 1), (1,), level_map=True)
    restorer = Restorer(config)
    restorer.build()
    restorer.blocks[0].first.kernel.assign(restorer.blocks[0].first.kernel * 0 + 0.5)
    restorer.save_weights(tmp_path / "restorer.weights.h5")
    task = masked_task(start=tmp_path, start_config=config)
    model = task.build()
    task.calibrate(model)
    assert np.all(np.asarray(model.blocks[0].first.kernel) == 0.5)


def test_examples_in_memory_are_reduced():
    from aeimage.training.presets.colorizer import SHORTER_SIDE, _reduced

    large = Example(("a",), np.zeros((600, 900, 3), "uint8"))
    small = Example(("b",), np.zeros((100, 90, 3), "uint8"))
    sizes = [e.pixels.shape for e in _reduced([large, small], None)]
    assert sizes == [(SHORTER_SIDE, 432, 3), (100, 90, 3)]
    with pytest.raises(UsageError, match="at least one layer"):
        MissingParts(kinds=[])


def test_one_step_on_jax(tmp_path):
    pytest.importorskip("jax", reason="not installed")
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from pathlib import Path
from test_photo_tasks import colorizer_task, masked_task, trainer_of
for make in (masked_task, colorizer_task):
    trainer = trainer_of(make(), Path(sys.argv[2]) / make.__name__, 1)
    trainer.run()
    after = trainer.engine.read()
    assert any(np.abs(v).max() > 0 for k, v in after.items() if "momentum" in k), list(after)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
