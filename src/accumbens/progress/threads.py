"""Work in several threads that ends with the thread that waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..cores import cores
from .base import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[Result]:
    """What `work` gives for each item, in their order.

    When one of them raises, or this thread is interrupted, those that have not begun are dropped,
    those that are under way are stopped at their next report, and waited for.

    Args:
        work: called in another thread.
        items: what it is called with.
        threads: how many at a time; by default one for each core.
        progress: what the work reports to, a part of its own (`Progress.within`); by default it
            runs to its end.
    """
    pool = ThreadPoolExecutor(threads or cores())
    try:
        return list(pool.map(work, items))
    except BaseException:
        if progress is not None:
            progress.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
