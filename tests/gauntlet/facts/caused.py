"""Why a unit of a training fires again, what moved its own weights, and which units never will.

Derived by PyTorch from the problem's text: a unit's pre-activation with its layer's parameters from one look and
all the rest from another; training made again without what the rule remembers, without decay, without penalties;
and what has a gradient at all while some units are shut.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.study import OverTraining
from handgrad.study.over_training import UnitEvent
from tests.gauntlet.facts.claim import Found, near
from tests.gauntlet.facts.formulas import gated, same, unpenalised
from tests.gauntlet.facts.mixing import Gate, Mixed, changed, gradients
from tests.gauntlet.facts.reviving import REMEMBERED, frozen, is_still
from tests.gauntlet.facts.source import Facts, problem_text
from tests.gauntlet.facts.updating import Optimiser, Updated

MOST_EQUATIONS = 600
"""Equations, in each case of each update, that are computed to train on, at most."""


def of_shares(event: UnitEvent, study: OverTraining, facts: Facts, was: float) -> Found:
    """The share of an event's change that its own weights made; `was` is its number before, in that case."""
    mixed = Mixed.of(gate_of(event.layer, study), facts)
    if mixed is None:
        return
    old, new = (Updated.of(facts).after(k) for k in (event.since, event.step))
    z = mixed.numbers(new, old)[event.unit]
    own = z.reshape(-1, facts.cases)[:, event.case].max() if z.size > 1 else z.max()
    yield near(event.own, own - was, 1e-6), f"its own weights make {own - was}"


def of_cause(event: UnitEvent, study: OverTraining, facts: Facts) -> Found:
    """Why a unit fires again, and what moved its own weights."""
    if event.kind == "died":
        yield event.cause == "" and event.own_by == (), "a unit that died has no cause to fire"
        return
    mixed = Mixed.of(gate_of(event.layer, study), facts)
    if mixed is None:
        return
    old, new = (Updated.of(facts).after(k) for k in (event.since, event.step))
    by_own = mixed.fires(new, old, event.unit)
    by_below = mixed.fires(old, new, event.unit)
    cause = {
        (True, True): "either",
        (True, False): "own",
        (False, True): "below",
        (False, False): "together",
    }[by_own, by_below]
    yield event.cause == cause, f"the cause is {cause}"
    if cause in ("own", "either"):
        if event.own_by:
            ways = _ways(event, mixed, study, facts)
            yield set(event.own_by) == set(ways), f"its own weights were moved by {ways}"
    else:
        yield event.own_by == (), "its own weights were not enough"


def of_never(study: OverTraining, facts: Facts) -> Found:
    """The units that are said never to fire again."""
    units = [(gate_of(name, study), unit) for name, unit in study.never]
    return for_good(units, facts, study.steps[-1])


def gate_of(name: str, study: OverTraining) -> Gate:
    """The gate of one of a training's layers."""
    layer = next((x for x in study.layers if x.name == name), None)
    if layer is None:
        raise KeyError(name)
    return Gate(layer.name, layer.pre, layer.facts.axes, layer.shape)


def for_good(units: Sequence[tuple[Gate, tuple[int, ...]]], facts: Facts, last: int) -> Found:
    """Units that are off after `last` updates do not fire again, and nothing can move them."""
    if all(is_still(gate.name, facts) for gate, _ in units):
        return
    settings, still = Optimiser(facts.oracle.update).s, frozen(facts)
    rule = facts.oracle.update.get("rule", "sgd")
    known = [(Mixed.of(gate, facts), unit) for gate, unit in units]
    shut = [(mixed, unit) for mixed, unit in known if mixed is not None]
    if len(shut) < len(known) or any(
        entries.any() for m, u in shut for n, entries in m.influence(u).items() if n not in still
    ):
        yield not settings["weight_decay"], "decay moves them"
        yield not settings.get(REMEMBERED.get(rule, ""), 0.0), "what the rule remembers moves them"
    if len(shut) == len(known):
        moving = _moving(facts, shut)
        for mixed, unit in shut:
            moved = [
                n
                for n, entries in mixed.influence(unit).items()
                if n not in still and moving[n][:, entries].any()
            ]
            yield not moved, f"{mixed.gate.name}{unit}: {moved} can move it"
    updated = Updated.of(facts)
    each = len(facts.targets) * max(1, facts.cases) * facts.oracle.pace
    on = last + max(1, min(200, MOST_EQUATIONS // each))
    before, after = updated.after(last), updated.after(on)
    numbers = {
        m: [m.numbers(at, at) for at in (before, after)] for m in dict.fromkeys(m for m, _ in shut)
    }
    for mixed, unit in shut:
        for name, entries in mixed.influence(unit, own=True).items():
            same = np.allclose(
                np.asarray(before[name])[entries], np.asarray(after[name])[entries], 1e-12, 0
            )
            yield same, f"{mixed.gate.name}{unit}: its {name} has moved after {on} updates"
        now, later = (z[unit] for z in numbers[mixed])
        if np.isfinite(later).all():
            yield (
                not facts.opens(mixed.gate.pre, later).any(),
                f"{mixed.gate.name}{unit}: it fires after {on} updates",
            )
            yield (
                np.allclose(now, later, 1e-9, 1e-12),
                f"{mixed.gate.name}{unit}: z has moved after {on}",
            )


# -- what has a gradient ---------------------------------------------------------------------------------


def _moving(
    facts: Facts, shut: Sequence[tuple[Mixed, tuple[int, ...]]], penalties: bool = True
) -> dict[str, Any]:
    """The gradients of the parameters while these units are shut and the others open a little, at some numbers."""
    oracle = facts.oracle
    trees = {t: deepcopy(oracle.tree(t)) for t, _ in oracle.equations}
    if not penalties:
        trees = unpenalised(oracle, trees)
    masks: dict[str, tuple[Any, bool]] = {}
    for k, mixed in enumerate(dict.fromkeys(m for m, _ in shut)):
        name = f"mask_of_{k}"
        masks[name] = (mixed.mask([u for m, u in shut if m is mixed]), False)
        trees[mixed.gate.equation] = _Masker(mixed.pre, name).visit(trees[mixed.gate.equation])
    equations = [(t, ast.unparse(Leaky().visit(tree))) for t, tree in trees.items()]
    text = problem_text(facts.text, equations, masks, loss=oracle.loss)
    return gradients(changed(oracle, text))


class _Masker(ast.NodeTransformer):
    """Multiplies a gate by a mask."""

    def __init__(self, pre: ast.expr, mask: str) -> None:
        self.pre, self.mask = pre, mask

    def visit(self, node: ast.AST) -> Any:
        z = gated(node)
        if z is not None and isinstance(node, ast.expr) and same(z, self.pre):
            return ast.BinOp(ast.Name(self.mask, ast.Load()), ast.Mult(), node)
        return self.generic_visit(node)


class Leaky(ast.NodeTransformer):
    """Takes means for choices: a gate or a branch that is shut at the numbers drawn may be open at others."""

    def visit(self, node: ast.AST) -> Any:
        z = gated(node)
        if z is not None:
            return ast.Call(ast.Name("leaky_relu", ast.Load()), [self.visit(z)], [])
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="max" | "min" | "maximum" | "minimum"), args=[a, b]):
                return _weighed(a, b)
            case ast.Call(func=ast.Name(id="where"), args=[_, a, b]):
                return _weighed(a, b)
            case ast.Call(func=ast.Name(id="max" | "min"), args=[a]):
                axes = [k for k in node.keywords if k.arg != "first"]
                return ast.Call(ast.Name("mean", ast.Load()), [a], axes)
            case ast.Call(func=ast.Name(id="clip"), args=[a, *_]):
                return a
            case ast.Call(func=ast.Name(id="hinge"), args=[s, y]):
                return ast.Call(ast.Name("mse", ast.Load()), [s, y], [])
        return node


def _weighed(a: ast.expr, b: ast.expr) -> ast.expr:
    """0.3 a + 0.7 b."""
    parts = (ast.BinOp(ast.Constant(w), ast.Mult(), x) for w, x in ((0.3, a), (0.7, b)))
    return ast.BinOp(next(parts), ast.Add(), next(parts))


# -- training again --------------------------------------------------------------------------------------


def _ways(event: UnitEvent, mixed: Mixed, study: OverTraining, facts: Facts) -> tuple[str, ...]:
    """What moved a unit's own weights: what it would not fire without, or each that would do alone."""
    found_off = _first_off(event, mixed, study, facts)
    shut = [(mixed, event.unit)]
    entries = mixed.influence(event.unit, own=True)
    with_, without = (_moving(facts, shut, penalties) for penalties in (True, False))
    movable = [n for n in mixed.own if n not in frozen(facts)]
    shared = any(without[n][:, entries[n]].any() for n in movable)
    penalised = any(
        not np.allclose(with_[n][:, entries[n]], without[n][:, entries[n]], 1e-9, 1e-12)
        for n in movable
    )
    settings, rule = Optimiser(facts.oracle.update).s, facts.oracle.update.get("rule", "sgd")
    remembers = bool(movable and settings.get(REMEMBERED.get(rule, ""), 0.0))
    decays = bool(movable and settings["weight_decay"])
    for first in dict.fromkeys((found_off, event.since)):
        possible = [
            *(["coasting"] if remembers and first else []),
            *(["decay"] if decays else []),
            *(["penalty"] if penalised else []),
        ]
        again = _Again(event, mixed, facts, first)
        if not again.fires(possible):
            needed = tuple(w for w in possible if not again.fires([w]))
            return needed or tuple(possible)
    return ("sharing",) if shared else ("gradient",)


def _first_off(event: UnitEvent, mixed: Mixed, study: OverTraining, facts: Facts) -> int:
    """The look since which it was found off at every one."""
    first = event.since
    for step in sorted((k for k in study.steps if k < event.since), reverse=True):
        at = Updated.of(facts).after(step)
        if mixed.fires(at, at, event.unit):
            break
        first = step
    return first


@dataclass
class _Again:
    """The updates from a look to an event, made again."""

    event: UnitEvent
    mixed: Mixed
    facts: Facts
    first: int

    def fires(self, left_out: Collection[str]) -> bool:
        """Whether the unit would fire by its own weights with some of what moves them left out."""
        facts, oracle = self.facts, self.facts.oracle
        update = dict(oracle.update)
        if "decay" in left_out:
            update["weight_decay"] = 0.0
        if "penalty" in left_out:
            trees = unpenalised(oracle, {t: deepcopy(oracle.tree(t)) for t, _ in oracle.equations})
            equations = [(t, ast.unparse(tree)) for t, tree in trees.items()]
            oracle = changed(oracle, problem_text(facts.text, equations, loss=oracle.loss))
        again = Updated.of(facts).going_on(self.first, oracle, update, "coasting" in left_out)
        own = again.after(self.event.step - self.first)
        old = Updated.of(facts).after(self.event.since)
        return self.mixed.fires(own, old, self.event.unit)


def claimed(study: OverTraining, facts: Facts, until: float) -> Iterator[tuple[str, Found, Any]]:
    """Kinds of statements of a training, before it runs away, with what they say and what it is of."""
    for event in study.events:
        if event.step < until:
            yield "train: cause", of_cause(event, study, facts), event
    yield "train: never", of_never(study, facts), study.never
