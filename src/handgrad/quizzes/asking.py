"""Sheets as questions: what is given, the steps with what is asked for in them, the worked solution."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.checking.checking import Checker
from handgrad.errors import OptionError
from handgrad.exercises import Sheet, WorkedSheets
from handgrad.exercises.page import (
    ASKED,
    Exercise,
    IsBlank,
    blank_lines,
    blank_target,
    instructions,
)
from handgrad.page.blocks import Block, Derivation, Heading, Paragraph
from handgrad.quizzes.expected import Expected
from handgrad.quizzes.question import AskedQuantity, Part, QuizQuestion
from handgrad.solution import Step, Trace, TraceLine
from handgrad.solution.page import PHASES, given_blocks, step_blocks, style_of
from handgrad.solution.pictures.figures import figure_of
from handgrad.solution.relations import relation_of
from handgrad.solution.step_words import reason, title

MOST_GAPS = 250
"""Figures that a sheet may ask for; more are no work for a person."""


def quiz_questions(
    worked: WorkedSheets, blanks: Sequence[str] = (), *, formulas: bool = False
) -> tuple[QuizQuestion, ...]:
    """A question for each sheet.

    Arguments:
        worked: the sheets.
        blanks: what is asked for (`blank_lines`); the rest is shown worked out.
        formulas: whether the formula of what is asked for stands before it.

    Raises `OptionError` for a word that names nothing to be left blank, and for more figures than a person works out.
    """
    first = Checker(worked.exercises[0].trace.problem)
    found: list[QuizQuestion] = []
    for sheet, exercise in zip(worked.sheets, worked.exercises, strict=True):
        givens = {n: given.array for n, given in exercise.trace.problem.inputs.items()}
        checker = first if not found else first.at(givens)
        found.append(_Question(sheet, exercise, checker, blanks, formulas).question())
    return tuple(found)


class _Question:
    def __init__(
        self,
        sheet: Sheet,
        exercise: Exercise,
        checker: Checker,
        blanks: Sequence[str],
        formulas: bool,
    ) -> None:
        self.sheet, self.exercise, self.checker = sheet, exercise, checker
        self.trace: Trace = exercise.trace
        self.is_blank: IsBlank = blank_lines(self.trace, blanks)
        self.formulas = formulas

    def question(self) -> QuizQuestion:
        trace = self.trace
        self._check_size()
        self.expected = Expected(self.checker, trace.decimals)
        self.quantities = {q.target: q for q in self.checker.work.structure.quantities if q.asked}
        name = trace.problem.title or "Practice"
        return QuizQuestion(
            sheet=self.sheet,
            title=name,
            name=f"{name} · {self.exercise.label}",
            body=tuple(self._body()),
            solution=tuple(self._solution()),
            style=style_of(trace),
        )

    def _check_size(self) -> None:
        """Raises `OptionError` where nothing is asked for, or too much."""
        count = sum(
            line.value.size for s in self._steps() for line in s.lines if self.is_blank(s, line)
        )
        if not count:
            raise OptionError("nothing is left blank", where="--blank")
        if count > MOST_GAPS:
            raise OptionError(
                f"a sheet asks for {count} figures; a question in a learning system has {MOST_GAPS} at most",
                mend="choose what is asked for with --blank dW2,db2",
            )

    def _steps(self) -> list[Step]:
        # The loss after the update is a forward pass of its own, and no answer asks for it.
        return [s for s in self.trace.steps if s.kind != "loss_after"]

    def _body(self) -> list[Part]:
        trace = self.trace
        parts: list[Part] = [*given_blocks(trace), figure_of(trace, "given")]
        update = next((s for s in self._steps() if s.kind == "update"), None)
        if update is not None:
            parts.append(Paragraph(reason(trace, update)))
        parts.append(Paragraph((instructions(trace),)))
        for phase, heading in PHASES.items():
            steps = [s for s in self._steps() if s.phase == phase]
            parts += [Heading((heading,), 2)] if steps else []
            for step in steps:
                parts += self._step(step)
        return parts

    def _step(self, step: Step) -> list[Part]:
        trace = self.trace
        if not any(self.is_blank(step, line) for line in step.lines):
            return [*step_blocks(trace, step)]
        parts: list[Part] = [Heading(title(trace, step), 3, step.id)]
        for line in step.lines:
            if self.is_blank(step, line):
                parts.append(self._asked(step, line))
            elif line.role in ASKED:
                parts.append(Derivation((relation_of(trace, step, line),)))
        return parts

    def _asked(self, step: Step, line: TraceLine) -> AskedQuantity:
        relation = relation_of(self.trace, step, line)
        quantity = self.quantities[blank_target(self.trace, line)]
        return AskedQuantity(
            target=quantity.target,
            shown=quantity.shown,
            formula=line.formula if self.formulas else None,
            sign=relation.sign,
            step=step.id,
            shape=self.checker.work.full_shape(quantity),
            batched=quantity.batched,
            row=line.row,
            gaps=self.expected.gaps(quantity),
        )

    def _solution(self) -> list[Block]:
        blocks: list[Block] = []
        for phase, heading in PHASES.items():
            steps = [s for s in self._steps() if s.phase == phase]
            blocks += [Heading((heading,), 2)] if steps else []
            for step in steps:
                blocks += step_blocks(self.trace, step)
        return blocks
