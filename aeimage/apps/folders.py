"""Compress, decompress and verify files, several files and folder trees.

The names that files get are decided in `aeimage.apps.plan`, what happens to one file in
`aeimage.apps.file_work`. Here is what concerns all of them: how many at once, and the report.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing

from aeimage.apps.file_work import CompressWork, DecompressWork, FileWork, VerifyWork
from aeimage.apps.plan import (
    PathLike,
    Plan,
    Task,
    chosen_format,
    plan_compress,
    plan_decompress,
    plan_verify,
)
from aeimage.apps.report import FileResult, Progress, Report, Silent
from aeimage.apps.workers import run_in_processes
from aeimage.errors import UsageError
from aeimage.images import DEFAULT_MAX_PIXELS
from aeimage.runtime import compressor
from aeimage.runtime.compressor import DEFAULT_MODEL, Target
from aeimage.runtime.session import available_cores


def compress_paths(
    inputs: Sequence[PathLike],
    output: PathLike | None = None,
    *,
    target: Target | None = None,
    model: str = DEFAULT_MODEL,
    strip: bool = False,
    effort: int | None = None,
    always: bool = False,
    jobs: int = 1,
    force: bool = False,
    skip_existing: bool = False,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
) -> Report:
    """Compress files and folder trees.

    One file's failure does not keep the others from being compressed; the report tells. Files
    are written whole or not at all and get the modification times of their sources. The bytes
    do not depend on `jobs`.

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
        jobs: number of processes, at most the number of cores, which they share. Each may take
            1.5 GB for a picture of 100 megapixels. More than one needs the usual
            ``if __name__ == "__main__":`` in a script.
        force: replace existing outputs.
        skip_existing: count existing outputs as done, to go on where a run was interrupted.
        max_pixels: largest picture to accept; None for any.
        progress: is told of every file.

    Returns:
        the report; a file whose output exists is among the failures unless `force` or
        `skip_existing` say otherwise.

    Raises:
        UsageError: the options or the paths make no sense together; nothing was done.
        ModelError: the model cannot be opened.
    """
    if effort is not None and not 0 <= effort <= 9:
        raise UsageError.for_value("effort", "a whole number from 0 to 9", effort)
    work = CompressWork(
        codec_class=compressor.Codec,
        max_pixels=max_pixels,
        force=force,
        skip_existing=skip_existing,
        model=model,
        target=target or Target(),
        strip=strip,
        effort=effort,
        always=always,
    )
    compressor.Codec(model)  # once and before anything else, rather than a failure of every file
    return _run("compress", plan_compress(inputs, output), work, jobs, progress)


def decompress_paths(
    inputs: Sequence[PathLike],
    output: PathLike | None = None,
    *,
    format: str | None = None,
    jobs: int = 1,
    force: bool = False,
    skip_existing: bool = False,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
) -> Report:
    """Decompress files and folder trees; picture files among them are copied.

    Args, Returns and Raises: as for `compress_paths`, with

    Args:
        format: ``"png"``, ``"jpg"``, ``"webp"`` or ``"tif"``; by default what the name of a single
            output says, else PNG.
    """
    format = chosen_format(inputs, output, format)
    work = DecompressWork(
        codec_class=compressor.Codec,
        max_pixels=max_pixels,
        force=force,
        skip_existing=skip_existing,
        format=format,
    )
    return _run("decompress", plan_decompress(inputs, output, format), work, jobs, progress)


def verify_paths(
    inputs: Sequence[PathLike],
    *,
    jobs: int = 1,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    progress: Progress | None = None,
) -> Report:
    """Check files, and the .aei files in folders: every byte, and every symbol by decoding it.

    Args, Returns and Raises: as for `compress_paths`. Nothing is written.
    """
    work = VerifyWork(codec_class=compressor.Codec, max_pixels=max_pixels)
    return _run("verify", plan_verify(inputs), work, jobs, progress)


def _run(command: str, plan: Plan, work: FileWork, jobs: int, progress: Progress | None) -> Report:
    if jobs < 1:
        raise UsageError.for_value("jobs", "a whole number from 1", jobs)
    if work.force and work.skip_existing:
        raise UsageError(
            "Existing files can be replaced or skipped, not both (force, skip_existing)."
        )
    if work.max_pixels is not None and work.max_pixels < 1:
        raise UsageError.for_value("max_pixels", "a positive number or None", work.max_pixels)
    if command != "verify" and plan.tasks and plan.tasks[0].output is None and sys.stdout.isatty():
        raise UsageError("The result is binary and would go to a terminal: give -o FILE.")
    progress = progress or Silent()
    progress.start(len(plan.tasks), sum(task.size for task in plan.tasks))
    for result in plan.failed:
        progress.finished(result)
    started = time.perf_counter()
    results: dict[int, FileResult] = {}
    # Closed at once whatever happens, so that processes have ended before anything else goes on.
    with closing(_results(plan, work, jobs)) as finished:
        for index, result in finished:
            results[index] = result
            progress.finished(result)
            if result.fatal:
                break
    for task in plan.tasks:
        if task.index not in results:
            results[task.index] = result = FileResult(task.name)
            result.fail("Not tried: there is no room for outputs.")
    return Report(
        command=command,
        files=[results[task.index] for task in plan.tasks] + plan.failed,
        left_out=plan.left_out,
        notes=plan.notes,
        seconds=round(time.perf_counter() - started, 4),
    )


def _results(plan: Plan, work: FileWork, jobs: int) -> Iterator[tuple[int, FileResult]]:
    cores = available_cores()
    jobs = min(jobs, cores, len(plan.tasks))
    if jobs <= 1:
        for task in plan.tasks:
            yield task.index, work(task)
        return
    work.threads = max(1, cores // jobs)

    def died(task: Task, cause: str) -> tuple[int, FileResult]:
        result = FileResult(task.name, bytes_in=task.size)
        result.fail(cause)
        return task.index, result

    yield from run_in_processes(_Indexed(work), plan.tasks, jobs, died)


class _Indexed:
    """Work whose results tell which task they belong to."""

    def __init__(self, work: FileWork) -> None:
        self.work = work

    def __call__(self, task: Task) -> tuple[int, FileResult]:
        return task.index, self.work(task)
