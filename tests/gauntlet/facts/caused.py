"""Why a unit of a training fires again, what moved its own weights, and which units never will.

Derived by PyTorch from the problem's text: a unit's pre-activation with its layer's parameters from one look and
all the rest from another; training made again without what the rule remembers, without decay, without penalties;
and what has a gradient at all while some units are shut.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from handgrad.study import OverTraining
from handgrad.study.training import UnitEvent
from handgrad.study.units import Layer
from tests.gauntlet.facts.claim import Found, near
from tests.gauntlet.facts.reviving import REMEMBERED
from tests.gauntlet.facts.source import Facts, problem_text
from tests.gauntlet.facts.updating import Optimiser, Updated, shaken
from tests.gauntlet.oracle import LOSSES, SPELLINGS, Oracle

ACTIVATIONS = frozenset(
    [
        "relu",
        "leaky_relu",
        "elu",
        "softplus",
        "gelu",
        "gelu_tanh",
        "silu",
        "sigmoid",
        "tanh",
        "softmax",
        "log_softmax",
    ]
)
"""What the layers below give is cut off at these."""

DRAWS = 4
"""Numbers of the parameters at which it is asked what has a gradient."""

MOST_RUNS = 100
"""Runs of one case that are spent on training on, at most."""


def of_shares(event: UnitEvent, study: OverTraining, facts: Facts, was: float) -> Found:
    """The share of an event's change that its own weights made; `was` is its number before, in that case."""
    mixed = Mixed.of(study, event.layer, facts)
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
    mixed = Mixed.of(study, event.layer, facts)
    if mixed is None:
        return
    old, new = (Updated.of(facts).after(k) for k in (event.since, event.step))
    by_own = bool((mixed.numbers(new, old)[event.unit] > 0).any())
    by_below = bool((mixed.numbers(old, new)[event.unit] > 0).any())
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
    """The units that are said never to fire again do not, and nothing can move them."""
    units = study.never
    if not units:
        return
    settings = Optimiser(facts.oracle.update).s
    yield not settings["weight_decay"], "decay moves them"
    rule = facts.oracle.update.get("rule", "sgd")
    yield not settings.get(REMEMBERED.get(rule, ""), 0.0), "what the rule remembers moves them"
    every = {name: Mixed.of(study, name, facts) for name in dict.fromkeys(n for n, _ in units)}
    known = [(every[name], unit) for name, unit in units]
    shut = [(mixed, unit) for mixed, unit in known if mixed is not None]
    if len(shut) == len(known):
        moving = _moving(facts, shut)
        for mixed, unit in shut:
            moved = [
                n for n, entries in mixed.influence(unit).items() if moving[n][:, entries].any()
            ]
            yield not moved, f"{mixed.layer.name}{unit}: {moved} can move it"
    last = study.steps[-1]
    updated = Updated.of(facts)
    on = last + max(1, min(200, MOST_RUNS // (max(1, facts.cases) * facts.oracle.pace)))
    before, after = updated.after(last), updated.after(on)
    numbers = {
        m: [m.numbers(at, at) for at in (before, after)] for m in dict.fromkeys(m for m, _ in shut)
    }
    for mixed, unit in shut:
        for name, entries in mixed.influence(unit, own=True).items():
            same = np.allclose(
                np.asarray(before[name])[entries], np.asarray(after[name])[entries], 1e-12, 0
            )
            yield same, f"{mixed.layer.name}{unit}: its {name} has moved after {on} updates"
        now, later = (z[unit] for z in numbers[mixed])
        if np.isfinite(later).all():
            yield not (later > 0).any(), f"{mixed.layer.name}{unit}: it fires after {on} updates"
            yield (
                np.allclose(now, later, 1e-9, 1e-12),
                f"{mixed.layer.name}{unit}: z has moved after {on}",
            )


# -- a layer's pre-activation, its own parameters apart ----------------------------------------------------


def apart(z: Any, layer: Layer, cased: bool) -> Any:
    """Pre-activations by unit, its positions and the cases on the last axis."""
    z = np.asarray(z, dtype=float)
    z = z if cased else z[..., None]
    axes = layer.facts.axes
    rest = [k for k in range(z.ndim) if k not in axes]
    return z.transpose(*axes, *rest).reshape(*[z.shape[k] for k in axes], -1)


OWN, Z, MASK = "own_part_of_", "pre_activation_apart", "mask_of_"


@dataclass(eq=False)
class Mixed:
    """A layer's pre-activation, its formula written out down to what the layers below give.

    Arguments:
        pre: the formula, in the text's own names.
    """

    layer: Layer
    facts: Facts
    pre: ast.expr
    _influences: dict[tuple[int, ...], dict[str, Any]] = field(default_factory=dict)

    @staticmethod
    def of(study: OverTraining, name: str, facts: Facts) -> Mixed | None:
        """The layer's; None where its gate is not found in the text."""
        known = facts.__dict__.setdefault("_mixed", {})
        if name not in known:
            layer = next((x for x in study.layers if x.name == name), None)
            if layer is None:
                raise KeyError(name)
            pre = _pre(layer, facts)
            known[name] = None if pre is None else Mixed(layer, facts, pre)
        found: Mixed | None = known[name]
        return found

    @cached_property
    def _opened(self) -> tuple[str, tuple[str, ...]]:
        opener = _Opener(self.facts.oracle)
        text = ast.unparse(opener.visit(deepcopy(self.pre)))
        return text, tuple(sorted(opener.own))

    @property
    def own(self) -> tuple[str, ...]:
        """Its layer's parameters."""
        return self._opened[1]

    @cached_property
    def _twins(self) -> dict[str, tuple[Any, bool]]:
        return {OWN + n: (self.facts.oracle.parameters[n], False) for n in self.own}

    @cached_property
    def _oracle(self) -> Oracle:
        oracle = self.facts.oracle
        equations = [*oracle.equations, (Z, self._opened[0])]
        return _changed(oracle, problem_text(self.facts.text, equations, self._twins, loss=oracle.loss))  # fmt: skip

    def numbers(self, own: Mapping[str, Any], others: Mapping[str, Any]) -> Any:
        """The pre-activations with its layer's parameters from `own`, and all the rest from `others`."""
        changes = {**others, **{OWN + n: own[n] for n in self.own}}
        found = self._oracle.run(changes, gradients=False)
        return apart(found.values[Z], self.layer, Z in self._oracle.cased)

    def influence(self, unit: tuple[int, ...], own: bool = False) -> dict[str, Any]:
        """Which entries of parameters move a unit: of all of them, or of its layer's own alone."""
        if unit not in self._influences:
            self._influences[unit] = self._influence(unit)
        moving = self._influences[unit]
        found = {n: moving[OWN + n] for n in self.own}
        if own:
            return found
        return {n: found.get(n, False) | moving[n] for n in self.facts.oracle.parameters}

    def _influence(self, unit: tuple[int, ...]) -> dict[str, Any]:
        probe = f"sum({Z}[{', '.join(self._at(unit))}])" if self.layer.shape else f"1*{Z}"
        equations = [*self.facts.oracle.equations, (Z, self._opened[0]), ("probe_of_it", probe)]
        text = problem_text(self.facts.text, equations, self._twins, loss="probe_of_it")
        found = _gradients(_changed(self.facts.oracle, text), DRAWS // 2, positive=True)
        return {n: a.any(axis=0) for n, a in found.items()}

    def _at(self, unit: tuple[int, ...]) -> list[str]:
        at = [":"] * len(self.layer.shape)
        for axis, place in zip(self.layer.facts.axes, unit, strict=True):
            at[axis] = str(place)
        return at

    def mask(self, units: Collection[tuple[int, ...]]) -> Any:
        """1 at every entry of the pre-activation but those of some units."""
        found = np.ones(self.layer.shape)
        for unit in units:
            at: list[Any] = [slice(None)] * len(self.layer.shape)
            for axis, place in zip(self.layer.facts.axes, unit, strict=True):
                at[axis] = place
            found[tuple(at)] = 0.0
        return found

    @property
    def equation(self) -> str:
        return _equation(self.layer)


def _equation(layer: Layer) -> str:
    return layer.name.partition(" (")[0]


def _changed(oracle: Oracle, text: str) -> Oracle:
    """Another problem computed as this one is."""
    other = type(oracle)(text)
    seed = getattr(oracle, "shaken", None)
    return other if seed is None else shaken(other, seed)


def _pre(layer: Layer, facts: Facts) -> ast.expr | None:
    """What the gate is applied to, as the text has it: of several gates, that with the same numbers."""
    oracle = facts.oracle
    tree = oracle.tree(_equation(layer))
    found = {ast.unparse(z): z for node in ast.walk(tree) if (z := gated(node)) is not None}
    if len(found) > 1:
        probes = [(f"probe_{k}", f"1*({text})") for k, text in enumerate(found)]
        text = problem_text(facts.text, [*oracle.equations, *probes], loss=oracle.loss)
        at = _changed(oracle, text).run(gradients=False).values
        said = np.asarray(facts.values(layer.pre, facts.differs(layer.pre)), dtype=float)
        found = {
            text: z
            for (name, _), (text, z) in zip(probes, found.items(), strict=True)
            if np.shape(at[name]) == said.shape and np.allclose(at[name], said, 1e-9, 1e-12)
        }
    return next(iter(found.values())) if len(found) == 1 else None


def gated(tree: ast.AST) -> ast.expr | None:
    """z, where a formula is ReLU of z: by its name, max(0, z), where(z > 0, z, 0) or z·(z > 0)."""
    match tree:
        case ast.Call(func=ast.Name(id="relu" | "ReLU"), args=[z]):
            return z
        case ast.Call(func=ast.Name(id="max" | "maximum"), args=[a, b]):
            return b if _is_zero(a) else a if _is_zero(b) else None
        case ast.Call(func=ast.Name(id="where"), args=[condition, z, zero]) if _is_zero(zero):
            return z if _same(_positive(condition), z) else None
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            for condition, z in ((a, b), (b, a)):
                if _same(_positive(condition), z):
                    return z
    return None


def _is_zero(tree: ast.AST) -> bool:
    return isinstance(tree, ast.Constant) and tree.value == 0


def _positive(tree: ast.expr) -> ast.expr | None:
    match tree:
        case ast.Compare(left=z, ops=[ast.Gt()], comparators=[zero]) if _is_zero(zero):
            return z
        case ast.Compare(left=zero, ops=[ast.Lt()], comparators=[z]) if _is_zero(zero):
            return z
    return None


def _same(a: ast.expr | None, b: ast.expr) -> bool:
    return a is not None and ast.dump(a) == ast.dump(b)


class _Opener(ast.NodeTransformer):
    """Writes a formula out, its parameters by other names, down to the activations of the layers below."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.own: set[str] = set()

    def visit(self, node: ast.AST) -> Any:
        match node:
            case ast.Call(func=ast.Name(id=name)) if _called(name) in ACTIVATIONS | {*LOSSES}:
                return node
            case _ if gated(node) is not None:
                return node
            case ast.Call():
                node.args = [self.visit(a) for a in node.args]
                return node
            case ast.Name(id=name) if name in self.oracle.uses:
                return self.visit(deepcopy(self.oracle.tree(name)))
            case ast.Name(id=name) if name in self.oracle.parameters:
                self.own.add(name)
                return ast.Name(OWN + name, ast.Load())
        return self.generic_visit(node)


def _called(name: str) -> str:
    return SPELLINGS.get(name, name)


# -- what has a gradient ---------------------------------------------------------------------------------


def _gradients(oracle: Oracle, draws: int = DRAWS, positive: bool = False) -> dict[str, Any]:
    """The gradients of what is given at some numbers that are drawn, one after another.

    The parameters are drawn, and where `positive` the data too, as an input of 0 hides its weight.
    """
    generator = np.random.default_rng(7)
    given = {**oracle.parameters, **oracle.data}
    found: dict[str, list[Any]] = {n: [] for n in given}
    for draw in range(draws):
        numbers = {n: generator.normal(size=np.shape(a)) for n, a in given.items()}
        if positive or draw % 2:
            numbers = {n: np.abs(a) for n, a in numbers.items()}
        twins = {n for n in oracle.data if n.startswith(OWN)}
        but = {n: a for n, a in numbers.items() if n in oracle.parameters or n in twins}
        try:
            gradients = oracle.run(numbers if positive else but).gradients
        except (RuntimeError, IndexError):
            gradients = oracle.run(but).gradients
        for n, each in found.items():
            each.append(np.nan_to_num(np.asarray(gradients[n])))
    return {n: np.stack(each) for n, each in found.items()}


def _moving(
    facts: Facts, shut: Sequence[tuple[Mixed, tuple[int, ...]]], penalties: bool = True
) -> dict[str, Any]:
    """The gradients of the parameters while these units are shut and the others ajar, at some numbers."""
    oracle = facts.oracle
    trees = {t: deepcopy(oracle.tree(t)) for t, _ in oracle.equations}
    if not penalties:
        trees = unpenalised(oracle, trees)
    masks: dict[str, tuple[Any, bool]] = {}
    for k, mixed in enumerate(dict.fromkeys(m for m, _ in shut)):
        name = f"{MASK}{k}"
        masks[name] = (mixed.mask([u for m, u in shut if m is mixed]), False)
        trees[mixed.equation] = _Masker(mixed.pre, name).visit(trees[mixed.equation])
    equations = [(t, ast.unparse(tree)) for t, tree in trees.items()]
    text = problem_text(facts.text, equations, masks, loss=oracle.loss)
    # A gate that is shut at the numbers drawn may be open at others.
    return _gradients(_changed(oracle, text).changed({}, {"relu": "leaky_relu"}))


class _Masker(ast.NodeTransformer):
    """Multiplies a gate by a mask."""

    def __init__(self, pre: ast.expr, mask: str) -> None:
        self.pre, self.mask = pre, mask

    def visit(self, node: ast.AST) -> Any:
        z = gated(node)
        if z is not None and _same(z, self.pre):
            return ast.BinOp(ast.Name(self.mask, ast.Load()), ast.Mult(), node)
        return self.generic_visit(node)


def unpenalised(oracle: Oracle, trees: Mapping[str, ast.expr]) -> dict[str, ast.expr]:
    """The equations with the loss's terms that are made of parameters alone multiplied by 0."""
    found = dict(trees)

    def of(tree: ast.expr) -> ast.expr:
        if _of_parameters(tree, oracle):
            return ast.BinOp(ast.Constant(0.0), ast.Mult(), tree)
        match tree:
            case ast.BinOp(left=a, op=ast.Add() | ast.Sub() as op, right=b):
                return ast.BinOp(of(a), op, of(b))
            case ast.UnaryOp(op=op, operand=a):
                return ast.UnaryOp(op, of(a))
            case ast.BinOp(left=a, op=ast.Mult() as op, right=b) if _is_factor(a, oracle):
                return ast.BinOp(a, op, of(b))
            case ast.BinOp(left=a, op=ast.Mult() | ast.Div() as op, right=b) if _is_factor(
                b, oracle
            ):
                return ast.BinOp(of(a), op, b)
            case ast.Name(id=name) if name in found:
                found[name] = of(found[name])
        return tree

    found[oracle.loss] = of(found[oracle.loss])
    return found


def _roots(tree: ast.expr, oracle: Oracle) -> set[str]:
    """What is given of all that a formula depends on."""
    names, roots = list(_names(tree)), set()
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in oracle.uses:
            names += oracle.uses[name]
        else:
            roots.add(name)
    return roots


def _names(tree: ast.expr) -> set[str]:
    functions = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in functions}


def _is_factor(tree: ast.expr, oracle: Oracle) -> bool:
    """Whether a formula is of numbers that every case has."""
    return all(n in oracle.data and _is_plain(n, oracle) for n in _roots(tree, oracle))


def _is_plain(name: str, oracle: Oracle) -> bool:
    return name not in oracle.cased and not np.shape(oracle.data[name])


def _of_parameters(tree: ast.expr, oracle: Oracle) -> bool:
    roots = _roots(tree, oracle)
    return bool(roots) and roots <= set(oracle.parameters)


# -- training again --------------------------------------------------------------------------------------


def _ways(event: UnitEvent, mixed: Mixed, study: OverTraining, facts: Facts) -> tuple[str, ...]:
    """What moved a unit's own weights: what it would not fire without, or each that would do alone."""
    found_off = _first_off(event, mixed, study, facts)
    shut = [(mixed, event.unit)]
    entries = mixed.influence(event.unit, own=True)
    with_, without = (_moving(facts, shut, penalties) for penalties in (True, False))
    shared = any(without[n][:, entries[n]].any() for n in mixed.own)
    penalised = any(
        not np.allclose(with_[n][:, entries[n]], without[n][:, entries[n]], 1e-9, 1e-12)
        for n in mixed.own
    )
    settings, rule = Optimiser(facts.oracle.update).s, facts.oracle.update.get("rule", "sgd")
    remembers = bool(settings.get(REMEMBERED.get(rule, ""), 0.0))
    for first in dict.fromkeys((found_off, event.since)):
        possible = [
            *(["coasting"] if remembers and first else []),
            *(["decay"] if settings["weight_decay"] else []),
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
        if (mixed.numbers(at, at)[event.unit] > 0).any():
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
            oracle = _changed(oracle, problem_text(facts.text, equations, loss=oracle.loss))
        again = Updated.of(facts).going_on(self.first, oracle, update, "coasting" in left_out)
        own = again.after(self.event.step - self.first)
        old = Updated.of(facts).after(self.event.since)
        return bool((self.mixed.numbers(own, old)[self.event.unit] > 0).any())


def claimed(study: OverTraining, facts: Facts) -> Iterator[tuple[str, Found, Any]]:
    """Kinds of statements of a training with what they say and what it is of."""
    for event in study.events:
        yield "train: cause", of_cause(event, study, facts), event
    yield "train: never", of_never(study, facts), study.never
