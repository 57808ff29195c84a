"""Compress, decompress, verify, restore, inpaint and colorize files and folder trees.

The names that files get are decided in `aeimage.apps.plan`, what happens to one file in
`aeimage.apps.codec_work` and `aeimage.apps.picture_work`, and what concerns all of them at once in
`aeimage.apps.batch`.

One file's failure does not keep the others from being worked on; the report tells. Files are
written whole or not at all and get the modification times of their sources. What is written does
not depend on the number of jobs. All functions here take the options of `aeimage.apps.batch.Batch`
as further keywords (`jobs`, `force`, `skip_existing`, `max_pixels`, `progress`), return a report,
in which a file whose output exists is among the failures unless these options say otherwise, and
raise `UsageError` where the options or the paths make no sense together, before anything is done.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from aeimage.apps.batch import Batch
from aeimage.apps.codec_work import CompressWork, DecompressWork, VerifyWork
from aeimage.apps.photo_work import ColorizeWork, InpaintWork, check_masks
from aeimage.apps.plan import (
    PathLike,
    Plan,
    chosen_format,
    plan_compress,
    plan_decompress,
    plan_denoise,
    plan_verify,
)
from aeimage.apps.report import Report
from aeimage.apps.restore_work import RestoreWork
from aeimage.errors import UsageError
from aeimage.runtime import colorizer, compressor, inpainter, restorer
from aeimage.runtime.compressor import DEFAULT_MODEL, Target


def compress_paths(
    inputs: Sequence[PathLike],
    output: PathLike | None = None,
    *,
    target: Target | None = None,
    model: str = DEFAULT_MODEL,
    strip: bool = False,
    effort: int | None = None,
    always: bool = False,
    denoise: str | None = None,
    **options: Any,
) -> Report:
    """Compress files and folder trees.

    Args:
        inputs: files and folders, or ``"-"`` alone for standard input. In folders, pictures are
            compressed, .aei files copied, others left out and listed.
        output: a file or folder, ``"-"`` for standard output, None for beside the single input;
            see `aeimage.apps.plan` for the names.
        target: quality, size or PSNR; quality 50 by default.
        model: name of the codec.
        strip: leave out ICC profile, EXIF, XMP and resolution; implies `always`, since a copied
            original would keep them.
        effort: 0 to 9, see `Codec.compress`.
        always: write an .aei file even where it is not smaller than the original. Otherwise the
            original is copied under its own name (standard input and output: never).
        denoise: restorer that pictures go through first, see `denoise_paths`; what it changes is
            never kept as original.
        options: see `aeimage.apps.batch.Batch`.

    Raises:
        UsageError: see the module.
        ModelError: a model cannot be opened.
    """
    batch = Batch(**options)
    if effort is not None and not 0 <= effort <= 9:
        raise UsageError.for_value("effort", "a whole number from 0 to 9", effort)
    work = CompressWork(
        codec_class=compressor.Codec,
        model=model,
        target=target or Target(),
        strip=strip,
        effort=effort,
        always=always,
        denoise=denoise,
        restorer_class=restorer.Restorer,
        **batch.of_each_file,
    )
    # Once and before anything else, rather than a failure of every file.
    compressor.Codec(model)
    if denoise is not None:
        restorer.Restorer(denoise)
    return batch.run("compress", plan_compress(inputs, output), work)


def decompress_paths(
    inputs: Sequence[PathLike],
    output: PathLike | None = None,
    *,
    format: str | None = None,
    **options: Any,
) -> Report:
    """Decompress files and folder trees; picture files among them are copied.

    Args:
        inputs, output: as for `compress_paths`.
        format: ``"png"``, ``"jpg"``, ``"webp"`` or ``"tif"``; by default what the name of a single
            output says, else PNG.
        options: see `aeimage.apps.batch.Batch`.
    """
    batch = Batch(**options)
    format = chosen_format(inputs, output, format) or "png"
    work = DecompressWork(codec_class=compressor.Codec, format=format, **batch.of_each_file)
    return batch.run("decompress", plan_decompress(inputs, output, format), work)


def denoise_paths(
    inputs: Sequence[PathLike],
    output: PathLike | None = None,
    *,
    model: str = restorer.DEFAULT_MODEL,
    sigma: float | None = None,
    ensemble: int = 1,
    format: str | None = None,
    compare: bool = False,
    **options: Any,
) -> Report:
    """Restore files and folder trees: scanned pages, photographs.

    Every page of a TIFF file is restored. Files that turn out to be clean are copied as they are.

    Args:
        inputs, output: as for `compress_paths`; a single file needs an output.
        model: ``"scan"``, ``"photo"``, ``"auto"`` or another restorer, see
            `aeimage.runtime.restorer.Restorer`.
        sigma: noise level of photographs, 0 to 75, RMS in levels; estimated by default.
        ensemble: 1, 2, 4 or 8 turns and flips of each photograph to average.
        format: ``"png"``, ``"jpg"`` (quality 95), ``"webp"`` or ``"tif"``; by default that of each
            input, and PNG for formats that are not written.
        compare: write a picture of before and after beside each output that differs from its
            input, ``NAME.compare.png``.
        options: see `aeimage.apps.batch.Batch`.

    Raises:
        UsageError: see the module.
        ModelError: the model cannot be opened.
    """
    batch = Batch(**options)
    format, plan = _plan_pictures(inputs, output, format, compare)
    restorer.Restorer(model, ensemble=ensemble).check_sigma(sigma)
    work = RestoreWork(
        restorer_class=restorer.Restorer,
        model=model,
        sigma=sigma,
        ensemble=ensemble,
        format=format,
        compare=compare,
        **batch.of_each_file,
    )
    return batch.run("denoise", plan, work)


def inpaint_paths(
    inputs: Sequence[PathLike],
    output: PathLike | None = None,
    *,
    mask: PathLike | None = None,
    missing: str | None = None,
    model: str = inpainter.DEFAULT_MODEL,
    format: str | None = None,
    compare: bool = False,
    **options: Any,
) -> Report:
    """Fill in missing pixels in files and folder trees.

    Files in which nothing is missing are copied as they are.

    Args:
        inputs, output, format, compare: as for `denoise_paths`. Known pixels stay bit for bit in
            PNG and TIFF files; JPEG and WebP are stored with quality 95.
        mask: a picture, white where pixels are missing, for every file; or a folder with one for
            each, of the same relative path, suffixes aside.
        missing: instead, the colour of missing pixels, as Pillow takes it. Without both, fully
            transparent pixels are missing.
        model: name of the masked autoencoder.
        options: see `aeimage.apps.batch.Batch`.

    Raises:
        UsageError: see the module; also both or no such mask, no such colour.
        ModelError: the model cannot be opened.
    """
    batch = Batch(**options)
    mask = check_masks(mask, missing)
    format, plan = _plan_pictures(inputs, output, format, compare)
    inpainter.Inpainter(model)
    work = InpaintWork(
        inpainter_class=inpainter.Inpainter,
        model=model,
        mask=mask,
        missing=missing,
        roots=tuple(map(os.fspath, inputs)),
        format=format,
        compare=compare,
        **batch.of_each_file,
    )
    return batch.run("inpaint", plan, work)


def colorize_paths(
    inputs: Sequence[PathLike],
    output: PathLike | None = None,
    *,
    saturation: float = 1.0,
    model: str = colorizer.DEFAULT_MODEL,
    format: str | None = None,
    compare: bool = False,
    **options: Any,
) -> Report:
    """Guess the colours of grey photographs in files and folder trees.

    Args:
        inputs, output, format, compare: as for `denoise_paths`. The luminance stays bit for bit in
            PNG and TIFF files; JPEG and WebP are stored with quality 95.
        saturation: factor of the chroma, 0 to 4.
        model: name of the colorizer.
        options: see `aeimage.apps.batch.Batch`.

    Raises:
        UsageError: see the module; also a saturation out of range.
        ModelError: the model cannot be opened.
    """
    batch = Batch(**options)
    colorizer.check_saturation(saturation)
    format, plan = _plan_pictures(inputs, output, format, compare)
    colorizer.Colorizer(model)
    work = ColorizeWork(
        colorizer_class=colorizer.Colorizer,
        model=model,
        saturation=saturation,
        format=format,
        compare=compare,
        **batch.of_each_file,
    )
    return batch.run("colorize", plan, work)


def _plan_pictures(
    inputs: Sequence[PathLike], output: PathLike | None, format: str | None, compare: bool
) -> tuple[str | None, Plan]:
    """Return the format to write and what is to be done, of commands from pictures to pictures."""
    format = chosen_format(inputs, output, format)
    plan = plan_denoise(inputs, output, format)
    if compare and plan.tasks and plan.tasks[0].output is None:
        raise UsageError("There is no place for a comparison beside standard output: give -o FILE.")
    return format, plan


def verify_paths(inputs: Sequence[PathLike], **options: Any) -> Report:
    """Check files, and the .aei files in folders: every byte, and every symbol by decoding it.

    Args:
        inputs: as for `compress_paths`. Nothing is written.
        options: see `aeimage.apps.batch.Batch`.
    """
    batch = Batch(**options)
    work = VerifyWork(codec_class=compressor.Codec, **batch.of_each_file)
    return batch.run("verify", plan_verify(inputs), work)
