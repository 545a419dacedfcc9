"""The page of a problem: its equations and its numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING

from handgrad.errors import ShapeError
from handgrad.expression import Adjoint, Name, leaves, literal_of
from handgrad.figures import figure
from handgrad.operations.annotate import annotated
from handgrad.page.blocks import Block, Derivation, Heading, Paragraph, Relation
from handgrad.problem.given import Given, Written
from handgrad.saving import Page
from handgrad.text import Text, joined, listed

if TYPE_CHECKING:
    from handgrad.problem.problem import Problem


MOST_FRACTIONS = 12
"""Fractions that a sentence tells, at most."""


def problem_page(problem: Problem) -> Page:
    """The equations, the parameters and the data of a problem."""
    title = problem.title or "A problem"
    blocks: list[Block] = [Heading((title,), 1)]
    if problem.description:
        blocks.append(Paragraph((problem.description.strip().replace("\n", " "),)))
    blocks += map(Paragraph, origin(problem))
    equations = tuple(_written(problem))
    blocks += [Heading(("Equations",), 2), Derivation(equations)]
    for heading, givens in (("Parameters", problem.parameters), ("Data", problem.data)):
        if givens:
            blocks += [Heading((heading,), 2), Derivation(tuple(given_relations(givens)))]
    if problem.upstream:
        arriving = tuple(upstream_relations(problem))
        blocks += [Heading(("Upstream gradients",), 2), Derivation(arriving)]
    blocks += map(Paragraph, rounded_fractions(problem))
    blocks += map(Paragraph, left_out(problem))
    return Page(title, tuple(blocks), display=problem.display, loss=problem.loss)


def given_relations(givens: Mapping[str, Given], rows: Collection[str] = ()) -> Iterator[Relation]:
    """Numbers by name, as relations; `rows` are the names of vectors that lie along rows."""
    for name, given in givens.items():
        numbers = literal_of(given.array, given.batched, name in rows)
        yield Relation(Name(name, shape=given.shape), (numbers,))


def upstream_relations(problem: Problem, rows: Collection[str] = ()) -> Iterator[Relation]:
    """The gradients that arrive, as relations."""
    for name, given in problem.upstream.items():
        numbers = literal_of(given.array, given.batched, name in rows)
        yield Relation(Adjoint(name, shape=given.shape, of=problem.loss), (numbers,))


def origin(problem: Problem) -> Iterator[Text]:
    """Which model's the numbers are, and in what precision it computes; nothing of a problem written by hand."""
    if problem.model is not None:
        yield (problem.model.origin,)


def left_out(problem: Problem) -> Iterator[Text]:
    """What of the problem as it was written is left out, and why, in a sentence for each side."""
    out = problem.left_out
    computed = [n for n in problem.given if n in out.before]
    if computed:
        its = "its equation" if len(computed) == 1 else "their equations"
        others = [n for n in out.before if n not in computed]
        left: Text = joined([(its,), *((Name(n),) for n in others)])
        plural = len(computed) > 1
        verb = "are" if others or plural else "is"
        given = joined([(Name(n),) for n in computed])
        yield (*given, f" {'are' if plural else 'is'} given, so that ", *left, f" {verb} left out.")
    after = [n for n in out.names if n in out.after]
    if after:
        ends = joined([(Name(n),) for n in problem.upstream])
        names = joined([(Name(n),) for n in after])
        yield (
            "The backward pass starts at ",
            *ends,
            ", so that what comes after is left out: ",
            *names,
            ".",
        )


def rounded_fractions(problem: Problem, decimals: int = 4) -> Iterator[Text]:
    """Which fractions the figures of the given numbers are rounded from, in a sentence; nothing where they hold them."""
    meant: dict[str, set[str]] = {}
    for given in problem.inputs.values():
        for text in _texts(given.written):
            number = abs(_fraction(text))
            shown = figure(float(number), decimals)
            rounded = "/" in text and Fraction(shown) != number
            meant.setdefault(shown, set()).add(str(number) if rounded else "")
    # Of a figure that stands for several numbers none is told.
    told = [f"{shown} is {of}" for shown, (of, *more) in meant.items() if of and not more]
    if told:
        some = told if len(told) <= MOST_FRACTIONS else [*told[:MOST_FRACTIONS], "so on"]
        yield (f"Fractions are shown rounded: {listed(some)}.",)


def _texts(written: Written | None) -> Iterator[str]:
    if isinstance(written, str):
        yield written
    elif written is not None:
        for part in written:
            yield from _texts(part)


def _fraction(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above.strip()) / Fraction(below.strip() or "1")


def _written(problem: Problem) -> Iterator[Relation]:
    """The equations, with shapes so far as they fit: v @ m of two vectors is written vᵀm."""
    givens = problem.inputs
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
