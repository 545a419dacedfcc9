"""Steps: each line's value is what its formula gives with PyTorch's numbers, and its steps are those it uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handgrad.expression import Adjoint, Expression, Literal, Name
from handgrad.solution import Step, TraceLine
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.claim import Claim, Claims, Found, claims_of, close
from tests.gauntlet.facts.source import Facts
from tests.gauntlet.facts.updating import Updated, settings


def of_steps(facts: Facts) -> Claims:
    """What every step of a solution says in its lines."""
    made: dict[terms.Leaf, str] = {}
    updates = 0
    for step in facts.trace._steps:
        updates += step.kind == "update"
        yield from of_step(step, facts, made, updates)
        for line in step.lines:
            if line.role != "per_case" and step.kind != "loss_after":
                made[line.target] = step.id


def of_step(step: Step, facts: Facts, made: dict[terms.Leaf, str], update: int = 0) -> Claims:
    """One step; `made` says in which step before it each value was last computed."""
    used = {made.get(leaf) for line in step.lines for leaf in terms.leaves_of(line.formula)}
    if step.kind == "loss_after":
        number = int(step.id.partition(".")[2])
        # The steps with the formulas, and the update just before it.
        used = {*(made.get(line.target) for line in step.lines), f"3.{number - 1}"}
    yield Claim(
        "step uses", set(step.uses) == used - {None}, f"{step.id} uses {step.uses}, not {used}"
    )
    phase = {"forward": "1", "backward": "2", "update": "3"}[step.phase]
    yield Claim("step number", step.id.split(".")[0] == phase, f"{step.id} in {step.phase}")
    known: dict[terms.Leaf, Any] = {}
    for line in step.lines:
        where = f"step {step.id}, {line.role} of {line.target}"
        if step.kind == "loss_after":
            yield from claims_of("line after an update", _line_again(line, facts, update), where)
        elif step.phase == "update":
            yield from claims_of(
                "line of an update", _update_line(line, facts, update, known), where
            )
        else:
            yield from claims_of("line", _line(line, facts), where)


def _line(line: TraceLine, facts: Facts) -> Found:
    given = facts.values(line.formula, line.batched)
    if np.isfinite(given).all():
        put_in = numbers_only(line.substituted, line.batched, facts.cases)
        holds = close(line.value, given), close(line.value, put_in)
        if not all(holds):
            # Where the numbers cancel, their own last digits are seen in what is left.
            rest = unsettled(line.substituted, line.batched, facts.cases)
            before = max(rest, unsettled_before(line, facts, given))
            holds = within(line.value, given, before), within(line.value, put_in, rest)
        yield holds[0], f"{line.value}, formula {given}"
        yield holds[1], f"{line.value}, numbers put in {put_in}"
    theirs = _named(line, facts)
    if theirs is not None:
        yield close(line.value, theirs, 1e-8), f"{line.value}, PyTorch {theirs}"
    shape = np.shape(line.value)[:-1] if line.batched else np.shape(line.value)
    yield tuple(line.shape) == shape, f"shape {line.shape}"


def numbers_only(
    formula: Expression,
    batched: bool,
    cases: int,
    literal: Callable[[Literal], Any] = terms.as_floats,
) -> Any:
    """The value of a formula that has numbers in place of every name."""

    def none(leaf: terms.Leaf, case: int) -> Any:
        raise KeyError(leaf)

    each = [
        terms.value(formula, none, k, cases, literal) for k in (range(cases) if batched else (0,))
    ]
    return np.stack(each, axis=-1) if batched else each[0]


def unsettled(formula: Expression, batched: bool, cases: int) -> float:
    """How far the last digits of the numbers in a formula may move its value."""
    generator = np.random.default_rng(0)

    def moved(literal: Literal) -> Any:
        numbers = terms.as_floats(literal)
        # Of numbers near the smallest float a last digit is a larger share.
        digit = np.where(numbers == 0, 0, np.maximum(2.2e-16 * np.abs(numbers), np.spacing(0.0)))
        return numbers + digit * generator.choice((-1, 1), np.shape(numbers))

    # What a moved digit leaves of a sum is no rest to be cleaned away: it is what is sought.
    with terms.as_floats_are():
        plain = numbers_only(formula, batched, cases)
        draws = [numbers_only(formula, batched, cases, moved) for _ in range(8)]
    with np.errstate(all="ignore"):
        found = 4 * float(
            np.max([np.max(np.abs(np.asarray(d - plain, dtype=float)), initial=0.0) for d in draws])
        )
    return found if np.isfinite(found) else 0.0


def unsettled_before(line: TraceLine, facts: Facts, given: Any) -> float:
    """How far the last digits of what a formula leads back to may move its value."""
    with terms.as_floats_are():
        draws = [facts.moved(seed).values(line.formula, line.batched) for seed in range(4)]
    with np.errstate(all="ignore"):
        found = 4 * float(
            np.max([np.max(np.abs(np.asarray(d - given, dtype=float)), initial=0.0) for d in draws])
        )
    return found if np.isfinite(found) else 0.0


def within(ours: Any, theirs: Any, rest: float) -> bool:
    """Whether two arrays have one shape and agree but for so much."""
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= rest)


def _named(line: TraceLine, facts: Facts) -> Any:
    """PyTorch's own number for what a line computes, where the problem has a name for it."""
    name, at = line.target.name, facts.at
    if isinstance(line.target, Name):
        return at.values.get(name)
    if line.target.through or name not in at.gradients:
        return None
    if line.role == "per_case":
        return at.case_gradients[name]
    return _alike(at.gradients[name], line, facts)


def _alike(array: Any, line: TraceLine, facts: Facts) -> Any:
    """A gradient of a batched name that is the same in every case has no cases in a line."""
    if line.batched or line.target.name not in facts.oracle.batched:
        return array
    return array[..., 0] if np.all(array == array[..., :1]) else array


def updating(facts: Facts, known: Mapping[terms.Leaf, Any]) -> terms.Lookup:
    """The numbers that the formulas of the first update are made of; `known` are those of lines before."""
    given = settings(facts.oracle)

    def leaf(each: terms.Leaf, case: int) -> Any:
        if each in known:
            return known[each]
        if isinstance(each, Name) and each.name not in facts.at.values:
            if each.name in given:
                return np.asarray(given[each.name])
            # What is remembered of a parameter starts at 0.
            owner = each.name.partition("_")[2]
            return np.zeros_like(facts.oracle.parameters.get(owner, np.zeros(())))
        return facts.leaf(each, case)

    return leaf


def _shown_gradients(facts: Facts) -> dict[terms.Leaf, Any]:
    """The parameters' gradients as the solution has them."""
    run = facts.trace.run
    return {Adjoint(n): run.gradient(n) for n in facts.oracle.parameters if n in facts.at.gradients}


def _line_again(line: TraceLine, facts: Facts, update: int) -> Found:
    """A line of the forward pass after so many updates."""
    put_in = numbers_only(line.substituted, line.batched, facts.cases)
    # A stable loss may have a number where the written one has none.
    if np.isfinite(put_in).all():
        rest = unsettled(line.substituted, line.batched, facts.cases)
        holds = close(line.value, put_in) or within(line.value, put_in, rest)
        yield holds, f"{line.value}, numbers put in {put_in}"
    yield np.shape(line.value) == (*line.shape, *[facts.cases] * line.batched), "another shape"
    theirs = Updated.of(facts).values(update).get(line.target.name)
    if theirs is not None and np.isfinite(theirs).all():
        yield close(line.value, theirs, 1e-7), f"{line.value}, PyTorch {theirs}"


def _update_line(line: TraceLine, facts: Facts, update: int, known: dict[terms.Leaf, Any]) -> Found:
    put_in = numbers_only(line.substituted, line.batched, facts.cases)
    yield close(line.value, put_in), f"{line.value}, numbers put in {put_in}"
    if update == 1 and not line.batched:
        given = terms.value(line.formula, updating(facts, known))
        if not close(line.value, given):
            # A memory of a gradient far below its own rounding takes a step of full size: the gradients are
            # judged where they stand, and are taken as they are shown.
            given = terms.value(line.formula, updating(facts, {**_shown_gradients(facts), **known}))
        yield close(line.value, given), f"{line.value}, formula {given}"
        if line.role != "updated":
            known[line.target] = line.value
    yield np.shape(line.value) == (*line.shape, *[facts.cases] * line.batched), "another shape"
    if line.role == "updated":
        theirs = Updated.of(facts).after(update)[line.target.name]
        yield close(line.value, theirs, 1e-7), f"{line.value}, PyTorch {theirs}"
