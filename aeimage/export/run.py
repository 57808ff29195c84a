"""From a trained model, a run's or a bundle's, to files for other programs."""

from pathlib import Path
from types import ModuleType

from aeimage.errors import OutputExistsError, UsageError
from aeimage.export.kinds import load_kind
from aeimage.export.source import open_source, require_tensorflow

SUFFIXES = {"keras": ".keras", "litert": ".tflite", "tflite": ".tflite"}
FORMATS = ("bundle", "saved_model", *SUFFIXES)
FLOATS = ("float16", "float32")


def export_model(
    run: Path,
    out: Path,
    to: str,
    *,
    weights: Path | None = None,
    precision: str = "float16",
    tile: int | None = None,
    overwrite: bool = False,
) -> None:
    """Write a trained model as a file or folder that other programs load.

    Args:
        run: folder of a run, or of a bundle that has its weights beside it.
        out: what to write: a folder for "saved_model", else a file.
        to: "keras", "saved_model", or "litert", for which "tflite" is another name.
        weights: by default the run's best, or the bundle's.
        precision: of the stored weights, "float16" or "float32", and computation is in float32; or
            "int8", for LiteRT files and bundles of restorers, see
            `aeimage.export.litert.convert_signatures`.
        tile: LiteRT alone: fix the pictures' sides to so many pixels (0: to what suits the kind
            of model), which GPUs, NPUs and browsers want; by default any size will do.
        overwrite: replace what exists.

    Raises:
        ModelFileError: `run` is neither, or its weights are missing or do not fit.
        UsageError: Keras does not run on TensorFlow, or an argument makes no sense.
        OutputExistsError: `out` exists.
    """
    out = Path(out)
    suffix = SUFFIXES.get(to, "")
    if to not in FORMATS or to == "bundle":
        raise UsageError.for_value("to", f"saved_model, {', '.join(SUFFIXES)}", to)
    if out.suffix != suffix and suffix:
        raise UsageError.for_value("output", f"a file ending in {suffix}", str(out))
    if tile is not None and suffix != ".tflite":
        raise UsageError("A tile's size can be fixed in LiteRT files only. Leave `tile` out.")
    source, kind, model = _load(run, out, weights, overwrite)
    _check_precision(precision, kind, suffix == ".tflite")
    if to == "keras":
        from aeimage.export.keras_file import write_keras

        write_keras(model, out, precision=precision)
    elif to == "saved_model":
        from aeimage.export.saved_model import write_saved_model

        write_saved_model(
            model,
            kind.signatures(model, source),
            out,
            precision=precision,
            exact=kind.exact_variables(model),
        )
    else:
        from aeimage.export.litert import convert_signatures
        from aeimage.files import atomic_write

        graphs = kind.litert(model, kind.TILE if tile == 0 else tile)
        out.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(out, convert_signatures(graphs, precision=precision))


def export_run(
    run: Path,
    out: Path,
    *,
    name: str | None = None,
    weights: Path | None = None,
    overwrite: bool = False,
    **options,
) -> dict:
    """Write the bundle of a run: what aeimage itself opens, without TensorFlow.

    Args:
        run: folder that `aeimage.training.run.train` wrote.
        out: folder of the bundle.
        name: of the model; by default that of `out`.
        weights: by default ``best.weights.h5`` of the run.
        overwrite: replace an existing bundle.
        options: see ``write_bundle`` of the model's kind: for codecs `data`, `crops`,
            `precision`, `card` and `info`.

    Returns:
        the manifest.

    Raises:
        ModelFileError: `run` is no run, or its weights are missing or do not fit.
        UsageError: Keras does not run on TensorFlow, or the precision is not for this kind.
        OutputExistsError: `out` exists.
    """
    out = Path(out)
    source, kind, model = _load(run, out, weights, overwrite)
    _check_precision(options.get("precision", "float16"), kind, True)
    return kind.write_bundle(model, source, out, name=name or out.name, **options)


def _check_precision(precision: str, kind: ModuleType, litert: bool) -> None:
    known = (*FLOATS, "int8") if litert and getattr(kind, "INT8", False) else FLOATS
    if precision not in known:
        expected = f"{', '.join(known)} for this kind of model and file"
        raise UsageError.for_value("precision", expected, precision)


def _load(run: Path, out: Path, weights: Path | None, overwrite: bool):
    if out.exists() and not overwrite:
        raise OutputExistsError.for_path(out)
    source = open_source(run, weights)
    require_tensorflow()
    kind = load_kind(source.preset.KIND)
    return source, kind, source.load(kind)
