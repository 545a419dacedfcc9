"""A drill as one JSON object: what `--json` prints, and what is kept between two sittings."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from handgrad.check.blanks import blanks
from handgrad.check.figures import read_figure
from handgrad.drill.asking import Drill
from handgrad.drill.records import STATES, Record
from handgrad.drill.typed import Cells
from handgrad.problem import Problem

SCHEMA = "handgrad/drill/1"

MOST = 10**6
"""Wrong answers and hints that are counted, at most."""

DEEPEST = 8


def key_of(problem: Problem) -> str:
    """What tells a problem from others: a digest of its file."""
    return hashlib.sha256(problem.to_toml().encode("utf-8", "backslashreplace")).hexdigest()[:20]


def drill_object(drill: Drill) -> dict[str, Any]:
    """A drill as plain objects; figures are texts, as they were typed."""
    asked = {b.target for b in drill.blanks}
    return {
        "schema": SCHEMA,
        "problem": drill.problem.title,
        "key": key_of(drill.problem),
        "finished": drill.finished,
        "next": None if drill.finished else drill.blank.target,
        "done": drill.done,
        "marks": drill.marks,
        "out_of": drill.out_of,
        "quantities": [
            {
                "target": blank.target,
                "step": blank.step,
                "shape": list(blank.shape),
                "asked": blank.target in asked,
                **_record(drill.record(blank)),
            }
            for blank in blanks(drill.checker)
        ],
    }


def _record(record: Record) -> dict[str, Any]:
    return {
        "state": record.state,
        "figures": record.figures,
        "wrong": record.wrong,
        "hints": record.hints,
        "trivial": record.trivial,
        "marks": record.marks,
    }


def restored(drill: Drill, state: Any) -> Drill:
    """A drill that has just begun, with what an object says came of it so far.

    Raises `ValueError`, with the words, for an object that is no drill of this problem.
    """
    if not isinstance(state, dict) or state.get("schema") != SCHEMA:
        raise ValueError("it holds no drill")
    if state.get("key") != key_of(drill.problem):
        raise ValueError("it is of another problem")
    targets = {b.target for b in blanks(drill.checker)}
    quantities = state.get("quantities")
    if not isinstance(quantities, list):
        raise ValueError("it is damaged")
    records: dict[str, Record] = {}
    for one in quantities:
        target = one.get("target") if isinstance(one, dict) else None
        if not isinstance(target, str) or target not in targets:
            raise ValueError("it is damaged")
        records[target] = _read(one)
    return replace(drill, records=MappingProxyType(records)).resumed()


def _read(one: dict[str, Any]) -> Record:
    state, wrong, hints = one.get("state"), one.get("wrong"), one.get("hints")
    trivial = one.get("trivial")
    counts = all(type(n) is int and 0 <= n <= MOST for n in (wrong, hints))
    if state not in STATES or not counts or type(trivial) is not bool:
        raise ValueError("it is damaged")
    assert isinstance(wrong, int)
    assert isinstance(hints, int)
    figures = None if one.get("figures") is None else _cells(one["figures"], DEEPEST)
    record = Record(state, figures, wrong, hints, trivial)
    if record.answered and figures is None:
        raise ValueError("it is damaged")
    return record


def _cells(value: Any, depth: int) -> Cells:
    match value:
        case str() if read_figure(value) is not None:
            return value
        case [_, *_] if depth:
            return tuple(_cells(v, depth - 1) for v in value)
        case _:
            raise ValueError("it is damaged")
