"""The page of a run on exact numbers or symbols: every entry beside its figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from handgrad.expression import Adjoint, Literal, Name
from handgrad.numbers.exact import CONTEXT, Exact
from handgrad.page.blocks import Block, Heading, Inline, Paragraph, Table, Text
from handgrad.saving import Page

if TYPE_CHECKING:
    from handgrad.numbers.running import OtherRun
from handgrad.numbers.symbolic import Symbolic

SHOWN_BITS = 400
"""A fraction with more bits, some 120 digits, is shown as a decimal; `--json` has its digits."""

INTRODUCTION: dict[str, str] = {
    "exact": "Fractions as the numbers are written; from the first exponential, logarithm or irrational "
    "root on, decimals of 100 digits, marked ≈ and shown to 20.",
    "symbols": "In the letters of the problem. Gates and maxima are as they are at its numbers.",
}


def numbers_page(run: OtherRun, decimals: int) -> Page:
    """Values and gradients in exact numbers or symbols, each with its figure beside it."""
    graph, problem = run.graph, run.problem
    parameters = list(problem.parameters) or list(problem.data)
    over = (graph.cost,) if graph.has_loss else ()
    blocks: list[Block] = [
        Heading((problem.title or "Worked solution",), 1),
        Paragraph((INTRODUCTION[run.kind],)),
        Heading(("Forward pass",), 2),
        *_tables(run, [Name(n) for n in dict.fromkeys((*graph.equations, *over))]),
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
            number: Exact | Symbolic = array.item(index)
            if leaf in run.graph.batched_leaves:
                shown: Text = (leaf.entry(index[:-1]), f" in case {index[-1] + 1}")
            else:
                shown = (leaf.entry(index),)
            rows.append(
                (
                    shown,
                    (_figure(run.number_at(number)),),
                    (
                        number.written(SHOWN_BITS).replace("-", "−")
                        if isinstance(number, Exact)
                        else str(number),
                    ),
                )
            )
    header: tuple[Text, ...] = (("entry",), ("figure",), ("number",))
    return [Table(header, tuple(rows), "lrl")]


def _figure(number: Exact | float | None) -> Inline:
    """A number rounded as a figure; one beyond the floats with its power of ten."""
    if number is None:
        return "too large to be written out"
    value = float(number)
    if not isinstance(number, Exact) or (math.isfinite(value) and (value or number == 0)):
        return Literal(value)
    power = number.decimal.adjusted()
    factor = number.decimal.scaleb(-power, CONTEXT)
    return Literal(float(factor)) * Literal(10.0) ** Literal(float(power))
