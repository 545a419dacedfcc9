"""A tab file for Blackboard: a numerical question for each figure, a line for each.

The sheet's numbers stand in every line, for a question comes alone; an array of numbers is written as LaTeX. Blackboard reads
UTF-8, no header and no empty line, 250 lines at most in Ultra (500 in Original), and has no feedback for a wrong figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from handgrad.errors import OptionError
from handgrad.formats.plain_html import PlainHtml
from handgrad.page.blocks import Figure
from handgrad.quizzes.form import entry_tex
from handgrad.quizzes.question import AskedQuantity, QuizQuestion

MOST_LINES = 250
"""Lines that Blackboard Ultra reads."""


def blackboard_files(questions: Sequence[QuizQuestion], name: str) -> dict[PurePosixPath, bytes]:
    """The file. Raises `OptionError` for more lines than Blackboard reads."""
    lines = [line for question in questions for line in _lines(question)]
    if len(lines) > MOST_LINES:
        raise OptionError(
            f"there are {len(lines)} figures, and Blackboard reads {MOST_LINES} lines of a file",
            mend="fewer sheets, or --blank dW2,db2 for fewer figures",
        )
    return {PurePosixPath(name): "".join(f"{line}\n" for line in lines).encode()}


def _lines(question: QuizQuestion) -> list[str]:
    html = PlainHtml(question.style, lambda _: "")
    lines: list[str] = []
    shown: list[str] = []
    for part in question.body:
        if isinstance(part, Figure):
            shown.append(html.text((part.drawing.description,)))
        elif not isinstance(part, AskedQuantity):
            shown.append(html.blocks([part]))
        else:
            for gap in part.gaps:
                case = f" ({part.case(gap)})" if part.batched else ""
                asked = f"<p>{html.mathematics(entry_tex(part, gap, html))} ?{case}</p>"
                text = " ".join("\n".join([*shown, asked]).split())
                lines.append("\t".join(("NUM", text, gap.right.figure, gap.right.tolerance)))
    return lines
