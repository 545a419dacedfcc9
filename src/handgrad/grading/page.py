"""The class page: how each step went, what is misunderstood, where marks were lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from handgrad.checking.quantities import Quantity, structure_of
from handgrad.grading.charts import marks_chart, quantities_chart
from handgrad.grading.examples import ToldExample, told_example
from handgrad.grading.words import (
    alike_text,
    marks,
    oddity_text,
    percent,
    quantity_text,
    sheets,
    told,
)
from handgrad.page.blocks import Block, Heading, Note, Paragraph, Table, Text
from handgrad.page.charts import chart
from handgrad.saving import Page
from handgrad.solution.page import error_signals, losses
from handgrad.text import listed, sentence

if TYPE_CHECKING:
    from handgrad.grading.class_report import ClassReport, Misconception

SHOWN = 8
"""Misconceptions that are told with an example, at most; the others stand in the table."""

NAMED = 6
"""Quantities that are named for one mistake, at most."""

COSTLY = 5
"""Quantities that are named for the marks lost in them, at most."""


def class_page(report: ClassReport, names: bool = False) -> Page:
    """The report as a page for the teacher.

    Arguments:
        report: a class graded.
        names: whether it says who has which marks, and whose sheet could not be read.
    """
    trace = report.trace
    title = report.problem.title or "Class"
    examples = [(m, told_example(report, m)) for m in _mistakes(report)[:SHOWN]]
    blocks: list[Block] = [Heading((f"{title}: the class",), 1), Paragraph((_summary(report),))]
    blocks += _odd(report, names)
    shown = {q.target: q for q in structure_of(report.problem).quantities}
    if report.count:
        blocks += _marks(report)
        blocks += _misunderstood(report)
        blocks += _costs(report, shown)
        blocks += _steps(report, shown)
        for number, (misconception, example) in enumerate(examples, start=1):
            blocks += _told(number, misconception, example, report)
    if names and report.students:
        blocks += _students(report)
    return Page(
        title=f"{title}: the class",
        blocks=tuple(blocks),
        decimals=max([trace.decimals, *(e.decimals for _, e in examples)]),
        display=trace.problem.display,
        error_signals=error_signals(trace),
        loss=trace.graph.cost,
        losses=losses(trace),
    )


def _mistakes(report: ClassReport) -> list[Misconception]:
    return [m for m in report.misconceptions if m.mistake == "mistake"]


def _summary(report: ClassReport) -> str:
    if report.distribution is None:
        return "No sheet was graded."
    spread = report.distribution
    first = f"{sheets(report.count)} graded; the median is {marks(spread.quartiles[1])} of {marks(spread.out_of)} marks."
    if not report.with_mistakes:
        return f"{first} Nothing that was entered is wrong."
    have = "has" if report.with_mistakes == 1 else "have"
    text = f"{first} {report.with_mistakes} of them {have} something wrong."
    if report.unexplained:
        words = (
            "what is wrong in a step" if report.unexplained == 1 else "what is wrong in some step"
        )
        text += f" In {report.unexplained}, no usual mistake leads to {words}."
    return text


def _odd(report: ClassReport, names: bool) -> list[Block]:
    """What could not be read or used: each with its place, or how many there are."""
    blocks: list[Block] = []
    if names:
        blocks += [Note("warning", (f"{u}.",)) for u in report.unread]
    else:
        blocks += [Note("warning", (oddity_text(o.oddity, o.count),)) for o in report.oddities]
    if report.absent:
        count = len(report.absent)
        who = f": {listed(report.absent)}" if names else ""
        have = "student has" if count == 1 else "students have"
        blocks.append(Note("warning", (f"{count} {have} a problem, and handed in no sheet{who}.",)))
    return blocks


def _marks(report: ClassReport) -> Iterator[Block]:
    spread = report.distribution
    assert spread is not None
    yield Heading(("Marks",), 2)
    low, _, high = spread.quartiles
    yield Paragraph(
        (
            f"Of {marks(spread.out_of)}: the mean is {marks(spread.mean)}, the lowest {marks(spread.lowest)}, the highest "
            f"{marks(spread.highest)}; the quartiles are {marks(low)} and {marks(high)}.",
        )
    )
    yield chart(lambda *, width: marks_chart(spread, width=width), ("Sheets by their marks",))


def _misunderstood(report: ClassReport) -> Iterator[Block]:
    mistakes = _mistakes(report)
    slips = [m for m in report.misconceptions if m.mistake == "slip"]
    if mistakes:
        yield Heading(("What is misunderstood",), 2)
        yield _table(mistakes, report)
    if slips:
        yield Heading(("Slips of the pen",), 2)
        yield _table(slips, report)


def _table(found: Sequence[Misconception], report: ClassReport) -> Table:
    """Mistakes with how many sheets have them, and where they begin."""
    rows: list[tuple[Text, ...]] = [
        (
            (f"{number}",),
            sentence(*told(m)),
            (f"{m.count}",),
            (percent(m.share),),
            (m.first_step,),
        )
        for number, m in enumerate(found, start=1)
    ]
    header: tuple[Text, ...] = ((), ("what was done",), ("sheets",), ("of all",), ("begins in",))
    return Table(header, tuple(rows), "rlrrl")


def _costs(report: ClassReport, shown: Mapping[str, Quantity]) -> Iterator[Block]:
    """The quantities in which most marks were lost."""
    costly = sorted((s for s in report.steps if s.lost > 0), key=lambda s: -s.lost)[:COSTLY]
    if not costly:
        return
    rows: list[tuple[Text, ...]] = [
        (
            (s.step,),
            quantity_text(shown[s.target]),
            (f"{marks(s.lost * report.count)}",),
            (percent(s.lost / s.out_of if s.out_of else 0.0),),
            (f"{s.wrong}",),
            (f"{s.missing}",),
        )
        for s in costly
    ]
    header: tuple[Text, ...] = (
        *(("step",), ("quantity",), ("marks lost",), ("of those there",), ("wrong",)),
        ("not entered",),
    )
    yield Heading(("Where most marks were lost",), 2)
    yield Table(header, tuple(rows), "llrrrr")


def _steps(report: ClassReport, shown: Mapping[str, Quantity]) -> Iterator[Block]:
    leaves = {target: quantity.shown for target, quantity in shown.items()}
    yield Heading(("How each step went",), 2)
    yield chart(
        lambda *, width: quantities_chart(report.steps, leaves, width=width),
        ("Sheets by what became of each quantity, step by step",),
    )


def _told(
    number: int, misconception: Misconception, example: ToldExample, report: ClassReport
) -> Iterator[Block]:
    """A mistake with an example of it, and the right way."""
    of = f"{misconception.count} of {sheets(report.count)}, {percent(misconception.share)}"
    yield Heading((f"Mistake {number}: ", *told(misconception)), 2)
    yield Paragraph(
        (f"On {of}; it begins in step {misconception.first_step}.", *_elsewhere(misconception))
    )
    if misconception.alike:
        yield Note("info", alike_text(misconception))
    yield example.written
    yield from example.worked


def _elsewhere(misconception: Misconception) -> Text:
    here = (
        f" As here, on {misconception.worded}."
        if misconception.worded < misconception.count
        else ""
    )
    places = misconception.places
    if len(places) < 2:
        return (here,)
    listed_places = ", ".join(f"{p.target} on {p.count}" for p in places[:NAMED])
    more = f", and in {len(places) - NAMED} more" if len(places) > NAMED else ""
    return (f"{here} By quantity: {listed_places}{more}.",)


def _students(report: ClassReport) -> Iterator[Block]:
    yield Heading(("Students",), 2)
    rows: list[tuple[Text, ...]] = []
    for student in report.students or ():
        wrong = [s for s in student.steps if s.verdict == "wrong"]
        first = f"{wrong[0].step}: {wrong[0].text or 'wrong'}" if wrong else ""
        rows.append(((student.id,), (f"{marks(student.marks)}/{marks(student.out_of)}",), (first,)))
    header: tuple[Text, ...] = (("student",), ("marks",), ("first thing wrong",))
    yield Table(header, tuple(rows), "lrl")
