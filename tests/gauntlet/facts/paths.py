"""Answers to why: paths and their factors, terms and theirs, each derivative by PyTorch."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np

import handgrad
from handgrad.expression import Call
from handgrad.paths import Cause, WhyGradient, WhyValue, WhyWhole
from handgrad.paths.structure import Blame, Entry, Factor, Path, ZeroGroup
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.claim import Claims, Found, claims_of, near
from tests.gauntlet.facts.paged import LONGEST, entries
from tests.gauntlet.facts.source import Facts, problem_text, renamed
from tests.gauntlet.facts.worked import opened

TINY = 0.05
"""A factor smaller than this in size is pointed out, as it is documented."""

TOP = 10
"""Paths, or terms, that are listed, as it is documented."""

RESIDUE = 1e-12
"""What floats leave of a gradient that is 0."""

MOST_COUNTED = 200
"""Paths of one answer that are all listed, to be counted by what makes them 0."""

UNDERFLOWING = 1e-140
"""From here on down the product of two numbers may be less than any float."""

MOST_PATHS = 12
"""Paths of one answer that are followed."""


def of_whys(facts: Facts) -> Claims:
    """Why some entries, drawn by the seed, are what they are."""
    for entry in entries(facts)[:LONGEST]:
        why = facts.why(entry)
        if why is not None:
            yield from of_why(why, facts)


def of_wholes(facts: Facts) -> Claims:
    """Why the whole gradients of the parameters are what they are."""
    for name in facts.oracle.parameters:
        try:
            why = handgrad.why(facts.problem, name)
        except handgrad.HandgradError:
            continue
        if isinstance(why, WhyWhole):
            yield from claims_of("why: a whole gradient", _whole(why, opened(facts)), why)


def _whole(why: WhyWhole, facts: Facts) -> Found:
    gradient = np.asarray(facts.at.gradients[why.name], dtype=float)
    largest = float(np.abs(gradient).max(initial=0.0))
    yield why.size == gradient.size, f"it has {gradient.size} entries"
    yield near(why.norm, float(np.linalg.norm(gradient)), 1e-8), "another norm"
    least, most = (np.count_nonzero(abs(gradient) <= rest) for rest in (0.0, RESIDUE))
    yield least <= why.zeros <= most, f"from {least} to {most} of them are 0"
    for each in why.entries:
        theirs = gradient[each.entry.index]
        yield abs(each.value - theirs) <= 1e-9 * max(1.0, largest), f"the entry is {theirs}"
    if why.entries:
        yield near(abs(why.entries[0].value), largest, 1e-8), f"the largest is {largest}"
    yield why.cause is None or largest <= RESIDUE, "a cause of what is not 0"
    yield why.cause is not None or largest > 0, "no cause of what is 0"
    if why.cause is not None:
        yield from _cause(why.cause, why.name, facts)


def _cause(cause: Cause, name: str, facts: Facts) -> Found:
    if cause.kind == "no_path":
        yield name not in facts.reaching, "a path leads to the loss"
        return
    yield name in facts.reaching, "no path leads to the loss"
    for place in {cause.passed, cause.stopped} - {facts.oracle.loss, name}:
        yield not _leads_around(name, place, facts), f"a path leads around {place}"
    stopped = np.asarray(facts.at.gradients[cause.stopped])
    yield not (abs(stopped) > RESIDUE).any(), f"a gradient arrives at {cause.stopped}"
    passed = np.asarray(facts.at.gradients[cause.passed])
    if cause.passed != facts.oracle.loss:
        yield bool(passed.any()), f"no gradient arrives at {cause.passed}"
    if cause.kind in ("gates_shut", "zero_factor"):
        yield cause.stopped in facts.uses[cause.passed], f"{cause.passed} is made without it"
    if cause.kind == "gates_shut":
        value = np.asarray(facts.at.values[cause.stopped])
        arrives = abs(np.broadcast_to(passed, value.shape)) > RESIDUE
        yield cause.units * cause.places == value.size, f"there are {value.size} gates"
        gate = facts.rectified(cause.stopped) if cause.stopped in facts.targets else None
        open_ = value > 0
        if isinstance(gate, Call) and gate.operation == "relu":
            z = gate.arguments[0]
            open_ = facts.opens(z, facts.values(z, facts.differs(z)))
        yield cause.shut == np.count_nonzero(~open_), "another count of shut gates"
        least, most = (np.count_nonzero(abs(np.broadcast_to(passed, value.shape)) > rest) for rest in (RESIDUE, 0.0))  # fmt: skip
        yield least <= cause.arriving <= most, f"it arrives at {least} to {most}"
        yield not (arrives & open_).any(), "an open gate at which a gradient arrives"
    if cause.kind == "zero_factor":
        yield not np.asarray(facts.at.values[cause.factor]).any(), f"{cause.factor} is not 0"
        yield cause.factor in facts.uses[cause.passed], f"{cause.passed} is made without it"


def _leads_around(name: str, place: str, facts: Facts) -> bool:
    """Whether a path leads from a name to the loss by equations other than that of a place."""
    reached = {name}
    for target in facts.oracle.order:
        if target != place and facts.uses[target] & reached:
            reached.add(target)
    return facts.oracle.loss in reached


def of_why(why: WhyGradient | WhyValue, facts: Facts) -> Claims:
    """One answer."""
    facts = replace(facts, parts=why.parts)
    if isinstance(why, WhyGradient):
        yield from claims_of("why: a gradient", _gradient(why, facts), why.entry)
        yield from claims_of("why: paths that are 0", _zeros(why, facts), why.zeros)
        for path in why.paths[:MOST_PATHS]:
            yield from claims_of("why: a path", _path(path, why, facts), path)
    else:
        yield from claims_of("why: a value", _value(why, facts), (why.entry, why.terms))


def _gradient(why: WhyGradient, facts: Facts) -> Found:
    name, index = why.entry.name, why.entry.index
    if name not in facts.at.gradients:
        return
    averaged = why.loss == facts.oracle.cost
    if averaged or name not in facts.oracle.batched:
        theirs = np.asarray(facts.at.gradients[name])[index]
        if theirs.ndim == 0 and np.isfinite(theirs):
            holds = near(why.value, float(theirs), 1e-8)
            holds = holds or abs(why.value - theirs) <= _unsettled(why, facts)
            yield holds, f"the gradient is {theirs}"
    else:
        of_cases = np.asarray(facts.at.case_gradients[name])[index]
        apart = [abs(why.value - float(g)) for g in np.ravel(of_cases)]
        holds = any(near(why.value, float(g), 1e-8) for g in np.ravel(of_cases))
        holds = holds or min(apart) <= _unsettled(why, facts)
        yield holds, f"gradients {of_cases}"
    sizes = [abs(p.product) for p in why.paths]
    yield (
        all(a >= b * (1 - 1e-12) for a, b in itertools.pairwise(sizes)),
        "not the largest first",
    )
    yield len(why.paths) <= why.path_count, "more paths than there are"
    yield 0 <= why.covered <= 1, "more than all"
    yield len(why.paths) == min(TOP, why.path_count), "not as many paths as there are"
    if len(why.paths) == why.path_count:
        yield near(sum(p.product for p in why.paths), why.value, 1e-8), "the paths do not add up"
        yield near(why.covered, 1.0), "all the paths are all"
    yield why.path_count > 0 or why.value == 0, "a path leads to the loss"
    yield why.case_count in (1, facts.cases), f"there are {facts.cases} cases"


def _unsettled(why: WhyGradient, facts: Facts) -> float:
    """How far the last digits of the numbers in the factors of its paths may move a gradient."""
    of_paths = 0.0
    for path in why.paths:
        share = 0.0
        for factor in path.factors:
            if factor.value:
                share = max(share, _apart(factor, path.case or 0, facts) / abs(factor.value))
        of_paths += abs(path.product) * share
    return 4 * of_paths / max(why.covered, 1e-9)


def _apart(factor: Factor, case: int, facts: Facts) -> float:
    """How far the last digits of the numbers in a factor may move it, as of 1/(1 − p) where p is nearly 1."""
    if factor.formula is None:
        return 0.0
    draws = [float(facts.moved(seed).value(factor.formula, case)) for seed in range(8)]
    return max(draws) - min(draws)


def _path(path: Path, why: WhyGradient, facts: Facts) -> Found:
    # An equation that uses a value twice is led through twice: only together are these its derivative.
    way = _named(path, facts)
    beside = [p for p in why.paths if p.case == path.case and _named(p, facts) == way]
    alone = len(beside) == 1 and len(why.paths) == why.path_count
    yield near(path.product, math.prod(f.value for f in path.factors) * path.share, 1e-9), "product"
    yield path.through[0] == why.entry, "it begins elsewhere"
    yield path.through[-1].name == facts.oracle.loss, "it ends elsewhere"
    mean = why.case_count > 1 and facts.oracle.reduction == "mean"
    # One path for all the cases has the share of them all.
    every = why.case_count if path.case is None else 1
    yield near(path.share, every / why.case_count if mean else every), "another share"
    ends = [(f.of, f.by) for f in path.factors]
    yield (
        ends == list(zip(path.through, path.through[1:], strict=False)),
        "its factors are of another way",
    )
    if path.case is None and facts.cases > 1 and why.case_count == 1:
        return  # which case is asked about stands in the question
    for case in range(facts.cases) if path.case is None else [path.case]:
        for factor in path.factors:
            yield from _factor(factor, case, facts, alone)
    if len(beside) > 1 and len(why.paths) == why.path_count and path.case is not None:
        steps = [_derivative(of, by, path.case, facts) for of, by in itertools.pairwise(way)]
        if all(d is not None and np.isfinite(d) for d in steps):
            together = math.prod(d for d in steps if d is not None) * path.share
            yield near(sum(p.product for p in beside), together, 1e-7), f"together {together}"


def _underflows(facts: Facts) -> bool:
    """Whether a product of two of its numbers may be 0 in floats though neither is."""
    numbers = (*facts.at.values.values(), *facts.at.gradients.values())
    return any(((a != 0) & (abs(np.asarray(a)) < UNDERFLOWING)).any() for a in numbers)


def _zeros(why: WhyGradient, facts: Facts) -> Found:
    """The groups of the paths that are 0: their counts, and the reason of each in all of its cases."""
    total = sum(group.count for group in why.zeros)
    yield all(group.count > 0 for group in why.zeros), "a group of no paths"
    yield total <= why.path_count, f"the groups have {total} paths"
    by_factor = [any(f.value == 0 for f in path.factors) for path in why.paths]
    yield total >= sum(by_factor), f"{sum(by_factor)} paths with a factor of 0 are listed"
    if all(by_factor) and (len(why.paths) == why.path_count or not _underflows(facts)):
        yield (
            total == why.path_count,
            f"all {why.path_count} paths are 0, and the groups have {total}",
        )
    paths = _all_paths(why, facts)
    if paths is not None:
        said = {_reason(g.kind, g.entry, g.cases): g.count for g in why.zeros}
        counted: dict[Any, int] = {}
        cases_of: dict[Any, set[int | None]] = {}
        for path in paths:
            first = next((f for f in path.factors if f.value == 0), None)
            if first is not None and first.blame is not None:
                kind = (first.blame.kind, first.blame.entry, path.case is None)
                counted[kind] = counted.get(kind, 0) + 1
                cases_of.setdefault(kind, set()).add(path.case)
        theirs = {
            _reason(
                kind, entry, () if same else tuple(c for c in cases_of[key] if c is not None)
            ): n
            for key, n in counted.items()
            for kind, entry, same in [key]
        }
        yield said == theirs, f"counted one by one they are {theirs}"
    for group in why.zeros:
        yield from _zero_group(group, why, facts)


def _reason(kind: str, entry: Entry, cases: tuple[int, ...]) -> tuple[str, Entry, tuple[int, ...]]:
    return kind, entry, tuple(sorted(cases))


def _all_paths(why: WhyGradient, facts: Facts) -> tuple[Path, ...] | None:
    """All the paths of an answer, where they are few enough and it is known which case is asked about."""
    if len(why.paths) == why.path_count:
        return why.paths
    if why.path_count > MOST_COUNTED or (facts.cases > 1 and why.case_count == 1):
        return None
    try:
        every = handgrad.why(facts.problem, why.asked, why.path_count)
    except handgrad.HandgradError:
        return None
    return every.paths if isinstance(every, WhyGradient) else None


def _zero_group(group: ZeroGroup, why: WhyGradient, facts: Facts) -> Found:
    yield len(group.values) == max(1, len(group.cases)), "not a number for each case"
    yield len(set(group.cases)) == len(group.cases), "a case named twice"
    yield all(0 <= case < why.case_count for case in group.cases), "no such case"
    if group.step:
        makes = [s for s in facts.trace._steps if s.id == group.step]
        yield bool(makes) and makes[0].phase == "forward", "no such step"
    if group.kind in ("value", "slope"):
        yield not any(group.values), f"{group.entry} is not 0"
    if group.kind == "gate_shut":
        yield max(group.values) <= 0 and group.operation == "relu", "that gate is open"
    if group.entry.name not in facts.at.values or group.kind == "slope":
        return
    if not group.cases and why.case_count == 1 and facts.cases > 1:
        return  # which case is asked about stands in the question
    for case, said in zip(group.cases or (0,), group.values, strict=False):
        if case < facts.cases:
            value = _entry(facts, group.entry, case)
            yield near(said, value), f"{group.entry} is {value} in case {case}"


def _named(path: Path, facts: Facts) -> tuple[Entry, ...]:
    """The way of a path through what the problem names, without the parts of equations."""
    known = {*facts.targets, *facts.oracle.parameters, *facts.oracle.data}
    return tuple([entry for entry in path.through if entry.name in known])


def _derivative(of: Entry, by: Entry, case: int, facts: Facts) -> float | None:
    known = {*facts.targets, *facts.oracle.parameters, *facts.oracle.data}
    return _local(facts, of, by, case) if {of.name, by.name} <= known else None


def _factor(factor: Factor, case: int, facts: Facts, alone: bool) -> Found:
    known = {*facts.targets, *facts.oracle.parameters, *facts.oracle.data}
    if factor.of.name in known and factor.by.name in known:
        if alone:
            # One with the loss goes through the activation, or beside it where the loss has it apart.
            ways = (True, False) if factor.shortcut else (False,)
            local = [_local(facts, factor.of, factor.by, case, way) for way in ways]
            finite = [d for d in local if d is not None and np.isfinite(d)]
            if finite:
                said = f"d{factor.by}/d{factor.of} is {finite}"
                rest = 4 * _apart(factor, case, facts)
                yield (
                    any(
                        near(factor.value, d, 1e-7) or abs(factor.value - d) <= rest for d in finite
                    ),
                    said,
                )
        if factor.formula is not None:
            given = float(np.asarray(facts.value(factor.formula, case)))
            if np.isfinite(given):
                rest = 4 * _apart(factor, case, facts)
                holds = near(factor.value, given, 1e-8) or abs(factor.value - given) <= rest
                yield holds, f"the formula gives {given}"
    if factor.step:
        makes = [s for s in facts.trace._steps if s.id == factor.step]
        yield bool(makes) and makes[0].phase == "forward", "no such step"
    if factor.blame is not None:
        yield abs(factor.value) < TINY, "it is not small"
        yield from _blame(factor.blame, case, facts)


def _blame(blame: Blame, case: int, facts: Facts) -> Found:
    if blame.entry.name in facts.at.values and blame.kind != "slope":
        value = _entry(facts, blame.entry, case)
        yield near(blame.value, value), f"{blame.entry} is {value}"
    if blame.kind == "gate_shut":
        yield blame.value <= 0 and blame.operation == "relu", "that gate is open"


def _entry(facts: Facts, entry: Entry, case: int) -> float:
    array = np.asarray(facts.at.values[entry.name])
    return float((array[..., case] if entry.name in facts.oracle.batched else array)[entry.index])


def _local(
    facts: Facts, used_entry: Entry, entry: Entry, case: int, shortcut: bool = False
) -> float | None:
    """How an equation's entry depends on an entry that it uses, everything else held."""
    of, by = used_entry.name, entry.name
    equations = dict(facts.oracle.equations)
    if shortcut or of not in facts.uses.get(by, ()):
        # A loss and the activation before it taken as one: the activation's formula in its place.
        inner = [n for n in facts.uses.get(by, ()) if n in equations and of in facts.uses[n]]
        if len(inner) != 1 or not shortcut:
            return None
        equations[by] = renamed(equations[by], inner[0], f"({equations[inner[0]]})")
    used = {n for n in facts.at.values if n not in facts.oracle.parameters} - {
        by,
        facts.oracle.cost,
    }
    used &= {n for n in facts.at.values if n in _names_of(equations[by], facts)}
    values = {n: (facts.at.values[n], n in facts.oracle.batched) for n in used}
    at = list(entry.index)
    probe = f"probe_of_it{at if at else ''}"
    text = problem_text(
        facts.text,
        [("probe_of_it", equations[by]), ("probe_of_entry", f"1*{probe}")],
        {n: v for n, v in values.items() if n not in facts.oracle.data},
        loss="probe_of_entry",
    )
    oracle = type(facts.oracle)(text)
    found: Any = oracle.run().case_gradients[of]
    found = found[..., case] if found.ndim > len(used_entry.index) else found
    return float(np.asarray(found)[used_entry.index])


def _names_of(equation: str, facts: Facts) -> set[str]:
    return {n for n in facts.at.values if renamed(equation, n, "") != equation}


def _value(why: WhyValue, facts: Facts) -> Found:
    known: Any = (
        np.ravel(facts.at.values[why.entry.name]) if why.entry.name in facts.at.values else ()
    )
    if len(known):
        if why.entry.name not in facts.oracle.batched:
            known = [np.asarray(facts.at.values[why.entry.name])[why.entry.index]]
        yield any(near(why.value, float(v)) for v in known), f"its entries are {known}"
    yield len(known) > 0 or why.entry.name in why.parts, "no such value"
    yield why.given == (why.entry.name in {**facts.oracle.parameters, **facts.oracle.data}), "given"
    batched = facts.cases > 1
    for link in why.links:
        put_in = terms.both_ways(lambda f=link.substituted: terms.value(f, _none))  # type: ignore[misc]
        yield (
            any(near(link.value, float(np.asarray(x)), 1e-8) for x in put_in),
            f"the numbers put in give {put_in}",
        )
        if not batched and _is_known(link.formula, facts):
            given = terms.both_ways(lambda f=link.formula: facts.value(f))  # type: ignore[misc]
            yield (
                any(near(link.value, float(np.asarray(x)), 1e-8) for x in given),
                f"the formula of {link.entry} gives {given}",
            )
    yield len(why.terms) == min(TOP, why.term_count), "not as many terms as there are"
    yield 0 <= why.covered <= 1, "more than all"
    yield len(why.terms) < why.term_count or near(why.covered, 1.0), "all the terms are all"
    if why.terms:
        sizes = [abs(t.product) for t in why.terms]
        yield sizes == sorted(sizes, reverse=True), "not the largest first"
        for term in why.terms:
            yield (
                near(term.product, math.prod(term.factors), 1e-9),
                f"{term.formula} is no such product",
            )
            theirs = float(np.asarray(terms.value(term.substituted, _none)))
            yield near(term.product, theirs, 1e-8), f"the numbers put in give {theirs}"
        if len(why.terms) == why.term_count:
            total = sum(t.product for t in why.terms)
            yield near(total, why.links[-1].value, 1e-8), f"the terms add up to {total}"


def _none(leaf: terms.Leaf, case: int) -> Any:
    raise KeyError(leaf)


def _is_known(formula: Any, facts: Facts) -> bool:
    return all(leaf.name in facts.at.values for leaf in terms.leaves_of(formula))
