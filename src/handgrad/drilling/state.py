"""What is kept of a drill between two sittings."""

from __future__ import annotations

from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

from handgrad.checking.blanks import blanks
from handgrad.checking.figures import read_figure
from handgrad.drilling.asking import Drill
from handgrad.drilling.records import STATES, Record
from handgrad.drilling.typed import Cells

KEPT = "handgrad/drill/1"
"""What marks a drill that was kept."""

MOST = 10**6
"""Wrong answers and hints that are counted, at most."""

DEEPEST = 8


def kept(drill: Drill) -> dict[str, Any]:
    """What has come of a drill as plain objects, for `restored`."""
    quantities = [{"target": target, **asdict(r)} for target, r in drill.records.items()]
    return {"schema": KEPT, "key": drill.key, "quantities": quantities}


def restored(drill: Drill, state: Any) -> Drill:
    """A drill that has just begun, with what was kept of it.

    Raises `ValueError`, with the words, for an object that is no drill of this problem.
    """
    if not isinstance(state, dict) or state.get("schema") != KEPT:
        raise ValueError("it holds no drill")
    if state.get("key") != drill.key:
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
