"""Which entries of the gradients are zero, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from handgrad.arrays import Mask
from handgrad.discussion.choices import Choice, Choices
from handgrad.discussion.gates import gates_of
from handgrad.discussion.lookup import (
    differentiated,
    in_order,
    made_in,
    solved_alike,
    total_gradient,
)
from handgrad.discussion.shares import UNITS, Shares
from handgrad.discussion.zero_part import CAUSES, Cause
from handgrad.discussion.zero_part import ZeroPart as ZeroPart
from handgrad.expression import Adjoint, Call, Expression, Leaf, Name, Shape, Slice, leaves
from handgrad.notation import Product
from handgrad.operations import operation_of
from handgrad.operations.structure import index as part_of
from handgrad.paths import reaching
from handgrad.running.evaluate import value_of
from handgrad.running.units import Index
from handgrad.solution import Trace, Zeroed
from handgrad.solution.silencing import INFLUENCE_SIZE, Silencing, would_move
from handgrad.solution.units import Units

MOST_SOMETIMES = 1024
"""The most units of a layer, shut in some cases only, that are searched for what they zero there."""

MOST_APART = 8
"""The most cases that are looked at by themselves, where gradients differ from case to case."""


def zero_parts(trace: Trace) -> tuple[ZeroPart, ...]:
    """The zero entries of the gradients, grouped by the reason for them."""
    return zeros(trace)[0]


def zeros(trace: Trace) -> tuple[tuple[ZeroPart, ...], int]:
    """The zero entries grouped by reason, and how many are not explained because there are too many."""
    found = _Zeros(trace)
    return found.parts(), found.untold


@dataclass
class _Zeros:
    trace: Trace
    found: dict[ZeroPart, list[Zeroed]] = field(default_factory=dict)
    untold: int = 0

    def __post_init__(self) -> None:
        self.graph = self.trace.graph
        self.values = {k: np.asarray(v, dtype=float) for k, v in self.trace.run.numbers.items()}
        self.silencing = Silencing(self.graph)
        self.steps = made_in(self.trace)
        self.gates = gates_of(self.trace)
        self.choices = Choices(self.trace)
        self.shares = Shares(self.trace, self.silencing, self._never, self._reason)

    def parts(self) -> tuple[ZeroPart, ...]:
        for name in differentiated(self.trace):
            gradient = total_gradient(self.trace, name)
            if self.graph.nodes[name].batched:
                gradient = np.abs(gradient).max(axis=-1)
            zero = {tuple(int(i) for i in e) for e in np.argwhere(gradient == 0)}
            if zero:
                self._explain(name, zero)
        for pre_activation, unit in self.gates.by_pre_activation.items():
            self._in_some_cases(pre_activation, unit)
        for name in differentiated(self.trace):
            if self.graph.nodes[name].batched:
                self._nothing_in_some_cases(name)
        self._case_by_case()
        for name in differentiated(self.trace):
            if self.graph.nodes[name].batched:
                self.untold += self._untold_by_case(name)
        whole = [
            replace(
                part,
                zeroed=tuple(dict.fromkeys(zeroed)),
                shown_in=in_order(self._step(Adjoint(z.name)) for z in zeroed),
            )
            for part, zeroed in self.found.items()
        ]
        return tuple(sorted(whole, key=lambda part: CAUSES.index(part.cause)))

    def _add(self, part: ZeroPart, zeroed: list[Zeroed]) -> None:
        for each in zeroed:
            apart = bool(part.cases) and self.graph.nodes[each.name].batched
            self.found.setdefault(replace(part, apart=apart), []).append(each)

    def _explain(self, name: str, zero: set[Index]) -> None:
        gradient = self.graph.gradients[name]
        shape = self.graph.nodes[name].shape
        if not gradient.reached:
            self._add(ZeroPart((), "unreached", Name(name)), [Zeroed.of(name, shape, sorted(zero))])
            return
        apart = sorted(e for e in zero if not reaching(self.graph)[name][e])
        if apart:
            self._add(ZeroPart((), "unreached", Name(name)), _by_rows(name, shape, apart))
        zero = zero - set(apart)
        left = zero - self._given_off(name, zero)
        limited = int(np.prod(shape)) > INFLUENCE_SIZE
        if len(gradient.parts) == 1:
            besides: list[tuple[ZeroPart, set[Index]]] = []
            for leaf in leaves(gradient.parts[0].formula):
                never = self._never(leaf)
                limited = limited or int(never.sum()) > UNITS
                for unit in np.argwhere(never)[:UNITS]:
                    index = tuple(int(i) for i in unit)
                    gone = self._silenced(name, leaf, index) & zero
                    reason = self._reason(leaf, index)
                    shut = gone and reason.cause == "shut_gate"
                    if shut and not self._decides(name, leaf, index, gone):
                        besides.append((reason, gone))
                        continue
                    self._add(reason, [Zeroed.of(name, shape, sorted(gone))] if gone else [])
                    left -= gone
            for reason, gone in besides:
                if still := gone & left:
                    self._add(reason, [Zeroed.of(name, shape, sorted(still))])
                    left -= still
            left -= self._along_lines(name, left, Name)
            left -= self._nothing_at_all(name, left)
            for choice, gone in self.choices.silenced(name, left) if not limited else ():
                self._add(self._other_taken(choice), _by_rows(name, shape, sorted(gone)))
                left -= gone
            left -= self._along_lines(name, left, Adjoint)
            alternating = sorted(self._in_each_case(name, gradient.parts[0].formula) & left)
            if alternating:
                told = [Zeroed.of(name, shape, alternating)]
                self._add(ZeroPart((), "factor_in_each_case"), told)
                left -= set(alternating)
        elif not limited:
            for told_of_shares, entries in self.shares.of(name, left):
                self._add(told_of_shares, _by_rows(name, shape, sorted(entries)))
                left -= entries
        if left and limited:
            # Of what differs from case to case they are counted case by case.
            self.untold += 0 if self.graph.nodes[name].batched else len(left)
        elif left:
            part = self._zero_factor(name) if left == {()} else None
            rest = [Zeroed.of(name, shape, sorted(left))]
            self._add(part or ZeroPart((), "at_these_numbers"), rest)

    def _never(self, leaf: Leaf) -> Mask:
        """Which entries of a value are zero, in every case."""
        zero: Mask = np.asarray(self.values[leaf] == 0)
        never: Mask = np.asarray(zero.all(axis=-1) if leaf in self.graph.batched_leaves else zero)
        return never

    def _along_lines(self, name: str, left: set[Index], kind: type[Leaf]) -> set[Index]:
        """The entries of a gradient that vanish with a row or column of a value, or of a gradient, that is zero throughout."""
        shape, gone = self.graph.nodes[name].shape, set[Index]()
        for leaf in leaves(self.graph.gradients[name].parts[0].formula):
            for axis, position in _lines(self._never(leaf)) if isinstance(leaf, kind) else ():
                line = (*[slice(None)] * axis, position)
                if found := (self._silenced(name, leaf, line) & left) - gone:
                    told = [Zeroed.of(name, shape, sorted(found))]
                    self._add(self._reason_of_line(leaf, axis, position), told)
                    gone |= found
        return gone

    def _nothing_at_all(self, name: str, left: set[Index]) -> set[Index]:
        """Of a gradient that is the pull-back of one that is zero throughout, all entries: a pull-back is linear in it."""
        for leaf in leaves(self.graph.gradients[name].parts[0].formula) if left else ():
            if isinstance(leaf, Adjoint) and self._never(leaf).all():
                part = self._nothing_arrives(leaf, ())
                told = [Zeroed.of(name, self.graph.nodes[name].shape, sorted(left))]
                self._add(part if leaf.shape == () else replace(part, about=leaf, value=None), told)
                return left
        return set()

    def _decides(self, name: str, leaf: Leaf, index: Index, gone: set[Index]) -> bool:
        """Whether a gate that is shut keeps entries of a gradient at 0: with it open they would be other than 0."""
        if isinstance(leaf, Adjoint):
            instead = self.gates.by_pre_activation[leaf.name].arriving[index]
        else:
            instead = np.asarray(1.0)
        return would_move(self.trace.run, name, leaf, index, instead, gone)

    def _silenced(self, name: str, leaf: Leaf, unit: tuple[Any, ...]) -> set[Index]:
        """The entries of a gradient that vanish with an entry, or with a row or column, of a value."""
        every = [z for z in self.silencing.zeroed(leaf, unit) if z.name == name]
        # What a maximum picks at these numbers may bring an entry another share.
        return {entry for z in every for entry in z.entries}

    def _nothing_in_some_cases(self, name: str) -> None:
        """Of a gradient that differs from case to case, the cases in which no gradient arrives."""
        gradient = self.graph.gradients[name]
        if len(gradient.parts) != 1:
            return
        zero = (total_gradient(self.trace, name) == 0).reshape(
            -1, self.values[Name(name)].shape[-1]
        )
        shape = self.graph.nodes[name].shape
        for leaf in leaves(gradient.parts[0].formula):
            if not isinstance(leaf, Adjoint) or leaf not in self.graph.batched_leaves:
                continue
            value = self.values[leaf]
            silent = (value == 0).reshape(-1, value.shape[-1]).all(axis=0) & zero.all(axis=0)
            if silent.any() and not silent.all():
                part = ZeroPart(
                    zeroed=(),
                    cause="nothing_arrives",
                    about=leaf,
                    value=None if value.ndim > 1 else 0.0,
                    step=self._step(leaf),
                    cases=tuple(int(c) for c in np.flatnonzero(silent)),
                    of=self.graph.loss,
                )
                self._add(part, [Zeroed.of(name, shape, list(np.ndindex(shape)))])

    def _untold_by_case(self, name: str) -> int:
        """Of a gradient that differs from case to case, how many zeros no reason covers in their case."""
        return int(self._open_by_case(name).sum())

    def _open_by_case(self, name: str) -> Mask:
        """Of a gradient that differs from case to case, the zeros that no reason covers in their case."""
        gradient = total_gradient(self.trace, name)
        told = np.zeros(gradient.shape, dtype=bool)
        for part, zeroed in self.found.items():
            for entry in (e for z in zeroed if z.name == name for e in z.entries):
                told[(*entry, list(part.cases) or slice(None))] = True
        open_: Mask = (gradient == 0) & ~told
        return open_

    def _case_by_case(self) -> None:
        """Of gradients that differ from case to case, zeros of some cases: the reasons that each case by itself has."""
        names = [n for n in differentiated(self.trace) if self.graph.nodes[n].batched]
        open_ = {name: self._open_by_case(name) for name in names}
        cases = sorted({int(c) for o in open_.values() for c in np.argwhere(o)[:, -1]})
        for case in cases[:MOST_APART]:
            alone = solved_alike(self.trace, self.trace.problem.of_case(case))
            if alone is None:
                continue
            for part in zero_parts(alone):
                zeroed = [
                    Zeroed.of(z.name, self.graph.nodes[z.name].shape, kept)
                    for z in part.zeroed
                    if z.name in open_
                    if (kept := [e for e in z.entries if open_[z.name][(*e, case)]])
                ]
                reason = replace(
                    part, zeroed=(), shown_in=(), cases=(case,), of=self.graph.loss, apart=True
                )
                self._add(reason, zeroed)

    def _given_off(self, name: str, zero: set[Index]) -> set[Index]:
        """Of a pre-activation that is given, the entries that their own gates silence."""
        unit = self.gates.by_pre_activation.get(name)
        off = {i for i in zero if unit is not None and unit.shut[i].all()}
        for index in sorted(off):
            shape = self.graph.nodes[name].shape
            self._add(self._reason(Adjoint(name), index), [Zeroed.of(name, shape, [index])])
        return off

    def _in_each_case(self, name: str, formula: Expression) -> set[Index]:
        """The entries of a gradient that some factor zeroes in each of the cases, one here and another there."""
        silent: dict[Index, set[int]] = {}
        batched = [leaf for leaf in leaves(formula) if leaf in self.graph.batched_leaves]
        for leaf in batched:
            zero = self.values[leaf] == 0
            for unit in np.argwhere(zero.any(axis=-1))[:UNITS]:
                index = tuple(int(i) for i in unit)
                cases = {int(c) for c in np.flatnonzero(zero[index])}
                for part in self.silencing.zeroed(leaf, index):
                    for entry in part.entries if part.name == name else ():
                        silent.setdefault(entry, set()).update(cases)
        count = self.values[batched[0]].shape[-1] if batched else 0
        return {entry for entry, cases in silent.items() if len(cases) == count}

    def _reason(self, leaf: Leaf, index: Index) -> ZeroPart:
        """Why an entry of a factor is zero in every case."""
        if isinstance(leaf, Adjoint):
            unit = self.gates.by_pre_activation.get(leaf.name)
            if unit is None:
                return self._nothing_arrives(leaf, index)
            output = self.gates.outputs.get(leaf.name)
            if output is not None and (unit.arriving[index] == 0).all():
                return self._nothing_arrives(Adjoint(output), index, output)
            if unit.shut[index].all():
                return self._shut(unit, index)
            if output is None:
                return self._nothing_arrives(leaf, index)
            return ZeroPart((), "zero_value", leaf.entry(index), 0.0, step=self._step(leaf))
        unit = self.gates.by_value.get(leaf.name)
        if unit is not None and unit.shut[index].all():
            return self._shut(unit, index)
        node = self.graph.nodes.get(leaf.name)
        given = node is not None and node.kind == "data"
        cause: Cause = "zero_input" if given else "zero_value"
        return ZeroPart((), cause, Name(leaf.name).entry(index), 0.0, step=self._step(leaf))

    def _reason_of_line(self, leaf: Leaf, axis: int, position: int) -> ZeroPart:
        """What is zero, of a row or column of a factor that is zero in every case."""
        at: tuple[int | Slice, ...] = (*[Slice()] * axis, position)
        shape = self.graph.shape(leaf)
        about = replace(part_of(leaf, at=at), shape=shape[:axis] + shape[axis + 1 :])
        given = leaf.name in self.trace.problem.data and isinstance(leaf, Name)
        cause: Cause = "zero_input" if given else "zero_value"
        cause = "nothing_arrives" if isinstance(leaf, Adjoint) else cause
        return ZeroPart((), cause, about, step=self._step(leaf))

    def _other_taken(self, choice: Choice) -> ZeroPart:
        return ZeroPart(
            zeroed=(),
            cause="other_taken",
            about=choice.call,
            operation=choice.call.operation,
            step=self._step(Name(choice.equation)),
        )

    def _shut(self, unit: Units, index: Index, cases: tuple[int, ...] = ()) -> ZeroPart:
        z = unit.z[index]
        return ZeroPart(
            zeroed=(),
            cause="shut_gate",
            about=unit.pre_activation.entry(index),
            value=None if unit.batched else float(z),
            operation=unit.operation,
            step=unit.step,
            cases=cases,
            of=self.graph.loss if cases else "",
        )

    def _nothing_arrives(self, leaf: Adjoint, index: Index, activation: str = "") -> ZeroPart:
        after = [
            self.gates.by_pre_activation.get(c) for c in self.graph.consumers.get(activation, ())
        ]
        silent = [u.activation for u in after if u is not None and u.shut.all()]
        return ZeroPart(
            zeroed=(),
            cause="nothing_arrives",
            about=Adjoint(leaf.name).entry(index),
            value=0.0,
            step=self._step(Adjoint(leaf.name)),
            behind=silent[0] if silent and len(silent) == len(after) else "",
        )

    def _zero_factor(self, name: str) -> ZeroPart | None:
        """The factor that is zero, where a scalar's gradient is a product."""
        formula = self.graph.gradients[name].total
        if not isinstance(formula, Call) or not isinstance(operation_of(formula).notation, Product):
            return None
        for factor in formula.arguments:
            if np.all(value_of(factor, self.values, set(self.graph.batched_leaves)) == 0):
                if isinstance(factor, Name | Adjoint):
                    return self._reason(factor, ())
                return ZeroPart((), "zero_factor", factor, 0.0, step=self._step(Adjoint(name)))
        return None

    def _in_some_cases(self, name: str, unit: Units) -> None:
        """What a gate that is shut in some cases zeroes in their gradients."""
        if not unit.gate or not unit.batched:
            return
        count = unit.z.shape[-1]
        made = [n for n, u in self.gates.by_value.items() if u is unit]
        for position in np.argwhere(unit.shut.any(axis=-1))[:MOST_SOMETIMES]:
            index = tuple(int(i) for i in position)
            cases = tuple(int(c) for c in np.flatnonzero(unit.shut[index]))
            if len(cases) < count:
                own = [Zeroed.of(name, unit.z.shape[:-1], [index])]
                zeroed = [
                    *(own if name in differentiated(self.trace) else ()),
                    *self.silencing.zeroed(Adjoint(name), index),
                    *(z for n in made for z in self.silencing.zeroed(Name(n), index)),
                ]
                self._add(self._shut(unit, index, cases), zeroed)

    def _step(self, leaf: Leaf) -> str:
        return self.steps.get(leaf, "")


def _by_rows(name: str, shape: Shape, entries: list[Index]) -> list[Zeroed]:
    """The entries of a matrix that make up whole rows row by row; others, and those of other arrays, together."""
    length = shape[-1] if len(shape) == 2 else len(entries)
    rows = [entries[k : k + length] for k in range(0, len(entries), length)]
    apart = len(entries) < int(np.prod(shape))
    if apart and all(len(r) == length and len({e[:1] for e in r}) == 1 for r in rows):
        return [Zeroed.of(name, shape, row) for row in rows]
    return [Zeroed.of(name, shape, entries)]


def _lines(zero: Mask) -> Iterator[tuple[int, int]]:
    """The rows and columns of a matrix that are zero throughout: the axis that they lie across, and the position there."""
    if zero.ndim == 2:
        for axis in (0, 1):
            yield from ((axis, int(k)) for k in np.flatnonzero(zero.all(axis=1 - axis)))
