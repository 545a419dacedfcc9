"""The verb `code`: a problem as a program."""

from __future__ import annotations

from handgrad.problem import Problem
from handgrad.solution.building import solve
from handgrad.solution.programs.writing import whole_program


def code(problem: Problem, to: str = "numpy") -> str:
    """The forward and backward pass of a problem, and one update, as a program of its own.

    Arguments:
        problem: what the program computes.
        to: the library that it is written for: numpy, torch or jax.

    The kernels that compute the worked solution write the code, so it is the same computation; the
    comments give its steps. Raises `OptionError` for another library, and `HandgradError` where the
    problem cannot be solved.

        >>> handgrad.code(handgrad.load("lab9"), to="torch").splitlines()[2]
        'import torch'
    """
    return whole_program(solve(problem), to)
