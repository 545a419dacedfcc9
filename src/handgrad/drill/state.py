"""What has come of a drill: printed by `--json`, and kept between two sittings."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

from handgrad.check.blanks import blanks
from handgrad.check.figures import read_figure
from handgrad.drill.asking import Drill
from handgrad.drill.records import STATES, Record, State
from handgrad.drill.typed import Cells
from handgrad.expression import Shape
from handgrad.problem import Problem
from handgrad.record import JsonForm

KEPT = "handgrad/drill/1"
"""What marks a drill that was kept."""

MOST = 10**6
"""Wrong answers and hints that are counted, at most."""

DEEPEST = 8


def key_of(problem: Problem) -> str:
    """What tells a problem from others: a digest of its file."""
    return hashlib.sha256(problem.to_toml().encode("utf-8", "backslashreplace")).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class QuantityState:
    """What has come of one quantity of a problem.

    Arguments:
        target: what it is: `z1`, `dW2`, `updated.b3`.
        step: the number of its step.
        shape: that of one case.
        asked: whether this drill asks for it.
        figures: the last that were entered, as they were typed.
        wrong, hints: how many answers were wrong, and how many hints were asked for.
        trivial: the answer follows from an earlier slip that left nothing to work out.
    """

    target: str
    step: str
    shape: Shape
    asked: bool
    state: State
    figures: Cells | None
    wrong: int
    hints: int
    trivial: bool
    marks: float


@dataclass(frozen=True, slots=True)
class DrillState:
    """What has come of a drill so far.

    Arguments:
        problem: its title.
        key: what tells the problem from others.
        next: the quantity asked for now; None at the end.
        done: how many are answered, or were shown.
    """

    problem: str
    key: str
    finished: bool
    next: str | None
    done: int
    marks: float
    out_of: float
    quantities: tuple[QuantityState, ...]
    json: ClassVar = JsonForm("drill")


def drill_state(drill: Drill) -> DrillState:
    """What has come of a drill, and of quantities that it doesn't ask for."""
    asked = {b.target for b in drill.blanks}
    told = [(blank, drill.record(blank)) for blank in blanks(drill.checker)]
    return DrillState(
        problem=drill.problem.title,
        key=key_of(drill.problem),
        finished=drill.finished,
        next=None if drill.finished else drill.blank.target,
        done=drill.done,
        marks=drill.marks,
        out_of=drill.out_of,
        quantities=tuple(
            QuantityState(
                blank.target,
                blank.step,
                blank.shape,
                blank.target in asked,
                record.state,
                record.figures,
                record.wrong,
                record.hints,
                record.trivial,
                record.marks,
            )
            for blank, record in told
        ),
    )


def kept(drill: Drill) -> dict[str, Any]:
    """What has come of a drill as plain objects, for `restored`."""
    return {"schema": KEPT, **asdict(drill_state(drill))}


def restored(drill: Drill, state: Any) -> Drill:
    """A drill that has just begun, with what was kept of it.

    Raises `ValueError`, with the words, for an object that is no drill of this problem.
    """
    if not isinstance(state, dict) or state.get("schema") != KEPT:
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
