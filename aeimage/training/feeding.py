"""Inputs of the next steps, made while the device works on this one."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def ahead(make: Callable[[int], Any], first: int, last: int, threads: int = 1) -> Iterator[Any]:
    """Yield ``make(first)`` … ``make(last - 1)`` in order, made ahead of time.

    Args:
        make: function of a step's number.
        first, last: the steps.
        threads: how many may call it at once; one result more waits, each with a batch's memory.
    """
    pool = ThreadPoolExecutor(threads)
    try:
        waiting: deque = deque()
        for number in range(first, last):
            waiting.append(pool.submit(make, number))
            if len(waiting) > threads + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
