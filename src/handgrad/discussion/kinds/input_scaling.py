"""How a weight's gradient depends on its input."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from handgrad.discussion.lookup import at_entry, backward_line, made_in, total_gradient
from handgrad.discussion.phrases import cited
from handgrad.discussion.question import Question
from handgrad.expression import Adjoint, Call, Expression, Literal, Name, leaves
from handgrad.notation import Product, Subscript
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated
from handgrad.operations.elements import entry_of
from handgrad.record import record
from handgrad.running.units import Index
from handgrad.solution import Trace, TraceLine
from handgrad.text import Text


@record
class InputScaling(Question):
    """Two entries of a gradient with the same error signal as a factor: their ratio is that of their inputs.

    The `entries` of parameter `name` have these `gradients`; their other factors are the `inputs`, with
    these `values`; `signal` is the entry of the incoming gradient that both share.
    """

    kind: ClassVar = "input_scaling"
    title: ClassVar = "Gradients and inputs"
    name: str
    entries: tuple[Index, Index]
    gradients: tuple[float, float]
    inputs: tuple[Expression, Expression]
    values: tuple[float, float]
    signal: Expression
    signal_value: float
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """Two entries of one gradient that share the incoming factor and differ in the input."""
        for name in trace.problem.parameters:
            gradient = trace.graph.gradients[name]
            found = backward_line(trace, Adjoint(name))
            if found is None or len(gradient.parts) != 1 or gradient.per_case is not None:
                continue
            pair = _sharing(trace, found[1])
            if pair is None:
                continue
            (first, second), signal, inputs = pair
            numbers = total_gradient(trace, name)
            value = _number(trace, signal)
            return cls(
                name=name,
                entries=(first, second),
                gradients=(at_entry(numbers, first), at_entry(numbers, second)),
                inputs=inputs,
                values=(_number(trace, inputs[0]), _number(trace, inputs[1])),
                signal=signal,
                signal_value=value,
                steps=tuple(s for s in (made_in(trace).get(leaves(signal)[0], ""), found[0]) if s),
            )
        return None

    def asked(self) -> Text:
        first, second = (Adjoint(self.name).entry(e) for e in self.entries)
        return (
            first, " is ", Literal(self.gradients[0]), " and ", second, " is ",
            Literal(self.gradients[1]), ". Where does their ratio of ",
            Literal(self.gradients[0] / self.gradients[1]), " come from?",
        )  # fmt: skip

    def answer(self) -> tuple[Text, ...]:
        first, second = self.inputs
        return (
            (
                "Both are ", self.signal, " (", Literal(self.signal_value), ") times an input: ",
                first, " = ", Literal(self.values[0]), " for the one, ", second, " = ",
                Literal(self.values[1]), f" for the other{cited(self.steps)}. The ratio of the gradients is the ratio of the inputs.",
            ),
            (
                "So each entry of ", Adjoint(self.name), " is proportional to its input: with twice the input, and the "
                "same gradient arriving, it would be twice as large, and with an input of 0 it would be 0.",
            ),
        )  # fmt: skip


def _sharing(
    trace: Trace, line: TraceLine
) -> tuple[tuple[Index, Index], Expression, tuple[Expression, Expression]] | None:
    """Two non-zero entries whose formulas multiply the same entry of a gradient by different inputs."""
    formula = annotated(line.formula, trace.graph.shape)
    if trace.graph.batched(formula):
        return None  # entries differ from case to case
    seen: dict[Expression, list[tuple[Index, Expression]]] = {}
    for index in np.ndindex(line.shape):
        opened = entry_of(formula, index)
        if not isinstance(opened, Call) or not isinstance(operation_of(opened).notation, Product):
            return None
        signal, factor = opened.arguments
        if not _is_entry(signal, Adjoint) or not _is_entry(factor, Name):
            return None
        if _number(trace, signal) == 0 or _number(trace, factor) == 0:
            continue
        rest = seen.setdefault(signal, [])
        rest.append((index, factor))
        others = [(i, f) for i, f in rest if _number(trace, f) != _number(trace, factor)]
        if others:
            return (others[0][0], index), signal, (others[0][1], factor)
    return None


def _is_entry(expression: Expression, kind: type[Adjoint] | type[Name]) -> bool:
    inner = expression
    if isinstance(inner, Call) and isinstance(operation_of(inner).notation, Subscript):
        inner = inner.arguments[0]
    return isinstance(inner, kind)


def _number(trace: Trace, expression: Expression) -> float:
    """The value of an entry of a leaf."""
    index: Any = ()
    leaf = expression
    if isinstance(leaf, Call):
        index, leaf = leaf.option("at"), leaf.arguments[0]
    assert isinstance(leaf, Name | Adjoint)
    return at_entry(trace.run.numbers[leaf], index)
