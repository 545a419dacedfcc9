"""A layer's pre-activation in PyTorch with its own parameters from one look and all the rest from another."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from handgrad.expression import Expression
from tests.gauntlet.facts.formulas import gated, roots
from tests.gauntlet.facts.source import Facts, problem_text
from tests.gauntlet.facts.updating import shaken
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
        *(
            "prelu",
            "selu",
            "celu",
            "mish",
            "log_sigmoid",
            "hardtanh",
            "relu6",
            "hardsigmoid",
            "hardswish",
        ),
    ]
)
"""What the layers below give is cut off at these."""

DRAWS = 4
"""Numbers of the parameters at which it is asked what has a gradient."""


@dataclass(frozen=True)
class Gate:
    """A gate as the program has it: where it stands, its pre-activation, and how its units lie in that.

    Arguments:
        name: of its equation, with a number where that has several.
        pre, shape: the pre-activation, and its shape in one case.
        axes: those along which the units lie.
    """

    name: str
    pre: Expression
    axes: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def equation(self) -> str:
        return self.name.partition(" (")[0]


def apart(z: Any, axes: tuple[int, ...], batched: bool) -> Any:
    """Pre-activations by unit, its positions and the cases on the last axis."""
    z = np.asarray(z, dtype=float)
    z = z if batched else z[..., None]
    rest = [k for k in range(z.ndim) if k not in axes]
    return z.transpose(*axes, *rest).reshape(*[z.shape[k] for k in axes], -1)


OWN, Z = "own_part_of_", "pre_activation_apart"


@dataclass(eq=False)
class Mixed:
    """A layer's pre-activation, its formula written out down to what the layers below give.

    Arguments:
        pre: the formula, in the text's own names.
    """

    gate: Gate
    facts: Facts
    pre: ast.expr
    _influences: dict[tuple[int, ...], dict[str, Any]] = field(default_factory=dict)

    @staticmethod
    def of(gate: Gate, facts: Facts) -> Mixed | None:
        """The gate's; None where it is not found in the text."""
        known = facts.__dict__.setdefault("_mixed", {})
        if gate not in known:
            pre = _pre(gate, facts)
            known[gate] = None if pre is None else Mixed(gate, facts, pre)
        found: Mixed | None = known[gate]
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
        return changed(oracle, problem_text(self.facts.text, equations, self._twins, loss=oracle.loss))  # fmt: skip

    def numbers(self, own: Mapping[str, Any], others: Mapping[str, Any]) -> Any:
        """The pre-activations with its layer's parameters from `own`, and all the rest from `others`."""
        changes = {**others, **{OWN + n: own[n] for n in self.own}}
        found = self._oracle.run(changes, gradients=False)
        return apart(found.values[Z], self.gate.axes, Z in self._oracle.batched)

    def fires(
        self, own: Mapping[str, Any], others: Mapping[str, Any], unit: tuple[int, ...]
    ) -> bool:
        """Whether a unit's gate is open anywhere with these parameters."""
        return bool(self.facts.opens(self.gate.pre, self.numbers(own, others)[unit]).any())

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
        probe = f"sum({Z}[{', '.join(self._at(unit))}])" if self.gate.shape else f"1*{Z}"
        equations = [*self.facts.oracle.equations, (Z, self._opened[0]), ("probe_of_it", probe)]
        text = problem_text(self.facts.text, equations, self._twins, loss="probe_of_it")
        found = gradients(changed(self.facts.oracle, text), DRAWS // 2, positive=True)
        return {n: a.any(axis=0) for n, a in found.items()}

    def _at(self, unit: tuple[int, ...]) -> list[str]:
        at = [":"] * len(self.gate.shape)
        for axis, place in zip(self.gate.axes, unit, strict=True):
            at[axis] = str(place)
        return at

    def mask(self, units: Collection[tuple[int, ...]]) -> Any:
        """1 at every entry of the pre-activation but those of some units."""
        found = np.ones(self.gate.shape)
        for unit in units:
            at: list[Any] = [slice(None)] * len(self.gate.shape)
            for axis, place in zip(self.gate.axes, unit, strict=True):
                at[axis] = place
            found[tuple(at)] = 0.0
        return found


def changed(oracle: Oracle, text: str) -> Oracle:
    """Another problem computed as this one is."""
    other = type(oracle)(text)
    seed = getattr(oracle, "shaken", None)
    return other if seed is None else shaken(other, seed)


def _pre(gate: Gate, facts: Facts) -> ast.expr | None:
    """What the gate is applied to, as the text has it: of several gates, that with the same numbers."""
    oracle = facts.oracle
    tree = oracle.tree(gate.equation)
    found = {ast.unparse(z): z for node in ast.walk(tree) if (z := gated(node)) is not None}
    if len(found) > 1:
        probes = [(f"probe_{k}", f"1*({text})") for k, text in enumerate(found)]
        text = problem_text(facts.text, [*oracle.equations, *probes], loss=oracle.loss)
        at = changed(oracle, text).run(gradients=False).values
        said = np.asarray(facts.values(gate.pre, facts.differs(gate.pre)), dtype=float)
        found = {
            text: z
            for (name, _), (text, z) in zip(probes, found.items(), strict=True)
            if np.shape(at[name]) == said.shape and np.allclose(at[name], said, 1e-9, 1e-12)
        }
    return next(iter(found.values())) if len(found) == 1 else None


class _Opener(ast.NodeTransformer):
    """Writes a formula out, its parameters by other names, down to what the layers below give.

    That is what an activation gives, and what a weight multiplies that is made by another weight.
    """

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.own: set[str] = set()

    def visit(self, node: ast.AST) -> Any:
        factors = _factors(node)
        if any(map(self._is_weight, factors)) and not self._is_below(node):
            for factor in factors:
                if self._is_weight(factor) or not self._has_product(factor):
                    _put(node, factor, self.visit(factor))
            return node
        match node:
            case _ if self._is_below(node):
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

    @staticmethod
    def _is_below(node: ast.AST) -> bool:
        """Whether an activation, or a loss, gives it."""
        match node:
            case ast.Call(func=ast.Name(id=name)) if _called(name) in ACTIVATIONS | {*LOSSES}:
                return True
        return gated(node) is not None

    def _is_weight(self, node: ast.AST) -> bool:
        """Whether it is made of parameters alone."""
        sources = roots(node, self.oracle)
        return bool(sources) and sources <= set(self.oracle.parameters)

    def _has_product(self, node: ast.AST) -> bool:
        """Whether a weight and something else are multiplied in it, short of an activation."""
        if isinstance(node, ast.Name):
            return node.id in self.oracle.uses and self._has_product(self.oracle.tree(node.id))
        if self._is_below(node):
            return False
        weights = [self._is_weight(factor) for factor in _factors(node)]
        if any(weights) and not all(weights):
            return True
        return any(self._has_product(part) for part in ast.iter_child_nodes(node))


PRODUCTS = frozenset(
    ["matmul", "dot", "outer", "einsum"]
    + [f"{kind}{rank}d" for kind in ("conv", "conv_transpose") for rank in (1, 2, 3)]
)
"""Functions that multiply a layer's weights with what the layer is given."""


def _factors(node: ast.AST) -> list[ast.expr]:
    """What a product of arrays multiplies."""
    match node:
        case ast.BinOp(left=a, op=ast.MatMult(), right=b):
            return [a, b]
        case ast.Call(func=ast.Name(id=name), args=arguments) if _called(name) in PRODUCTS:
            return [a for a in arguments if not isinstance(a, ast.Constant)]
    return []


def _put(product: ast.AST, factor: ast.expr, other: ast.expr) -> None:
    """Puts another formula in a factor's place."""
    if isinstance(product, ast.Call):
        product.args = [other if a is factor else a for a in product.args]
    elif isinstance(product, ast.BinOp):
        product.left = other if product.left is factor else product.left
        product.right = other if product.right is factor else product.right


def _called(name: str) -> str:
    return SPELLINGS.get(name, name)


def gradients(oracle: Oracle, draws: int = DRAWS, positive: bool = False) -> dict[str, Any]:
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
            at = oracle.run(numbers if positive else but).gradients
        except (RuntimeError, IndexError):
            at = oracle.run(but).gradients
        for n, each in found.items():
            each.append(np.nan_to_num(np.asarray(at[n])))
    return {n: np.stack(each) for n, each in found.items()}
