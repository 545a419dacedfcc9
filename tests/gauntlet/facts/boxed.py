"""Gates over a box of inputs: no unit that is said to be dead fires anywhere in it, and bounds are bounds.

PyTorch is run on corners, middles and points drawn from the box; and interval arithmetic of this file's own, on the
box as a whole, says how high a bound may be at most.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

import handgrad
from handgrad.audit import Audit
from handgrad.audit.structure import Layer, Unit
from handgrad.expression import Call, Literal, Name
from tests.gauntlet.facts.claim import Claims, Found, claims_of
from tests.gauntlet.facts.source import Facts

POINTS = 24
"""Inputs of a box on which PyTorch is run."""

SKIPPED = 0.6
"""The share of problems that are not asked about."""

WIDEST = 40
"""Numbers in what the box is of, at most."""


def of_boxes(facts: Facts) -> Claims:
    """The audit of a problem over a box of one of its inputs."""
    name = _input(facts)
    if name is None:
        return
    draws = random.Random(facts.seed * 32452843 + zlib.crc32(facts.text.encode()))
    if draws.random() < SKIPPED:
        return
    size = draws.choice((0.1, 0.5, 1.0, 2.0))
    given = facts.oracle.data[name]
    centre = given[..., 0] if name in facts.oracle.batched else given
    box = {name: (centre - size, centre + size)}
    try:
        audit = handgrad.gates(facts.problem, over=box, tighten=draws.random() < 0.3)
    except handgrad.HandgradError:
        return
    if not (audit.rows or audit.columns):
        yield from of_boxed(audit, facts)


def _input(facts: Facts) -> str | None:
    """What a parameter is multiplied with."""
    if not facts.oracle.parameters:
        return None
    names = [
        n
        for n, a in facts.oracle.data.items()
        if n not in facts.oracle.places and 0 < a.size <= WIDEST and np.ndim(a) - (n in facts.oracle.batched) == 1
        and any(n in facts.uses[t] and facts.uses[t] & set(facts.oracle.parameters) for t in facts.targets)
    ]  # fmt: skip
    return names[0] if names else None


def of_boxed(audit: Audit, facts: Facts) -> Claims:
    """What is said of units over a box."""
    points = list(_points(audit, facts))
    runs = [facts.under(facts.oracle.run(p, gradients=False)) for p in points]
    for layer in audit.layers:
        if not layer.gate:
            continue
        try:
            z: Any = np.stack([_most(run, layer, facts) for run in runs])
        except KeyError:
            continue
        bound = _bound(layer, audit, facts)
        for unit in audit.of(layer.name):
            if unit.certificate is not None:
                decided = unit.certificate.decided
                about = layer.name, unit.unit, unit.verdict, unit.certificate
                found = _unit(unit, z[(slice(None), *unit.unit)], bound, layer, facts)
                yield from claims_of(f"gates over a box: {decided}", found, about)


def _unit(unit: Unit, z: Any, bound: Any, layer: Layer, facts: Facts) -> Found:
    said = unit.certificate
    assert said is not None
    largest = float(z.max())
    slack = 1e-9 * max(1.0, abs(largest))
    yield largest <= said.upper + slack, f"{largest} is attained"
    # On cases outside the box it may fire all the same.
    proved = said.decided == "dead" and not unit.fired
    yield (unit.verdict == "provably_dead") == proved, f"it is {said.decided}"
    if bound is not None:
        above = float(bound[unit.unit])
        yield said.upper <= above + 1e-6 * max(1.0, abs(above)), f"{above} bounds it too"
    if said.decided == "dead":
        yield said.upper <= 0, "the bound is positive"
        yield largest <= slack, f"it fires: {largest}"
    else:
        yield said.upper > 0, "the bound is not positive"
    if said.decided == "fires":
        assert said.witness is not None
        changes = {}
        for name, value in said.witness.items():
            given = facts.oracle.data[name]
            array = np.reshape(np.asarray(value, dtype=float), np.shape(given)[:-1] if name in facts.oracle.batched else np.shape(given))  # fmt: skip
            if name in facts.oracle.batched:
                array = np.repeat(array[..., None], facts.cases, axis=-1)
            changes[name] = array
        run = facts.under(facts.oracle.run(changes, gradients=False))
        at = _most(run, layer, facts)[unit.unit]
        yield bool(at > -1e-9), f"there it is {at}"


def _points(audit: Audit, facts: Facts) -> Any:
    """Inputs in the box: its middle, its two ends, and points and corners at random."""
    generator = np.random.default_rng(facts.seed)
    for k in range(POINTS):
        changes = {}
        for name, (low, high) in audit.over.items():
            low, high = np.asarray(low), np.asarray(high)
            batched = name in facts.oracle.batched
            shape = (*low.shape, facts.cases) if batched else low.shape
            share = generator.random(shape)
            share = {0: 0 * share + 0.5, 1: 0 * share, 2: 0 * share + 1}.get(k, share)
            share = np.rint(share) if k % 2 else share
            ends = [a[..., None] if batched else a for a in (low, high)]
            changes[name] = ends[0] + (ends[1] - ends[0]) * share
        yield changes


def _most(run: Facts, layer: Layer, facts: Facts) -> Any:
    """By unit, the largest pre-activation over positions and cases."""
    formula = layer.pre_activation
    batched = facts.differs(formula)
    z = np.asarray(run.values(formula, batched), dtype=float)
    z = z if batched else z[..., None]
    rest = tuple(k for k in range(z.ndim) if k not in layer.axes)
    return z.max(axis=rest)


# -- intervals ------------------------------------------------------------------------------------


def _bound(layer: Layer, audit: Audit, facts: Facts) -> Any:
    """The upper bound of interval arithmetic; None where a formula has what this file does not know."""
    known: dict[str, Any] = {}
    for name, array in {**facts.oracle.parameters, **facts.oracle.data}.items():
        batched = name in facts.oracle.batched
        low, high = (array.min(axis=-1), array.max(axis=-1)) if batched else (array, array)
        if name in audit.over:
            low, high = map(np.asarray, audit.over[name])
        known[name] = low, high
    try:
        for target in facts.oracle.order:
            try:
                known[target] = _interval(facts.written(target), known)
            except KeyError:
                continue
        _, high = _interval(layer.pre_activation, known)
    except KeyError:
        return None
    rest = tuple(k for k in range(np.ndim(high)) if k not in layer.axes)
    return np.asarray(high).max(axis=rest)


def _interval(formula: Any, known: Mapping[str, Any]) -> Any:
    match formula:
        case Literal() if not formula.batched:
            return np.asarray(formula.value, dtype=float), np.asarray(formula.value, dtype=float)
        case Name():
            low, high = known[formula.name]
            return low, high
        case Call():
            return INTERVALS[formula.operation](*[_interval(a, known) for a in formula.arguments])
        case _:
            raise KeyError(formula)


def _matmul(a: Any, b: Any) -> tuple[Any, Any]:
    if np.ndim(a[0]) > 2 or np.ndim(b[0]) > 2:
        raise KeyError("matmul")
    rows, columns = np.ndim(a[0]) == 1, np.ndim(b[0]) == 1
    left = [x[None] if rows else x for x in a]
    right = [x[:, None] if columns else x for x in b]
    each = np.stack([x[:, :, None] * y[None] for x in left for y in right])
    low, high = each.min(axis=0).sum(axis=1), each.max(axis=0).sum(axis=1)
    at = (0 if rows else slice(None), 0 if columns else slice(None))
    return low[at], high[at]


def _times(a: Any, b: Any) -> tuple[Any, Any]:
    each = [x * y for x in a for y in b]
    return np.minimum.reduce(each), np.maximum.reduce(each)


def _rising(function: Any) -> Any:
    return lambda a: (function(a[0]), function(a[1]))


INTERVALS: Mapping[str, Any] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "subtract": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "negate": lambda a: (-a[1], -a[0]),
    "multiply": _times,
    "matmul": _matmul,
    "dot": _matmul,
    "relu": _rising(lambda x: np.maximum(x, 0)),
    "tanh": _rising(np.tanh),
    "exp": _rising(np.exp),
    "sigmoid": _rising(lambda x: 1 / (1 + np.exp(-x))),
}
"""By operation, the ends of its result from those of its arguments."""
