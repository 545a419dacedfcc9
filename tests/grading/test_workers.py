"""Several processes, and a cluster, find what one grader finds: nothing is lost or counted twice."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import handgrad
from benchmarks.planted import Manner, PlantedClass, planted_class
from handgrad.cli.commands import run
from handgrad.errors import OptionError
from handgrad.grading import grader as grader_file
from handgrad.grading.batch import Batch
from handgrad.grading.graded import Graded
from handgrad.grading.grader import Grader, grade_batches
from tests.grading.classes import class_of_25
from tests.grading.test_grading import told

RUBRIC = {"default": 1, "kinds": {"update": 0.5}}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are begun after the first batch."""
    monkeypatch.setattr(grader_file, "ALONE", 1)


def planted(count: int) -> tuple[Grader, PlantedClass]:
    grader = Grader(handgrad.load("lab9"), RUBRIC)
    manner = Manner(blank=0.1, odd=0.1, unreadable=0.1, decimals=(3, 4))
    return grader, planted_class(grader.checker.work, count, 8, manner)


def assert_the_same(parts: list[Graded], whole: Graded) -> None:
    """The parts of a class, in order, are what one grader finds in the whole."""
    assert [i for part in parts for i in part.ids] == list(whole.ids)
    for name in ("verdicts", "marks", "out_of"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(joined, getattr(whole, name))
    rows = [(part, row) for part in parts for row in range(len(part))]
    for k, (part, row) in enumerate(rows):
        assert part.remarks.get(row, ()) == whole.remarks.get(k, ())
        for target in whole.targets:
            assert told(part, row, target) == told(whole, k, target)


def test_two_processes() -> None:
    grader, made = planted(60)
    parts = list(grade_batches(handgrad.load("lab9"), RUBRIC, made.batch.parts(17), workers=2))
    assert [len(part) for part in parts] == [17, 17, 17, 9]
    assert_the_same(parts, grader.grade(made.batch))
    done = [one for part in parts for found in part.explanations for d in found for one in d.done]
    targets = {q.target for q in grader.checker.work.structure.quantities}
    assert done
    assert {one.quantity.target for one in done} <= targets


def test_a_process_that_is_killed() -> None:
    """What was on its way is graded here: nothing is lost or counted twice."""
    grader, made = planted(40)
    before = {child.pid for child in multiprocessing.active_children()}
    coming = grade_batches(handgrad.load("lab9"), RUBRIC, made.batch.parts(5), workers=2)
    parts = [next(coming), next(coming)]
    for child in multiprocessing.active_children():
        if child.pid not in before:
            child.kill()
    assert_the_same([*parts, *coming], grader.grade(made.batch))


def test_batches_are_taken_as_they_are_needed() -> None:
    """Memory does not grow with the class: a batch is read when one before it is done."""
    _, made = planted(8)
    taken = 0

    def endless() -> Iterator[Batch]:
        nonlocal taken
        while True:
            taken += 1
            yield made.batch

    found = list(islice(grade_batches(handgrad.load("lab9"), None, endless(), workers=2), 3))
    assert len(found) == 3
    assert taken <= 3 + 2 * 2 + 1


def test_a_small_class_begins_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grader_file, "ALONE", 100)
    monkeypatch.setattr(grader_file, "ProcessPoolExecutor", None)
    grader, made = planted(20)
    parts = list(grade_batches(handgrad.load("lab9"), RUBRIC, made.batch.parts(7)))
    assert_the_same(parts, grader.grade(made.batch))


def test_an_error_comes_from_the_worker() -> None:
    _, made = planted(4)
    bad = Batch(("ann",), {"comment": ["hm"]})
    with pytest.raises(OptionError, match="comment is not a quantity"):
        list(grade_batches(handgrad.load("lab9"), None, [made.batch, bad], workers=2))


def test_a_cluster_that_loses_a_worker() -> None:
    """A worker is killed in the middle of a class: the marks are the same."""
    distributed = pytest.importorskip("distributed")
    from handgrad.grading.dask import grade_on_dask

    grader, made = planted(120)
    problem = handgrad.load("lab9")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        coming = grade_on_dask(problem, RUBRIC, made.batch.parts(6), client)
        parts = list(islice(coming, 2))
        victim = next(iter(client.run(os.getpid).values()))
        os.kill(victim, signal.SIGKILL)
        parts += list(coming)
    assert len(parts) == 20
    assert_the_same(parts, grader.grade(made.batch))


def test_the_command_grades_on_a_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    distributed = pytest.importorskip("distributed")
    sheets = class_of_25(tmp_path / "answers")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0"
    ) as cluster:
        told = []
        for also in ([], ["--dask", cluster.scheduler_address]):
            assert run(["grade", "lab9", str(sheets), "--json", *also]) == 1
            told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]


def test_a_cluster_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed")
    sheets = class_of_25(tmp_path / "answers")
    assert run(["grade", "lab9", str(sheets), "--dask", "nowhere"]) == 2
    assert "no Dask scheduler answers" in capsys.readouterr().err
