"""The page of a run on exact numbers or symbols: every entry beside its figure."""

from __future__ import annotations

import numpy as np

from handgrad.expression import Adjoint, Literal, Name
from handgrad.numbers import NumberKind, OtherRun
from handgrad.page.blocks import Block, Heading, Page, Paragraph, Table, Text
from handgrad.problem import Problem

INTRODUCTION: dict[NumberKind, str] = {
    "exact": "Fractions as the numbers are written; from the first exponential, logarithm or irrational "
    "root on, decimals of 50 digits, marked ≈ and shown to 20.",
    "symbols": "In the letters of the problem. Gates and maxima are as they are at its numbers.",
}


def numbers_page(problem: Problem, run: OtherRun, decimals: int = 4) -> Page:
    """Values and gradients in exact numbers or symbols, each with its figure beside it."""
    graph = run.graph
    parameters = list(problem.parameters) or list(problem.data)
    blocks: list[Block] = [
        Heading((problem.title or "Worked solution",), 1),
        Paragraph((INTRODUCTION[run.kind],)),
        Heading(("Forward pass",), 2),
        *_tables(run, [Name(n) for n in graph.equations]),
        Heading(("Gradients",), 2),
        *_tables(run, [Adjoint(n) for n in reversed(parameters)]),
    ]
    return Page(
        problem.title or "Worked solution",
        tuple(blocks),
        decimals=decimals,
        display=problem.display,
        loss=graph.cost,
    )


def _tables(run: OtherRun, leaves: list[Name] | list[Adjoint]) -> list[Block]:
    rows: list[tuple[Text, ...]] = []
    for leaf in leaves:
        array = run.value(leaf.name) if isinstance(leaf, Name) else run.gradient(leaf.name)
        for index in np.ndindex(array.shape):
            number = array[index]
            shown = leaf.at(index) if index else leaf
            rows.append(
                (
                    (shown,),
                    (Literal(float(number)),),
                    (str(number).replace("-", "−") if run.kind == "exact" else str(number),),
                )
            )
    header: tuple[Text, ...] = (("entry",), ("figure",), ("number",))
    return [Table(header, tuple(rows), "lrl")]
