"""The page of discussion questions: each question, then its answer under a heading of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from handgrad.discussion import Question, answer_text, question_text
from handgrad.discussion.asked import TITLES
from handgrad.discussion.structure import (
    CaseShares,
    GateSwap,
    MostSensitive,
    SumOverPaths,
    Swap,
    SwappedLine,
    UpdatedValue,
)
from handgrad.expression import Adjoint, Expression, Literal, Name
from handgrad.operations import noun_of
from handgrad.operations.operation import Array
from handgrad.page.blocks import (
    Block,
    Derivation,
    Heading,
    Layout,
    Page,
    Paragraph,
    Relation,
    Table,
    Text,
)
from handgrad.page.portions import SHOWN
from handgrad.solution import Trace, TraceLine
from handgrad.solution.numbers import literal_of
from handgrad.solution.page import conventions, error_signals, losses
from handgrad.solution.slides import discussion

UNITS = 24
"""Rows of a table of units."""


def questions_page(
    trace: Trace, questions: Sequence[Question], layout: Layout = "document"
) -> Page:
    """Discussion questions about a worked solution; every answer stands under the heading "Answer".

    As slides all are asked on one, or as many as they take, and the answers follow.
    """
    name = trace.problem.title or "Worked solution"
    if layout == "slides":
        blocks: list[Block] = [
            Heading(("Discussion questions",), 1),
            Paragraph((f"About “{name}”. Think before you look at an answer.",)),
            *discussion([question_blocks(q) for q in questions]),
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
        asked, answer = question_blocks(question)
        blocks += [
            Heading((f"Q{number}: {TITLES[question.kind]}",), 2),
            Paragraph(asked),
            Heading(("Answer",), 3, answer=True),
            *answer,
        ]
    return blocks


def question_blocks(question: Question) -> tuple[Text, tuple[Block, ...]]:
    """What is asked, and the blocks of its answer."""
    paragraphs = [Paragraph(text) for text in answer_text(question)]
    match question:
        case GateSwap():
            return question_text(question), _swap_blocks(question, paragraphs)
        case UpdatedValue():
            worked = Derivation(tuple(_assignment(question, line) for line in question.lines))
            return question_text(question), (worked, *paragraphs)
        case SumOverPaths():
            total = _share_sum([s.value for s in question.shares])
            parts: Expression = Adjoint(question.name, question.shares[0].through)
            for share in question.shares[1:]:
                parts = parts + Adjoint(question.name, share.through)
            relation = Relation(
                Adjoint(question.name), (parts, total, literal_of(question.gradient))
            )
            return question_text(question), (
                paragraphs[0],
                Derivation((relation,)),
                *paragraphs[1:],
            )
        case CaseShares():
            return question_text(question), (_case_table(question), *paragraphs)
        case MostSensitive():
            return question_text(question), (_sensitivity_table(question), *paragraphs)
        case _:
            return question_text(question), tuple(paragraphs)


# -- another activation ---------------------------------------------------------------------


def _swap_blocks(question: GateSwap, paragraphs: Sequence[Paragraph]) -> tuple[Block, ...]:
    """The step as it would be with each activation, what comes of it, and all the slopes."""
    blocks: list[Block] = []
    for swap, paragraph in zip(question.swaps, paragraphs, strict=False):
        blocks.append(paragraph)
        told = _telling_line(swap)
        if told is not None:
            blocks.append(Derivation((_worked(told.after, (f"step {told.step}",)),)))
    table = _slope_table(question)
    blocks += [table] if table is not None else []
    return (*blocks, *paragraphs[len(question.swaps) :])


def _telling_line(swap: Swap) -> SwappedLine | None:
    """The step to show: the first in which a zero comes or goes, or else the first of all."""
    changed = [
        line for line in swap.lines if np.any((line.before.value == 0) != (line.after.value == 0))
    ]
    return next(iter((*changed, *swap.lines)), None)


def _worked(line: TraceLine, label: Text = ()) -> Relation:
    chain = [line.formula, line.substituted, literal_of(line.value, line.batched, line.row)]
    unique = tuple(e for k, e in enumerate(chain) if k == 0 or e != chain[k - 1])
    return Relation(line.target, unique, label=label)


def _slope_table(question: GateSwap) -> Table | None:
    units = question.swaps[0].units
    if not units:
        return None
    batched = any(u.case is not None for u in units)
    nouns = [noun_of(o) for o in (question.operation, *(s.operation for s in question.swaps))]
    header: list[Text] = [("unit",), *([("case",)] if batched else []), ("value",)]
    header += [(noun,) for noun in nouns]
    rows: list[tuple[Text, ...]] = []
    for position, unit in enumerate(units[:UNITS]):
        slopes = [unit.slope, *(s.units[position].other_slope for s in question.swaps)]
        case: list[Text] = [(str((unit.case or 0) + 1),)] if batched else []
        cells: list[Text] = [(Literal(slope),) for slope in slopes]
        rows.append(((unit.entry,), *case, (Literal(unit.z),), *cells))
    shown = f" (the first {UNITS} of {len(units)})" if len(units) > UNITS else ""
    caption = f"The slope at each unit{shown}, after a forward pass with each activation"
    return Table(tuple(header), tuple(rows), "l" + "r" * (len(header) - 1), (caption,))


# -- the others -----------------------------------------------------------------------------


def _assignment(question: UpdatedValue, line: TraceLine) -> Relation:
    worked = _worked(line)
    left: Expression = Name(line.target.name).entry(question.entry.index)
    sign = "←" if line.role in ("updated", "memory") else "="
    return Relation(left, worked.chain, sign="←" if sign == "←" else "=")


def _case_table(question: CaseShares) -> Table:
    rows: tuple[tuple[Text, ...], ...] = tuple(
        ((str(k + 1),), (Literal(loss),), (Literal(length),))
        for k, (loss, length) in enumerate(zip(question.losses, question.lengths, strict=True))
    )
    header: tuple[Text, ...] = (("case",), ("its loss",), ("norm of its gradient",))
    return Table(header, rows, "rrr")


def _sensitivity_table(question: MostSensitive) -> Table:
    rows: tuple[tuple[Text, ...], ...] = tuple(
        (
            (Name(e.name).entry(e.index),),
            (Literal(gradient),),
            ("raise it" if gradient > 0 else "lower it" if gradient < 0 else "no effect",),
        )
        for e, gradient in question.entries
    )
    header: tuple[Text, ...] = (("number",), ("gradient",), ("to raise the result",))
    return Table(header, rows, "lrl")


def _share_sum(shares: Sequence[Array]) -> Expression:
    """The shares of a gradient added up, as a formula in numbers."""
    total: Expression = literal_of(shares[0])
    for share in shares[1:]:
        total = total + literal_of(share)
    return total
