"""Working one unit: the place chosen, its row forward, the gradient back, its own parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from handgrad.arrays import Array, Mask
from handgrad.collector import paused
from handgrad.errors import NumberError, OptionError
from handgrad.expression import Call, Expression, Name
from handgrad.graph import Activation, Graph, build
from handgrad.operations.gates import is_open
from handgrad.options import whole_number
from handgrad.problem import Problem
from handgrad.problem.parts import Part, with_named_activations
from handgrad.running import Plan, Run
from handgrad.solution import Trace, TraceLine, as_on_paper, opened
from handgrad.solution.sum_lines import SumLine, Summand
from handgrad.solution.sums import Sums
from handgrad.solution.updating import Updating
from handgrad.unit.answer import UnitSolution
from handgrad.unit.rows import own_entries
from handgrad.unit.structure import Chosen, Fired, OwnEntry, OwnGradient
from handgrad.unit.target import WHERE, UnitTarget, read_target

TOP = 8
"""Terms that are listed."""

MOST = 1000
"""Terms that can be listed."""

UPDATED = 3
"""New numbers that are worked out."""


@paused()
@np.errstate(all="ignore")
def solve_unit(
    problem: Problem, unit: str, *, case: int | None = None, top: int = TOP
) -> UnitSolution:
    """One unit worked out by itself: its weighted sum, its activation, the gradient that arrives and passes,
    the gradients of its own weights and their update.

    Of each sum the `top` largest terms are listed, and what the rest adds up to.

    Arguments:
        problem: the network and its numbers.
        unit: which one, counted from 0: `h2[7]`, a channel `c1[12]`, an entry of it such as `h2[17,7]`,
            or a weight of it, `W2[7,3]`.
        case: the case, or the example in the arrays, that is worked; by default the one in which the largest gradient passes it.
        top: how many terms of a sum to list.

    Raises `OptionError` for a unit or a case that the problem does not have, and `NumberError` where a gradient that
    arrives or passes is not finite in floats.

        >>> handgrad.solve_unit(handgrad.load("lab9"), "h2[0]").passing[0].value.__round__(4)
        -0.2192
    """
    whole_number(top, 1, MOST, "--top")
    if any(given.batched for given in problem.parameters.values()):
        what = "the problem's parameters have cases: many networks, not one"
        raise OptionError(what, where=WHERE, mend="work a unit of one network at a time")
    named, parts = with_named_activations(problem)
    graph = build(named)
    target = read_target(problem.respelled(unit), graph)
    run = as_on_paper(named, graph)
    return _Working(problem, named, graph, run, parts, target, top).made(unit.strip(), case)


@dataclass
class _Working:
    problem: Problem
    named: Problem
    graph: Graph
    run: Run
    parts: Mapping[str, Part]
    target: UnitTarget
    top: int

    def made(self, asked: str, case: int | None) -> UnitSolution:
        row = self.target.row
        at, worked, chosen = self._place(case)
        self.at = at
        self.sums = Sums(self.graph, self.run, worked, self.top)
        forward = [self.sums.forward(name, at) for name in reversed(row.names)]
        arriving: list[SumLine] = []
        passing: list[SumLine] = []
        if row.activation is not None:
            forward.append(self.sums.forward(row.value, at))
        if self.graph.gradients[row.value].reached:
            arriving = self._arriving(row.value)
        for name in row.names if row.activation is not None else row.names[1:]:
            if self.graph.gradients[name].reached:
                passing += self._arriving(name)
        own = tuple(self._own(name, entries) for name, entries in self.own_entries.items())
        return UnitSolution(
            problem=self.problem,
            asked=asked,
            value=Name(row.value, shape=()).entry(at),
            pre_activation=Name(row.pre, shape=()).entry(at),
            case=worked,
            chosen=chosen,
            activation=row.activation.call.operation if row.activation is not None else "",
            gate=row.activation is not None and row.activation.gate,
            fired=self._fired(row.activation, worked) if row.activation is not None else None,
            forward=tuple(forward),
            arriving=tuple(arriving),
            passing=tuple(passing),
            own=own,
            example=tuple(self._examples(own)),
            updates=tuple(self._updates(own)),
            parts={name: part.formula for name, part in self.parts.items()},
            loss=self.graph.cost,
            losses=dict.fromkeys(self._of_one_case(), self.graph.loss),
            top=self.top,
        )

    def _arriving(self, name: str) -> list[SumLine]:
        """The gradient of a value at the place that is worked.

        Where it is not finite in floats, such as 1/(1 − p) at p = 1, the solution may be right all the same: a loss's
        stable form passes it by.
        """
        lines = self.sums.backward(name, self.at)
        told = [
            x for line in lines for x in (line.value, line.rest, *(t.value for t in line.terms))
        ]
        if not np.isfinite(told).all():
            at = f"[{','.join(map(str, self.at))}]" if self.at else ""
            raise NumberError(
                f"the gradient with respect to {name}{at} is not finite",
                mend="a local derivative on the way is infinite or undefined at these numbers",
            )
        return lines

    def _of_one_case(self) -> list[str]:
        """What differs from case to case: it has the gradient of its own case's loss."""
        graph = self.graph
        return [n for n, node in graph.nodes.items() if node.batched and n != graph.cost]

    # -- the place -------------------------------------------------------------------------------

    @property
    def _cases(self) -> int | None:
        """How many cases the unit's value has; None where it is the same in all, or there are none."""
        if not self.graph.nodes[self.target.row.pre].batched:
            return None
        return int(np.shape(self.run.value(self.target.row.pre))[-1])

    @cached_property
    def _example_axis(self) -> int | None:
        """The axis of the value along which examples lie; None where they are cases, or there is one."""
        shape, axes = self.target.layer.shape, self.target.layer.axes
        if self._cases is not None or len(shape) < 2:
            return None
        if 0 not in axes:
            return 0
        return 1 if len(shape) == 2 and 1 not in axes else None

    def _place(self, case: int | None) -> tuple[tuple[int, ...], int | None, Chosen]:
        """The index that is worked, its case, and why it is this one."""
        layer, row = self.target.layer, self.target.row
        value = np.asarray(self.run.value(row.pre), dtype=float)
        value = value if self._cases is not None else value[..., None]
        passing = np.zeros(value.shape)
        if self.graph.gradients[row.pre].reached:
            found = np.asarray(self.run.gradient(row.pre), dtype=float)
            passing = np.abs(found if self._cases is not None else found[..., None])
        allowed: Mask = np.zeros(value.shape, dtype=bool)
        wanted = (
            self.target.entry if self.target.entry is not None else layer.select(self.target.unit)
        )
        allowed[wanted] = True
        if case is not None:
            allowed &= self._of_case(case, value.shape)
            if not allowed.any():
                what = f"{case} is another example than the entry that is asked for"
                raise OptionError(what, where="--case", mend="leave one of the two out")
        chosen: Chosen = "gradient" if passing[allowed].any() else "value"
        if np.count_nonzero(allowed) == 1:
            chosen = "asked"
        ranked = np.where(allowed, passing if chosen == "gradient" else value, -np.inf)
        *at, last = map(int, np.unravel_index(int(np.argmax(ranked)), value.shape))
        return tuple(at), last if self._cases is not None else None, chosen

    def _of_case(self, case: int, shape: tuple[int, ...]) -> Mask:
        """Which entries are of one case, or of one example."""
        axis = len(shape) - 1 if self._cases is not None else self._example_axis
        if axis is None:
            what = f"{self.target.row.value} has no cases, and no examples along an axis"
            raise OptionError(what, where="--case", mend="leave it out")
        if not 0 <= case < shape[axis]:
            mend = f"they count from 0 to {shape[axis] - 1}"
            raise OptionError(f"there is no case {case}", where="--case", mend=mend)
        found: Mask = np.zeros(shape, dtype=bool)
        at: list[int | slice] = [slice(None)] * len(shape)
        at[axis] = case
        found[tuple(at)] = True
        return found

    def _fired(self, activation: Activation, case: int | None) -> Fired | None:
        if not activation.gate:
            return None
        layer = self.target.layer
        value = np.asarray(self.run.value(self.target.row.pre), dtype=float)
        open_ = is_open(value, splits_ties=activation.splits_ties)
        own = open_[layer.select(self.target.unit)]
        here = open_[self.at]
        kind: Literal["case", "row", "column", "position"] = "position"
        if self._cases is not None and layer.positions == 1:
            kind = "case"
        elif len(layer.shape) == 2 and self._example_axis is not None:
            kind = "row" if self._example_axis == 0 else "column"
        worked = here[case] if np.ndim(here) and case is not None else here
        return Fired(int(np.count_nonzero(own)), int(np.size(own)), kind, bool(worked))

    # -- its own parameters ----------------------------------------------------------------------

    @cached_property
    def own_entries(self) -> Mapping[str, tuple[tuple[int, ...], ...]]:
        """By parameter, the entries that are the unit's own at any of its positions, in order."""
        found: dict[str, dict[tuple[int, ...], None]] = {}
        at = self.target.layer.select(self.target.unit)
        for name in reversed(self.target.row.names):
            for parameter, entries in own_entries(self.graph, name, at).items():
                found.setdefault(parameter, {}).update(dict.fromkeys(entries))
        return {name: tuple(entries) for name, entries in found.items()}

    def _own(self, name: str, entries: tuple[tuple[int, ...], ...]) -> OwnGradient:
        where = tuple(np.asarray(entries, dtype=int).T) if entries[0] else ()
        value = np.atleast_1d(np.asarray(self.run.value(name), dtype=float)[where])
        reached = self.graph.gradients[name].reached
        whole = np.asarray(self.run.gradient(name), dtype=float) if reached else None
        gradient = np.zeros(value.shape) if whole is None else np.atleast_1d(whole[where])
        order = [int(k) for k in np.argsort(-np.abs(gradient), kind="stable")[: self.top]]
        weight = self.target.weight
        if weight is not None and weight[0] == name and weight[1] in entries:
            asked = entries.index(weight[1])
            order = [asked, *(k for k in order if k != asked)][: self.top]
        updated = self.updated.get(name)
        after = None if updated is None else np.atleast_1d(np.asarray(updated)[where])
        rest = np.delete(gradient, order)
        return OwnGradient(
            parameter=name,
            entries=tuple(
                OwnEntry(
                    Name(name, shape=()).entry(entries[k]),
                    float(value[k]) + 0.0,
                    float(gradient[k]) + 0.0,
                    None if after is None else float(after[k]) + 0.0,
                )
                for k in order
            ),
            count=len(entries),
            zeros=int(np.count_nonzero(gradient == 0)),
            norm=float(np.linalg.norm(gradient)),
            rest_norm=float(np.linalg.norm(rest)),
        )

    def _examples(self, own: tuple[OwnGradient, ...]) -> Iterator[SumLine]:
        """How the gradient of the first entry listed of each parameter comes about."""
        mean = self.problem.reduction == "mean"
        for each in own:
            gradient = self.graph.gradients[each.parameter]
            if not gradient.reached:
                continue
            index = index_of(each.entries[0].entry)
            if gradient.per_case is not None:
                yield self.sums.over_cases(each.parameter, index, mean)
            else:
                yield from self.sums.backward(each.parameter, index)

    # -- the update ------------------------------------------------------------------------------

    @cached_property
    def _updating(self) -> tuple[Mapping[str, Array], tuple[TraceLine, ...]]:
        if self.problem.update is None:
            return {}, ()
        plan = Plan(self.graph)
        updating = Updating(self.named, self.graph, plan, self.run, 4)
        lines = tuple(updating.lines())
        return updating.parameters, lines

    @property
    def updated(self) -> Mapping[str, Array]:
        """By parameter, what an update makes of it."""
        return self._updating[0]

    def _updates(self, own: tuple[OwnGradient, ...]) -> Iterator[SumLine]:
        """The new number of the first entry listed of each parameter."""
        lines = {line.target.name: line for line in self._updating[1] if line.role == "updated"}
        trace = Trace(self.named, self.graph, self.run, (), {}, (), 4)
        for each in own[:UPDATED]:
            line = lines.get(each.parameter)
            if line is None:
                continue
            index = index_of(each.entries[0].entry)
            if line.shape:
                (line,) = opened(trace, line, [index])
            value = float(np.asarray(line.value))
            entry = each.entries[0].entry
            formula = lines[each.parameter].formula
            term = Summand(line.formula, line.substituted, value)
            yield SumLine(entry, formula, value, (term,), 1, 0.0, 1.0, updates=True)


def index_of(entry: Expression) -> tuple[int, ...]:
    """The index of an entry; empty for a number."""
    at = entry.option("at") if isinstance(entry, Call) else ()
    return tuple(i for i in at if isinstance(i, int)) if isinstance(at, tuple) else ()
