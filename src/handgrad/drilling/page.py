"""The pages of a drill: what is given, what is asked for, what is said to an answer, and the marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import numpy as np

from handgrad.checking.blanks import Blank
from handgrad.checking.page import rule_blocks, where_text, why_texts
from handgrad.checking.quantities import Quantity
from handgrad.checking.report import LEVELS
from handgrad.drilling.records import Record
from handgrad.drilling.replies import Accepted, AtStart, Back, DrillQuit, Help, Reply, Skipped, Told
from handgrad.drilling.typed import Cells, DrillUnfinished, Unread
from handgrad.expression import Leaf, Literal, literal_of
from handgrad.operations.operation import describe
from handgrad.page.blocks import (
    Block,
    Derivation,
    Heading,
    Note,
    Paragraph,
    Relation,
    Table,
    Text,
)
from handgrad.saving import Page
from handgrad.solution.page import error_signals, given_blocks, losses
from handgrad.solution.step_words import title
from handgrad.text import Proportion, joined, sentence

if TYPE_CHECKING:
    from handgrad.drilling.asking import Drill

BAR = 20
"""Characters of the line that shows how far a drill has come."""

HELP = (
    "Type figures as 0.42, -2 or 1/3, a vector as 0.42 -0.17, a matrix row by row, on several lines or "
    "with ; between the rows. Or type ? for a hint, skip, back, show (the step worked out), quit."
)
MARKS = (
    "Each is worth a mark; every wrong answer and every hint takes a quarter of it, and tells more: where, "
    "what, the rule, the step worked out."
)


def drill_opening_page(drill: Drill) -> Page:
    """What is given, what is taken as computed already, and how to answer."""
    name = drill.problem.title or "Worked solution"
    blocks: list[Block] = [Heading((f"Drill: {name}",), 1), *given_blocks(drill.trace)]
    started = _started_from(drill)
    if started:
        blocks += [
            Paragraph(("Computed already:",)),
            Derivation(tuple(Relation(q.shown, (_value(drill, q),)) for q in started)),
        ]
    blocks += [Heading(("How to answer",), 2), Paragraph((HELP,)), Paragraph((MARKS,))]
    if drill.done:
        blocks.append(
            Note("info", (f"Resumed where you left off: {_score(drill)}. --restart begins again.",))
        )
    return _page(drill, blocks)


def drill_question_page(drill: Drill, before: Blank | None = None) -> Page:
    """What is asked for now; `before` is what was asked for last, in a step that needs no title again."""
    blank = drill.blank
    blocks: list[Block] = []
    if before is None or before.step != blank.step:
        step = drill.trace.step(blank.step)
        words = title(drill.trace, step) if step else ()
        blocks.append(Heading((f"{blank.step}  ", *words), 2, blank.step))
    blocks.append(
        Paragraph((Proportion(drill.done / len(drill.blanks), BAR), f"  {_score(drill)}"))
    )
    blocks.append(Paragraph((*_name(blank), f", {_shape(drill, blank)}:")))
    return _page(drill, blocks)


def drill_reply_page(drill: Drill, reply: Reply) -> Page:
    """What is said to what was typed, in `drill`, as it was then or is now."""
    return _page(drill, _said(drill, reply))


def drill_summary_page(drill: Drill) -> Page:
    """What came of every quantity, and the marks."""
    rows: list[tuple[Text, ...]] = []
    for blank in drill.blanks:
        record = drill.record(blank)
        rows.append(((blank.step,), _name(blank), (_outcome(record),), (f"{record.marks:g}",)))
    header: tuple[Text, ...] = (("step",), ("quantity",), ("how",), ("marks",))
    blocks: list[Block] = [
        Heading(("Summary",), 2),
        Table(header, tuple(rows), "lllr"),
        Paragraph((f"{drill.marks:g} of {drill.out_of:g} marks.",)),
    ]
    left = [b for b in drill.blanks if drill.record(b).state in ("open", "skipped")]
    if left:
        count = _counted(len(left), "quantity is", "quantities are")
        words = f"{count} left; the same command resumes the drill."
        blocks.append(Note("info", (words,)))
    elif drill.marks == drill.out_of:
        blocks.append(Note("check", ("Everything right at the first attempt, without a hint.",)))
    else:
        blocks.append(
            Note("info", ("Once more from the start: --restart; with other numbers: --seed 1.",))
        )
    return _page(drill, blocks)


# -- what is said ----------------------------------------------------------------------------------


def _said(drill: Drill, reply: Reply) -> list[Block]:
    match reply:
        case Accepted():
            return _accepted(reply)
        case Told():
            return _told(drill, reply)
        case Skipped():
            left = reply.record.state == "skipped"
            words = "Left for later" if left else f"It stays as it is: {_outcome(reply.record)}"
            return [Note("info", (f"{words}.",))]
        case Back():
            wrote = f"; you wrote {_typed(reply.record.figures)}" if reply.record.figures else ""
            return [Note("info", (f"Back: {_outcome(reply.record)}{wrote}.",))]
        case AtStart():
            return [Note("info", ("This is the first quantity.",))]
        case Help():
            return [Paragraph((HELP,)), Paragraph((MARKS,))]
        case Unread():
            return [Note("warning", sentence(reply.text, "."))]
        case DrillQuit() | DrillUnfinished():
            return []
        case _:
            assert_never(reply)


def _accepted(reply: Accepted) -> list[Block]:
    marks = reply.record.marks
    earned = "" if marks == 1 else f" {marks:g} of a mark." if marks else " No mark is left for it."
    if reply.judged.trivial:
        return [Note("check", why_texts(reply.judged)[0])]
    given = ", given what came before" if reply.judged.verdict == "consistent" else ""
    blocks: list[Block] = [Note("check", (f"Right{given}.{earned}",))]
    if reply.judged.remark:
        blocks.append(Note("info", sentence(reply.judged.remark, ".")))
    return blocks


def _told(drill: Drill, reply: Told) -> list[Block]:
    judged = reply.judged
    entered = judged.verdict == "wrong"
    blocks: list[Block] = []
    if reply.wrong or (entered and reply.level == "where"):
        where = where_text(judged.wrong, np.shape(judged.expected))
        blocks.append(Note("warning", ("Not right", *where, ".")))
    elif reply.level == "where":
        blocks.append(_sources(drill, judged.quantity))
    if reply.level == "where":
        return blocks
    if entered and (reply.wrong or reply.level == "what"):
        blocks += [Note("warning", text) for text in why_texts(judged)]
    told = LEVELS.index(reply.level) >= LEVELS.index("rule")
    ruled = rule_blocks(drill.trace, judged, worked=reply.level == "worked")
    if told:
        blocks += ruled
    elif not entered:
        reasons = [b for b in ruled if isinstance(b, Paragraph)]
        blocks += reasons or [_sources(drill, judged.quantity)]
    return blocks


def _sources(drill: Drill, quantity: Quantity) -> Paragraph:
    """What a quantity is computed from."""
    names = [(_shown(drill, leaf),) for leaf in quantity.formula.leaves]
    if not names:
        return Paragraph(
            (quantity.shown, " is computed from no other value: its formula has numbers alone.")
        )
    return Paragraph((quantity.shown, " is computed from ", *joined(names), "."))


# -- parts ---------------------------------------------------------------------------------------


def _started_from(drill: Drill) -> list[Quantity]:
    """What answers are computed from directly and is not asked for, as it stands before them."""
    structure = drill.checker.work.structure
    asked = {b.target for b in drill.blanks}
    found: dict[str, Quantity] = {}
    waiting = [q for q in structure.quantities if q.target in asked]
    while waiting:
        for leaf in waiting.pop().formula.leaves:
            quantity = structure.by_leaf.get(leaf)
            if quantity is None or quantity.target in asked or quantity.target in found:
                continue
            if quantity.asked:
                found[quantity.target] = quantity
            else:
                asked.add(quantity.target)
                waiting.append(quantity)
    return [q for q in structure.quantities if q.target in found]


def _value(drill: Drill, quantity: Quantity) -> Literal:
    value = drill.checker.work.exact[quantity.leaf]
    return literal_of(value, quantity.batched and value.ndim > len(quantity.shape))


def _shown(drill: Drill, leaf: Leaf) -> Leaf:
    quantity = drill.checker.work.structure.by_leaf.get(leaf)
    return leaf if quantity is None else quantity.shown


def _name(blank: Blank) -> Text:
    return (blank.shown, " after the update") if blank.phase == "update" else (blank.shown,)


def _shape(drill: Drill, blank: Blank) -> str:
    """A quantity's shape in words; where there are many cases, how they lie."""
    quantity = next(q for q in drill.checker.work.structure.quantities if q.target == blank.target)
    if len(quantity.shape) == len(blank.shape):
        return describe(blank.shape)
    cases = f"{describe(quantity.shape)} in each of {blank.shape[-1]} cases"
    return f"{cases}, a column for each" if len(blank.shape) == 2 else cases


def _outcome(record: Record) -> str:
    """What came of a quantity, in a few words."""
    match record.state:
        case "open":
            return "not answered" if record.figures is None else "not right yet"
        case "skipped":
            return "skipped" if record.figures is None else "skipped, not right"
        case "shown":
            return "shown"
        case "right" | "consistent":
            words = "right" if record.state == "right" else "right, given what came before"
            if record.trivial:
                words = "follows, but nothing was left to work out"
            helped = [
                _counted(n, one, many)
                for n, one, many in (
                    (record.wrong, "wrong answer", "wrong answers"),
                    (record.hints, "hint", "hints"),
                )
                if n
            ]
            return f"{words}, after {' and '.join(helped)}" if helped else words
        case _:
            assert_never(record.state)


def _typed(cells: Cells) -> str:
    """Figures on one line, as they may be typed."""
    if isinstance(cells, str):
        return cells
    between = "; " if any(isinstance(c, tuple) for c in cells) else " "
    return between.join(map(_typed, cells))


def _score(drill: Drill) -> str:
    marks = f"{drill.marks:g} mark{'s' * (drill.marks != 1)}"
    return f"{drill.done} of {len(drill.blanks)} done, {marks}"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _page(drill: Drill, blocks: list[Block]) -> Page:
    trace = drill.trace
    return Page(
        title=trace.problem.title or "Drill",
        blocks=tuple(blocks),
        decimals=trace.decimals,
        display=trace.problem.display,
        error_signals=error_signals(trace),
        loss=trace.graph.cost,
        losses=losses(trace),
    )
