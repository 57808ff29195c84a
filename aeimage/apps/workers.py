"""Several processes at work on a list of tasks, each task's fate known.

`concurrent.futures` gives up all of its tasks when one process dies; a picture that takes more
memory than there is must not cost the others. So here each process has a pipe of its own, and if
one dies, its task alone is lost and another process takes its place.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_SECONDS_TO_STOP = 10


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    task: Any = None


def run_in_processes(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    jobs: int,
    on_death: Callable[[Task, str], Result],
) -> Iterator[Result]:
    """Apply `work` to every task, in `jobs` processes; yield the results as they come.

    Closing the iterator, or an exception where it is consumed (Ctrl-C), stops the processes and
    lets them remove their temporary files.

    Args:
        work: sent to every process by `pickle`; should raise nothing.
        tasks: sent by `pickle`, one at a time.
        jobs: number of processes, at least 1.
        on_death: makes the result of a task whose process died, from the task and a sentence.
    """
    # Not fork: threads and open models do not survive it.
    context = multiprocessing.get_context("spawn")
    waiting = deque(tasks)
    busy: dict[Connection, _Worker] = {}
    idle: list[_Worker] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                worker = idle.pop() if idle else _start(context, work)
                worker.task = waiting.popleft()
                busy[worker.connection] = worker
                # If it is dead already, its end of the pipe is closed, which is noticed below.
                _send(worker.connection, worker.task)
            for connection in wait(list(busy)):
                worker = busy.pop(connection)
                try:
                    result = connection.recv()
                except (EOFError, OSError):
                    worker.process.join()
                    connection.close()
                    result = on_death(worker.task, _cause(worker.process.exitcode))
                else:
                    idle.append(worker)
                yield result
    finally:
        _stop([*busy.values(), *idle])


def _start(context: Any, work: Callable) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    with _interrupts_held_back():
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ctrl-C waits, here and in a process started here until `_serve` is ready for it.

    Otherwise a process that is still importing would print a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _send(connection: Connection, task: object) -> None:
    with suppress(OSError):
        connection.send(task)


def _serve(connection: Connection, work: Callable) -> None:
    """What a process does until its pipe is closed."""

    stopping = False

    def stop(signum: int, frame: object) -> None:
        # A second signal must not interrupt the clean-up that the first one started. (To ignore
        # it by SIG_IGN is a race that Python reports as an error.)
        nonlocal stopping
        if not stopping:
            stopping = True
            raise SystemExit(128 + signum)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        while True:
            connection.send(work(connection.recv()))
    except (EOFError, OSError):
        return  # the parent has no more work, or is gone


def _stop(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.connection.close()  # ends those that are idle
        if worker.task is not None and os.name == "posix":
            worker.process.terminate()
    for worker in workers:
        worker.process.join(_SECONDS_TO_STOP)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _cause(exit_code: int | None) -> str:
    """Why a process died, as far as its exit code tells."""
    if exit_code is not None and exit_code < 0:
        try:
            name = signal.Signals(-exit_code).name
        except ValueError:
            name = f"signal {-exit_code}"
        hint = " Most likely the memory ran out: try fewer jobs." if -exit_code == 9 else ""
        return f"The process that worked on it was ended by {name}.{hint}"
    return f"The process that worked on it ended by itself (exit code {exit_code})."
