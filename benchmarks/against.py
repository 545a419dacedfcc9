"""The same work by another checkout of handgrad, beside ours: each in a process of its own, taking turns.

What is timed is the time that a process and those that it started had on the processor, so that a busy machine is not counted.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measuring import Figure
from benchmarks.turns import TURNS

HERE = Path(__file__).parents[1]


class Checkout:
    """A checkout that does a turn of work whenever it is asked.

    Arguments:
        path: where it lies.
        work: one of `TURNS`.
    """

    def __init__(self, path: Path, work: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.against", work],
            env=_environment(path),
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self) -> float:
        """Does a turn, and says how long it took."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self) -> None:
        """Ends it."""
        self.process.communicate()


def _environment(path: Path) -> dict[str, str]:
    """That of a process which imports handgrad from `path`, its modules compiled after the first turn."""
    given = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return given | {"PYTHONPATH": f"{path / 'src'}{os.pathsep}{HERE}"}


def against(path: Path, rounds: int = 15, works: Sequence[str] = tuple(TURNS)) -> list[Figure]:
    """Every kind of turn, or these, by us and by the checkout at `path`."""
    return [_against(path, work, rounds) for work in works]


def _against(path: Path, work: str, rounds: int) -> Figure:
    ours, theirs = Checkout(HERE, work), Checkout(path, work)
    pairs = [(ours.seconds(), theirs.seconds()) for _ in range(rounds + 3)][3:]
    ours.end()
    theirs.end()
    ratio = statistics.median(a / b for a, b in pairs)
    return Figure(work, str(path), ratio, statistics.median(a for a, _ in pairs))


def _work(turn: Callable[[], object]) -> None:
    for _ in sys.stdin:
        begun = _had()
        turn()
        print(_had() - begun, flush=True)


def _had() -> float:
    """Seconds on the processor until now."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    _work(TURNS[sys.argv[1]]())
