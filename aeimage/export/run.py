"""From a run's folder to a bundle."""

import json
import random
from pathlib import Path

import keras

from aeimage.data.pictures import centre_crop, decode, picture_paths
from aeimage.errors import ModelFileError, OutputExistsError, UsageError
from aeimage.export.codec_bundle import write_codec_bundle
from aeimage.export.calibrate import calibrate
from aeimage.models.hyperprior import HyperpriorCodec
from aeimage.training.presets import load_preset
from aeimage.training.run import RUN_FILE
from aeimage.training.weights import load_weights

CROP = 384


def export_run(
    run: Path,
    out: Path,
    *,
    name: str | None = None,
    data: list[Path] | None = None,
    weights: Path | None = None,
    crops: int = 48,
    precision: str = "float16",
    card: str | None = None,
    info: dict | None = None,
    overwrite: bool = False,
) -> dict:
    """Write the bundle of a codec's run.

    Args:
        run: folder that `aeimage.training.run.train` wrote.
        out: folder of the bundle.
        name: of the model; by default that of `out`.
        data: folders of training pictures to fit the tables to; by default the run's.
        weights: by default ``best.weights.h5`` of the run.
        crops: number of pictures to fit to.
        precision: of the stored weights.
        card: text of the model card; by default a short one about the run.
        info: further entries of the manifest.
        overwrite: replace an existing bundle.

    Returns:
        the manifest.

    Raises:
        ModelFileError: `run` is no run, or its weights are missing or do not fit.
        UsageError: Keras does not run on TensorFlow, or the run is not one of a codec.
        OutputExistsError: `out` exists.
    """
    run, out = Path(run), Path(out)
    if out.exists() and not overwrite:
        raise OutputExistsError.for_path(out)
    try:
        record = json.loads((run / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"{run}: no training run: {RUN_FILE} cannot be read ({error}). Expected a folder that "
            "`aeimage train` wrote."
        ) from error
    weights = Path(weights or run / "best.weights.h5")
    if not weights.is_file():
        raise ModelFileError(
            f"no weights yet: {weights} is no file. Expected the weights of a run, which training "
            "writes when it validates or is stopped. Let `aeimage train` go on with --resume, or "
            "give a file with --weights."
        )
    if keras.backend.backend() != "tensorflow":
        raise UsageError.for_value(
            "KERAS_BACKEND", "tensorflow, which converts to LiteRT", keras.backend.backend()
        )
    preset = load_preset(record["preset"])
    if preset.KIND != "codec":
        raise UsageError.for_value("run", "a run of a codec preset", record["preset"])
    keras.config.set_dtype_policy("float32")
    model = HyperpriorCodec(preset.CONFIG)
    model.build()
    load_weights(model, weights)

    paths = picture_paths(data or [Path(p) for p in record["data"]])
    random.Random(0).shuffle(paths)
    pictures = []
    for path in paths:
        rgb = decode(path)
        crop = None if rgb is None else centre_crop(rgb, CROP)
        if crop is not None:
            pictures.append(crop)
        if len(pictures) == crops:
            break
    found = calibrate(model, pictures)
    name = name or out.name
    return write_codec_bundle(
        model,
        out,
        name=name,
        card=card or _card(name, record, len(paths)),
        latent_tables=found.latent_tables,
        hyper_tables=found.hyper_tables,
        rounding=found.rounding,
        info={"preset": record["preset"], **(info or {})},
        precision=precision,
    )


def _card(name: str, record: dict, pictures: int) -> str:
    return (
        f"# {name}\n\nA learned image codec of the preset `{record['preset']}`, trained with "
        f"aeimage {record['version']} on {pictures} pictures of its owner. Not evaluated: measure "
        "it with `tools/benchmark.py` before you rely on it.\n"
    )
