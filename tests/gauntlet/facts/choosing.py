"""Whether zeros of a gradient are there because a choice takes another value: with the mean of what it chooses from they are gone."""

from __future__ import annotations

import ast
from copy import deepcopy
from typing import Any

import numpy as np

from handgrad.discussion.zeros import ZeroPart
from handgrad.expression import Call
from tests.gauntlet.facts import terms
from tests.gauntlet.facts.caused import Leaky
from tests.gauntlet.facts.claim import Found
from tests.gauntlet.facts.mixing import changed
from tests.gauntlet.facts.source import Facts, problem_text


def of_other_taken(part: ZeroPart, facts: Facts) -> Found:
    """The entries of a part whose cause is that a choice takes another value."""
    assert isinstance(part.about, Call)
    yield part.about.operation == part.operation, f"{part.operation} is not what is chosen by"
    oracle = facts.oracle
    calls = {c.operation for t in facts.targets for c in terms.calls_of(facts.written(t))}
    yield part.operation in calls, f"no equation has {part.operation}"
    # All choices, as what one of them keeps out another may keep out too.
    trees = {t: _Mixing().visit(deepcopy(oracle.tree(t))) for t, _ in oracle.equations}
    equations = [(t, ast.unparse(tree)) for t, tree in trees.items()]
    mixed = changed(oracle, problem_text(facts.text, equations, loss=oracle.loss))
    generator = np.random.default_rng(5)
    moved = {n: a * generator.uniform(0.9, 1.1, np.shape(a)) for n, a in oracle.parameters.items()}
    found = [mixed.run(numbers).gradients for numbers in ({}, moved)]
    for zeroed in part.zeroed:
        for entry in zeroed.entries:
            passed = any(np.asarray(g[zeroed.name])[entry] != 0 for g in found)
            yield (
                passed,
                f"{zeroed.name}{entry} is zero though all choices take something of everything",
            )


class _Mixing(Leaky):
    """Takes means for choices, m + m²/10 of each: the sum of a softmax is 1 however its scores move."""

    def visit(self, node: ast.AST) -> Any:
        mean = super().visit(node)
        match node:
            case ast.Call(func=ast.Name(id="max" | "min" | "maximum" | "minimum" | "where")):
                square = ast.BinOp(deepcopy(mean), ast.Pow(), ast.Constant(2))
                return ast.BinOp(mean, ast.Add(), ast.BinOp(square, ast.Div(), ast.Constant(10)))
            case ast.Call(func=ast.Name(id=name)) if name.startswith("max_pool"):
                keywords = [k for k in node.keywords if k.arg != "first"]
                return ast.Call(ast.Name(name.replace("max", "avg")), node.args, keywords)
        return mean
