"""One unit worked by itself: its sums add up as they are listed, each number is PyTorch's, and nothing larger is left out."""

from __future__ import annotations

from typing import Any

import numpy as np

import handgrad
from handgrad.expression import Adjoint, Call, Expression, Name, walk
from handgrad.problem.parts import with_named_activations
from handgrad.solution.sum_lines import SumLine
from handgrad.unit import OwnGradient, UnitSolution
from tests.gauntlet.facts.claim import Claims, Found, claims_of, near
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.terms import both_ways

MOST = 3
"""Units of a problem that are worked."""


def of_units(facts: Facts) -> Claims:
    """Some entries of what the equations compute, drawn by the seed, and an entry of a parameter."""
    for asked in units(facts):
        try:
            unit = handgrad.solve_unit(facts.problem, asked, top=3)
        except handgrad.HandgradError:
            continue
        yield from of_unit(unit, facts)


def units(facts: Facts) -> list[str]:
    """Units by whole indices, as a person would ask for them."""
    draw = np.random.default_rng(facts.seed)
    names = [n for n in (*facts.targets, *facts.oracle.parameters) if n in facts.at.values]
    found = []
    for name in draw.permutation(names)[:MOST]:
        shape = np.shape(facts.at.values[name])
        shape = shape[:-1] if name in facts.oracle.batched else shape
        at = ",".join(str(draw.integers(n)) for n in shape)
        found.append(f"{name}[{at}]" if at else str(name))
    return found


def opened(facts: Facts) -> Facts:
    """The same problem with an equation for every activation and for what that is applied to, which a unit's are."""
    if "opened" not in facts.__dict__:
        named, parts = with_named_activations(facts.problem)
        facts.__dict__["opened"] = Facts.of(named, type(facts.oracle)) if parts else facts
    found: Facts = facts.__dict__["opened"]
    return found


def of_unit(unit: UnitSolution, facts: Facts) -> Claims:
    """One unit's solution."""
    facts = opened(facts)
    for line in (*unit.forward, *unit.arriving, *unit.passing, *unit.example):
        yield from claims_of("unit: a line", of_line(line, unit.case or 0, facts), line)
    for own in unit.own:
        yield from claims_of("unit: its own gradients", _own(own, unit, facts), own)
    for line in unit.updates:
        yield from claims_of("unit: an update", _update(line, facts), line)
    yield from claims_of("unit", _unit(unit, facts), unit)


def _unit(unit: UnitSolution, facts: Facts) -> Found:
    case = unit.case or 0
    pre, index = _split(unit.pre_activation)
    array = np.asarray(_all(pre, facts))
    yield near(unit.forward[-1].value, float(facts.value(unit.value, case))), "another value"
    yield unit.forward[-1].target == unit.value, "its value is not what the row ends in"
    if unit.fired is not None:
        # Every place has the entries of the unit's own weights: how many places there are follows from them.
        yield 0 <= unit.fired.open <= unit.fired.places <= array.size, "more places than there are"
        at = array[index + ((case,) if array.ndim > len(index) else ())]
        shut = not facts.opens_at(unit.pre_activation, at)
        yield not (shut and unit.fired.open == unit.fired.places), "a place where it is shut"
        yield shut or unit.fired.open > 0, "it is open here"
    yield unit.gate == (unit.fired is not None), "a gate fires"
    name, _ = _split(unit.value)
    reached = name in facts.reaching and name != facts.oracle.loss
    # What a stable form passes by, such as the m of ln Σ exp(z − m), gets none though it is in the equations.
    yield bool(unit.arriving) <= reached, "a gradient arrives where no path leads to the loss"
    if unit.case is not None:
        yield 0 <= unit.case < facts.cases, f"there are {facts.cases} cases"


def _all(name: str, facts: Facts) -> Any:
    """A value in all cases."""
    return facts.values(Name(name), name in facts.oracle.batched)


def _unsettled(line: SumLine, case: int, facts: Facts) -> float:
    """How far the last digits of the numbers in its terms may move a line."""
    found = 0.0
    for term in line.terms:
        at = case if term.case is None else term.case
        draws = [float(np.asarray(facts.moved(k).value(term.formula, at))) for k in range(8)]
        found += max(draws) - min(draws)
    return 4 * found


def of_line(line: SumLine, case: int, facts: Facts) -> Found:
    """One number as the sum of its terms."""
    yield len(line.terms) <= line.count, "more terms than there are"
    listed = sum(t.value for t in line.terms)
    # Of terms that cancel, floats keep the digits that the largest has.
    digit = 1e-15 * max((abs(t.value) for t in line.terms), default=0.0)
    adds_up = (
        near(listed + line.rest, line.value, 1e-8)
        or abs(listed + line.rest - line.value) <= max(digit, _unsettled(line, case, facts))
        or any(
            _subnormal(t.formula, t.case if t.case is not None else case, facts) for t in line.terms
        )
    )
    yield adds_up, f"the terms and the rest are {listed + line.rest}"
    if len(line.terms) == line.count:
        yield line.rest == 0, "nothing is left"
    yield 0 <= line.covered <= 1, "more than all"
    for term in line.terms:
        of = term.case if term.case is not None else case
        for formula in (term.formula, term.substituted):
            found = both_ways(lambda f=formula, case=of: float(facts.value(f, case)))  # type: ignore[misc]
            yield any(near(term.value, x, 1e-8) for x in found), f"{formula} comes to {found}"
    if not (isinstance(line.target, Adjoint) and line.target.through):
        theirs = _number(line.target, case, facts)
        yield near(line.value, theirs, 1e-8), f"it is {theirs}"
    sizes = [abs(t.value) for t in line.terms if not _is_parameter(t.formula, facts)]
    yield sizes == sorted(sizes, reverse=True), "not the largest first"


def _subnormal(formula: Expression, case: int, facts: Facts) -> bool:
    """Whether a part of a formula is so small that floats keep few of its digits."""
    sizes = (np.abs(np.asarray(facts.value(part, case), dtype=float)) for part in walk(formula))
    return any(((size > 0) & (size < np.finfo(float).tiny)).any() for size in sizes)


def _number(target: Expression, case: int, facts: Facts) -> float:
    return float(np.asarray(facts.value(target, case)))


def _is_parameter(formula: Expression, facts: Facts) -> bool:
    if isinstance(formula, Call) and formula.operation == "negate":
        formula = formula.arguments[0]
    return _split(formula)[0] in facts.oracle.parameters


def _own(own: OwnGradient, unit: UnitSolution, facts: Facts) -> Found:
    gradient = np.asarray(facts.at.gradients[own.parameter], dtype=float)
    value = np.asarray(facts.at.values[own.parameter], dtype=float)
    yield own.count <= gradient.size, "more entries than there are"
    largest = float(np.abs(gradient).max(initial=0.0))
    for each in own.entries:
        name, at = _split(each.entry)
        yield name == own.parameter, "an entry of another parameter"
        yield near(each.value, float(value[at])), f"its number is {value[at]}"
        close = abs(each.gradient - gradient[at]) <= 1e-9 * max(1.0, largest)
        yield close, f"its gradient is {gradient[at]}"
    listed = sum(e.gradient**2 for e in own.entries)
    yield near(own.norm**2, listed + own.rest_norm**2, 1e-7), "the norms do not add up"
    yield own.norm <= float(np.linalg.norm(gradient)) * (1 + 1e-9) + 1e-12, "larger than the whole"
    yield own.zeros <= own.count, "more zeros than entries"
    if len(own.entries) == own.count:
        yield own.zeros == sum(e.gradient == 0 for e in own.entries), "another count of zeros"
        yield own.rest_norm == 0, "nothing is left"


def _update(line: SumLine, facts: Facts) -> Found:
    (term,) = line.terms
    put_in = float(facts.value(term.substituted))
    yield near(put_in, line.value, 1e-8), f"the numbers put in come to {put_in}"


def _split(entry: Expression) -> tuple[str, tuple[int, ...]]:
    """The name and the index of an entry."""
    at: Any = ()
    if isinstance(entry, Call) and entry.option("at") is not None:
        at = entry.option("at")
        entry = entry.arguments[0]
    name = entry.name if isinstance(entry, Name | Adjoint) else ""
    return name, tuple(at)
