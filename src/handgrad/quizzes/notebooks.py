"""What notebooks to fill in have in common: the sheet, with cells of code for each quantity that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from handgrad.formats.notebook import render_notebook
from handgrad.page.blocks import Block, Code, Derivation, Document, Heading, Relation
from handgrad.quizzes.form import field_names
from handgrad.quizzes.question import AskedQuantity, QuizQuestion
from handgrad.solution.numbers import with_blanks

PROBLEM = "problem.toml"
"""The file beside a notebook that its tests read."""

Cells = Callable[[AskedQuantity, str], Sequence[Code]]
"""The cells of code for a quantity, which is called by a variable."""


def notebook_of(question: QuizQuestion, first: Code, cells: Cells) -> str:
    """The text of a sheet's notebook; `first` is its first cell."""
    return render_notebook(
        Document(
            title=question.name,
            blocks=tuple(_blocks(question, first, cells)),
            decimals=question.style.decimals,
            display=question.style.display,
            error_signals=question.style.error_signals,
            loss=question.style.loss,
            losses=question.style.losses,
        )
    )


def _blocks(question: QuizQuestion, first: Code, cells: Cells) -> Iterator[Block]:
    yield Heading((question.name,), 1)
    yield first
    names = field_names(question)
    for part in question.body:
        if not isinstance(part, AskedQuantity):
            yield part
            continue
        chain = (part.formula,) if part.formula is not None else ()
        empty = with_blanks(np.full(part.shape, np.nan), part.batched, part.row)
        yield Derivation((Relation(part.shown, (*chain, empty), sign=part.sign),))
        yield from cells(part, names[part.target])


def shape_words(asked: AskedQuantity) -> str:
    """What is to be written for a quantity, in words."""
    if not asked.shape:
        return "a number"
    size = "×".join(map(str, asked.shape))
    cases = ", its last axis the cases" if asked.batched else ""
    return f"an array of {size} figures{cases}, such as np.array([…])"
