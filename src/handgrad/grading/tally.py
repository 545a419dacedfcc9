"""What a class's graded sheets come to: counts that are added up batch by batch and merged in any order.

Marks are counted in millionths, so that sums are the same whatever their order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np

from handgrad.arrays import Array
from handgrad.checking.reading import Answers
from handgrad.checking.report import Diagnosis
from handgrad.grading.graded import VERDICTS, Graded
from handgrad.grading.intake import Portion
from handgrad.grading.words import wording
from handgrad.text import Text, plain_text

UNIT = 1_000_000
"""Of a mark, so many parts are counted."""

WRONG = VERDICTS.index("wrong")


@dataclass(frozen=True)
class ClassExample:
    """One student's sheet with a mistake in it: of those with the fewest wrong quantities, one by chance.

    `order` says which of two is shown, by the number of wrong quantities and a digest of the id.
    """

    order: tuple[int, bytes]
    target: str
    diagnosis: Diagnosis
    answers: Answers
    own: Mapping[str, Array]


@dataclass
class QuantityTally:
    """How one quantity went: how many sheets had each verdict, and the marks that were lost of those there were."""

    verdicts: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    out_of: int = 0

    def merge(self, other: QuantityTally) -> None:
        """Adds another's counts."""
        self.verdicts += other.verdicts
        self.lost += other.lost
        self.out_of += other.out_of


@dataclass
class RuleTally:
    """How often one rule was broken.

    Arguments:
        students: the sheets in which it was.
        places: by quantity, how many sheets have it there.
        alike: by another rule that leads to the same figures, wherever the sheet has them, and by its words, how many
            sheets there are.
        worded: by quantity and by what was done in words, how many sheets have it so.
        starts: by step, how many sheets have it there first.
        examples: by the same, a sheet; of two the one that is first by its order.
    """

    students: int = 0
    places: Counter[str] = field(default_factory=Counter)
    worded: Counter[tuple[str, str]] = field(default_factory=Counter)
    starts: Counter[str] = field(default_factory=Counter)
    alike: Counter[tuple[str, Text]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], ClassExample] = field(default_factory=dict)

    def merge(self, other: RuleTally) -> None:
        """Adds another's counts."""
        self.students += other.students
        self.places += other.places
        self.worded += other.worded
        self.starts += other.starts
        self.alike += other.alike
        for key, example in other.examples.items():
            self.keep(key, example)

    def keep(self, key: tuple[str, str], example: ClassExample) -> None:
        """Keeps an example, where there is none before it."""
        known = self.examples.get(key)
        if known is None or example.order < known.order:
            self.examples[key] = example


class ClassTally:
    """The counts of a class, or of a part of it.

    Arguments:
        steps: by quantity, the step that it belongs to.
    """

    def __init__(self, steps: Mapping[str, str]) -> None:
        self.steps = steps
        self.students = 0
        self.totals: Counter[tuple[int, int]] = Counter()
        self.quantities: dict[str, QuantityTally] = {}
        self.rules: dict[str, RuleTally] = {}
        self.unexplained = 0
        self.with_mistakes = 0

    def add(self, graded: Graded, portion: Portion) -> None:
        """Counts a batch; `portion` has the sheets that it was graded from."""
        self.students += len(graded)
        marks, out_of = _parts(graded.marks), _parts(graded.out_of)
        totals = zip(marks.sum(axis=1).tolist(), out_of.sum(axis=1).tolist(), strict=True)
        self.totals.update(totals)
        lost = (out_of - marks).sum(axis=0).tolist()
        for column, target in enumerate(graded.targets):
            tally = self.quantities.setdefault(target, QuantityTally())
            codes = np.bincount(graded.verdicts[:, column], minlength=len(VERDICTS)).tolist()
            tally.verdicts.update({v: n for v, n in zip(VERDICTS, codes, strict=False) if n})
            tally.lost += lost[column]
            tally.out_of += int(out_of[:, column].sum())
        wrong = graded.verdicts == WRONG
        self.with_mistakes += int(wrong.any(axis=1).sum())
        self.unexplained += int((wrong & (graded.diagnosis < 0)).any(axis=1).sum())
        for rule, explaining in _by_rule(graded).items():
            self._add_rule(rule, explaining, graded, portion)

    def _add_rule(
        self,
        rule: str,
        explaining: Sequence[int],
        graded: Graded,
        portion: Portion,
    ) -> None:
        here = np.isin(graded.diagnosis, explaining)
        tally = self.rules.setdefault(rule, RuleTally())
        rows = np.flatnonzero(here.any(axis=1))
        tally.students += len(rows)
        for column in np.flatnonzero(here.any(axis=0)).tolist():
            target = graded.targets[column]
            among = np.flatnonzero(here[:, column])
            tally.places[target] += len(among)
            by_words: dict[str, list[int]] = {}
            for index in np.unique(graded.diagnosis[among, column]).tolist():
                words = plain_text(wording(graded.explanations[index][0]))
                by_words.setdefault(words, []).append(index)
            for words, alike in by_words.items():
                rows_alike = among[np.isin(graded.diagnosis[among, column], alike)]
                tally.worded[target, words] += len(rows_alike)
                self._example(tally, (target, words), rows_alike, column, graded, portion)
        first = here.argmax(axis=1)[rows]
        found = Counter(zip(graded.diagnosis[rows, first].tolist(), first.tolist(), strict=True))
        for (index, column), count in found.items():
            likeliest = graded.explanations[index][0]
            tally.starts[likeliest.step or self.steps.get(graded.targets[column], "")] += count
        others = {index: _others(graded.explanations[index], rule) for index in explaining}
        if any(others.values()):
            for row in rows.tolist():
                every = [others[index] for index in graded.diagnosis[row, here[row]].tolist()]
                tally.alike.update(
                    (r, t) for r, t in every[0].items() if all(r in o for o in every)
                )

    @staticmethod
    def _example(
        tally: RuleTally,
        key: tuple[str, str],
        among: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
        column: int,
        graded: Graded,
        portion: Portion,
    ) -> None:
        wrongs = (graded.verdicts[among] == WRONG).sum(axis=1)
        fewest = int(wrongs.min())
        known = tally.examples.get(key)
        if known is not None and known.order[0] < fewest:
            return
        rows = among[wrongs == fewest].tolist()
        row, digest = min(((r, _digest(graded.ids[r])) for r in rows), key=lambda pair: pair[1])
        if known is not None and known.order <= (fewest, digest):
            return
        diagnosis = graded.explanations[int(graded.diagnosis[row, column])][0]
        answers, own = portion.answers(row), portion.own(row)
        tally.keep(key, ClassExample((fewest, digest), key[0], diagnosis, answers, own))

    def merge(self, other: ClassTally) -> None:
        """Adds the counts of another part of the class."""
        self.students += other.students
        self.totals += other.totals
        self.unexplained += other.unexplained
        self.with_mistakes += other.with_mistakes
        for target, quantity in other.quantities.items():
            self.quantities.setdefault(target, QuantityTally()).merge(quantity)
        for rule, tally in other.rules.items():
            self.rules.setdefault(rule, RuleTally()).merge(tally)


def _by_rule(graded: Graded) -> Mapping[str, list[int]]:
    """By rule, the explanations that name it, alone or with another."""
    found: dict[str, list[int]] = {}
    for index, (likeliest, *_) in enumerate(graded.explanations):
        for rule in dict.fromkeys(likeliest.rule.split("+")):
            found.setdefault(rule, []).append(index)
    return found


def _others(explained: Sequence[Diagnosis], rule: str) -> Mapping[str, Text]:
    """By other rules that lead to the same figures, what was done by them in words."""
    others = (d for d in explained[1:] if rule not in d.rule.split("+"))
    return {d.rule: wording(d) for d in others}


def _parts(marks: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.rint(marks * UNIT).astype(np.int64)


def _digest(id_: str) -> bytes:
    return sha256(id_.encode("utf-8", "surrogateescape")).digest()[:8]


def expanded(totals: Counter[tuple[int, int]]) -> Iterator[tuple[float, float, int]]:
    """The totals in marks: how many, out of how many, and how many sheets had them, the fewest first."""
    for (marks, out_of), count in sorted(totals.items()):
        yield marks / UNIT, out_of / UNIT, count
