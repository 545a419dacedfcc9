"""The page of a worked solution: what is given, the steps of each phase, the summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

import numpy as np

from handgrad.arrays import Array
from handgrad.errors import OptionError, nearest
from handgrad.expression import Adjoint, Expression, Name, literal_of
from handgrad.formats.style import Style
from handgrad.options import one_of
from handgrad.page.blocks import (
    Block,
    Code,
    Derivation,
    Figure,
    Heading,
    Inline,
    Legend,
    Note,
    Paragraph,
    Relation,
    Table,
)
from handgrad.page.signs import with_signs_explained
from handgrad.problem.page import (
    given_relations,
    left_out,
    origin,
    rounded_fractions,
    upstream_relations,
)
from handgrad.saving import Page
from handgrad.solution.abstract import Abstract
from handgrad.solution.elements import opened
from handgrad.solution.gated_blocks import gated_blocks
from handgrad.solution.notes.gated_off import GatedOff
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.relations import relation_of_entry, relations_of
from handgrad.solution.rounding import rounding_said, rounding_words
from handgrad.solution.step_words import code_places, reason, title
from handgrad.solution.structure import MANY
from handgrad.text import Text, Verbatim, joined

if TYPE_CHECKING:
    from handgrad.solution.pictures.lines import PicturePhase
    from handgrad.solution.trace import Step, Trace

Phase = Literal["forward", "backward", "update"]

Screen = Literal["wide", "narrow"]

LONG = 6
"""An array with more rows, or more columns, is not repeated in the summary."""

ROW = 4
"""Steps in a row that are told by the first and the last of them."""

LISTED = 10
"""Updates listed at the start and at the end of a long training."""

PHASES: dict[Phase, str] = {
    "forward": "Forward pass",
    "backward": "Backward pass",
    "update": "Parameter update",
}


def solution_page(
    trace: Trace,
    *,
    only: Phase | None = None,
    step: str | None = None,
    elements: bool = False,
    open_entries: bool = False,
    code: Mapping[str, str] | None = None,
    pictures: bool | Screen = False,
) -> Page:
    """The worked solution as a page.

    Arguments:
        trace: the worked solution.
        only: one phase alone.
        step: one step alone, by its number.
        elements: open every gradient entry by entry.
        open_entries: give every value and gradient its entries, for a page on which a reader
            may open them (`Relation.entries`).
        code: by step number, its code, to stand below the step; under "" what comes before the
            first. What the steps left out compute comes before those shown.
        pictures: with figures of what is given and at the end of each pass; for a screen that is known to be
            "wide", or "narrow", for it alone.

    Raises `OptionError` for a step, or a phase, that the solution does not have.
    """
    if only is not None:
        one_of(only, tuple(PHASES), "--only")
    if only is not None and all(s.phase != only for s in trace.steps):
        what = f"this solution has no {PHASES[only].lower()}"
        raise OptionError(what, where="--only", mend="it needs parameters, an update and a step")
    if step is not None and trace.step(step) is None:
        ids = [s.id for s in trace.steps]
        hint = nearest(step, ids) or f"the steps are {', '.join(ids)}"
        raise OptionError(f"there is no step {step}", where="--step", mend=hint)
    figure = _figures(trace, pictures) if pictures else None
    blocks: list[Block] = []
    begin = 1
    name = trace.problem.title or "Worked solution"
    if step is None and only is None:
        abstract = Abstract.find(trace)
        said = [Note("info", abstract.text())] if abstract is not None else []
        blocks += [Heading((name,), 1), *said, *given_blocks(trace)]
        if figure is not None:
            blocks.append(figure("given"))
    for phase, heading in PHASES.items():
        steps = [
            s
            for s in trace.steps
            if s.phase == phase and (step is None or s.id == step) and only in (None, phase)
        ]
        if not steps:
            continue
        if step is None:
            blocks.append(Heading((heading,), 2))
            if phase == "forward":
                blocks.append(Paragraph((conventions(trace),)))
                begin = len(blocks)
            if phase == "update" and only is None:
                blocks += _summary(trace)
        if code is not None and not any(isinstance(b, Code) for b in blocks):
            blocks.append(_code_before(trace, steps[0], code))
        for each in steps:
            blocks += step_blocks(trace, each, elements, open_entries)
            if code is not None and each.id in code:
                blocks.append(Code(code[each.id]))
        if figure is not None and step is None and phase != "update":
            blocks.append(figure(phase))
    if (step is not None or only not in (None, "forward")) and rounding_said(
        blocks, trace.decimals
    ):
        blocks.append(Paragraph((conventions(trace),)))
    if step is None:
        blocks[begin:begin] = Legend.of(blocks)
    if step is None and only in (None, "update") and len(trace.training) > 1:
        blocks.append(_training(trace))
    updated = trace.updated if not trace.graph.has_loss else trace.loss_after is not None
    if step is None and only is None and not updated:
        blocks += [Heading(("Gradients",), 2), *_summary(trace)]
    return Page(
        title=name,
        blocks=tuple(with_signs_explained(blocks)),
        decimals=trace.decimals,
        display=trace.problem.display,
        error_signals=error_signals(trace),
        loss=trace.graph.cost,
        losses=losses(trace),
    )


def style_of(trace: Trace) -> Style:
    """How the formulas of a solution are written on its page."""
    return Style(
        decimals=trace.decimals,
        display=trace.problem.display,
        error_signals=error_signals(trace),
        loss=trace.graph.cost,
        losses=losses(trace),
    )


def error_signals(trace: Trace) -> frozenset[str]:
    """The pre-activations named z, z1, …: their gradients are written δ, as the lab does."""
    return frozenset(n for n in trace.graph.activations if n[0] == "z")


def losses(trace: Trace) -> dict[str, str]:
    """What differs from case to case has the gradient of its own case's loss."""
    graph = trace.graph
    batched = [n for n, node in graph.nodes.items() if node.batched and n != graph.cost]
    batched += [n for n, let in graph.lets.items() if let.batched]
    return dict.fromkeys(batched, graph.loss)


def _figures(trace: Trace, pictures: bool | Screen) -> Callable[[PicturePhase], Figure]:
    """What draws the pictures of a page, all of them with the same numbers."""
    # Imported here: a page without pictures starts sooner.
    from handgrad.solution.pictures.figures import figure_of
    from handgrad.solution.pictures.numbers import ShownNumbers

    narrow = None if pictures is True else pictures == "narrow"
    return partial(figure_of, trace, narrow_screen=narrow, shown=ShownNumbers(trace))


# -- what is given ------------------------------------------------------------------------


def given_blocks(trace: Trace) -> list[Block]:
    """The equations and the numbers of a problem."""
    problem, graph = trace.problem, trace.graph
    blocks: list[Block] = []
    if problem.description:
        blocks.append(Paragraph((problem.description.strip().replace("\n", " "),)))
    blocks += map(Paragraph, origin(problem))
    equations = tuple(
        Relation(Name(name, shape=graph.nodes[name].shape), (_written(trace, name),))
        for name in graph.equations
    )
    if graph.has_loss and graph.cost != graph.loss:
        cost = graph.nodes[graph.cost].written
        assert cost is not None
        equations += (Relation(Name(graph.cost, shape=()), (cost,)),)
    blocks += [Heading(("Given",), 2), Derivation(equations)]
    for givens in (problem.parameters, problem.data):
        if givens:
            blocks.append(Derivation(tuple(given_relations(givens, graph.rows))))
    if problem.upstream:
        blocks.append(Derivation(tuple(upstream_relations(problem, graph.rows))))
    blocks += map(Paragraph, rounded_fractions(problem, trace.decimals))
    blocks += map(Paragraph, left_out(problem))
    return blocks


def _written(trace: Trace, name: str) -> Expression:
    written = trace.graph.nodes[name].written
    assert written is not None
    return written


def _code_before(trace: Trace, first: Step, code: Mapping[str, str]) -> Code:
    """What is given and what the steps before `first` compute, as one piece of code."""
    before = takewhile(lambda s: s.id != first.id, trace.steps)
    ids = ["", *(s.id for s in before)]
    return Code("\n".join(code[i] for i in ids if i in code))


# -- steps ----------------------------------------------------------------------------------


def step_blocks(
    trace: Trace, step: Step, elements: bool = False, open_entries: bool = False
) -> list[Block]:
    """A step worked out: why, the derivation, and what is to be noted."""
    uses: Text = (f"uses {_in_runs(step.uses)}",) if step.uses else ()
    if code := code_places(trace, step):
        uses = (*uses, " · ", Verbatim(code)) if uses else (Verbatim(code),)
    blocks: list[Block] = [Heading(title(trace, step), 3, step.id, uses)]
    why = reason(trace, step)
    if any(why):
        blocks.append(Paragraph(why))
    lines = [r for x in step.lines for r in relations_of(trace, step, x, open_entries)]
    blocks.append(Derivation(tuple(lines)))
    if elements:
        blocks += _elements(trace, step)
    for together in _together(step.notes):
        gates = [n for n in together if isinstance(n, GatedOff)]
        blocks += gated_blocks(gates) if gates else [n.block() for n in together]
    return blocks


def _in_runs(steps: Sequence[str]) -> str:
    """Step numbers in order; of many in a row the first and the last: 1.9 to 1.20, 3.1."""
    runs: list[list[tuple[int, int]]] = []
    for each in steps:
        phase, number = map(int, each.split("."))
        if runs and runs[-1][-1] == (phase, number - 1):
            runs[-1].append((phase, number))
        else:
            runs.append([(phase, number)])
    told: list[str] = []
    for run in runs:
        names = [f"{phase}.{number}" for phase, number in run]
        told += [f"{names[0]} to {names[-1]}"] if len(names) >= ROW else names
    return ", ".join(told)


def _together(notes: Sequence[TraceNote]) -> list[list[TraceNote]]:
    """The notes in order, those on the gates of one activation in a group, any other by itself."""
    groups: list[list[TraceNote]] = []
    for note in notes:
        last = groups[-1][-1] if groups else None
        if (
            isinstance(note, GatedOff)
            and isinstance(last, GatedOff)
            and (
                note.pre_activation,
                note.phase,
            )
            == (last.pre_activation, last.phase)
        ):
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def _elements(trace: Trace, step: Step) -> list[Block]:
    blocks: list[Block] = []
    for line in step.lines:
        if line.role not in ("gradient", "chain", "part", "per_case"):
            continue
        if relations := tuple(relation_of_entry(trace, entry) for entry in opened(trace, line)):
            blocks.append(Derivation(relations))
    heading = Paragraph(("Entry by entry (rows and columns counted from 1):",))
    return [heading, *blocks] if blocks else []


# -- summary --------------------------------------------------------------------------------


def _summary(trace: Trace) -> list[Block]:
    """The gradients in a table; of large ones in which step they stand: once is enough."""
    graph = trace.graph
    made = {
        line.target.name: step.id
        for step in trace.steps
        for line in step.lines
        if line.role == "gradient"
    }
    rows: list[tuple[Text, ...]] = []
    elsewhere: dict[str, list[Text]] = {}
    for name in reversed(trace.problem.asked):
        gradient, step = trace.run.gradient(name), made.get(name, "")
        if step and (np.size(gradient) > MANY or max(np.shape(gradient), default=1) > LONG):
            elsewhere.setdefault(step, []).append((Adjoint(name),))
            continue
        node = graph.nodes[name]
        value = literal_of(gradient, node.batched, name in graph.rows)
        rows.append(((Adjoint(name),), (_shape_words(node.shape),), (value,), (step,)))
    header: tuple[Text, ...] = (("gradient",), ("shape",), ("value",), ("step",))
    blocks: list[Block] = []
    if rows:
        blocks.append(
            Table(header, tuple(rows), "lllr", ("Gradient summary",), (None, None, "gradient"))
        )
    if elsewhere:
        told: list[Inline] = ["The larger gradients stand in their steps"]
        for place, names in elsewhere.items():
            told += [": " if len(told) == 1 else "; ", *joined(names), f" in {place}"]
        blocks.append(Paragraph((*told, ".")))
    return blocks


def _training(trace: Trace) -> Table:
    """The loss before and after every update; of many, the first and the last."""
    shown = list(trace.training)
    if len(shown) > 2 * LISTED:
        shown = [*shown[:LISTED], *shown[-LISTED:]]
    rows: list[tuple[Text, ...]] = []
    for update in shown:
        if rows and update.number == len(trace.training) - LISTED + 1 and len(rows) == LISTED:
            rows.append((("…",), ("…",), ("…",)))
        rows.append(((str(update.number),), _loss(update.before), _loss(update.after)))
    header: tuple[Text, ...] = (("update",), ("loss before",), ("loss after",))
    return Table(header, tuple(rows), "rrr", ("Training",))


def _loss(loss: Array) -> Text:
    mean = np.asarray(np.mean(loss))
    return (literal_of(mean),) if np.isfinite(mean) else ("not finite",)


def _shape_words(shape: tuple[int, ...]) -> str:
    if not shape:
        return "scalar"
    return "×".join(map(str, shape)) if len(shape) > 1 else str(shape[0])


def conventions(trace: Trace) -> str:
    """How the page's numbers are rounded, in a sentence."""
    if trace.run.carry == "rounded":
        return f"Every figure is rounded to {trace.decimals} decimals, and the rounded figure is carried."
    return rounding_words(trace.decimals)
