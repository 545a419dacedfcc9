"""What the tests of a notebook call: the verdict on one of the quantities that were filled in, or its share of the marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.checking.checking import Checker
from handgrad.checking.report import Judged
from handgrad.problem import loads
from handgrad.quizzes.sharing import share_right


def verdict(
    problem: str | Path, target: str, called: Mapping[str, str], variables: Mapping[str, Any]
) -> str:
    """ "right" for a quantity that is right, or follows from what came before; else what is wrong, in words.

    Arguments:
        problem: the file of the problem.
        target: the quantity.
        called: by variable of the notebook, the quantity that it holds.
        variables: the notebook's variables; one that is `...` has not been filled in.

    Raises `HandgradError` where the problem cannot be read or a variable holds no figures.
    """
    judged = _judged(problem, target, called, variables)
    if judged is None or judged.verdict == "missing":
        return f"{target} is not filled in"
    if judged.verdict in ("right", "consistent") and not judged.trivial:
        return "right"
    return str(judged)


def share(
    problem: str | Path, target: str, called: Mapping[str, str], variables: Mapping[str, Any]
) -> float:
    """The share of a quantity's entries that are right, or follow from what came before; says what is wrong.

    The arguments are those of `verdict`.
    """
    judged = _judged(problem, target, called, variables)
    if judged is None or judged.verdict != "right":
        print(judged or f"{target} is not filled in")
    return share_right(judged) if judged is not None else 0.0


def _judged(
    problem: str | Path, target: str, called: Mapping[str, str], variables: Mapping[str, Any]
) -> Judged | None:
    """What `check` says of a quantity by all that was filled in; None where nothing was."""
    checker = Checker(loads(Path(problem).read_text("utf-8"), files=False))
    entered: dict[str, Any] = {}
    for variable, quantity in called.items():
        value = variables.get(variable, ...)
        if value is ... or value is None:
            continue
        array = np.asarray(value)
        shape = checker.shape(quantity)
        # As lists figures are taken as they are written; arrays have their cases last, as here.
        entered[quantity] = array if array.shape == shape else value
    return checker.check(entered)[target] if entered else None
