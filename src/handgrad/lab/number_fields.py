"""The given numbers of a problem as fields of a form: by keyboard and by ear they are where one edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handgrad.expression import Adjoint, Expression, Name
from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.markup import plain, quantity
from handgrad.lab.grids import index_rows, spelled
from handgrad.lab.standing import RATE, Standing
from handgrad.problem import Given, Problem

MOST = 400
"""Numbers of one name that have fields; more are edited in the text."""


def number_fields(problem: Problem, standing: Mapping[str, Standing], writer: HtmlWriter) -> str:
    """A group of fields for each given name, its numbers as they are written."""
    groups: list[str] = []
    for shown, given in _givens(problem):
        name = quantity(shown)
        rows = list(index_rows(given.array.shape, given.batched))
        if spelled(name, rows[0][0][0]) not in standing:
            continue
        legend = f"<legend>{writer.formula(shown)}</legend>"
        if given.array.size > MOST:
            groups.append(
                f"<fieldset>{legend}<p>{given.array.size} numbers: edit them in the text.</p></fieldset>"
            )
            continue
        lines = "".join(
            f'<div class="numbers-row">{"".join(_field(name, at, words, standing) for at, words in row)}</div>'
            for row in rows
        )
        groups.append(f'<fieldset data-of="{plain(name)}">{legend}{lines}</fieldset>')
    if RATE in standing:
        rate = writer.formula(Name(RATE))
        field = _field(RATE, (), "", standing)
        groups.append(f'<fieldset data-of="{RATE}"><legend>{rate}</legend>{field}</fieldset>')
    return "".join(groups)


def _givens(problem: Problem) -> Iterator[tuple[Expression, Given]]:
    for name, given in {**problem.parameters, **problem.data}.items():
        yield Name(name, shape=given.shape), given
    for name, given in problem.upstream.items():
        yield Adjoint(name, shape=given.shape, of=problem.loss), given


def _field(name: str, at: tuple[int, ...], words: str, standing: Mapping[str, Standing]) -> str:
    entry = spelled(name, at)
    said = "the learning rate" if name == RATE else f"{name}, {words}" if words else name
    value = plain(standing[entry].written) if entry in standing else ""
    return (
        f'<input type="text" inputmode="decimal" autocomplete="off" spellcheck="false" '
        f'aria-label="{plain(said)}" data-input="{plain(entry)}" value="{value}">'
    )
