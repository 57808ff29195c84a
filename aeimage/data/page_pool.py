"""A pool of synthetic pages that changes slowly, drawn in the background."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np


class PagePool:
    """Pages numbered 0, 1, 2 and so on; at a step, `count` of them in a row can be drawn from.

    Every `refresh` steps the oldest page leaves and a new one comes. Which pages a step has
    depends on the step alone. They are drawn when first asked for, those about to come ahead of
    time.

    Args:
        make: function of a page's number that returns the page.
        count: pages in the pool.
        refresh: steps after which one page is replaced.
        ahead: pages drawn ahead of time.
    """

    def __init__(
        self,
        make: Callable[[int], np.ndarray],
        *,
        count: int = 64,
        refresh: int = 4,
        ahead: int = 4,
    ):
        self.make, self.count, self.refresh, self.ahead = make, count, refresh, ahead
        self._pages: OrderedDict[int, Future] = OrderedDict()
        self._lock = threading.Lock()
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="pages")

    def page(self, step: int, draw: float) -> np.ndarray:
        """Return one of the pages of `step`: that at the share `draw`, 0 up to 1, of them."""
        first = step // self.refresh
        page = self._start(first + int(draw * self.count))
        for number in range(first + self.count, first + self.count + self.ahead):
            self._start(number)
        return page.result()

    def _start(self, number: int) -> Future:
        with self._lock:
            future = self._pages.get(number)
            if future is None:
                future = self._pages[number] = self._drawing.submit(self.make, number)
                while len(self._pages) > self.count + 4 * self.ahead:
                    self._pages.popitem(last=False)
            else:
                self._pages.move_to_end(number)
            return future
