"""Checking answers: from what was entered to a report."""

from __future__ import annotations

from collections.abc import Mapping

from handgrad.checking.check_report import CheckReport
from handgrad.checking.conventions import judged_in_convention
from handgrad.checking.marks import RubricSource, marked, read_rubric
from handgrad.checking.matching import matched
from handgrad.checking.printed import judged_as_printed
from handgrad.checking.quantities import Quantity
from handgrad.checking.reading import AnswersSource, read_answers
from handgrad.checking.report import Judged
from handgrad.checking.work import Work
from handgrad.errors import OptionError, nearest
from handgrad.problem import Problem


class Checker:
    """A problem ready to check answers against, any number of times.

    Arguments:
        problem: the problem, with the numbers that the answers are for.
        rubric: marks, from a TOML file or a mapping; one for each quantity by default.

    Raises `HandgradError` where the problem cannot be solved or the rubric cannot be read.
    """

    def __init__(
        self, problem: Problem, rubric: RubricSource = None, *, work: Work | None = None
    ) -> None:
        self.problem = problem
        self.work = work or Work(problem)
        self.rubric = read_rubric(rubric, self.work)

    def at(self, values: Mapping[str, object]) -> Checker:
        """A checker of the same problem with other numbers in the same shapes: nothing is built anew."""
        other = object.__new__(Checker)
        other.problem, other.rubric = self.problem, self.rubric
        other.work = self.work.at(values)
        return other

    @property
    def asked(self) -> tuple[Quantity, ...]:
        """The quantities of a complete set of answers, in the order of the steps."""
        return tuple(q for q in self.work.structure.quantities if q.asked)

    def shape(self, target: str) -> tuple[int, ...]:
        """The shape of a quantity's figures; many cases lie along the last axis."""
        return self.work.full_shape(self._quantity(target))

    def check(self, answers: AnswersSource) -> CheckReport:
        """The report on a file, a mapping or `Answers`. Raises `OptionError` where they cannot be used."""
        found = matched(self.work, read_answers(answers))
        steps = marked(judged_in_convention(self.work, found), self.rubric)
        return CheckReport(self.problem, self.work.structure.trace, steps, tuple(found.unused))

    def check_printed(self, answers: AnswersSource) -> CheckReport:
        """The report on figures in print: right, right to fewer digits, rounded early, or wrong."""
        found = matched(self.work, read_answers(answers))
        steps = judged_as_printed(
            self.work, judged_in_convention(self.work, found, rounded_unseen=False)
        )
        return CheckReport(
            self.problem,
            self.work.structure.trace,
            marked(steps, self.rubric),
            tuple(found.unused),
            as_printed=True,
        )

    def check_one(
        self, target: str, figures: object, before: Mapping[str, object] | None = None
    ) -> Judged:
        """The verdict on one quantity, given what was entered before it (a drill's step)."""
        quantity = self._quantity(target)
        answers = read_answers({**(before or {}), quantity.target: figures})
        found = matched(self.work, answers)
        return CheckReport(
            self.problem,
            self.work.structure.trace,
            marked(judged_in_convention(self.work, found), self.rubric),
            tuple(found.unused),
        )[quantity.target]

    def _quantity(self, target: str) -> Quantity:
        by_target = {q.target: q for q in self.work.structure.quantities}
        if target not in by_target:
            raise OptionError(
                f"{target[:40]} is not a quantity of this problem", mend=nearest(target, by_target)
            )
        return by_target[target]
