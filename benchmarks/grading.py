"""python -m benchmarks.grading [--count N]: a class of lab9 in a Parquet file, graded with reasons.

Beside it the checker on the same sheets one by one, on a thousand of them; a class in which each student has
numbers of their own; and the most memory that it took.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import active_children
from pathlib import Path

import numpy as np

import handgrad
from benchmarks.planted import Manner, planted_class
from handgrad.grading.batch import Batch
from handgrad.grading.graded import Graded
from handgrad.grading.grader import Grader, grade_batches

BATCH = 4000
"""Sheets in a batch."""


def in_file(path: Path) -> Iterator[Batch]:
    """The batches of a Parquet file, of which only one is in memory at a time."""
    import polars

    rows = polars.scan_parquet(path)
    count = int(rows.select(polars.len()).collect().item())
    for start in range(0, count, BATCH):
        table = rows.slice(start, BATCH).collect()
        cells = {name: table[name].to_list() for name in table.columns if name != "student"}
        yield Batch(tuple(table["student"].to_list()), cells)


def written(path: Path, count: int, manner: Manner) -> None:
    """Writes a planted class of lab9 into a Parquet file."""
    import polars

    made = planted_class(Grader(handgrad.load("lab9")).checker.work, count, 1, manner).batch
    polars.DataFrame({"student": made.ids, **made.cells}).write_parquet(path)


def one_by_one(count: int, manner: Manner, rounds: int = 1) -> float:
    """How many times as long the checker takes on the sheets of a class one by one, in the median of some rounds."""
    ratios = []
    for turn in range(rounds):
        grader = Grader(handgrad.load("lab9"))
        made = planted_class(grader.checker.work, count, turn, manner).batch
        start = time.process_time()
        grader.grade(made)
        middle = time.process_time()
        for row in range(count):
            grader.report(made, row)
        ratios.append((time.process_time() - middle) / (middle - start))
    return statistics.median(ratios)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="sheets in the file")
    parser.add_argument("--own", type=int, default=10_000, help="students with their own numbers")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    problem = handgrad.load("lab9")
    manner = Manner(decimals=(3, 4, 4, 5))
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")
    print(f"1 000 sheets one by one: {one_by_one(1000, manner):.1f} × the class at once")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "class.parquet"
        pid = os.fork()
        if not pid:  # in a process of its own: what it takes is not the grader's
            written(path, options.count, manner)
            os._exit(0)
        os.waitpid(pid, 0)
        _told(
            f"{options.count} sheets", grade_batches(problem, None, in_file(path), options.workers)
        )
    draws = np.random.default_rng(0)
    own = {
        "x": draws.normal(size=(2, options.own)).round(1),
        "b3": draws.normal(size=options.own).round(1),
    }
    made = planted_class(Grader(problem).checker.work, options.own, 2, manner, own=own).batch
    graded = grade_batches(problem, None, made.parts(1000), options.workers)
    _told(f"{options.own} sheets with their own numbers", graded)


def _told(what: str, graded: Iterator[Graded]) -> None:
    start, before = time.perf_counter(), _processor()
    wrong = most = 0
    for part in graded:
        wrong += int((part.diagnosis >= 0).sum())
        most = max(most, sum(map(_memory, (os.getpid(), *(c.pid for c in active_children())))))
    seconds = time.perf_counter() - start
    print(
        f"{what}: {seconds:.1f} s, of processors {_processor() - before:.1f} s; {wrong} figures explained; "
        f"at most {most / 1024:.0f} MB in all processes"
    )


def _memory(process: int | None) -> int:
    """The kilobytes of a process that no other shares, and its part of the others (Linux)."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text("ascii")
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def _processor() -> float:
    """Seconds of processors, this process's and its workers'."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
