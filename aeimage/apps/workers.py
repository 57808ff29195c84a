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
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_SECONDS_TO_STOP = (1, 2, 7)
"""How long a process may take to clean up, after each of several requests."""


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
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.task is not None for worker in workers):
            _employ(workers, waiting, jobs, lambda: _start(context, work))
            busy = {w.connection: w for w in workers if w.task is not None}
            for connection in wait(list(busy)):
                worker = busy[connection]
                try:
                    result = connection.recv()
                except (EOFError, OSError):
                    worker.process.join()
                    connection.close()
                    workers.remove(worker)
                    result = on_death(worker.task, _cause(worker.process.exitcode))
                worker.task = None
                yield result
    finally:
        _stop(workers)


def _employ(
    workers: list[_Worker], waiting: deque, jobs: int, start: Callable[[], _Worker]
) -> None:
    """Hand out tasks until `jobs` workers are busy."""
    idle = [worker for worker in workers if worker.task is None]
    for _ in range(min(len(waiting), jobs - len(workers) + len(idle))):
        if idle:
            worker = idle.pop()
        else:
            with _interrupts_held_back():
                worker = start()
                workers.append(worker)
        worker.task = waiting.popleft()
        # If the process is dead already, its end of the pipe is closed, which `wait` notices.
        with suppress(OSError):
            worker.connection.send(worker.task)


def _start(context: Any, work: Callable) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Ctrl-C waits; processes started here never see it.

    The terminal sends it to all processes, and one that is still importing would print a
    traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # `multiprocessing` starts this helper before the first process, and unblocks signals then.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, work: Callable) -> None:
    """What a process does until its pipe is closed."""
    stopping = False

    def stop(signum: int, frame: object) -> None:
        # A second signal must not interrupt the clean-up that the first one started.
        nonlocal stopping
        if not stopping:
            stopping = True
            raise SystemExit(128 + signum)

    # Ctrl-C is the parent's business, which sends SIGTERM. Two signals at once are worse than
    # one: a thread of the kernels may take both, and then nothing wakes Python's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, stop)
    try:
        while True:
            connection.send(work(connection.recv()))
    except (EOFError, OSError):
        pass  # the parent has no more work, or is gone
    finally:
        stopping = True


def _stop(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.connection.close()  # ends those that are idle
    for seconds in _SECONDS_TO_STOP:
        for worker in workers:
            # Elsewhere it would end the process at once, without any clean-up.
            if os.name == "posix" and worker.task is not None and worker.process.is_alive():
                worker.process.terminate()
        for worker in workers:
            worker.process.join(seconds)
    for worker in workers:
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
