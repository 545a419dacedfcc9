"""Every claim of a discussion question held against programs that run alone.

The programs are what `handgrad.write_code` writes for the problem, or for the problem with the change that
the question asks about; slopes are compared with difference quotients of activations written here.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

import handgrad
from handgrad.expression import Adjoint, Call, Expression, Name
from handgrad.questions.structure import (
    BiasGradient,
    CaseShares,
    Entry,
    GateSwap,
    InputScaling,
    LargestMove,
    LongerStep,
    MostSensitive,
    OtherInput,
    SmallChange,
    SumOverPaths,
    UpdatedValue,
    ZeroEntries,
    ZeroPart,
)

Scope = dict[str, Any]

ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
}


@lru_cache(maxsize=64)
def program(problem: handgrad.Problem) -> Scope:
    """The names and numbers that the problem's own program ends with."""
    scope: Scope = {}
    with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(handgrad.write_code(problem, "numpy"), "<program>", "exec"), scope)
    for name, given in {**problem.parameters, **problem.data}.items():
        # A program leaves out the gradient of what does not reach the loss.
        scope.setdefault(f"d{name}", np.zeros(given.array.shape))
    return scope


def wrong_claims(question: handgrad.Question, problem: handgrad.Problem) -> list[str]:
    """What a question's answer claims wrongly; empty where all of it holds."""
    return [claim for claim, holds in _claims(question, problem) if not holds]


def close(ours: Any, theirs: Any, tolerance: float = 1e-9) -> bool:
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    return ours.shape == theirs.shape and bool(
        np.allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    )


def _number(scope: Scope, expression: Expression) -> Any:
    """A value's entry, or a gradient's, in a program's numbers; cases stay."""
    index: Any = ()
    if isinstance(expression, Call):
        assert expression.operation == "index"
        index, expression = expression.option("at"), expression.arguments[0]
    assert isinstance(expression, Name | Adjoint)
    name = expression.name if isinstance(expression, Name) else f"d{expression.name}"
    return np.asarray(scope[name])[index]


def _entry(scope: Scope, entry: Entry, gradient: bool = False) -> float:
    return float(np.asarray(scope[f"d{entry.name}" if gradient else entry.name])[entry.index])


def _given(problem: handgrad.Problem, name: str) -> Any:
    return {**problem.parameters, **problem.data}[name].array


def _cost(problem: handgrad.Problem, scope: Scope) -> float:
    return float(np.asarray(scope[handgrad.build(problem).cost]))


def _one_case(problem: handgrad.Problem, case: int) -> handgrad.Problem:
    return problem.with_values({n: g.array[..., case] for n, g in problem.data.items() if g.cased})


def _claims(question: handgrad.Question, problem: handgrad.Problem) -> Iterator[tuple[str, bool]]:
    scope = program(problem)
    match question:
        case ZeroEntries():
            names = problem.parameters or problem.data
            gradients = [np.broadcast_to(scope[f"d{n}"], _given(problem, n).shape) for n in names]
            yield "zeros", question.zero == sum(int((g == 0).sum()) for g in gradients)
            yield "entries", question.total == sum(g.size for g in gradients)
            for part in question.parts:
                yield from _zero_part(part, problem, scope)
        case GateSwap():
            yield from _swap(question, problem, scope)
        case OtherInput():
            yield from _other_input(question, problem, scope)
        case UpdatedValue():
            trace = handgrad.solve(problem)
            at = question.entry.index
            yield "updated", close(question.after, trace.updated[question.entry.name][at])
            yield "updated alone", close(question.after, _entry(scope, question.entry))
            yield "before", close(question.before, _given(problem, question.entry.name)[at])
            yield "last line", close(question.lines[-1].value, question.after)
        case LargestMove():
            moved = {n: np.abs(scope[n] - _given(problem, n)) for n in problem.parameters}
            furthest = max(float(m.max()) for m in moved.values())
            yield "move", close(abs(question.after - question.before), furthest)
            yield "after", close(question.after, _entry(scope, question.entry))
            yield "ties", all(close(moved[e.name][e.index], furthest, 1e-5) for e in question.ties)
            yield "still", question.still == sum(int((m == 0).sum()) for m in moved.values())
        case InputScaling():
            gradient = np.asarray(scope[f"d{question.name}"])
            for entry, claimed, factor in zip(
                question.entries, question.gradients, question.inputs, strict=True
            ):
                product = _number(scope, question.signal) * _number(scope, factor)
                yield "gradient", close(claimed, gradient[entry])
                yield "product", close(claimed, product)
        case BiasGradient():
            signal = np.asarray(scope[f"d{question.signal.name}"], dtype=float)
            shape = question.gradient.shape
            yield "gradient", close(question.gradient, scope[f"d{question.name}"])
            match question.how:
                case "equal":
                    yield "equal", close(question.gradient, signal)
                case "mean":
                    yield "mean", close(question.gradient, signal.mean(axis=-1))
                case "sum":
                    axes = tuple(range(signal.ndim - len(shape)))
                    yield "sum", close(question.gradient, signal.sum(axis=axes))
        case SumOverPaths():
            total = sum(np.asarray(s.value) for s in question.shares)
            yield "sum", close(total, question.gradient)
            yield "gradient", close(question.gradient, scope[f"d{question.name}"])
            through = {s.through for s in question.shares}
            users = {
                e.target for e in problem.equations if re.search(rf"\b{question.name}\b", e.text)
            }
            yield "paths", through <= users
        case LongerStep():
            steps = ((1, question.after), (question.times, question.other_after))
            for times, after in steps:
                longer = problem.with_values({"rate": question.rate * times})
                new = {n: program(longer)[n] for n in problem.parameters}
                loss = _cost(problem, program(problem.with_values(new)))
                yield (
                    f"×{times}",
                    close(after, loss) if after is not None else not np.isfinite(loss),
                )
        case CaseShares():
            lengths = []
            for case, own in enumerate(question.losses):
                alone = program(_one_case(problem, case))
                yield "loss", close(own, alone[problem.loss])
                squares = [
                    float((np.asarray(alone[f"d{n}"]) ** 2).sum()) for n in problem.parameters
                ]
                lengths.append(math.sqrt(sum(squares)))
            yield "lengths", close(question.lengths, lengths)
            yield "largest", close(lengths[question.largest], max(lengths))
        case SmallChange():
            array = np.array(_given(problem, question.entry.name))
            array[question.entry.index] += question.by
            other = program(problem.with_values({question.entry.name: array}))
            yield "gradient", close(question.gradient, _entry(scope, question.entry, gradient=True))
            yield "happened", close(question.other_loss, _cost(problem, other))
        case MostSensitive():
            sizes = [abs(g) for _, g in question.entries]
            yield "order", sizes == sorted(sizes, reverse=True)
            for where, claimed in question.entries:
                yield "gradient", close(claimed, _entry(scope, where, gradient=True))


def _zero_part(
    part: ZeroPart, problem: handgrad.Problem, scope: Scope
) -> Iterator[tuple[str, bool]]:
    runs = [program(_one_case(problem, c)) for c in part.cases] or [scope]
    for run in runs:
        for zeroed in part.zeroed:
            gradient = np.asarray(run[f"d{zeroed.name}"], dtype=float)
            gradient = np.broadcast_to(gradient, _given(problem, zeroed.name).shape)
            for entry in zeroed.entries:
                yield f"zero {zeroed.name}{entry}", bool(np.all(gradient[entry] == 0))
        if part.cause == "shut_gate":
            assert part.about is not None
            yield "gate", bool(np.all(_number(run, part.about) <= 0))
        elif part.cause in ("zero_input", "zero_value", "nothing_arrives"):
            assert part.about is not None
            yield part.cause, bool(np.all(_number(run, part.about) == 0))


def _swap(
    question: GateSwap, problem: handgrad.Problem, scope: Scope
) -> Iterator[tuple[str, bool]]:
    for swap in question.swaps:
        equations = [
            e.text
            if e.target in question.kept
            else re.sub(
                rf"\b{question.operation}\(([^,()]*)[^()]*\)", rf"{swap.operation}(\1)", e.text
            )
            for e in problem.equations
        ]
        swapped = handgrad.Problem(
            equations,
            problem.parameters,
            problem.data,
            loss=problem.loss,
            update=problem.update,
            reduction=problem.reduction,
        )
        other = program(swapped)
        yield "loss", close(swap.other_loss, _cost(swapped, other))
        for unit in swap.units:
            case = () if unit.case is None else (unit.case,)
            yield "z", close(unit.z, _number(scope, unit.entry)[(*case,)])
            yield "other z", close(unit.other_z, _number(other, unit.entry)[(*case,)])
            if unit.other_z != 0:
                yield "slope", close(unit.other_slope, _slope(swap.operation, unit.other_z), 1e-6)
            else:
                yield "slope at 0", unit.other_slope == 0 or swap.operation != "relu"
        for filled in swap.filled:
            before = np.asarray(scope[f"d{filled.zeroed.name}"])
            after = np.asarray(other[f"d{filled.zeroed.name}"])
            yield "was zero", all(before[e] == 0 for e in filled.zeroed.entries)
            largest = max(abs(float(after[e])) for e in filled.zeroed.entries)
            yield "fills up", close(abs(filled.largest), largest) and largest > 0
        for part in swap.emptied:
            yield from _zero_part(part, swapped, other)


def _slope(operation: str, z: float) -> float:
    # Nearer to 0 a difference quotient has no digits left.
    z = math.copysign(max(abs(z), 1e-9), z)
    f, h = ACTIVATIONS[operation], min(1e-6, abs(z) / 2)
    return (f(z + h) - f(z - h)) / (2 * h)


def _other_input(
    question: OtherInput, problem: handgrad.Problem, scope: Scope
) -> Iterator[tuple[str, bool]]:
    value: Any = question.value
    if question.cased:
        value = {"cases": np.moveaxis(question.value, -1, 0)}
    changed = problem.with_values({question.name: value})
    other = program(changed)
    yield "loss", close(question.other_loss, _cost(changed, other))
    for units, was_on in ((question.off, True), (question.on, False)):
        for unit in units:
            case = () if unit.case is None else (unit.case,)
            z, z_after = _number(scope, unit.entry)[case], _number(other, unit.entry)[case]
            yield "before", bool((z > 0) == was_on) and close(unit.z, z)
            yield "after", bool((z_after > 0) != was_on) and close(unit.other_z, z_after)
    pre = re.findall(r"\brelu\((\w+)\)", "\n".join(e.text for e in problem.equations))
    shut = sum(int((np.asarray(other[n]) <= 0).sum()) for n in pre)
    turned = sum(int(((scope[n] > 0) != (np.asarray(other[n]) > 0)).sum()) for n in pre)
    yield "shut", question.shut == shut
    yield "every change", turned == len(question.off) + len(question.on)
