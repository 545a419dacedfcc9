"""The page of a check: a verdict for every quantity, and as much of what went wrong as is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from handgrad.arrays import Array
from handgrad.checking.quantities import Quantity
from handgrad.checking.report import LEVELS, MOST_WRONG, Judged, Level, Places
from handgrad.expression import Adjoint, Expression, literal_of
from handgrad.expression import Literal as Number
from handgrad.page.blocks import (
    Block,
    Derivation,
    Heading,
    Legend,
    Mark,
    Note,
    Paragraph,
    Relation,
    Table,
    Text,
    without_repeats,
)
from handgrad.saving import Page
from handgrad.solution import Trace
from handgrad.solution.notes.note import TraceNote
from handgrad.solution.notes.zero_input import ZeroInput
from handgrad.solution.numbers import with_blanks
from handgrad.solution.page import error_signals, losses
from handgrad.solution.relations import marks_of
from handgrad.solution.step_words import reason
from handgrad.text import joined, listed, sentence

if TYPE_CHECKING:
    from handgrad.checking.check_report import CheckReport

MOST_DIGITS = 10
"""Figures of more digits come from a program, and are shown to the page's."""

MANY = 8
"""Wrong entries that are named; of more, the number is said."""


def check_page(report: CheckReport, level: Level = "what") -> Page:
    """A report as a page.

    Arguments:
        report: what was found about a person's figures.
        level: how much is told of what is wrong: "where" it is, "what" was done, the "rule" that
            belongs there, or the step "worked" out.
    """
    title = report.problem.title or "Check"
    blocks: list[Block] = [
        Heading((title, ": the figures in print" if report.as_printed else ": your work"), 1)
    ]
    blocks.append(Paragraph(_summary(report)))
    if report.wrong and not report.as_printed:
        blocks.append(Note("warning", _first_wrong(report)))
    if report.entered:
        blocks.append(_printed_table(report) if report.as_printed else _table(report))
    blocks += _missing(report)
    blocks += _conventions(report)
    blocks += [Note("warning", (remark,)) for remark in report.remarks]
    if level != "where":
        told = [b for alike in _alike(_to_tell(report)) for b in _told(report, alike, level)]
        blocks += [*Legend.of(told, changed="wrong"), *told]
    if not report.wrong and report.entered and not report.remarks:
        blocks.append(Note("check", ("Nothing that was entered is wrong.",)))
    trace = report.trace
    return Page(
        title=title,
        blocks=tuple(blocks),
        decimals=max(trace.decimals, _decimals(report)),
        display=trace.problem.display,
        error_signals=error_signals(trace),
        loss=trace.graph.cost,
        losses=losses(trace),
    )


def _decimals(report: CheckReport) -> int:
    """The decimals that figures which are told of were written with: they are shown as they were."""
    return most_decimals(_to_tell(report))


def most_decimals(told: Iterable[Judged]) -> int:
    """The most decimals that figures of these quantities were written with."""
    return max(
        (
            # So far behind the point, a figure is shown as a power of ten.
            figure.decimals if figure.decimals <= MOST_DIGITS else figure.digits - 1
            for one in told
            if one.entry is not None
            for figure in one.entry.figures.values()
            if figure.digits <= MOST_DIGITS
        ),
        default=0,
    )


def _to_tell(report: CheckReport) -> list[Judged]:
    return [
        s
        for s in report.entered
        if s.verdict == "wrong" or s.trivial or s.printed == "early_rounding"
    ]


def _summary(report: CheckReport) -> Text:
    entered = report.entered
    if not entered:
        return ("Nothing is entered that could be checked.",)
    if report.as_printed:
        kinds = {"right": "right", "fewer_digits": "right to fewer digits"}
        kinds |= {"early_rounding": "explained by early rounding", "wrong": "wrong"}
        counts = [
            f"{n} {word}"
            for k, word in kinds.items()
            if (n := sum(s.printed == k for s in entered))
        ]
        return (f"{_counted(len(entered), 'quantity', 'quantities')} in print: {listed(counts)}.",)
    consistent = sum(s.verdict == "consistent" for s in entered)
    late = [s for s in entered if s.verdict == "consistent" and s.convention is not None]
    counts = [
        f"{n} {word}"
        for word, n in (
            ("right", sum(s.verdict == "right" for s in entered)),
            ("right in another convention", len(late)),
            ("right given what came before", consistent - len(late)),
            ("wrong", len(report.wrong)),
        )
        if n
    ]
    marks = f" {report.marks:g} of {report.out_of:g} marks." if report.out_of else ""
    return (
        f"{_counted(len(entered), 'quantity', 'quantities')} entered: {listed(counts)}.{marks}",
    )


def _first_wrong(report: CheckReport) -> Text:
    """Where to look first: what comes after it may be wrong for its sake."""
    first = next(s for s in report.entered if s.verdict == "wrong")
    which = "it is the first that is wrong" if len(report.wrong) > 1 else "it is wrong"
    return ("Begin with ", *_name(first), f", in step {first.quantity.step}: {which}.")


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _table(report: CheckReport) -> Table:
    rows: list[tuple[Text, ...]] = []
    for one in report.entered:
        marks = f"{one.marks:g}/{one.out_of:g}" if one.out_of else ""
        rows.append(((one.quantity.step,), _name(one), _verdict(one), (marks,)))
    header: tuple[Text, ...] = (("step",), ("quantity",), ("verdict",), ("marks",))
    return Table(header, tuple(rows), "lllr")


def _name(one: Judged) -> Text:
    shown = one.quantity.shown
    return (shown, " after the update") if one.quantity.phase == "update" else (shown,)


def _verdict(one: Judged) -> Text:
    match one.verdict:
        case "consistent" if one.trivial:
            return ("follows, but nothing was left to work out",)
        case "wrong":
            found = "NOT COMPLETE" if _unfinished(one) else "WRONG"
            return (found, *where_text(one.wrong, np.shape(one.expected)))
        case _:
            return (one.words,)


def _unfinished(one: Judged) -> bool:
    """Whether what is wrong is only that entries are missing."""
    if one.entry is None or one.entry.shape != np.shape(one.expected) or not one.wrong:
        return False
    if len(one.wrong) == MOST_WRONG:
        return False  # there may be others
    return all(np.isnan(one.entry.value[place]) for place in one.wrong)


def where_text(places: Places, shape: tuple[int, ...]) -> Text:
    """Which entries, counted from 1; nothing where it is all of them."""
    if not shape or not places or len(places) == int(np.prod(shape)):
        return ()
    if len(places) > MANY:
        least = "at least " if len(places) == MOST_WRONG else ""
        return (f" in {least}{len(places)} entries",)
    named = [", ".join(str(i + 1) for i in at) for at in places]
    if len(shape) == 1:
        return (f" in {'entry' if len(named) == 1 else 'entries'} {listed(named)}",)
    return (f" in {'entry' if len(named) == 1 else 'entries'} {listed([f'({n})' for n in named])}",)


def _printed_table(report: CheckReport) -> Table:
    words = {
        "right": "right",
        "fewer_digits": "right, to fewer digits",
        "early_rounding": "rounded early",
        "wrong": "WRONG",
    }
    rows: list[tuple[Text, ...]] = []
    for one in report.entered:
        exact = one.printed in ("wrong", "early_rounding")
        verdict = words[one.printed or "right"]
        value: Text = (_literal(one.expected, one),) if exact else ()
        rows.append(((one.quantity.step,), _name(one), (verdict,), value))
    header: tuple[Text, ...] = (("step",), ("quantity",), ("verdict",), ("right value",))
    return Table(header, tuple(rows), "llll")


def _missing(report: CheckReport) -> list[Block]:
    missing = [s for s in report.steps if s.verdict == "missing"]
    if not missing or report.as_printed:
        return []
    if len(missing) > 2 * MANY:
        return [Paragraph((f"{len(missing)} quantities are not entered.",))]
    shown = [_name(s) for s in missing if s.quantity.phase != "update"]
    after = [s.quantity.shown for s in missing if s.quantity.phase == "update"]
    if after:
        shown.append((*joined([(a,) for a in after]), " after the update"))
    return [Paragraph(("Not entered: ", *joined(shown), "."))]


def _conventions(report: CheckReport) -> list[Block]:
    """That the mean's 1/m is left to the parameters, where it is."""
    counts = dict.fromkeys(s.convention.count for s in report.entered if s.convention is not None)
    return [
        Note(
            "info",
            (
                f"The gradients on the way are taken without the 1/{count} of the mean, which is left "
                "to the gradients of the parameters. That is a usual convention: with it in them, "
                "they come out the same.",
            ),
        )
        for count in counts
    ]


# -- what is told of one quantity ------------------------------------------------------------------


def _alike(wrong: Sequence[Judged]) -> list[list[Judged]]:
    """Parameters that went wrong in an update in the same way are told of together."""
    groups: list[list[Judged]] = []
    for one in wrong:
        before = groups[-1][0] if groups else None
        if before is not None and _same_way(before, one):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _same_way(one: Judged, other: Judged) -> bool:
    if one.quantity.phase != "update" or one.quantity.step != other.quantity.step:
        return False
    if one.trivial or other.trivial or not (one.diagnosis and other.diagnosis):
        return False
    first, second = one.diagnosis[0], other.diagnosis[0]
    return (first.rule, first.text) == (second.rule, second.text)


def _told(report: CheckReport, alike: Sequence[Judged], level: Level) -> list[Block]:
    """What is told of one quantity, or of several parameters whose update went wrong in the same way."""
    first = alike[0]
    name = _name(first)
    if len(alike) > 1:
        name = (*joined([(one.quantity.shown,) for one in alike]), " after the update")
    blocks: list[Block] = [Heading(name, 3, id=first.quantity.step)]
    said = "in print" if report.as_printed else "you wrote"
    written = [relation for one in alike for relation in written_relations(one, said)]
    if written:
        blocks.append(Derivation(tuple(written)))
    texts = why_texts(first)
    blocks += [Note("warning", t) for t in texts if all(t in why_texts(one) for one in alike)]
    blocks += [Note("info", sentence(one.remark, ".")) for one in alike if one.remark]
    for one in alike:
        if LEVELS.index(level) >= LEVELS.index("rule"):
            rules = rule_blocks(report.trace, one, worked=level == "worked")
            # Why it is done is said once.
            blocks += rules if one is first else [b for b in rules if not isinstance(b, Paragraph)]
        elif report.as_printed:
            right = Relation(one.quantity.shown, (_literal(one.expected, one),), label=("right",))
            blocks.append(Derivation((right,)))
    return blocks


def written_relations(one: Judged, said: str) -> list[Relation]:
    """The figures that were entered, those at fault marked; `said` is what stands before them."""
    if one.entry is None:
        return []
    value = one.entry.value
    figures = with_blanks(value, _has_cases(value, one))
    return [Relation(one.quantity.shown, (figures,), marks=_wrong_entries(one), label=(said,))]


def _wrong_entries(one: Judged) -> dict[tuple[int, ...], Mark]:
    """The entries at fault, marked where others are right."""
    some = one.entry is not None and len(one.wrong) < one.entry.value.size
    return dict.fromkeys(one.wrong, "changed") if some else {}


def why_texts(one: Judged) -> list[Text]:
    """The best explanation, and the others as what it may also be."""
    if one.trivial:
        return [
            (
                "These figures follow from an earlier slip that left nothing to work out here, so they earn no marks.",
            )
        ]
    if not one.diagnosis:
        return [
            ("It does not follow from the figures before it, and no usual mistake leads to it.",)
        ]
    first, *others = one.diagnosis
    texts: list[Text] = [sentence(*first.text, ".")]
    if others:
        texts.append(("Or: ", *joined([d.text for d in others], "or"), "."))
    return texts


def _done(one: Judged) -> list[Relation]:
    """What was computed by the likeliest mistake, and what belongs there in another step than this."""
    relations: list[Relation] = []
    for mistake in one.diagnosis[0].done if one.diagnosis else ():
        quantity = mistake.quantity
        relations.append(_formula(quantity, mistake.formula, "what was done"))
        if quantity is not one.quantity:
            relations.append(_formula(quantity, _shown_formula(quantity), "the rule there"))
    return relations


def _formula(quantity: Quantity, formula: Expression, label: str) -> Relation:
    return Relation(quantity.shown, (formula,), sign=_sign(quantity), label=(label,))


def _sign(quantity: Quantity) -> Literal["=", "←"]:
    return "←" if quantity.phase == "update" else "="


def _shown_formula(quantity: Quantity) -> Expression:
    """The formula of a quantity as the worked solution has it."""
    return quantity.line.formula if quantity.line is not None else quantity.formula.expression


def rule_blocks(trace: Trace, one: Judged, *, worked: bool) -> list[Block]:
    """The rule that belongs to a quantity, with the numbers put in where it is `worked` out."""
    quantity = one.quantity
    blocks: list[Block] = []
    step = trace.step(quantity.step)
    if step is not None and (why := reason(trace, step)) and any(why):
        blocks.append(Paragraph(why))
    if step is not None:
        blocks += [n.block() for n in step.notes if _explains_zeros(n, one)]
    line = quantity.line
    chain: list[Expression] = [_shown_formula(quantity)]
    if worked and line is not None:
        chain += [line.substituted, _literal(one.expected, one)]
    elif worked:
        chain.append(_literal(one.expected, one))
    done, sign = _done(one), _sign(quantity)
    label: Text = ("the rule",) if done else ()
    marks: dict[tuple[int, ...], Mark] = {}
    remarks: dict[int, str] = {}
    if worked and step is not None and line is not None:
        marks, remarks = marks_of(step, line)
    rule = Relation(quantity.shown, without_repeats(chain), marks, remarks, sign=sign, label=label)
    blocks.append(Derivation((*done, rule)))
    if worked and one.following is not None:
        own = Relation(
            quantity.shown,
            (_literal(one.following, one),),
            label=("from your own figures",),
            sign=sign,
        )
        blocks.append(Derivation((own,)))
    return blocks


def _explains_zeros(note: TraceNote, one: Judged) -> bool:
    """Whether a note says why entries are 0 that are not 0 in the work."""
    shown = one.quantity.shown
    if not isinstance(note, ZeroInput) or not isinstance(shown, Adjoint):
        return False
    zeroed = [z.entries for z in note.zeroes if z.name == shown.name]
    return any(set(entries) & set(one.wrong) for entries in zeroed)


def _literal(value: Array, one: Judged) -> Number:
    line = one.quantity.line
    return literal_of(value, _has_cases(value, one), line is not None and line.row)


def _has_cases(value: Array, one: Judged) -> bool:
    rank = len(one.quantity.shape)
    return np.ndim(one.expected) > rank and value.ndim > rank
