"""The lines of a step as relations: the formula, the numbers put in, the result, what to point out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from handgrad.expression import Adjoint, Call, Expression, Literal, Name, literal_of, walk
from handgrad.graph.penalties import is_penalty
from handgrad.graph.structure import Line
from handgrad.notation import Transposition
from handgrad.operations import operation_of
from handgrad.operations.arithmetic import negate
from handgrad.page.blocks import Mark, Relation, without_repeats
from handgrad.solution.cases import line_of_case, reads_well
from handgrad.solution.elements import opened
from handgrad.solution.notes.gated_off import GatedOff
from handgrad.solution.notes.zero_input import ZeroInput
from handgrad.solution.slopes import with_slopes
from handgrad.solution.structure import MANY, TraceLine, is_short
from handgrad.text import Text, listed

if TYPE_CHECKING:
    from handgrad.solution.trace import Step, Trace

PLACES = 12
"""Places of a row that are named beside it; of more the number is said."""

LISTED = 4
"""Cases that are named beside a row; of more the number is said."""

OPENED = 64
"""Results with more entries than this are not opened on a page."""


def relations_of(
    trace: Trace, step: Step, line: TraceLine, open_entries: bool = False
) -> tuple[Relation, ...]:
    """A line of a step, and an example where the numbers of the whole would not read well.

    That is the first case that has a number other than 0, where each case has a matrix; of many such the mean,
    or the sum, that comes next says the rest. In an update of many numbers it is one entry.
    """
    if step.kind == "loss_after":
        return (_once_more(trace, line),)
    whole = relation_of(trace, step, line, open_entries)
    if line.role in ("updated", "memory") and np.size(line.value) > MANY:
        (entry,) = opened(trace, line, [_first_changed(trace, line)])
        example = replace(
            relation_of_entry(trace, entry), sign=whole.sign, label=("for example",), after=True
        )
        return (replace(whole, chain=(whole.chain[0], whole.chain[-1])), example)
    if line.role == "per_case" and isinstance(line.formula, Name | Adjoint):
        return (replace(whole, chain=whole.chain[:1]),)
    if not line.batched or reads_well(line, trace.graph.batched_leaves):
        return (whole,)
    value = np.asarray(line.value)
    told = np.flatnonzero(value.any(axis=tuple(range(value.ndim - 1))))
    case = int(told[0]) if len(told) else 0
    worked = relation_of(trace, step, line_of_case(trace, line, case))
    marks = {at[:-1]: mark for at, mark in whole.marks.items() if at[-1] == case}
    example = replace(worked, marks=marks, remarks={}, label=(f"in case {case + 1}",), case=case)
    if line.role == "per_case" and np.size(line.value) > MANY:
        return (example,)
    return (example, replace(whole, chain=whole.chain[-1:], label=("in each case",)))


def _once_more(trace: Trace, line: TraceLine) -> Relation:
    """A line of the forward pass after an update: its formula stands in the first one, here are the new numbers."""
    result = literal_of(line.value, line.batched, line.row)
    worked = is_short(line) and reads_well(line, trace.graph.batched_leaves)
    first = line.substituted if worked else line.formula
    marks: dict[tuple[int, ...], Mark] = dict.fromkeys(_shut(line), "off") if worked else {}
    return Relation(_left(trace, line), without_repeats((first, result)), marks=marks, after=True)


def _shut(line: TraceLine) -> list[tuple[int, ...]]:
    """The entries of a gate's value that it does not pass on, where it is a line by itself."""
    applied, numbers = line.formula, line.substituted
    if not isinstance(applied, Call) or not operation_of(applied).gate:
        return []
    if not isinstance(numbers, Call) or not isinstance(at := numbers.arguments[0], Literal):
        return []
    return [tuple(map(int, place)) for place in np.argwhere(np.asarray(at.value) <= 0)]


def _first_changed(trace: Trace, line: TraceLine) -> tuple[int, ...]:
    """The first entry that an update changes; of none the first."""
    before = trace.run.numbers.get(line.target, np.zeros(()))
    changed = np.argwhere(np.asarray(line.value) != before)
    return tuple(map(int, changed[0])) if len(changed) else (0,) * len(line.shape)


def relation_of(trace: Trace, step: Step, line: TraceLine, open_entries: bool = False) -> Relation:
    """A line of a step: its left side, the formula, the numbers put in, the result."""
    result = literal_of(line.value, line.batched, line.row)
    chain: list[Expression] = [line.formula]
    # Of an array that is not shown whole there is nothing to multiply with.
    put_in = reads_well(line, trace.graph.batched_leaves) and not _has_large(line.substituted)
    if (
        put_in
        and line.substituted not in (line.formula, result)
        and not _is_drawn_as_result(line.substituted)
    ):
        chain.append(line.substituted)
        if isinstance(line.target, Adjoint) and np.size(line.value) <= MANY:
            chain.append(with_slopes(line.substituted))
            chain = [*without_repeats(chain)]
    if result != chain[-1]:
        chain.append(result)
    marks, remarks = marks_of(step, line)
    if result.whole is not None:
        remarks = {}
    return Relation(
        left=_left(trace, line),
        chain=tuple(chain),
        marks=marks,
        remarks=remarks,
        shape="×".join(map(str, line.shape)) if line.shape else "",
        label=_label(trace, line),
        sign="←" if line.role in ("updated", "memory") else "=",
        entries=_entries(trace, step, line) if open_entries else {},
        counted="row" if len(line.shape) < 3 else "channel" if len(line.shape) == 3 else "part",
        after=step.phase == "update",
    )


def _has_large(numbers: Expression) -> bool:
    """Whether an array that is put in is too large for all of its numbers to be held."""
    return any(isinstance(part, Literal) and part.whole is not None for part in walk(numbers))


def _is_drawn_as_result(numbers: Expression) -> bool:
    """Whether it is drawn as what it is equal to: one array, transposed, or a positive number with its sign turned."""
    if not isinstance(numbers, Call) or not isinstance(only := numbers.arguments[0], Literal):
        return False
    if numbers.operation == negate.name:
        return isinstance(only.value, float) and only.value > 0
    return isinstance(operation_of(numbers).notation, Transposition)


def _entries(trace: Trace, step: Step, line: TraceLine) -> dict[tuple[int, ...], Relation]:
    """The line once for each entry of its result, where there are not too many of them."""
    if line.role in ("memory", "updated") or not 1 < math.prod(line.shape) <= OPENED:
        return {}
    return {entry.index: relation_of_entry(trace, entry) for entry in opened(trace, line)}


def relation_of_entry(trace: Trace, entry: TraceLine) -> Relation:
    """The line of one entry."""
    chain = (entry.formula, entry.substituted, literal_of(entry.value, entry.batched))
    left = _left(trace, entry).entry(entry.index)
    return Relation(left, without_repeats(chain))


def _left(trace: Trace, line: TraceLine) -> Expression:
    if isinstance(line.target, Adjoint) and line.role == "per_case":
        return replace(line.target, of=trace.graph.loss)
    return line.target


def _label(trace: Trace, line: TraceLine) -> Text:
    match line.role:
        case "let":
            return ("write",)
        case "upstream":
            return ("given",)
        case "part" if is_penalty(trace.graph, Line(line.target, line.formula, line.through)):
            return ("the penalty's part, through ", Name(line.through))
        case "part":
            return ("through ", Name(line.through))
        case "per_case":
            return ("in each case",)
        case "gradient" if trace.graph.gradients[line.target.name].per_case is not None:
            word = "mean" if trace.problem.reduction == "mean" else "sum"
            return (f"{word} over the cases",)
        case "gradient" if len(trace.graph.gradients[line.target.name].parts) > 1:
            return ("together",)
        case _:
            return ()


def marks_of(step: Step, line: TraceLine) -> tuple[dict[tuple[int, ...], Mark], dict[int, str]]:
    """What to point out in a line's result: shut gates, and the entries they zero."""
    marks: dict[tuple[int, ...], Mark] = {}
    remarks: dict[int, str] = {}
    shut: dict[int, list[tuple[int, ...]]] = {}
    name = line.target.name
    for note in step.notes:
        if isinstance(note, GatedOff):
            own = (
                name == note.activation
                if note.phase == "forward"
                else (
                    isinstance(line.target, Adjoint)
                    and line.role in ("gradient", "chain")
                    and note.pre_activation == Name(name)
                )
            )
            if own and note.case_count > 1:
                if line.batched:
                    marks.update(dict.fromkeys([(*note.unit, c) for c in note.cases], "off"))
                    if note.phase == "forward" and len(note.unit) == 1:
                        remarks[note.unit[0]] = f"gate shut in {_cases(note)}"
            elif own and note.unit:
                marks[note.unit] = "off"
                row, *column = note.unit
                shut.setdefault(row, []).append(tuple(column))
        elif isinstance(note, ZeroInput) and line.role == "gradient" and not line.batched:
            for zeroed in note.zeroes:
                if zeroed.name == name:
                    marks.update(dict.fromkeys(zeroed.entries, "zeroed"))
    marks = {**line.zeros(), **marks}
    remarks |= {row: _shut_at(places, line.shape[1:]) for row, places in shut.items()}
    return marks, remarks


def _shut_at(places: Sequence[tuple[int, ...]], shape: tuple[int, ...]) -> str:
    """Where in a row gates are shut, counted from 1; of many places how many they are."""
    if places == [()]:
        return "gate shut"
    if len(places) > PLACES:
        return f"gate shut at {len(places)} of {math.prod(shape)}"
    texts = [", ".join(str(i + 1) for i in place) for place in places]
    return f"gate shut at {', '.join(f'({t})' if len(shape) > 1 else t for t in texts)}"


def _cases(note: GatedOff) -> str:
    """In which cases a unit is off, counted from 1: all; case 2; 1 and 3; 12 of 40."""
    if len(note.cases) == note.case_count:
        return "every case"
    if len(note.cases) > LISTED:
        return f"{len(note.cases)} of {note.case_count}"
    word = "case" if len(note.cases) == 1 else "cases"
    return f"{word} {listed([str(c + 1) for c in note.cases])}"
