"""Inputs of the next steps, made while the device works on this one."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def ahead(make: Callable[[int], Any], first: int, last: int, depth: int = 2) -> Iterator[Any]:
    """Yield ``make(first)`` … ``make(last - 1)``, made by a thread that is `depth` in front.

    Args:
        make: function of a step's number.
        first, last: the steps.
        depth: how many results wait at most; each takes a batch's memory.
    """
    pool = ThreadPoolExecutor(1)
    try:
        waiting: deque = deque()
        for number in range(first, last):
            waiting.append(pool.submit(make, number))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
