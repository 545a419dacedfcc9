"""What questions have in common in systems that show HTML: a table of gaps, feedback, pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from handgrad.formats.latex import latex
from handgrad.formats.markup import plain
from handgrad.formats.plain_html import PlainHtml
from handgrad.formats.png import render_png
from handgrad.page.blocks import Figure, Heading
from handgrad.quizzes.question import AskedQuantity, Gap, Grid, QuizQuestion, Sign, WrongFigure
from handgrad.text import Text

SIGNS: Mapping[Sign, str] = {"=": "=", "←": r"\leftarrow"}


def asked_html(asked: AskedQuantity, field: Callable[[Gap], str], html: PlainHtml) -> str:
    """What is asked for and a field for each of its figures, an array as a table of them."""
    label = html.mathematics(label_tex(asked, html))
    grids = list(asked.grids())
    if len(asked.gaps) == 1:
        return f"<p>{label} {field(asked.gaps[0])}</p>"
    tables = "\n".join(_table(grid, field) for grid in grids)
    return f"<p>{label}</p>\n{tables}"


def label_tex(asked: AskedQuantity, html: PlainHtml) -> str:
    """What stands before the gaps of a quantity: its name, its formula where that is shown, and a sign."""
    parts = [latex(asked.shown, style=html.style), SIGNS[asked.sign]]
    if asked.formula is not None:
        parts += [latex(asked.formula, style=html.style), "="]
    return " ".join(parts)


def _table(grid: Grid, field: Callable[[Gap], str]) -> str:
    caption = f"<caption>{plain(grid.caption)}</caption>" if grid.caption else ""
    head = "".join(f'<th scope="col">{plain(words)}</th>' for words in grid.header)
    head = f"<thead><tr>{head}</tr></thead>" if head else ""
    rows = "".join(
        f"<tr>{''.join(f'<td>{field(gap)}</td>' for gap in row)}</tr>" for row in grid.rows
    )
    return f"<table>{caption}{head}<tbody>{rows}</tbody></table>"


def entry_tex(asked: AskedQuantity, gap: Gap, html: PlainHtml) -> str:
    """The name of a figure that is asked for by itself, and a sign."""
    return f"{latex(asked.entry(gap), style=html.style)} {SIGNS[asked.sign]}"


def feedback_text(wrong: WrongFigure) -> Text:
    """What a figure that a wrong rule gives is answered: one figure alone may be another's mistake."""
    return ("It looks as if ", *wrong.text, ".")


def solution_heading() -> Heading:
    """What stands above a worked solution."""
    return Heading(("Worked solution",), 2)


def picture_png(figure: Figure, question: QuizQuestion) -> bytes:
    """The picture of a question. Raises `MissingExtraError` where Typst is not installed."""
    return render_png(figure.drawing, question.style)


def field_names(question: QuizQuestion) -> dict[str, str]:
    """By quantity, a name in ASCII letters, figures and underscores that no other has."""
    names: dict[str, str] = {}
    for asked in question.asked:
        plain_name = re.sub(r"\W+", "_", asked.target, flags=re.ASCII).strip("_") or "x"
        name, again = plain_name, 1
        while name in names.values():
            again += 1
            name = f"{plain_name}_{again}"
        names[asked.target] = name
    return names
