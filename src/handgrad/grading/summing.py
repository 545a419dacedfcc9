"""From the counts of a class to its report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from handgrad.checking import Checker
from handgrad.checking.diagnosis import UNREAD
from handgrad.checking.report import Diagnosis
from handgrad.checking.words import MISTAKES
from handgrad.grading.class_report import (
    AlikeMistake,
    ClassReport,
    Distribution,
    MarksBin,
    Misconception,
    MistakePlace,
    QuantityCounts,
    StudentMarks,
    StudentStep,
)
from handgrad.grading.graded import UNASKED, VERDICTS, Graded
from handgrad.grading.intake import Intake
from handgrad.grading.oddities import OddityCount
from handgrad.grading.tally import UNIT, ClassTally, RuleTally, expanded
from handgrad.text import Text, plain_text

OF_RULES = frozenset(("wrong_shape", "rounded_early"))
"""Rules that are no formula's, and misunderstood nonetheless."""

BINS = 10
"""Ranges of marks that are counted, about."""


def class_report(
    checker: Checker, intake: Intake, tally: ClassTally, students: tuple[StudentMarks, ...] | None
) -> ClassReport:
    """The report on a class of which everything is counted."""
    return ClassReport(
        problem=checker.problem,
        trace=checker.work.structure.trace,
        rubric=checker.rubric,
        count=tally.students,
        with_mistakes=tally.with_mistakes,
        unexplained=tally.unexplained,
        students=students,
        steps=tuple(_quantities(tally)),
        misconceptions=_misconceptions(tally),
        distribution=_distribution(tally.totals),
        unread=tuple(intake.odd.ordered()),
        oddities=tuple(OddityCount(o, n) for o, n in sorted(intake.odd.counts.items())),
        absent=intake.absent,
    )


def students_of(graded: Graded, steps: Mapping[str, str]) -> Iterator[StudentMarks]:
    """The marks of each student of a batch."""
    likeliest = [explained[0] for explained in graded.explanations]
    texts = [str(diagnosis) for diagnosis in likeliest]
    totals, out_of = graded.totals.tolist(), graded.totals_out_of.tolist()
    for row, id_ in enumerate(graded.ids):
        found = []
        for column, target in enumerate(graded.targets):
            code, why = int(graded.verdicts[row, column]), int(graded.diagnosis[row, column])
            if code != UNASKED:
                found.append(
                    StudentStep(
                        target,
                        steps.get(target, ""),
                        VERDICTS[code],
                        float(graded.marks[row, column]),
                        float(graded.out_of[row, column]),
                        likeliest[why].rule if why >= 0 else "",
                        texts[why] if why >= 0 else "",
                    )
                )
        yield StudentMarks(id_, totals[row], out_of[row], tuple(found))


def _quantities(tally: ClassTally) -> Iterator[QuantityCounts]:
    for target in (t for t in tally.steps if t in tally.quantities):
        one = tally.quantities[target]
        count, share = one.verdicts, UNIT * max(1, tally.students)
        yield QuantityCounts(
            target,
            tally.steps[target],
            count["right"],
            count["consistent"],
            count["wrong"],
            count["missing"],
            one.lost / share,
            one.out_of / share,
        )


def _misconceptions(tally: ClassTally) -> tuple[Misconception, ...]:
    places = {target: place for place, target in enumerate(tally.steps)}
    found = []
    for rule, one in tally.rules.items():
        if rule == UNREAD:
            continue
        ordered = sorted(one.places.items(), key=lambda pair: (-pair[1], places[pair[0]]))
        key = _commonest(one, [target for target, _ in ordered])
        found.append(
            Misconception(
                rule=rule,
                mistake="mistake" if rule in MISTAKES or rule in OF_RULES else "slip",
                text=key[1],
                count=one.students,
                share=one.students / tally.students,
                worded=one.worded[key],
                first_step=min(one.starts, key=lambda s: (-one.starts[s], _step_order(s))),
                places=tuple(MistakePlace(t, tally.steps[t], n) for t, n in ordered),
                alike=tuple(_alike(one)),
                example=one.examples[key],
            )
        )
    return tuple(sorted(found, key=lambda m: (-m.count, _step_order(m.first_step), m.rule)))


def _alike(one: RuleTally) -> Iterator[AlikeMistake]:
    """The other rules that lead to the same figures, those on most sheets first, each in its commonest words."""
    worded: dict[str, list[tuple[int, str, Text]]] = {}
    for (rule, text), count in one.alike.items():
        worded.setdefault(rule, []).append((-count, plain_text(text), text))
    counts = {rule: -sum(count for count, *_ in found) for rule, found in worded.items()}
    for rule in sorted(worded, key=lambda r: (-counts[r], r)):
        _, words, text = min(worded[rule], key=lambda found: found[:2])
        yield AlikeMistake(rule, words, counts[rule], text)


def _commonest(one: RuleTally, targets: Sequence[str]) -> tuple[str, str]:
    """What was done most often; where the mistake is alone, where there is such a sheet."""
    order = {target: place for place, target in enumerate(targets)}
    alone = [key for key in one.worded if not _is_pair(one.examples[key].diagnosis)]
    return min(alone or one.worded, key=lambda key: (-one.worded[key], order[key[0]], key[1]))


def _is_pair(diagnosis: Diagnosis) -> bool:
    return "+" in diagnosis.rule


def _step_order(step: str) -> tuple[int, ...]:
    return tuple(int(part) for part in step.split(".") if part.isdigit()) or (10**6,)


def _distribution(totals: Counter[tuple[int, int]]) -> Distribution | None:
    counted = list(expanded(totals))
    count = sum(n for *_, n in counted)
    if not count:
        return None
    out_of = max(most for _, most, _ in counted)
    by_marks = [(marks, n) for marks, _, n in counted]
    total = sum(marks * n for (marks, _), n in totals.items()) / UNIT
    return Distribution(
        mean=total / count,
        lowest=by_marks[0][0],
        quartiles=(
            _quantile(by_marks, count, 1),
            _quantile(by_marks, count, 2),
            _quantile(by_marks, count, 3),
        ),
        highest=by_marks[-1][0],
        out_of=out_of,
        bins=tuple(_bins(by_marks, out_of)),
    )


def _quantile(by_marks: Sequence[tuple[float, int]], count: int, quarter: int) -> float:
    """A quartile; where it lies between two sheets, in proportion, as NumPy's linear quantiles do."""
    place = (count - 1) * quarter / 4
    low, high = (_at(by_marks, math.floor(place)), _at(by_marks, math.ceil(place)))
    return low + (high - low) * (place - math.floor(place))


def _at(by_marks: Sequence[tuple[float, int]], place: int) -> float:
    """The marks of the sheet at a place, counted from 0, of those in order."""
    for marks, n in by_marks:
        if place < n:
            return marks
        place -= n
    return by_marks[-1][0]


def _bins(by_marks: Sequence[tuple[float, int]], out_of: float) -> Iterator[MarksBin]:
    width = _round(max(out_of, 1e-9) / BINS)
    count = max(1, math.ceil(out_of / width - 1e-9))
    counts: Counter[int] = Counter()
    for marks, n in by_marks:
        counts[min(count - 1, math.floor(marks / width + 1e-9))] += n
    for k in range(count):
        yield MarksBin(k * width, min(out_of, (k + 1) * width), counts[k])


def _round(rough: float) -> float:
    """The nearest round number above: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))


def in_order(kept: Iterable[tuple[int, StudentMarks]]) -> tuple[StudentMarks, ...]:
    """The students in the order in which their sheets were read."""
    return tuple(student for _, student in sorted(kept, key=lambda pair: pair[0]))
