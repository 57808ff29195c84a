"""Many files: how many at once, who is told, and the report."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from aeimage.apps.file_work import FileWork
from aeimage.apps.plan import Plan, Task
from aeimage.apps.report import FileResult, Progress, Report, Silent
from aeimage.apps.workers import run_in_processes
from aeimage.errors import UsageError
from aeimage.images import DEFAULT_MAX_PIXELS
from aeimage.runtime.session import available_cores


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The options of all commands that work on files.

    Attributes:
        jobs: number of processes, at most the number of cores, which they share. Each may take
            1.5 GB for a picture of 100 megapixels. More than one needs the usual
            ``if __name__ == "__main__":`` in a script.
        force: replace existing outputs.
        skip_existing: count existing outputs as done, to go on where a run was interrupted.
        max_pixels: largest picture to accept; None for any.
        progress: is told of every file.

    Raises:
        UsageError: they make no sense.
    """

    jobs: int = 1
    force: bool = False
    skip_existing: bool = False
    max_pixels: int | None = DEFAULT_MAX_PIXELS
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise UsageError.for_value("jobs", "a whole number from 1", self.jobs)
        if self.force and self.skip_existing:
            raise UsageError(
                "Existing files can be replaced or skipped, not both (force, skip_existing)."
            )
        if self.max_pixels is not None and self.max_pixels < 1:
            raise UsageError.for_value("max_pixels", "a positive number or None", self.max_pixels)

    @property
    def of_each_file(self) -> dict[str, object]:
        """What the work on one file has to know: the arguments of `FileWork`."""
        return {name: getattr(self, name) for name in ("force", "skip_existing", "max_pixels")}

    def run(self, command: str, plan: Plan, work: FileWork) -> Report:
        """Do the work on every file of the plan.

        Raises:
            UsageError: a picture would go to a terminal.
        """
        writes = command != "verify"
        if writes and plan.tasks and plan.tasks[0].output is None and sys.stdout.isatty():
            raise UsageError("The result is binary and would go to a terminal: give -o FILE.")
        progress = self.progress or Silent()
        progress.start(len(plan.tasks), sum(task.size for task in plan.tasks))
        for result in plan.failed:
            progress.finished(result)
        started = time.perf_counter()
        results: dict[int, FileResult] = {}
        # Closed at once whatever happens, so that processes have ended before anything goes on.
        with closing(_results(plan, work, self.jobs)) as finished:
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
