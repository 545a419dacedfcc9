"""Checking a student's own program: its arrays, node by node, forward and backward."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handgrad.checking.check_report import CheckReport
from handgrad.checking.checking import Checker
from handgrad.checking.figures import WrittenEntry
from handgrad.checking.marks import RubricSource
from handgrad.checking.names import gradient_key
from handgrad.checking.reading import Answers, entry_of
from handgrad.checking.report import Judged
from handgrad.errors import OptionError
from handgrad.problem import Problem

DOUBLE = 1e-7
"""How close, relative to the largest of its array, a number in double precision must come."""

SINGLE = 1e-4
"""The same in single precision."""

SHOWN = 16
"""Entries of an array that a message shows, at most."""


def check_code(
    problem: Problem, function: Callable[..., Any], rubric: RubricSource = None
) -> CheckReport:
    """The report on what a function computes from the problem's own arrays.

    Arguments:
        problem: what the function is meant to compute.
        function: called with the problem's arrays by the names of its parameters, or with one
            mapping of them all. Cases lie along the last axis of an array, as everywhere. It returns
            a mapping of names (`z1`, `yhat`, `dW2`, …) to arrays, or the gradients of the
            parameters in the problem's order, the loss before them or not.
        rubric: the marks of each quantity; see `Checker`.
    """
    checker = Checker(problem, rubric)
    givens = problem.inputs
    arrays = {name: np.array(given.array) for name, given in givens.items()}
    return checker.check(entries(problem, _called(function, arrays)))


def assert_gradients(problem: Problem, gradients: Mapping[str, object]) -> None:
    """Raises `AssertionError` unless every gradient is right; see `handgrad.assert_gradients`."""
    spelled = {problem.respelled(str(name)): value for name, value in gradients.items()}
    named = {
        gradient_key(problem, name)
        if name in problem.parameters or name in problem.data
        else name: value
        for name, value in spelled.items()
    }
    report = Checker(problem).check(entries(problem, named))
    if report.remarks:
        raise AssertionError("\n".join(report.remarks))
    if not report.all_well:
        raise AssertionError("\n".join(message(judged) for judged in report.wrong))


def message(judged: Judged) -> str:
    """What is wrong with an array, in a few lines."""
    why = f": {judged.diagnosis[0]}" if judged.diagnosis else ""
    lines = [f"{judged.target} is wrong{why}"]
    if judged.entry is not None:
        lines.append(f"    yours:    {_shown(judged.entry.value)}")
    expected = judged.following if judged.following is not None else judged.expected
    lines.append(f"    expected: {_shown(expected)}")
    return "\n".join(lines)


def _shown(array: Any) -> str:
    array = np.asarray(array)
    text = np.array2string(
        array, precision=6, threshold=SHOWN, separator=", ", max_line_width=10**6
    )
    return " ".join(text.split()) + (f", shape {array.shape}" if array.size > SHOWN else "")


def _called(function: Callable[..., Any], arrays: Mapping[str, Any]) -> Any:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return function(**arrays)
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return function(**arrays)
    names = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    if len(names) == 1 and names[0] not in arrays:
        return function(dict(arrays))
    for parameter in parameters:
        if parameter.name not in arrays and parameter.default is parameter.empty:
            raise OptionError(
                f"the function asks for {parameter.name!r}, which the problem is not given",
                mend=f"it is given {', '.join(arrays)}",
            )
    return function(**{n: arrays[n] for n in names if n in arrays})


def entries(problem: Problem, returned: Any) -> Answers:
    """What a function returned, as answers at the precision of its arrays."""
    if isinstance(returned, tuple | list):
        names = [gradient_key(problem, p) for p in (*problem.parameters, *problem.given)]
        if len(returned) == len(names) + 1:
            names = [problem.loss, *names]
        if len(returned) != len(names):
            raise OptionError(
                f"the function returned {len(returned)} arrays, and there are {len(names)} parameters",
                mend='return a mapping such as {"z1": z1, "dW1": dW1}',
            )
        returned = dict(zip(names, returned, strict=True))
    if not isinstance(returned, Mapping):
        raise OptionError(
            f"the function returned {type(returned).__name__}",
            mend='return a mapping such as {"z1": z1, "dW1": dW1}',
        )
    answers = Answers()
    for name, value in returned.items():
        if isinstance(value, Mapping):
            answers.updated.update({str(k): _entry(v, f"updated.{k}") for k, v in value.items()})
        else:
            answers.entries[str(name)] = _entry(value, str(name))
    return answers


def _entry(value: Any, name: str) -> WrittenEntry:
    dtype = str(getattr(value, "dtype", ""))
    single = any(kind in dtype for kind in ("float32", "float16", "bfloat16"))
    try:
        entry = entry_of(value)
    except ValueError as error:
        raise OptionError(str(error), where=name) from None
    half = np.zeros(entry.shape)
    floor = SINGLE if single else DOUBLE
    return WrittenEntry(entry.value, half, {}, entry.faults, floor, strict=True)
