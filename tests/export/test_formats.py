"""Every format says what Keras says; SavedModels load where aeimage is not."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="exporting needs the train extra")

import keras
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from aeimage.errors import ModelFileError, OutputExistsError, UsageError
from aeimage.export.codec_signatures import CodecSignatures
from aeimage.export.kinds import KINDS, load_kind
from aeimage.export.litert import convert_signatures
from aeimage.export.run import FORMATS, export_model
from aeimage.export.saved_model import pad_to_multiple, write_saved_model
from aeimage.export.source import open_source
from aeimage.images import read_picture
from aeimage.metrics import psnr
from aeimage.samples import sample_paths

QUALITY = np.array([20.0, 80.0], "float32")


@pytest.fixture(scope="module")
def model(tiny_run):
    return open_source(tiny_run).load(load_kind("codec"))


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    """Two pieces of real photographs, of a size that no grid divides."""
    rgb = [read_picture(path).rgb for path in sample_paths()[:2]]
    return np.stack([picture[100:230, 60:237] for picture in rgb])


@pytest.fixture(scope="module")
def saved_model(tiny_run, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "codec"
    export_model(tiny_run, out, "saved_model")
    return out


def reconstructed(model, photos) -> np.ndarray:
    padded = pad_to_multiple(photos, 64).numpy()
    output = model(padded, QUALITY, rounded_rate=True, training=False)
    pixels = np.clip(np.round(np.asarray(output.reconstruction)), 0, 255).astype("uint8")
    return pixels[:, : photos.shape[1], : photos.shape[2]]


def test_a_saved_model_is_what_keras_is_without_aeimage(saved_model, model, photos, tmp_path):
    """Loaded by another process, from another folder, that cannot import aeimage."""
    np.save(tmp_path / "photos.npy", photos)
    code = f"""
import sys
sys.modules["aeimage"] = None  # an import fails, installed or not
import numpy as np, tensorflow as tf
codec = tf.saved_model.load({str(saved_model)!r})
photos, quality = np.load("photos.npy"), np.array({QUALITY.tolist()}, "float32")
coded = codec.signatures["encode"](pixels=tf.constant(photos), quality=tf.constant(quality))
again = codec.signatures["decode"](
    hyper_latents=coded["hyper_latents"], symbols=coded["symbols"],
    quality=tf.constant(quality), size=coded["size"])
np.savez("result.npz", pixels=again["pixels"], **coded)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result = np.load(tmp_path / "result.npz")
    expected = reconstructed(model, photos)
    assert result["pixels"].shape == photos.shape and result["pixels"].dtype == np.uint8
    assert np.mean(result["pixels"] == expected) > 0.99
    for i in range(2):
        assert abs(psnr(result["pixels"][i], photos[i]) - psnr(expected[i], photos[i])) < 0.05
    assert tuple(result["size"]) == photos.shape[1:3]
    assert result["symbols"].dtype == np.int16 and result["indexes"].dtype == np.uint8
    assert not result["symbols"][:, -(-130 // 16) :].any()  # outside the picture
    assert result["bits"][1] > result["bits"][0] > 0


def test_bits_are_those_of_the_model(model, photos):
    whole = photos[:, :128, :128]
    coded = CodecSignatures(model).encode(tf.constant(whole), tf.constant(QUALITY))
    output = model(whole, QUALITY, rounded_rate=True, training=False)
    expected = np.asarray(output.latent_bits + output.hyper_bits)
    np.testing.assert_allclose(coded["bits"], expected, rtol=0.01)


def test_pictures_of_a_batch_do_not_see_one_another(model, photos):
    codec = CodecSignatures(model)
    both = codec.encode(tf.constant(photos), tf.constant(QUALITY))
    alone = codec.encode(tf.constant(photos[1:]), tf.constant(QUALITY[1:]))
    assert np.mean(both["symbols"][1] == alone["symbols"][0]) > 0.999


def test_keras_files_load_in_safe_mode(tiny_run, model, tmp_path):
    sizes = {}
    for precision in ("float16", "float32"):
        out = tmp_path / f"{precision}.keras"
        export_model(tiny_run, out, "keras", precision=precision)
        loaded = keras.saving.load_model(out, safe_mode=True)
        assert type(loaded) is type(model) and loaded.config == model.config
        # The run's weights are float16 already: neither precision loses anything.
        for ours, theirs in zip(model.variables, loaded.variables, strict=True):
            np.testing.assert_array_equal(np.asarray(ours.value), np.asarray(theirs.value))
        sizes[precision] = out.stat().st_size
    assert sizes["float16"] < 0.75 * sizes["float32"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["float16.keras", "float32.keras"]
    tile = np.zeros((1, 64, 64, 3), "uint8")
    pair = [m(tile, QUALITY[:1], training=False)["reconstruction"] for m in (model, loaded)]
    np.testing.assert_allclose(*map(np.asarray, pair), atol=1e-3)


def operators(path: Path) -> set[str]:
    return {op["op_name"] for op in Interpreter(str(path))._get_ops_details()}


def test_litert_with_fixed_sides(tiny_run, tiny_bundle, model, photos, tmp_path):
    out = tmp_path / "tile.tflite"
    export_model(tiny_run, out, "litert", tile=128)
    assert not {name for name in operators(out) if name.startswith("Flex") or name == "CUSTOM"}
    interpreter = Interpreter(str(out))
    any_size = Interpreter(str(tiny_bundle / "codec.tflite"))
    assert interpreter.get_signature_list() == any_size.get_signature_list()
    for detail in interpreter.get_tensor_details():
        assert -1 not in detail["shape_signature"], detail["name"]
    tile = photos[:1, :128, :128]
    latents = [
        i.get_signature_runner("analysis")(pixels=tile)["latents"] for i in (interpreter, any_size)
    ]
    np.testing.assert_allclose(*latents, atol=1e-3)
    expected = model.analysis_transform(tile.astype("float32") - 128.0)
    np.testing.assert_allclose(latents[0], expected, atol=0.05)
    pixels = interpreter.get_signature_runner("synthesis")(latents=latents[0])["pixels"]
    assert pixels.shape == tile.shape


def test_a_bundle_with_weights_is_as_good_as_a_run(tiny_run, tiny_bundle, saved_model, tmp_path):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for name in ("model.json", "tables.npz"):
        (bundle / name).write_bytes((tiny_bundle / name).read_bytes())
    with pytest.raises(ModelFileError, match="0 files"):
        open_source(bundle)
    (bundle / "codec.weights.h5").write_bytes((tiny_run / "best.weights.h5").read_bytes())
    source = open_source(bundle)
    assert source.bundled and source.record["preset"] == "codec-tiny"
    kind = load_kind("codec")
    model = source.load(kind)
    # The bundle's rounding makes smaller files than the plain one of a run.
    picture = tf.constant(read_picture(sample_paths()[0]).rgb[None, :128, :128])
    quality = tf.constant([40.0])
    bits = [
        float(kind.signatures(model, s)["encode"].function(picture, quality)["bits"][0])
        for s in (source, open_source(tiny_run))
    ]
    assert bits[0] < bits[1]


@pytest.mark.parametrize("level_map", [True, False])
def test_restorers_denoise(level_map, photos, tmp_path):
    from aeimage.models.restorer import Restorer, RestorerConfig

    config = RestorerConfig(
        widths=(8, 8), encoder_blocks=(1, 1), decoder_blocks=(1,), level_map=level_map
    )
    model = Restorer(config)
    model.build()
    model.leave.kernel.assign(np.random.default_rng(0).normal(0, 0.02, model.leave.kernel.shape))
    kind = load_kind("restorer")
    out = tmp_path / "restorer"
    write_saved_model(model, kind.signatures(model), out, precision="float32")
    denoise = tf.saved_model.load(str(out)).signatures["denoise"]
    padded = pad_to_multiple(photos, config.multiple).numpy()
    if level_map:
        restored = denoise(pixels=tf.constant(photos), sigma=tf.constant([-1.0, 25.0]))["pixels"]
        level = np.array([float(model.estimate(padded)[0]), 25.0], "float32")
        expected = model.restore(padded.astype("float32"), level)
    else:
        restored = denoise(pixels=tf.constant(photos))["pixels"]
        expected = model.restore(padded.astype("float32"))
    expected = np.asarray(expected)[:, : photos.shape[1], : photos.shape[2]]
    difference = np.abs(restored.numpy() - np.clip(expected, 0, 255))
    assert difference.max() < 0.51 and not np.array_equal(restored, photos)
    graphs = kind.litert(model, 64).graphs
    assert graphs["denoise"].input_signature[0].shape == (1, 64, 64, 3)
    with pytest.raises(UsageError, match="multiple"):
        kind.litert(model, 66)


def test_restorers_of_8_bits_are_smaller_and_nearly_the_same():
    from aeimage.models.restorer import Restorer, RestorerConfig

    model = Restorer(RestorerConfig((32, 32), (1, 1), (1,), level_map=False))
    model.build()
    rng = np.random.default_rng(0)
    model.leave.kernel.assign(rng.normal(0, 0.02, model.leave.kernel.shape))
    pixels = rng.integers(0, 256, (1, 64, 64, 3)).astype("float32")
    found, sizes = {}, {}
    for precision in ("float32", "int8"):
        graphs = load_kind("restorer").litert(model, None)
        data = convert_signatures(graphs, precision=precision)
        runner = Interpreter(model_content=data).get_signature_runner("denoise")
        found[precision], sizes[precision] = runner(pixels=pixels)["pixels"], len(data)
    assert sizes["int8"] < 0.5 * sizes["float32"]
    change = np.abs(found["float32"] - pixels).mean()
    assert 0 < np.abs(found["int8"] - found["float32"]).mean() < 0.05 * change


def test_padding_repeats_the_border():
    picture = np.arange(2 * 3 * 1, dtype="uint8").reshape(1, 2, 3, 1)
    padded = pad_to_multiple(picture, 4).numpy()[0, :, :, 0]
    np.testing.assert_array_equal(padded[1:], [[3, 4, 5, 5]] * 3)
    np.testing.assert_array_equal(padded[0], [0, 1, 2, 2])


@pytest.mark.parametrize(
    ("to", "name", "options", "message"),
    [
        ("keras", "x.h5", {}, ".keras"),
        ("litert", "x", {}, ".tflite"),
        ("onnx", "x.onnx", {}, "saved_model"),
        ("keras", "x.keras", {"tile": 64}, "tile"),
        ("litert", "x.tflite", {"tile": 100}, "multiple of 64"),
        ("litert", "x.tflite", {"precision": "int8"}, "float16, float32 for this kind"),
        ("keras", "x.keras", {"precision": "int8"}, "float16, float32 for this kind"),
    ],
)
def test_what_makes_no_sense_is_refused(tiny_run, tmp_path, to, name, options, message):
    with pytest.raises(UsageError, match=message):
        export_model(tiny_run, tmp_path / name, to, **options)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_unasked(tiny_run, saved_model, tmp_path):
    before = json.dumps(sorted(str(p) for p in saved_model.rglob("*")))
    with pytest.raises(OutputExistsError):
        export_model(tiny_run, saved_model, "saved_model")
    assert json.dumps(sorted(str(p) for p in saved_model.rglob("*"))) == before


def test_every_kind_has_what_the_exporter_asks_for():
    assert len(FORMATS) == 5
    for name in KINDS:
        kind = load_kind(name)
        assert kind.TILE % 64 == 0
        for function in ("build", "signatures", "exact_variables", "litert", "write_bundle"):
            assert callable(getattr(kind, function)), (name, function)
    with pytest.raises(UsageError, match="restorer"):
        load_kind("nonsense")
