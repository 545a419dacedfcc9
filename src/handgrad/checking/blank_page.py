"""The page of answers to be filled in: a notebook with a place for every quantity, checked at its end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from handgrad.checking.blanks import Blank, cells
from handgrad.page.blocks import Block, Code, Heading, Paragraph
from handgrad.saving import Page
from handgrad.solution import Trace
from handgrad.solution.page import error_signals, given_blocks, losses

CHECKED = """print(handgrad.render(handgrad.check(problem, answers)))
"""


def answers_page(trace: Trace, blanks: Sequence[Blank]) -> Page:
    """What is given, a cell of code for each step to be filled in, and one that checks them all."""
    name = trace.problem.title or "Answers"
    problem = (
        f"import handgrad\n\nproblem = handgrad.loads({trace.problem.to_toml()!r})\nanswers = {{}}"
    )
    blocks: list[Block] = [Heading((name,), 1), *given_blocks(trace), Code(problem)]
    for (step, title), group in groupby(blanks, lambda b: (b.step, b.title)):
        places = "\n".join(f'answers["{b.target}"] = {cells(b.shape)}' for b in group)
        blocks += [Heading((title,), 3, step), Code(places)]
    blocks += [
        Heading(("Check",), 2),
        Paragraph(
            (
                "Leave empty what you have not worked out; the rest is checked, as often as you like.",
            )
        ),
        Code(CHECKED),
    ]
    return Page(
        title=name,
        blocks=tuple(blocks),
        decimals=trace.decimals,
        display=trace.problem.display,
        error_signals=error_signals(trace),
        loss=trace.graph.cost,
        losses=losses(trace),
    )
