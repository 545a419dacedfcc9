"""Grading a class on a cluster of Dask.

A batch is one task with all that it needs. Where a worker is lost, Dask gives its tasks to another; what is found
is asked for batch by batch, so that nothing is lost or counted twice.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

from handgrad.checking.marks import RubricSource
from handgrad.errors import MissingExtraError, OptionError
from handgrad.grading.batch import Batch
from handgrad.grading.graded import Graded
from handgrad.grading.grader import WAITING, Grader
from handgrad.grading.sending import received, sent
from handgrad.problem import Problem

if TYPE_CHECKING:
    from distributed import Client


def grade_on_dask(
    problem: Problem, rubric: RubricSource, batches: Iterable[Batch], cluster: str | Client
) -> Iterator[Graded]:
    """The batches graded by the workers of a cluster, in their order.

    Arguments:
        problem: the problem.
        rubric: marks, as for `Grader`; the workers need no file of them.
        batches: the class; few batches at a time are on their way.
        cluster: the address of its scheduler, such as `tcp://10.0.0.1:8786`, or a client of it.

    Raises `MissingExtraError` without Dask, `OptionError` where no scheduler answers, and `HandgradError` as `Grader` and its `grade` do.
    """
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtraError(
            "grading on a cluster needs Dask, which is not installed",
            mend="pip install 'handgrad[dask]'",
        ) from None
    grader = Grader(problem, rubric)
    structure = grader.checker.work.structure
    setting = pickle.dumps((problem, grader.checker.rubric))
    try:
        client = Client(cluster) if isinstance(cluster, str) else cluster
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OptionError(
            f"no Dask scheduler answers: {reason[:120]}",
            where=str(cluster)[:100],
            mend="its address is such as tcp://10.0.0.1:8786",
        ) from None
    waiting: deque[Any] = deque()
    numbers = count()

    def asked(batch: Batch) -> Any:
        # A task of its own for each batch, even for one with the same sheets as another.
        key = f"handgrad-grade-{id(waiting)}-{next(numbers)}"
        return client.submit(_grade, setting, batch, key=key, pure=False)

    try:
        for batch in batches:
            waiting.append(asked(batch))
            if len(waiting) > WAITING * max(1, len(client.scheduler_info()["workers"])):
                yield received(waiting.popleft().result(), structure)
        while waiting:
            yield received(waiting.popleft().result(), structure)
    finally:
        client.cancel(list(waiting))
        if isinstance(cluster, str):
            client.close()


def _grade(setting: bytes, batch: Batch) -> bytes:
    grader = _grader(setting)
    return sent(grader.grade(batch), grader.checker.work.structure)


@lru_cache(maxsize=4)
def _grader(setting: bytes) -> Grader:
    """A worker's grader of a problem, made once."""
    return Grader(*pickle.loads(setting))
