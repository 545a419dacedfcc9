"""The page of a problem: its equations and its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.expression import Name, literal_of
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
    equations = tuple(Relation(Name(e.target), (e.expression,)) for e in problem.equations)
    blocks += [Heading(("Equations",), 2), Derivation(equations)]
    for heading, givens in (("Parameters", problem.parameters), ("Data", problem.data)):
        if givens:
            numbers = tuple(
                Relation(Name(name, shape=given.shape), (literal_of(given.array, given.batched),))
                for name, given in givens.items()
            )
            blocks += [Heading((heading,), 2), Derivation(numbers)]
    return Page(title, tuple(blocks), display=problem.display, loss=problem.loss)
