"""The page of two solutions beside each other: what changed first, then every step in two columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, assert_never

import numpy as np

from handgrad.comparison.structure import (
    Change,
    ComparedQuantity,
    EquationChange,
    LineDifference,
    NumberChange,
    SettingChange,
    StepPair,
)
from handgrad.comparison.words import (
    BEFORE_AND_AFTER,
    gate_text,
    labels,
    setting_name,
    taken,
)
from handgrad.expression import Adjoint, Expression, Literal, Name, literal_of, substitute
from handgrad.figures import figure
from handgrad.page.blocks import (
    Block,
    Columns,
    Derivation,
    Heading,
    Layout,
    Legend,
    Mark,
    Note,
    Paragraph,
    Relation,
    Table,
    Text,
)
from handgrad.saving import Page
from handgrad.solution import Step, Trace
from handgrad.solution.page import PHASES, conventions, error_signals, losses, step_blocks
from handgrad.solution.relations import relations_of
from handgrad.text import cases_words, joined, listed

if TYPE_CHECKING:
    from handgrad.comparison.comparison import Comparison

GATES = 12
"""Changed gates that have a note each."""

CASES = 8
"""The most cases that are listed."""

NONE: Text = ("–",)
"""A cell for what one of the problems does not have."""


def comparison_page(comparison: Comparison, layout: Layout = "document") -> Page:
    """Two solutions side by side, equal steps folded, what changed marked."""
    return _PageWriter(comparison).page(layout)


@dataclass
class _PageWriter:
    comparison: Comparison

    @cached_property
    def labels(self) -> tuple[Text, Text]:
        return labels(self.comparison)

    def page(self, layout: Layout) -> Page:
        comparison = self.comparison
        left, right = comparison.left, comparison.right
        blocks: list[Block] = [Heading(("Two solutions compared",), 1), *self._introduction()]
        if not comparison.same:
            blocks.append(Paragraph((conventions(left),)))
            found = [*self._changes(), *self._gates(), *self._figures(), *self._steps()]
            blocks += [*Legend.of(found), *found]
        return Page(
            title="Two solutions compared",
            blocks=tuple(blocks),
            decimals=left.decimals,
            display={**right.problem.display, **left.problem.display},
            error_signals=error_signals(left) | error_signals(right),
            loss=left.graph.cost,
            losses=self._losses(),
            layout=layout,
        )

    def _introduction(self) -> list[Block]:
        left, right = self.comparison.left.problem.title, self.comparison.right.problem.title
        about = f"“{left or 'Worked solution'}”"
        if self.comparison.same:
            return [
                Paragraph((f"{about}: nothing changed. Every step is the same in both solutions.",))
            ]
        if left != right:
            return [Paragraph((f"First {about}, then “{right or 'Worked solution'}”.",))]
        if self.labels == BEFORE_AND_AFTER:
            return [Paragraph((f"{about}, before and after a change.",))]
        return [
            Paragraph((f"{about}: first ", *self.labels[0], ", then ", *self.labels[1], ".")),
        ]  # fmt: skip

    # -- what changed -------------------------------------------------------------------------

    def _changes(self) -> list[Block]:
        header: tuple[Text, ...] = (("",), self.labels[0], self.labels[1])
        rows = tuple(self._change(c) for c in self.comparison.changes)
        return [Heading(("What was changed",), 2), Table(header, rows, "lll")]

    def _change(self, change: Change) -> tuple[Text, Text, Text]:
        graphs = self.comparison.left.graph, self.comparison.right.graph
        match change:
            case EquationChange():
                sides = [(e,) if e is not None else NONE for e in (change.left, change.right)]
                return (Name(change.name),), sides[0], sides[1]
            case NumberChange():
                left = (
                    (literal_of(change.left, change.left_batched, change.name in graphs[0].rows),)
                    if change.left is not None
                    else NONE
                )
                right = (
                    (literal_of(change.right, change.right_batched, change.name in graphs[1].rows),)
                    if change.right is not None
                    else NONE
                )
                return (Name(change.name),), left, right
            case SettingChange():
                said = setting_name(change.name, taken(self.comparison))
                return (said,), _setting(change.left), _setting(change.right)
            case _:
                assert_never(change)

    def _gates(self) -> list[Block]:
        changes, apart = self.comparison.gate_changes, self.comparison.apart
        if not self.comparison.gates and not apart:
            return []
        blocks: list[Block] = [Heading(("Gates",), 2)]
        for change in changes[:GATES]:
            text = self._on_the_right(gate_text(change))
            blocks.append(Note("gate" if change.right.shut else "check", text))
        if len(changes) > GATES:
            blocks.append(Paragraph((f"{len(changes) - GATES} more gates changed.",)))
        if not changes and self.comparison.gates:
            blocks.append(Paragraph(("No gate opened or shut.",)))
        if apart:
            names = joined([(Name(n),) for n in apart])
            said = " have no counterpart of the same shape and cases: they are not compared."
            blocks.append(Paragraph(("The gates of ", *names, said)))
        return blocks

    def _figures(self) -> list[Block]:
        rows: list[tuple[Text, ...]] = []
        for quantity in self.comparison.quantities:
            left, right = quantity.left, quantity.right
            change = right - left if left is not None and right is not None else None
            numbers = [(Literal(x),) if x is not None else NONE for x in (left, right, change)]
            rows.append((_quantity(quantity), *numbers))
        if not rows:
            return []
        header: tuple[Text, ...] = (("",), self.labels[0], self.labels[1], ("change",))
        return [Heading(("At a glance",), 2), Table(header, tuple(rows), "lrrr"), *self._alone()]

    def _alone(self) -> list[Block]:
        """The steps that the other solution has none for."""
        pairs = self.comparison.steps
        sides = (
            [p.left.id for p in pairs if p.left and p.right is None],
            [p.right.id for p in pairs if p.right and p.left is None],
        )
        found = [
            (f"{listed(ids)} of the {which} solution",)
            for ids, which in zip(sides, ("first", "second"), strict=True)
            if ids
        ]
        return [Paragraph(("Steps without a counterpart: ", *joined(found), "."))] if found else []

    # -- steps --------------------------------------------------------------------------------

    def _steps(self) -> list[Block]:
        blocks: list[Block] = []
        for phase, heading in PHASES.items():
            pairs = [p for p in self.comparison.steps if _phase(p) == phase]
            if pairs:
                blocks.append(Heading((heading,), 2))
            runs = [(same, list(run)) for same, run in groupby(pairs, key=lambda pair: pair.same)]
            for same, run in runs:
                blocks += _alike(run) if same else [b for p in run for b in self._pair(p)]
        return blocks

    def _pair(self, pair: StepPair) -> list[Block]:
        """One step in two columns; what both sides say alike stands once above them."""
        left = self._one_side(self.comparison.left, pair.left, pair, right=False)
        right = self._one_side(self.comparison.right, pair.right, pair, right=True)
        above: list[Block] = [_heading(left, right)]
        if left[1:2] == right[1:2] and isinstance(left[1], Paragraph):
            above.append(left[1])
            left, right = [left[0], *left[2:]], [right[0], *right[2:]]
        left, right = left[1:], right[1:]
        columns = [
            (Paragraph((*label, ":")), *(side or [Paragraph(("There is no such step here.",))]))
            for label, side in zip(self.labels, (left, right), strict=True)
        ]
        return [*above, Columns(tuple(columns))]

    def _one_side(
        self, trace: Trace, step: Step | None, pair: StepPair, *, right: bool
    ) -> list[Block]:
        if step is None:
            return []
        blocks = step_blocks(trace, step)
        own = next(k for k, block in enumerate(blocks) if isinstance(block, Derivation))
        blocks[own] = self._own_lines(trace, step, pair, right=right)
        return [self._translated(block) for block in blocks] if right else blocks

    def _own_lines(self, trace: Trace, step: Step, pair: StepPair, *, right: bool) -> Derivation:
        """A step's lines with what differs pointed out, where it is shown whole."""
        paired = pair.left is not None and pair.right is not None
        by_line = {id(line.right if right else line.left): line for line in pair.lines}
        marked: list[Relation] = []
        for line in step.lines:
            whole = literal_of(line.value, line.batched, line.row)
            for relation in relations_of(trace, step, line):
                if relation.chain[-1] == whole:
                    difference = by_line[id(line)]
                    relation = _marked(
                        relation, difference, trace.decimals, right=right, paired=paired
                    )
                marked.append(relation)
        return Derivation(tuple(marked))

    # -- two losses on one page ---------------------------------------------------------------

    def _losses(self) -> dict[str, str]:
        """By name, whose gradient it has where that is not the left problem's loss."""
        left, right = self.comparison.left, self.comparison.right
        only = {
            n: losses(right).get(n, right.graph.cost)
            for n in right.graph.nodes
            if n not in left.graph.nodes
        }
        return {**{n: o for n, o in only.items() if o != left.graph.cost}, **losses(left)}

    @cached_property
    def _other_losses(self) -> dict[str, str]:
        """The right problem's loss, by the names whose gradient the page would take for another's."""
        left, right = self.comparison.left, self.comparison.right
        here = self._losses()
        there = {n: losses(right).get(n, right.graph.cost) for n in right.graph.nodes}
        return {n: o for n, o in there.items() if o != here.get(n, left.graph.cost)}

    def _told(self, expression: Expression) -> Expression:
        def other(node: Expression) -> Expression | None:
            if isinstance(node, Adjoint) and not node.of and node.name in self._other_losses:
                return replace(node, of=self._other_losses[node.name])
            return None

        return substitute(expression, other) if self._other_losses else expression

    def _on_the_right(self, text: Text) -> Text:
        return tuple(p if isinstance(p, str) else self._told(p) for p in text)

    def _translated(self, block: Block) -> Block:
        """A block of the right solution with its own loss in every gradient."""
        match block:
            case Heading():
                return replace(block, text=self._on_the_right(block.text))
            case Paragraph():
                return Paragraph(self._on_the_right(block.text))
            case Derivation():
                return Derivation(tuple(self._relation(r) for r in block.relations))
            case Note():
                inside = tuple(
                    Derivation(tuple(self._relation(r) for r in d.relations))
                    for d in block.derivations
                )
                return replace(block, text=self._on_the_right(block.text), derivations=inside)
            case _:
                return block

    def _relation(self, relation: Relation) -> Relation:
        return replace(
            relation,
            left=self._told(relation.left) if relation.left is not None else None,
            chain=tuple(self._told(e) for e in relation.chain),
            label=self._on_the_right(relation.label),
        )


def _alike(pairs: Sequence[StepPair]) -> list[Block]:
    """What is said of steps one after the other that are the same on both sides."""
    first, last = pairs[0].step.id, pairs[-1].step.id
    steps = f"Step {first} is" if len(pairs) == 1 else f"Steps {first} to {last} are"
    return [Paragraph((f"{steps} the same in both solutions.",))]


def _heading(left: Sequence[Block], right: Sequence[Block]) -> Heading:
    """One heading for both sides of a step: what they share once, then the one or the other."""
    headings = [side[0] for side in (left, right) if side and isinstance(side[0], Heading)]
    one, other = headings[0], headings[-1]
    id_ = one.id if one.id == other.id else f"{one.id}/{other.id}"
    aside = one.aside if one.aside == other.aside else ()
    return Heading(_either(one.text, other.text), 3, id_, aside)


def _either(one: Text, other: Text) -> Text:
    """Two titles in one: the words that they begin with once, then the rest of the one or the other."""
    here, there = _words(one), _words(other)
    shared = 0
    while here[shared : shared + 1] == there[shared : shared + 1] != ():
        shared += 1
    if shared == len(here) or shared == len(there):
        return one if len(here) > len(there) else other
    return (*here[:shared], *here[shared:], " or " if shared else " / ", *there[shared:])


def _words(text: Text) -> Text:
    """Running text in words, the blank kept before each."""
    return tuple(
        piece
        for part in text
        for piece in (
            re.findall(r"\s*[^\s,:]+|[,:]|\s+", part) if isinstance(part, str) else (part,)
        )
    )


def _phase(pair: StepPair) -> str:
    step = pair.left or pair.right
    assert step is not None
    return step.phase


def _setting(value: str | float | None) -> Text:
    if value is None:
        return NONE
    return (value,) if isinstance(value, str) else (Literal(float(value)),)


def _quantity(quantity: ComparedQuantity) -> Text:
    match quantity.kind:
        case "loss":
            return ("the loss",)
        case "gradient":
            return ("norm of ", Adjoint(quantity.name))
        case "loss_after":
            return ("the loss after the update",)


def _marked(
    relation: Relation, line: LineDifference, decimals: int, *, right: bool, paired: bool
) -> Relation:
    """The relation with what differs pointed out; on the right with the figures of the left."""
    if line.left is None or line.right is None:
        only = {**relation.remarks, 0: "only here"} if paired else relation.remarks
        return replace(relation, remarks=only)
    marks: dict[tuple[int, ...], Mark] = {
        entry: "changed" for entry in line.entries if relation.marks.get(entry) != "off"
    }
    remarks = dict(relation.remarks)
    if right:
        plain = not line.left.batched and len(line.left.shape) < 2
        before = np.asarray(line.left.value, dtype=float)
        # Numbers that differ from case to case are one row, whose columns are the cases.
        one_row = line.left.batched and not line.left.shape
        for row in dict.fromkeys(e[0] if e and not one_row else 0 for e in line.entries):
            was = figure(float(before[row] if before.ndim else before), decimals) if plain else ""
            said = f"was {was.replace('-', '−')}" if plain else "changed"
            if one_row:
                said += _in_cases([e[0] for e in line.entries], before.size)
            remarks[row] = f"{remarks[row]}; {said}" if row in remarks else said
    return replace(relation, marks={**relation.marks, **marks}, remarks=remarks)


def _in_cases(cases: Sequence[int], count: int) -> str:
    """In which of the cases: " in every case", " in cases 1 and 3"."""
    return " in every case" if len(cases) == count else f" in {cases_words(cases, CASES)}"
