"""Worksheets: a problem with places left blank in the shape of the answers, and the keys to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from handgrad.checking.blanks import words_of
from handgrad.checking.names import target_of
from handgrad.expression import Adjoint, Call, Name, walk
from handgrad.graph import activations
from handgrad.notation import Function
from handgrad.operations import operation_of
from handgrad.page.blocks import (
    Block,
    Derivation,
    Heading,
    Paragraph,
    Relation,
    Room,
)
from handgrad.saving import Page
from handgrad.solution import Step, Trace, TraceLine
from handgrad.solution.elements import opened
from handgrad.solution.numbers import with_blanks
from handgrad.solution.page import (
    PHASES,
    error_signals,
    given_blocks,
    losses,
    solution_page,
    step_blocks,
)
from handgrad.solution.relations import relation_of
from handgrad.solution.step_words import reason, title
from handgrad.solution.structure import Role
from handgrad.text import listed

ASKED: frozenset[Role] = frozenset(["value", "cost", "gradient", "updated"])
"""What a student writes down of a step; the parts that lead to it are theirs to find."""


LEAST_ROOM, MOST_ROOM = 2, 8
"""Empty lines below a step, at least and at most."""

A_LINE = 8
"""Operations on numbers that are worked out on a line."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """One variant worked out, and what its sheet is called, such as "Sheet 3 · Ada".

    `name` is that of the student, where it is known; otherwise there is a line for it.
    """

    trace: Trace
    label: str
    name: str = ""


IsBlank = Callable[[Step, TraceLine], bool]
"""Whether a line's result is left blank."""


def blank_lines(trace: Trace, blanks: Sequence[str] = ()) -> IsBlank:
    """The choice of what is left blank: phases, step kinds, step numbers or names; all by default.

    A name is spelled as in an answers file: z1, dW2, updated. Raises `OptionError` for a word that
    is none of these.
    """
    known = {n for step in trace.steps for line in step.lines for n in _names(trace, step, line)}
    words = words_of(blanks, known)

    def blank(step: Step, line: TraceLine) -> bool:
        return line.role in ASKED and (not words or not words.isdisjoint(_names(trace, step, line)))

    return blank


def blank_targets(trace: Trace, blanks: Sequence[str] = ()) -> frozenset[str]:
    """What is left blank, by the names that answers files use: z1, dW2, updated.b3.

    Raises `OptionError` as a sheet does.
    """
    blank = blank_lines(trace, blanks)
    return frozenset(
        blank_target(trace, line)
        for step in trace.steps
        for line in step.lines
        if blank(step, line)
    )


def blank_target(trace: Trace, line: TraceLine) -> str:
    """The name that answers files use for what a line computes."""
    return f"updated.{line.target.name}" if line.role == "updated" else _target(trace, line)


def _target(trace: Trace, line: TraceLine) -> str:
    name = line.target.name
    leaf = Name(name) if line.role in ("value", "cost") else Adjoint(name)
    return target_of(leaf, trace.run.graph)


def _names(trace: Trace, step: Step, line: TraceLine) -> set[str]:
    named = "updated" if line.role == "updated" else _target(trace, line)
    return {step.phase, step.kind, step.id, named}


def sheets_page(
    exercises: Sequence[Exercise],
    blanks: Sequence[str] = (),
    *,
    formulas: bool = False,
    room: int | None = None,
) -> Page:
    """Worksheets, each beginning a page: what is given, and every step with its result left blank.

    A line for the name and the date stands under the title, and each step has room for working.

    Arguments:
        exercises: one for each sheet.
        blanks: what is left blank (`blank_lines`); the rest is shown worked out.
        formulas: whether the formula of a blank stands before it.
        room: empty lines below each step on paper; as its blanks need by default.
    """
    blocks: list[Block] = []
    for exercise in exercises:
        blocks += _sheet(exercise, blank_lines(exercise.trace, blanks), formulas, room)
    return _page(exercises, blocks)


def keys_page(exercises: Sequence[Exercise]) -> Page:
    """The worked solutions of the sheets, each beginning a page."""
    blocks: list[Block] = []
    for exercise in exercises:
        heading, *solution = solution_page(exercise.trace).blocks
        assert isinstance(heading, Heading)
        blocks += [replace(heading, text=(*heading.text, f" · key to {exercise.label}")), *solution]
    return _page(exercises, blocks)


def short_key_page(exercises: Sequence[Exercise], blanks: Sequence[str] = ()) -> Page:
    """A short key: of every sheet the answers alone, one sheet below the other.

    Arguments:
        exercises: one for each sheet.
        blanks: what the sheets leave blank (`blank_lines`).
    """
    name = exercises[0].trace.problem.title or "Practice"
    blocks: list[Block] = [Heading((f"{name} · answers",), 1)]
    for exercise in exercises:
        trace = exercise.trace
        blank = blank_lines(trace, blanks)
        blocks.append(Heading((exercise.label[:1].upper() + exercise.label[1:],), 2))
        for phase in PHASES:
            answers = tuple(
                replace(whole, chain=whole.chain[-1:], marks={}, remarks={}, label=())
                for step in trace.steps
                if step.phase == phase and step.kind != "loss_after"
                for line in step.lines
                if blank(step, line)
                for whole in [relation_of(trace, step, line)]
            )
            if answers:
                blocks.append(Derivation(answers))
    return _page(exercises, blocks)


def _page(exercises: Sequence[Exercise], blocks: Sequence[Block]) -> Page:
    trace = exercises[0].trace
    return Page(
        title=trace.problem.title or "Practice",
        blocks=tuple(blocks),
        decimals=trace.decimals,
        display=trace.problem.display,
        error_signals=error_signals(trace),
        loss=trace.graph.cost,
        losses=losses(trace),
    )


def _sheet(exercise: Exercise, blank: IsBlank, formulas: bool, room: int | None) -> list[Block]:
    trace = exercise.trace
    name = trace.problem.title or "Practice"
    blocks: list[Block] = [
        Heading((f"{name} · {exercise.label}",), 1),
        Room((("Name", exercise.name), ("Date", ""))),
        *given_blocks(trace),
    ]
    update = next((s for s in trace.steps if s.kind == "update"), None)
    if update is not None:
        blocks.append(Paragraph(reason(trace, update)))
    blocks.append(Paragraph((instructions(trace),)))
    for phase, heading in PHASES.items():
        # The loss after the update is a forward pass of its own, and no answer asks for it.
        steps = [s for s in trace.steps if s.phase == phase and s.kind != "loss_after"]
        if steps:
            blocks.append(Heading((heading,), 2))
        for step in steps:
            if not any(blank(step, line) for line in step.lines):
                blocks += step_blocks(trace, step)
                continue
            relations = [
                _blank(trace, step, line, formulas)
                if blank(step, line)
                else relation_of(trace, step, line)
                for line in step.lines
                if line.role in ASKED
            ]
            blocks += [Heading(title(trace, step), 3, step.id), Derivation(tuple(relations))]
            if lines := _room(trace, step, blank) if room is None else room:
                blocks.append(Room(lines=lines))
    return blocks


def _room(trace: Trace, step: Step, blank: IsBlank) -> int:
    """Empty lines for the working of a step: more where there is more to work out."""
    work = sum(_work(trace, line) for line in step.lines if blank(step, line))
    return min(LEAST_ROOM + work // A_LINE, MOST_ROOM)


def _work(trace: Trace, line: TraceLine) -> int:
    """How many operations on numbers a line takes: those of one entry, for every entry."""
    first = opened(trace, line, [(0,) * len(line.shape)])
    formula = first[0].formula if first else line.formula
    # An entry of an array is found and not worked out.
    calls = [n for n in walk(formula) if isinstance(n, Call) and n.option("at") is None]
    return int(np.size(line.value)) * len(calls)


def _blank(trace: Trace, step: Step, line: TraceLine, formulas: bool) -> Relation:
    """The line with an empty place for each entry of its result; the value itself is nowhere in it."""
    whole = relation_of(trace, step, line)
    empty = with_blanks(np.full(np.shape(line.value), np.nan), line.batched, line.row)
    shown = (line.formula,) if formulas and step.kind != "loss_after" else ()
    return Relation(
        whole.left, (*shown, empty), shape=whole.shape, label=whole.label, sign=whole.sign
    )


def instructions(trace: Trace) -> str:
    """How the figures on a sheet are to be rounded, and what is agreed on."""
    carried = (
        "rounded before you go on"
        if trace.run.carry == "rounded"
        else "rounded as you write it down"
    )
    flat = {
        notation.symbol: None
        for a in activations(trace.graph)
        if a.gate and not a.splits_ties
        if isinstance(notation := operation_of(a.call).notation, Function)
    }
    at_zero = listed([f"{symbol}′(0)\u00a0=\u00a00" for symbol in flat])
    gates = f" A gate is open where its pre-activation is positive: {at_zero}." if flat else ""
    return (
        f"Fill in every blank. A figure has up to {trace.decimals} decimals, {carried}; "
        f"you may carry more digits or the ones you wrote.{gates}{_numbering(trace)}"
    )


def _numbering(trace: Trace) -> str:
    """Where data are numbers of entries or of classes: that they count from 0, though mathematics counts from 1."""
    for node in trace.graph.nodes.values():
        for call in walk(node.written) if node.written is not None else ():
            if isinstance(call, Call) and _takes_numbers(call):
                return " Numbers that pick an entry or name a class count from 0."
    return ""


def _takes_numbers(call: Call) -> bool:
    operation = operation_of(call)
    if operation.picks:
        return True
    if operation.target != "class":
        return False
    scores = call.arguments[1 - operation.target_at].shape
    return call.arguments[operation.target_at].shape != scores
