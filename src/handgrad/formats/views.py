"""What is written of a record that only the floors above it know: its words, and parts in outline.

Each package of records has a function here, called when one of its records is first written, so that
words are imported when they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeAlias

from handgrad.formats.latex import latex
from handgrad.formats.style import Style
from handgrad.solution import Trace
from handgrad.solution.page import error_signals, losses
from handgrad.text import plain_text


class Place:
    """Where in a document a record stands: `above` are the records around it, the outermost first."""

    def __init__(self) -> None:
        self.above: list[Any] = []

    @cached_property
    def style(self) -> Style:
        """How formulas are written in LaTeX: as on the pages of the solution."""
        outermost = self.above[0]
        trace = outermost if isinstance(outermost, Trace) else getattr(outermost, "trace", None)
        if trace is None:
            return Style()
        return Style(
            decimals=trace.decimals,
            display=trace.problem.display,
            error_signals=error_signals(trace),
            loss=trace.graph.cost,
            losses=losses(trace),
        )


View: TypeAlias = Callable[[Any, Place], Any]
"""A key's value, of a record and its place. It is a text where the function declares no other type."""

Views: TypeAlias = Mapping[type, Mapping[str, View]]


def views_of(record: type) -> Mapping[str, View]:
    """By key, what is written of a kind of record beside what it declares, or instead."""
    package = record.__module__.removeprefix("handgrad.").partition(".")[0]
    return _VIEWS[package]().get(record, {}) if package in _VIEWS else {}


def _problem() -> Views:
    from handgrad.problem import Problem

    def parameters(problem: Problem, place: Place) -> tuple[str, ...]:
        return tuple(problem.parameters)

    def data(problem: Problem, place: Place) -> tuple[str, ...]:
        return tuple(problem.data)

    return {Problem: {"parameters": parameters, "data": data}}


def _trace() -> Views:
    from handgrad.solution import NOTES, Step, TraceLine, TraceNote
    from handgrad.solution.step_words import reason, title

    def text(note: TraceNote, place: Place) -> str:
        return plain_text(note.text())

    return {
        Step: {
            "title": lambda step, place: plain_text(title(step.trace, step)),
            "reason": lambda step, place: plain_text(reason(step.trace, step)),
        },
        TraceLine: {"latex": lambda line, place: latex(line.formula, style=place.style)},
        **{kind: {"text": text} for kind in NOTES},
    }


def _comparison() -> Views:
    from handgrad.comparison import Comparison, gate_text, labels
    from handgrad.comparison.structure import GateChange, StepPair
    from handgrad.solution.step_words import title

    def both_labels(comparison: Comparison, place: Place) -> tuple[str, str]:
        left, right = labels(comparison)
        return plain_text(left), plain_text(right)

    def titles(comparison: Comparison, place: Place) -> tuple[str, str]:
        return comparison.left.problem.title, comparison.right.problem.title

    return {
        Comparison: {"labels": both_labels, "titles": titles},
        GateChange: {"text": lambda change, place: plain_text(gate_text(change))},
        StepPair: {"title": lambda pair, place: plain_text(title(pair.step.trace, pair.step))},
    }


def _questions() -> Views:
    from handgrad.discussion import KINDS, Question, QuestionSheet

    def answer(question: Question, place: Place) -> tuple[str, ...]:
        return tuple(map(plain_text, question.answer()))

    def number(question: Question, place: Place) -> str:
        """Q1, Q2, … in the order of the questions."""
        asked: QuestionSheet = place.above[-1]
        return next(f"Q{n}" for n, each in enumerate(asked.questions, 1) if each is question)

    def words(question: Question, place: Place) -> str:
        return plain_text(question.asked())

    return {kind: {"id": number, "question": words, "answer": answer} for kind in KINDS}


def _gates() -> Views:
    from handgrad.audit import Audit, Remedy, Unit
    from handgrad.audit.words import remedy_text, unit_text

    def text(unit: Unit, place: Place) -> str:
        audit: Audit = place.above[0]
        layer = next(layer for layer in audit.layers if layer.name == unit.layer)
        return plain_text(unit_text(audit, layer, unit))

    return {Unit: {"text": text}, Remedy: {"text": lambda remedy, place: remedy_text(remedy)}}


def _why() -> Views:
    from handgrad.paths import Blame, Term, WhyGradient
    from handgrad.paths.page import blame_text

    def entry(why: WhyGradient, place: Place) -> str:
        """The gradient asked about, such as `dW1[0,1]`."""
        return f"d{why.entry}"

    def text(blame: Blame, place: Place) -> str:
        around = place.above[-1]
        factor = blame.value if isinstance(around, Term) else around.value
        return plain_text(blame_text(blame, factor))

    return {Blame: {"text": text}, WhyGradient: {"entry": entry}}


def _check() -> Views:
    from handgrad.checking.report import Diagnosis

    def step(diagnosis: Diagnosis, place: Place) -> str:
        return diagnosis.step or str(place.above[-1].quantity.step)

    return {Diagnosis: {"text": lambda diagnosis, place: str(diagnosis), "step": step}}


_VIEWS: Mapping[str, Callable[[], Views]] = {
    "checking": _check,
    "comparison": _comparison,
    "audit": _gates,
    "problem": _problem,
    "discussion": _questions,
    "solution": _trace,
    "paths": _why,
}
