"""What a formula says before it is drawn: signs between factors, axes, indices counted from 1."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from handgrad import expression as tree
from handgrad.expression import Call, Expression, Index, Option, Slice
from handgrad.formats.mathematics.arrays import grid
from handgrad.notation import As, Subscript, Transposition, Unwritten
from handgrad.operations import operation_of
from handgrad.operations.ranks import display_rank, is_batched, rank_of

ProductSign: TypeAlias = Literal["times", "dot", "entrywise", "divided", "none"]
"""× between numbers, · between scalars, ⊙ between arrays, nothing after a coefficient; ⊘ where
arrays are divided entry by entry."""


def spelled_out(expression: Expression) -> Expression:
    """The formula as it is written: `outer(a, b)` as a bᵀ, `fill(g)` as g."""
    while isinstance(expression, Call):
        match operation_of(expression).notation:
            case As(formula):
                written = formula(*expression.arguments)
                if isinstance(written, Call):
                    written = replace(written, shape=expression.shape)
                expression = written
            case Unwritten():
                expression = expression.arguments[0]
            case _:
                return expression
    return expression


def product_sign(left: Expression, right: Expression) -> ProductSign:
    """What stands between the factors of an elementwise product."""
    ranks = display_rank(left), display_rank(right)
    numeric = is_numeric(left), is_numeric(right)
    if min(ranks) > 0:
        # A number per case beside a column: one factor is a row, the other a column.
        per_case = [rank_of(e) == 0 for e in (left, right)]
        plain = [not is_batched(e) for e in (left, right)]
        crossed = (per_case[0] and plain[1]) or (per_case[1] and plain[0])
        return "dot" if crossed else "entrywise"
    if max(ranks) == 0 and all(numeric):
        return "times"
    if isinstance(left, tree.Literal) and ranks[0] == 0 and not numeric[1]:
        return "none"
    return "dot"


def is_numeric(expression: Expression) -> bool:
    """Whether no name is left in it."""
    return not tree.leaves(expression)


def index_text(at: Option, shape: tuple[int, ...] | None) -> str:
    """An index as mathematics writes it, counted from 1: `12`, `10,2`, `:,2`; the second row is `2`, as in code."""
    entries: tuple[Index, ...] = at if isinstance(at, tuple) else ()
    if shape is not None and len(shape) < len(entries):
        shape = None  # a tree whose shapes were never checked
    if shape is not None:
        entries = (*entries, *[Slice()] * (len(shape) - len(entries)))
    texts = [
        _index_entry(entry, shape[axis] if shape is not None else None)
        for axis, entry in enumerate(entries)
    ]
    while len(texts) > 1 and texts[-1] == ":":
        texts.pop()
    short = all(len(text) == 1 and text.isdigit() for text in texts)
    return ("" if short else ",").join(texts)


def _index_entry(entry: Index, length: int | None) -> str:
    if isinstance(entry, int):
        if entry >= 0:
            return str(entry + 1)
        if length is not None:
            return str(entry + length + 1)
        return "end" if entry == -1 else f"end{entry + 1}"
    if entry == Slice():
        return ":"
    if length is None:
        start, stop = entry.start, entry.stop
        first = "" if start is None else str(start + 1) if start >= 0 else f"end{start + 1}"
        last = "" if stop is None else str(stop) if stop >= 0 else f"end{stop}"
        return f"{first}:{last}" + (f":{entry.step}" if entry.step not in (None, 1) else "")
    where = entry.positions(length)
    if len(where) == length and where.step == 1:
        return ":"
    if len(where) == 1:
        return f"{where[0] + 1}:{where[0] + 1}"
    text = f"{where[0] + 1}:{where[-1] + 1}" if where else "∅"
    return text if where.step == 1 else f"{text}:{where.step}"


def has_rows(literal: tree.Literal) -> bool:
    """Whether it is shown as a column or a matrix of more than one row."""
    rows = grid(literal) if isinstance(literal.value, tuple) else None
    return rows is not None and len(rows) > 1


def is_column(literal: tree.Literal) -> bool:
    """Whether it is shown as a column of more than one row."""
    return has_rows(literal) and display_rank(literal) == 1


def is_transposed(expression: Expression) -> bool:
    """Whether it is a transpose."""
    return isinstance(expression, Call) and isinstance(
        operation_of(expression).notation, Transposition
    )


def is_entry(expression: Expression) -> bool:
    """Whether it is an entry or slice of something."""
    return isinstance(expression, Call) and isinstance(operation_of(expression).notation, Subscript)
