"""Whether zeros of a gradient are there because a choice takes another value: with the mean of what it chooses from they are gone."""

from __future__ import annotations

import ast
from collections.abc import Collection
from copy import deepcopy
from typing import Any

import numpy as np

from handgrad.discussion.zeros import ZeroPart
from handgrad.expression import Call, Name
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.caused import Leaky
from tests.gauntlet.facts.claim import Found
from tests.gauntlet.facts.mixing import changed
from tests.gauntlet.facts.source import Facts, problem_text


def of_other_taken(part: ZeroPart, facts: Facts) -> Found:
    """The entries of a part whose cause is that a choice takes another value."""
    assert isinstance(part.about, Call)
    yield part.about.operation == part.operation, f"{part.operation} is not what is chosen by"
    calls = {c.operation for t in facts.targets for c in terms.calls_of(facts.written(t))}
    yield part.operation in calls, f"no equation has {part.operation}"
    found = _where_choices_mix(facts)
    for zeroed in part.zeroed:
        for entry in zeroed.entries:
            passed = any(np.asarray(g[zeroed.name])[entry] != 0 for g in found)
            yield (
                passed,
                f"{zeroed.name}{entry} is zero though all choices take something of everything",
            )


def of_no_path(part: ZeroPart, facts: Facts) -> Found:
    """The entries of a part from which no path leads to the loss, though one does from others of the same array."""
    found = _where_choices_mix(facts)
    for zeroed in part.zeroed:
        yield part.about == Name(zeroed.name), f"the entries are {zeroed.name}'s"
        for entry in zeroed.entries:
            passed = any(np.asarray(g[zeroed.name])[entry] != 0 for g in found)
            yield not passed, f"{zeroed.name}{entry} leads to the loss at other numbers"


def _where_choices_mix(facts: Facts) -> list[dict[str, Any]]:
    """The gradients where all choices take something of everything, as what one of them keeps out another may keep out too."""
    oracle = facts.oracle
    trees = {t: _Mixing(oracle.data).visit(deepcopy(oracle.tree(t))) for t, _ in oracle.equations}
    equations = [(t, ast.unparse(tree)) for t, tree in trees.items()]
    mixed = changed(oracle, problem_text(facts.text, equations, loss=oracle.loss))
    generator = np.random.default_rng(5)
    moved = {n: a * generator.uniform(0.9, 1.1, np.shape(a)) for n, a in oracle.parameters.items()}
    # A sigmoid of far numbers lets nothing through, whatever is chosen.
    near = {n: a / max(1.0, float(np.abs(a).max(initial=0.0))) for n, a in moved.items()}
    return [mixed.run(numbers).gradients for numbers in ({}, moved, near)]


class _Mixing(Leaky):
    """Takes means for choices, m + m²/10 of each, m²/7 of a minimum: the sum of a softmax is 1 however its scores move.

    Arguments:
        data: the names by which entries are picked, if they are: of the others a mean is taken too.
    """

    def __init__(self, data: Collection[str]) -> None:
        self.data = data

    def visit(self, node: ast.AST) -> Any:
        mean = super().visit(node)
        match node:
            case ast.Subscript(value=value, slice=ast.Name(id=name)) if name in self.data:
                whole = ast.Call(ast.Name("mean"), [value], [ast.keyword("axis", ast.Constant(0))])
                return ast.BinOp(mean, ast.Add(), whole)
            case ast.Call(
                func=ast.Name(id="max" | "min" | "maximum" | "minimum" | "where" as name)
            ):
                return _bent(mean, 7 if name.startswith("min") else 10)  # max − min is not 0
            case ast.Call(func=ast.Name(id=name)) if name.startswith("max_pool"):
                keywords = [k for k in node.keywords if k.arg != "first"]
                pooled = ast.Call(ast.Name(name.replace("max", "avg")), node.args, keywords)
                return _bent(pooled, 10)  # what windows that overlap are weighted by may cancel
        return mean


def _bent(mean: Any, share: int) -> ast.expr:
    """m + m²/share."""
    square = ast.BinOp(deepcopy(mean), ast.Pow(), ast.Constant(2))
    return ast.BinOp(mean, ast.Add(), ast.BinOp(square, ast.Div(), ast.Constant(share)))
