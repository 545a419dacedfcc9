"""The commonest mistakes of a class as slides, for the next lecture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from handgrad.grading.examples import ToldExample, told_example
from handgrad.grading.words import alike_text, percent, sheets, told
from handgrad.page.blocks import Block, Derivation, Heading, Note, Paragraph, Table, Text
from handgrad.page.portions import ROOM, SHOWN, SIZES, portions
from handgrad.saving import Page
from handgrad.solution.page import error_signals, losses
from handgrad.text import sentence

if TYPE_CHECKING:
    from handgrad.grading.class_report import ClassReport, Misconception

MOST = 3
"""Mistakes that a lecture has time for."""


def mistakes_deck(report: ClassReport) -> Page:
    """The three commonest mistakes: what was done, one example without a name, and the right way worked.

    Slips of the pen are left out: there is nothing to explain about them.
    """
    trace = report.trace
    title = report.problem.title or "The class"
    chosen = [m for m in report.misconceptions if m.mistake == "mistake"][:MOST]
    examples = [told_example(report, m) for m in chosen]
    blocks: list[Block] = [Heading((title, ": what went wrong"), 1), *_cover(report, chosen)]
    for number, (misconception, example) in enumerate(zip(chosen, examples, strict=True), start=1):
        blocks += _mistake(number, misconception, example, report)
    return Page(
        title=f"{title}: what went wrong",
        blocks=tuple(blocks),
        decimals=max([trace.decimals, *(e.decimals for e in examples)]),
        display=trace.problem.display,
        error_signals=error_signals(trace),
        loss=trace.graph.cost,
        losses=losses(trace),
        layout="slides",
        largest=SHOWN,
    )


def _cover(report: ClassReport, chosen: Sequence[Misconception]) -> Iterator[Block]:
    if not chosen:
        yield Paragraph((f"{sheets(report.count)} graded, and no usual mistake in them.",))
        return
    rows: list[tuple[Text, ...]] = [
        (
            (f"{number}",),
            sentence(*told(m)),
            (percent(m.share),),
            (m.first_step,),
        )
        for number, m in enumerate(chosen, start=1)
    ]
    header: tuple[Text, ...] = ((), ("what was done",), ("of all",), ("begins in",))
    yield Table(header, tuple(rows), "rlrl")


def _mistake(
    number: int, misconception: Misconception, example: ToldExample, report: ClassReport
) -> Iterator[Block]:
    """The slides of one mistake: how it looks, and how the step is done."""
    step = misconception.first_step
    share: Text = (f"{percent(misconception.share)} of {sheets(report.count)}",)
    seen: list[Block] = [Note("warning", sentence(*told(misconception), "."))]
    if misconception.alike:
        seen.append(Note("info", alike_text(misconception)))
    seen.append(example.written)
    if SIZES.total([*seen, *example.worked]) <= ROOM:
        yield from _slides(f"Mistake {number}", [*seen, *example.worked], step, share)
        return
    seen += _labelled(example.worked, True)
    worked = list(_labelled(example.worked, False))
    yield from _slides(f"Mistake {number}", seen, step, share)
    yield from _slides(f"Mistake {number}: how it is done", worked, step)


def _labelled(worked: Sequence[Block], done: bool) -> Iterator[Block]:
    """What was done, of a step worked through, or all the rest."""
    for block in worked:
        if isinstance(block, Derivation):
            chosen = tuple(r for r in block.relations if (r.label == ("what was done",)) == done)
            if chosen:
                yield Derivation(chosen)
        elif not done:
            yield block


def _slides(title: str, blocks: Sequence[Block], step: str, aside: Text = ()) -> Iterator[Block]:
    parts = portions(blocks)
    for position, part in enumerate(parts):
        count = f" ({position + 1} of {len(parts)})" if len(parts) > 1 else ""
        yield Heading((f"{title}{count}",), 2, step, aside)
        yield from part
