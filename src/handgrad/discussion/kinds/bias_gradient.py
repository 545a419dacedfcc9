"""What the gradient of a bias equals."""

from __future__ import annotations

from typing import ClassVar, Literal, Self, assert_never

import numpy as np

from handgrad.arrays import Array
from handgrad.discussion.lookup import backward_line, made_in, total_gradient
from handgrad.discussion.phrases import cited
from handgrad.discussion.question import Question
from handgrad.expression import Adjoint, Call, Name
from handgrad.operations import operation_of
from handgrad.operations.reductions import sum_, sum_to
from handgrad.record import record
from handgrad.solution import Trace
from handgrad.text import Text


@record
class BiasGradient(Question):
    """A parameter whose gradient is an incoming gradient, unchanged or summed.

    Each entry is summed (`how` is "sum") or averaged ("mean") over `cases` numbers; 1 if it is neither.
    """

    kind: ClassVar = "bias_gradient"
    title: ClassVar = "A gradient that is passed on"
    name: str
    signal: Adjoint
    equation: str
    how: Literal["equal", "sum", "mean"]
    gradient: Array
    cases: int
    steps: tuple[str, ...]

    @classmethod
    def find(cls, trace: Trace) -> Self | None:
        """The last parameter whose gradient is an incoming gradient, unchanged or summed."""
        for name in reversed(tuple(trace.problem.parameters)):
            gradient = trace.graph.gradients[name]
            found = backward_line(trace, Adjoint(name))
            if len(gradient.parts) != 1 or found is None or trace.graph.nodes[name].batched:
                continue
            formula = gradient.per_case or gradient.parts[0].formula
            signal = formula
            while isinstance(signal, Call) and operation_of(signal) in (sum_, sum_to):
                signal = signal.arguments[0]
            if not isinstance(signal, Adjoint) or signal.name == trace.graph.cost:
                continue
            array = np.asarray(trace.run.numbers[Adjoint(signal.name)])
            averaged = gradient.per_case is not None
            if averaged and formula is not signal:
                continue
            how = trace.problem.reduction if averaged else "equal" if formula is signal else "sum"
            step = made_in(trace).get(Adjoint(signal.name), "")
            return cls(
                name=name,
                signal=Adjoint(signal.name),
                equation=signal.name,
                how="mean" if how == "mean" else "sum" if how == "sum" else "equal",
                gradient=(total := total_gradient(trace, name)),
                cases=array.shape[-1] if averaged else array.size // max(1, total.size),
                steps=tuple(dict.fromkeys(s for s in (step, found[0]) if s)),
            )
        return None

    def asked(self) -> Text:
        return ("What does ", Adjoint(self.name), " equal, and why?")

    def answer(self) -> tuple[Text, ...]:
        gradient, signal = Adjoint(self.name), self.signal
        where = cited(self.steps)
        here: Text = (
            "In the equation of ",
            Name(self.equation),
            " the local derivative with respect to ",
            Name(self.name),
            " is 1",
        )
        match self.how:
            case "equal":
                return (
                    (gradient, " equals ", signal, f"{where}, the gradient that arrives there."),
                    (*here, ": a sum passes its gradient on unchanged."),
                )
            case "mean":
                over = "the only case" if self.cases == 1 else f"the {self.cases} cases"
                return (
                    (gradient, " is the mean of ", signal, f" over {over}{where}."),
                    (
                        *here,
                        " in every case, so each case hands its gradient on unchanged. The loss is the mean over the cases, and so is the gradient.",
                    ),
                )
            case "sum":
                return (
                    (
                        gradient,
                        " is the sum of the entries of ",
                        signal,
                        f" to which it was added{where}.",
                    ),
                    (
                        *here,
                        " for every entry to which it is added, and the gradients of all its uses add up.",
                    ),
                )
            case _:
                assert_never(self.how)
