"""Every family's problems with some of their numbers given in cases: solved as each case is alone, and shown in every form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.problem.given import Given
from tests.gauntlet.families import FAMILIES, problem
from tests.oracle import assert_close
from tests.slow import one_in

CASES = 3
SEEDS = range(6)


def varied(array: Any, kind: int, case: int) -> Any:
    """An array in one case: 0 in every case, with 0 and its opposite, or moved and doubled; class numbers and masks stay."""
    if np.all(array == np.round(array)) and np.all(array >= 0):
        return array
    return [0 * array, [array, 0 * array, -array][case], [array, array + 0.1, 2 * array][case]][kind]  # fmt: skip


class InCases:
    """A problem, some of whose parameters and data are given in cases."""

    def __init__(self, own: handgrad.Problem, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.own = own
        self.chosen = {name for name in own.inputs if draw.random() < 0.6}
        self.kind = seed % 3

    def given(self, givens: Mapping[str, Given], case: int | None) -> dict[str, Any]:
        """The numbers of a case, or of all."""

        def of(name: str, array: Any) -> Any:
            if name not in self.chosen:
                return array
            if case is not None:
                return varied(array, self.kind, case)
            return {"cases": np.stack([varied(array, self.kind, k) for k in range(CASES)])}

        return {name: of(name, given.array) for name, given in givens.items()}

    def solved(self, case: int | None = None) -> handgrad.Trace:
        """The solution of a case alone, or of all."""
        own = self.own
        parameters, data = self.given(own.parameters, case), self.given(own.data, case)
        return handgrad.solve(handgrad.Problem(own.equations, parameters, data, loss=own.loss))


@pytest.mark.parametrize("family", one_in(12, FAMILIES))
def test_a_family_in_cases(family: str) -> None:
    for seed in SEEDS:
        own = handgrad.loads(problem(family, seed))
        cases = InCases(own, seed)
        if own.upstream or not cases.chosen or any(g.batched for g in own.inputs.values()):
            continue
        with suppress(handgrad.HandgradError):  # a square root of what is negative in one
            together = cases.solved()
            shown_in_every_form(together)
            alone = [cases.solved(case) for case in range(CASES)]
            for name in own.parameters:
                each = [np.asarray(trace.gradient(name)) for trace in alone]
                whole = together.graph.nodes[name].batched
                assert_close(
                    together.gradient(name),
                    np.stack(each, axis=-1) if whole else sum(each) / CASES,
                    1e-7,
                )


def shown_in_every_form(trace: handgrad.Trace) -> None:
    """Raises nothing but what a user is told."""
    problem = trace.problem
    for kind in ("txt", "html", "md", "tex", "typ", "json"):
        handgrad.render(trace, kind)
    handgrad.render(trace, "html", slides=True)
    verbs: list[Callable[[handgrad.Problem], Any]] = [
        lambda p: handgrad.questions(trace),
        handgrad.gates,
        handgrad.verify,
        lambda p: handgrad.compare(trace, trace),
        lambda p: handgrad.train(p, steps=2),
        lambda p: handgrad.practice(p, count=1, seed=1),
        *(partial(handgrad.why, entry=f"d{name}") for name in problem.parameters),
    ]
    for verb in verbs:
        with suppress(handgrad.HandgradError):
            verb(problem).page()
