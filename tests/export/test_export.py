"""From a run to a bundle that works without TensorFlow."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="exporting needs the train extra")

from aeimage.errors import ModelFileError, OutputExistsError
from aeimage.export.calibrate import rounding_offsets
from aeimage.export.complexity import codec_complexity, layer_macs
from aeimage.export.run import export_run
from aeimage.metrics import psnr
from aeimage.runtime.bundle import load_tables, read_bundle
from aeimage.runtime.compressor import Codec
from aeimage.tables import logistic_tables


@pytest.fixture(scope="module")
def model(tiny_run):
    import keras

    from aeimage.models.hyperprior import HyperpriorCodec
    from aeimage.training.presets import load_preset
    from aeimage.training.weights import load_weights

    keras.config.set_dtype_policy("float32")
    model = HyperpriorCodec(load_preset("codec-tiny").CONFIG)
    model.build()
    load_weights(model, tiny_run / "best.weights.h5")
    return model


def test_the_bundle_is_whole_and_says_what_it_is(tiny_bundle):
    bundle = read_bundle(tiny_bundle)
    bundle.verify()
    assert bundle.kind == "codec"
    assert bundle.name == "tiny"
    assert bytes.fromhex(bundle.model_id)
    assert bundle.card.startswith("# tiny")
    assert bundle.info["kmac_per_pixel"]["decoder"] > 0


def test_a_changed_file_is_noticed(tiny_bundle, tmp_path):
    import shutil

    copy = shutil.copytree(tiny_bundle, tmp_path / "copy")
    (copy / "README.md").write_text("another card")
    with pytest.raises(ModelFileError, match="SHA-256"):
        read_bundle(copy).verify()


def test_litert_reconstructs_what_keras_does(tiny_bundle, model, draw):
    picture = draw(7, 192, 128)
    codec = Codec(str(tiny_bundle))
    for quality in (10.0, 50.0, 90.0):
        restored = np.asarray(codec.decompress(codec.compress(picture, quality, effort=0)))
        output = model(picture[None], np.array([quality], "float32"), training=False)
        keras = np.clip(np.round(np.asarray(output.reconstruction)[0]), 0, 255)
        assert abs(psnr(restored, picture) - psnr(keras.astype("uint8"), picture)) < 0.1


def test_the_training_estimate_of_the_rate_holds(tiny_bundle, model, draw):
    picture = draw(8, 256, 256)
    codec = Codec(str(tiny_bundle))
    data = codec.compress(picture, 50.0, effort=0)
    output = model(picture[None], np.array([50.0], "float32"), training=False)
    estimate = float(output.latent_bits[0] + output.hyper_bits[0]) / 8
    # Fitted tables should win a little over the estimate; the container costs some 45 bytes.
    assert len(data) < estimate * 1.05 + 60


def test_the_id_goes_by_what_decoding_needs_not_by_packaging(tiny_run, tiny_bundle, tmp_path):
    manifest = export_run(tiny_run, tmp_path / "again", name="other", crops=2, card="# another\n")
    assert manifest["id"] == read_bundle(tiny_bundle).model_id


def test_the_id_changes_with_anything_that_decoding_needs(model):
    from aeimage.export.codec_bundle import decoder_digest
    from aeimage.export.codec_graphs import quality_tables

    raw = quality_tables(model)
    names = ("latent_tables", "hyper_tables", "base", "hyper_index", "gain", "inverse")
    tables = {name: raw.get(name, np.zeros(9, "uint8")) for name in names}
    first = decoder_digest(model, tables)
    assert decoder_digest(model, tables) == first
    assert decoder_digest(model, tables, "float32") != first
    for name in names:
        changed = tables[name].copy()
        changed.flat[0] += 1
        assert decoder_digest(model, {**tables, name: changed}) != first, name
    for variable in (
        model.synthesis_transform.patch.kernel,
        model.scale_heads[3].steps[0].kernel,
        model.mean_heads[0].steps[0].bias,
    ):
        value = np.asarray(variable)
        variable.assign(value + 0.25)
        assert decoder_digest(model, tables) != first, variable.path
        variable.assign(value)


def test_an_existing_bundle_is_not_overwritten(tiny_run, tiny_bundle):
    before = (tiny_bundle / "model.json").read_text()
    with pytest.raises(OutputExistsError):
        export_run(tiny_run, tiny_bundle, crops=1)
    assert (tiny_bundle / "model.json").read_text() == before


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="no training run"):
        export_run(tmp_path, tmp_path / "out")


def test_optimised_rounding_saves_bits(tiny_bundle, draw):
    picture = draw(9, 256, 192)
    codec = Codec(str(tiny_bundle))
    assert len(codec.compress(picture, 40, effort=1)) < len(codec.compress(picture, 40, effort=0))


def test_rounding_offsets_grow_more_careful_where_zero_is_cheap():
    tables = logistic_tables()
    offsets = rounding_offsets(tables, 1.0)
    assert offsets.max() <= 0.5
    assert np.all(np.diff(offsets[1:]) >= -1e-3)  # frequencies are rounded to integers
    np.testing.assert_array_equal(rounding_offsets(tables, 0.0), np.full(64, 0.5, "float32"))


def test_tables_are_read_as_they_were_written(tiny_bundle):
    tables = load_tables(tiny_bundle)
    assert tables.base.shape[0] == tables.hyper_index.shape[0] == 101
    assert tables.hyper_index.min() >= 1
    gain, inverse = tables.gains(100.0)
    assert gain.dtype == inverse.dtype == np.float32
    assert np.all(gain > tables.gains(0.0)[0])


def test_complexity_is_counted_from_the_layers(model):
    import keras

    conv = keras.layers.Conv2D(8, 3, strides=2, padding="same")
    conv.build((None, None, None, 4))
    assert layer_macs(conv, 2) == 3 * 3 * 4 * 8 / 4
    transpose = keras.layers.Conv2DTranspose(8, 4, strides=2, padding="same")
    transpose.build((None, None, None, 4))
    assert layer_macs(transpose, 1) == 4 * 4 * 4 * 8 / 4
    parts = codec_complexity(model)
    decoder = parts["means"] + parts["scales"] + parts["synthesis"]
    assert parts["decoder"] == pytest.approx(decoder, abs=0.01)


def test_the_shipped_codec_keeps_its_budget():
    bundle = next((b for b in map(read_bundle, _shipped())), None)
    if bundle is None:
        pytest.skip("no shipped bundle in this checkout")
    assert bundle.info["kmac_per_pixel"]["decoder"] <= 20.5


def _shipped():
    from pathlib import Path

    folder = Path(__file__).parents[2] / "saved_models" / "photo"
    return [folder] if (folder / "model.json").exists() else []


def test_manifest_is_plain_json(tiny_bundle):
    info = json.loads((tiny_bundle / "model.json").read_text())
    assert set(info["files"]) >= {"codec.tflite", "tables.npz", "README.md"}
