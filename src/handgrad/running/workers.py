"""Work shared out over the processors: NumPy computes with large arrays outside Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

MOST = 8
"""More threads would wait for Python more than they compute."""


def processors() -> int:
    """How many threads may compute at the same time."""
    # Where a system can tell, only the processors that this process may use.
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(count or 1, MOST)


def all_at_once(work: Sequence[Callable[[], None]]) -> None:
    """Does the first piece of work here and each of the others in a thread; returns when all is done.

    Raises what the work raises.
    """
    others = [_threads().submit(piece) for piece in work[1:]]
    try:
        work[0]()
    finally:
        # Whatever one raises, the others write into arrays of the caller's until they are done.
        wait(others)
    for other in others:
        other.result()


@cache
def _threads() -> ThreadPoolExecutor:
    # Kept: a new thread shares its maker's processor for as long as a call takes.
    return ThreadPoolExecutor(max(1, processors() - 1), "handgrad")


if hasattr(os, "register_at_fork"):
    # A forked process has none of its parent's threads.
    os.register_at_fork(after_in_child=_threads.cache_clear)
