"""The reference of operations, written from the table: what each computes, its pull-backs and its kinks.

`python -m tools.operations_page` writes the rows of activations and losses in docs/problem-files.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from handgrad.equations import source
from handgrad.explaining.example import NAMES, example_of
from handgrad.expression import Expression, Name
from handgrad.formats.mathml import MathmlPen
from handgrad.formats.style import Style
from handgrad.operations import TABLE
from handgrad.operations.operation import Operation

FAMILIES = {
    "activation": "Activations",
    "elementwise": "Functions, entry by entry",
    "arithmetic": "Arithmetic and comparisons",
    "linear": "Products and convolutions",
    "matrix": "Functions of square matrices",
    "reduction": "Reductions and pools",
    "normalisation": "Normalisation",
    "loss": "Losses",
    "structure": "Choosing and arranging",
}
"""The families in the order of the page; helpers are what pull-backs are written with, not the language."""

LANGUAGE = Path(__file__).parent.parent / "docs" / "problem-files.md"

ROWS = {"activation": ("activations", "; `σ`"), "loss": ("losses", "")}
"""By family, what its row is called among the functions of the language, and what follows the names."""


def page() -> str:
    """The page in Markdown, its formulas in MathML."""
    parts = [
        "# Operations",
        "Every operation of the language, written from the table that computes it: what it does to numbers, the "
        "formula, and the pull-back, which gives the gradient with respect to an argument from the gradient with "
        "respect to the result, r. What frameworks do otherwise stands in "
        "[where frameworks differ](frameworks.md).",
    ]
    for family, title in FAMILIES.items():
        parts.append(f"## {title}")
        for record in TABLE:
            if record.family == family:
                parts += _entry(record)
    return "\n\n".join(parts) + "\n"


def _entry(record: Operation) -> Iterator[str]:
    words = record.words
    example = example_of(record)
    yield f"### {record.name}"
    if example is None:
        yield words.forward
        return
    call = example.call
    yield f"`{source(call)}` · {words.forward}"
    yield _lines([(Name("r"), call), *example.gradients])
    yield words.backward
    if record.options:
        given = ", ".join(f"`{name}={value}`" for name, value in record.options.items())
        yield f"Options and what they are where they are left out: {given}."
    for domain in record.domain:
        yield f"`{source(call.arguments[domain.argument])}` must be {domain.words}."
    for kink in record.kinks:
        yield f"Kink: {kink.words}."


def _lines(equalities: Sequence[tuple[Expression, Expression]]) -> str:
    pen = MathmlPen(Style())
    rows = "".join(
        f'<div><math display="inline">{pen.draw(left)}<mo>=</mo>{pen.draw(right)}</math></div>'
        for left, right in equalities
    )
    return f'<div class="formulas">{rows}</div>'


def language(text: str) -> str:
    """The language's page with the names of every activation and loss, and the defaults of their options."""
    for family, (title, also) in ROWS.items():
        names = " ".join(_call(r) for r in TABLE if r.family == family)
        text = re.sub(rf"(?m)^\| {title} \|.*$", f"| {title} | `{names}`{also} |", text)
    return text


def _call(record: Operation) -> str:
    """The name; of what has options, a call with their defaults."""
    if not record.options:
        return record.name
    options = [f"{name}={value:g}" for name, value in record.options.items()]
    return f"{record.name}({', '.join((*NAMES[record.arity[0]], *options))})"


if __name__ == "__main__":
    LANGUAGE.write_text(language(LANGUAGE.read_text("utf-8")), "utf-8")
