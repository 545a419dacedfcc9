"""What another activation would change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from handgrad.discussion.changed_units import MOST_UNITS, UnitAt, units_at
from handgrad.discussion.lookup import backward_line, in_order, solved_alike, total_gradient
from handgrad.discussion.phrases import LISTED, in_case, raised, sides
from handgrad.discussion.question import Question
from handgrad.discussion.zeros import ZeroPart, zero_parts
from handgrad.errors import HandgradError
from handgrad.expression import Adjoint, Literal, Name
from handgrad.operations import BY_NAME, noun_of
from handgrad.operations.operation import Operation
from handgrad.page.blocks import Block, Derivation, Paragraph, Table
from handgrad.record import record
from handgrad.solution import Trace, TraceLine, Zeroed
from handgrad.solution.notes.update import is_little
from handgrad.solution.units import Units, units
from handgrad.text import Inline, Text, few, joined, listed

UNITS = 24
"""The most rows in a table of units."""


@record
class SwappedLine:
    """The gradient of one pre-activation before and after the swap."""

    step: str
    before: TraceLine
    after: TraceLine


@record
class Filled:
    """A part of a gradient that a shut gate zeroed, and its largest entry by size after the swap."""

    zeroed: Zeroed
    largest: float


@record
class Swap:
    """One activation replaced by another, and everything run again.

    `filled` are the parts of gradients that shut gates zeroed before and that are no longer zero;
    `emptied` are those that shut gates zero now.
    """

    operation: str
    units: tuple[UnitAt, ...]
    lines: tuple[SwappedLine, ...]
    filled: tuple[Filled, ...]
    emptied: tuple[ZeroPart, ...]
    loss: float
    other_loss: float


@record
class GateSwap(Question):
    """What would change at each gate with another activation. The equations in `kept` keep theirs."""

    kind: ClassVar = "gate_swap"
    title: ClassVar = "Another activation"
    operation: str
    swaps: tuple[Swap, ...]
    kept: tuple[str, ...]
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """Replaces the gates of the problem (or else its first activation) by each alternative."""
        before = units(trace)
        if not trace.graph.has_loss or not before or sum(u.z.size for u in before) > MOST_UNITS:
            return None
        old = next((u for u in before if u.gate), before[0]).operation
        kept = tuple(s.inner for s in trace.graph.shortcuts if s.activation == old)
        swaps: list[Swap] = []
        steps: dict[str, None] = {}
        for new in _instead(BY_NAME[old]):
            try:
                problem = trace.problem.with_swap({old: new}, keep=kept)
            except HandgradError:
                continue
            other = solved_alike(trace, problem)
            if other is None:
                continue
            swap = _swap(trace, before, other, old, new)
            swaps.append(swap)
            steps.update(dict.fromkeys(line.step for line in swap.lines))
        if not steps:
            # Without a name for the pre-activation no line is its gradient: the activation's own steps are cited.
            steps.update(dict.fromkeys(u.step for u in before if u.operation == old))
        return cls(old, tuple(swaps), kept, in_order(steps)) if swaps else None

    def asked(self) -> Text:
        new = sides([s.operation for s in self.swaps])
        kept: Text = ()
        if self.kept:
            kept = (" (", *joined([(Name(n),) for n in self.kept]), " keeps its own)")
        change = (
            f"how would step{'s' if len(self.steps) > 1 else ''} {listed(self.steps)} change"
            if any(swap.lines for swap in self.swaps)
            else "what would change on the way back"
        )
        gate = BY_NAME[self.operation].gate
        ask = "Would a unit still block the gradient?" if gate else "Would any unit be shut?"
        return (
            f"If {noun_of(self.operation)} were replaced by {new}",
            *kept,
            f", {change}? {ask}",
        )

    def answer(self) -> tuple[Text, ...]:
        return (*(_swap_text(swap) for swap in self.swaps), *self._in_general())

    def _in_general(self) -> tuple[Text, ...]:
        saturating = [s.operation for s in self.swaps if BY_NAME[s.operation].saturation]
        if not saturating:
            return ()
        slope = max(BY_NAME[o].saturation or 0.0 for o in saturating)
        block, shrink = ("blocks", "shrinks") if len(saturating) == 1 else ("block", "shrink")
        return (
            (
                f"In general {listed([noun_of(o) for o in saturating])} never {block} a gradient completely, but "
                f"{shrink} it: no slope is above {slope:g}, and far from 0 every slope is near 0. Over many layers the gradient "
                "can still vanish.",
            ),
        )

    def blocks(self) -> tuple[Block, ...]:
        """What each activation would change, with every step that is asked about, and a table of all the slopes."""
        blocks: list[Block] = []
        for swap in self.swaps:
            blocks.append(Paragraph(_swap_text(swap)))
            order = in_order(line.step for line in swap.lines)
            lines = sorted(swap.lines, key=lambda line: order.index(line.step))
            told = [line.after.relation((f"step {line.step}",)) for line in lines]
            blocks += [Derivation(tuple(told))] if told else []
        table = self._slope_table()
        blocks += [table] if table is not None else []
        return (*blocks, *map(Paragraph, self._in_general()))

    def _slope_table(self) -> Table | None:
        units = self.swaps[0].units
        if not units:
            return None
        batched = any(u.case is not None for u in units)
        nouns = [noun_of(o) for o in (self.operation, *(s.operation for s in self.swaps))]
        header: list[Text] = [("unit",), *([("case",)] if batched else [])]
        header += [(f"z with {nouns[0]}",)]
        header += [(noun,) for noun in nouns]
        rows: list[tuple[Text, ...]] = []
        for position, unit in enumerate(units[:UNITS]):
            slopes = [unit.slope, *(s.units[position].other_slope for s in self.swaps)]
            case: list[Text] = [(str((unit.case or 0) + 1),)] if batched else []
            cells: list[Text] = [(Literal(slope),) for slope in slopes]
            rows.append(((unit.entry,), *case, (Literal(unit.z),), *cells))
        shown = f" (the first {UNITS} of {len(units)})" if len(units) > UNITS else ""
        caption = f"The slope at each unit{shown}, at the z that a forward pass with that activation gives it"
        return Table(tuple(header), tuple(rows), "l" + "r" * (len(header) - 1), (caption,))


def _instead(activation: Operation) -> list[str]:
    """What replaces an activation: a gate is replaced by those that saturate and by its leaky form, any other by gates."""
    if not activation.gate:
        return [o.name for o in BY_NAME.values() if o.gate]
    smooth = [o.name for o in BY_NAME.values() if o.saturation is not None and not o.flat]
    return [*smooth, activation.leaky_form] if activation.leaky_form else smooth


def _swap(trace: Trace, before: tuple[Units, ...], other: Trace, old: str, new: str) -> Swap:
    after = {u.activation: u for u in units(other)}
    pairs = [
        (u, after[u.activation]) for u in before if u.operation == old and u.activation in after
    ]
    lines: list[SwappedLine] = []
    for unit, _ in pairs:
        if isinstance(unit.pre_activation, Name):
            target = Adjoint(unit.pre_activation.name)
            here, there = backward_line(trace, target), backward_line(other, target)
            if here and there:
                lines.append(SwappedLine(here[0], here[1], there[1]))
    filled: list[Filled] = []
    for part in zero_parts(trace):
        if part.cause == "shut_gate" and not part.cases:
            for zeroed in part.zeroed:
                now = total_gradient(other, zeroed.name)
                largest = max((float(x) for e in zeroed.entries for x in np.ravel(now[e])), key=abs)
                if largest != 0:
                    filled.append(Filled(zeroed, largest))
    return Swap(
        operation=new,
        units=tuple(u for a, b in pairs for u in units_at(a, b)),
        lines=tuple(lines),
        filled=tuple({(f.zeroed.name, f.zeroed.entries): f for f in filled}.values()),
        emptied=tuple(p for p in zero_parts(other) if p.cause == "shut_gate"),
        loss=float(np.mean(trace.run.loss)),
        other_loss=float(np.mean(other.run.loss)),
    )


def _swap_text(swap: Swap) -> Text:
    noun = noun_of(swap.operation)
    slopes = [u.other_slope for u in swap.units]
    shut = [u for u in swap.units if u.other_slope == 0]
    parts: list[Inline] = [f"With {noun}{_setting(swap.operation)}: "]
    if shut:
        if len(slopes) == 1:
            number = "the"
        else:
            number = "every" if len(shut) == len(slopes) else f"{len(shut)} of the {len(slopes)}"
        units = f"unit{'s' * (len(shut) < len(slopes))} would be shut"
        parts += [f"{number} {units}: ", *_listed_units(shut), ". "]
    elif len(set(slopes)) > 1:
        parts += [
            "every slope lies between ", Literal(min(slopes)), " and ", Literal(max(slopes)),
            ", so no gradient would be blocked. ",
        ]  # fmt: skip
    elif slopes:
        the = "the" if len(slopes) == 1 else "every"
        parts += [f"{the} slope is ", Literal(slopes[0]), ", so no gradient would be blocked. "]
    else:
        parts += ["no unit changes. "]
    if filled := swap.filled[:LISTED]:
        parts += ["Instead of 0, ", *joined([_filled(f) for f in filled]), ". "]
    emptied = [z for p in swap.emptied if not p.cases for z in p.zeroed]
    if emptied:
        parts += [*raised(joined([z.text() for z in emptied[:LISTED]])), " would be zero. "]
    if swap.other_loss == swap.loss:
        parts += ["The loss would stay at ", Literal(swap.loss), "."]
    elif is_little(swap.loss, swap.other_loss):
        by = abs(swap.other_loss - swap.loss)
        more = "higher" if swap.other_loss > swap.loss else "lower"
        parts += ["The loss would be ", Literal(by), f" {more} than ", Literal(swap.loss), "."]
    else:
        loss: Text = (Literal(swap.other_loss), " instead of ", Literal(swap.loss), ".")
        parts += ["The loss would be ", *loss]
    return tuple(parts)


def _filled(filled: Filled) -> Text:
    """A part of a gradient that was zero: its new value, or how large its entries become."""
    what = filled.zeroed.text()
    if len(filled.zeroed.entries) == 1:
        return (*what, " would be ", Literal(filled.largest))
    return (*what, " would have entries of up to ", Literal(abs(filled.largest)), " in size")


def _setting(operation: str) -> str:
    """The slope of a leaky activation for negative inputs, in parentheses."""
    alpha = BY_NAME[operation].options.get("alpha")
    return f" (α = {alpha:g})" if isinstance(alpha, float) else ""


def _listed_units(units: Sequence[UnitAt]) -> Text:
    return few(units, LISTED, lambda u: (u.entry, " = ", Literal(u.other_z), *in_case(u.case)))
