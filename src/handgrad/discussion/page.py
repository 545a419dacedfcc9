"""The page of discussion questions: each question, then its answer under a heading of its own."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.discussion.question import Question
from handgrad.page.blocks import Block, Heading, Layout, Paragraph
from handgrad.page.portions import SHOWN
from handgrad.saving import Page
from handgrad.solution import Trace
from handgrad.solution.page import conventions, error_signals, losses
from handgrad.solution.slides import discussion


def questions_page(
    trace: Trace, questions: Sequence[Question], layout: Layout = "document"
) -> Page:
    """Discussion questions about a worked solution; every answer stands under the heading "Answer".

    As slides, all questions come first, and then the answers.
    """
    name = trace.problem.title or "Worked solution"
    if layout == "slides":
        blocks: list[Block] = [
            Heading(("Discussion questions",), 1),
            Paragraph((f"About “{name}”. Think before you look at an answer.",)),
            *discussion([(q.asked(), q.blocks()) for q in questions]),
        ]
    else:
        blocks = _document(trace, name, questions)
    return Page(
        title=f"{name}: discussion questions",
        blocks=tuple(blocks),
        decimals=trace.decimals,
        display=trace.problem.display,
        error_signals=error_signals(trace),
        loss=trace.graph.cost,
        losses=losses(trace),
        layout=layout,
        largest=SHOWN if layout == "slides" else None,
    )


def _document(trace: Trace, name: str, questions: Sequence[Question]) -> list[Block]:
    """Each question under a heading of its own, its answer under another."""
    blocks: list[Block] = [
        Heading(("Discussion questions",), 1),
        Paragraph(
            (
                f"About “{name}”. Think before you read an answer; steps are those of the worked solution. "
                f"{conventions(trace)}",
            )
        ),
    ]  # fmt: skip
    for number, question in enumerate(questions, start=1):
        blocks += [
            Heading((f"Q{number}: {question.title}",), 2),
            Paragraph(question.asked()),
            Heading(("Answer",), 3, answer=True),
            *question.blocks(),
        ]
    return blocks
