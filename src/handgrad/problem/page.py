"""The page of a problem: its equations and its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from handgrad.errors import ShapeError
from handgrad.expression import Name, leaves, literal_of
from handgrad.operations.annotate import annotated
from handgrad.page.blocks import Block, Derivation, Heading, Paragraph, Relation
from handgrad.saving import Page

if TYPE_CHECKING:
    from handgrad.problem.problem import Problem


def problem_page(problem: Problem) -> Page:
    """The equations, the parameters and the data of a problem."""
    title = problem.title or "A problem"
    blocks: list[Block] = [Heading((title,), 1)]
    if problem.description:
        blocks.append(Paragraph((problem.description.strip().replace("\n", " "),)))
    equations = tuple(_written(problem))
    blocks += [Heading(("Equations",), 2), Derivation(equations)]
    for heading, givens in (("Parameters", problem.parameters), ("Data", problem.data)):
        if givens:
            numbers = tuple(
                Relation(Name(name, shape=given.shape), (literal_of(given.array, given.batched),))
                for name, given in givens.items()
            )
            blocks += [Heading((heading,), 2), Derivation(numbers)]
    return Page(title, tuple(blocks), display=problem.display, loss=problem.loss)


def _written(problem: Problem) -> Iterator[Relation]:
    """The equations, with shapes so far as they fit: v @ m of two vectors is written vᵀm."""
    givens = {**problem.parameters, **problem.data}
    shapes = {name: given.shape for name, given in givens.items()}
    formulas = {e.target: e.expression for e in problem.equations}
    found = True
    while found:
        found = False
        for target, formula in formulas.items():
            needs = {leaf.name for leaf in leaves(formula)}
            if target in shapes or not needs <= shapes.keys():
                continue
            with suppress(ShapeError):
                formulas[target] = annotated(formula, lambda leaf: shapes[leaf.name])
                shapes[target] = formulas[target].shape or ()
                found = True
    for target, formula in formulas.items():
        yield Relation(Name(target, shape=shapes.get(target)), (formula,))
