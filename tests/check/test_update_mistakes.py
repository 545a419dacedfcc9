"""Mistakes with an update, planted in problems drawn at random: each is named, and named first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import handgrad
from handgrad.arrays import Array
from handgrad.updates import RULES, Update
from tests.check.students import decimals, texts

COUNT = 10
"""Problems for each mistake; each has four parameters."""

Planted = Mapping[str, Array]


def drawn(g: np.random.Generator, update: Update) -> handgrad.Problem:
    n, m = (int(k) for k in g.integers(2, 4, 2))
    shapes = {"W1": (m, n), "b1": (m,), "w2": (m,), "b2": ()}
    return handgrad.Problem(
        ["z1 = W1 @ x + b1", "h1 = tanh(z1)", "z2 = dot(w2, h1) + b2", "L = (z2 - y)**2"],
        {name: np.round(g.normal(0, 0.8, shape), 1) for name, shape in shapes.items()},
        {"x": np.round(g.normal(0, 1.5, n), 1), "y": float(np.round(g.normal(0, 2), 1))},
        update=update,
    )


def after(problem: handgrad.Problem, update: Update) -> Planted:
    """The parameters that another update would lead to: what it computes is held against PyTorch elsewhere."""
    return handgrad.solve(problem.with_parts(update=update)).updated


def without(update: Update, option: str) -> Update:
    kept = {k: v for k, v in update.options.items() if k != option}
    known = RULES[update.rule].options
    return replace(update, options={**kept, option: 0.0} if option in known else kept)


def _velocity(problem: handgrad.Problem, update: Update) -> Planted:
    return after(problem, without(update, "momentum"))


def _clipping(problem: handgrad.Problem, update: Update) -> Planted:
    return after(problem, without(update, update.clips))


def _decay(problem: handgrad.Problem, update: Update) -> Planted:
    return after(problem, without(update, "weight_decay"))


def _rates(problem: handgrad.Problem, update: Update) -> Planted:
    names = list(problem.parameters)
    turned = {n: update.rate_of(names[k - 1]) for k, n in enumerate(names)}
    return after(problem, replace(update, rates=turned))


def _gradients(problem: handgrad.Problem) -> dict[str, Array]:
    run = handgrad.run(problem)
    return {n: run.gradient(n) for n in problem.parameters}


def _uncorrected(problem: handgrad.Problem, update: Update) -> Planted:
    s = update.settings
    return {
        n: problem.parameters[n].array
        - update.rate
        * (1 - s["beta1"]) * g / (np.sqrt((1 - s["beta2"]) * g**2) + s["epsilon"])
        for n, g in _gradients(problem).items()
    }  # fmt: skip


def _signless(problem: handgrad.Problem, update: Update) -> Planted:
    share = 1 - update.settings["beta1"]
    return {
        n: problem.parameters[n].array - update.rate * share * g
        for n, g in _gradients(problem).items()
    }


def _upwards(problem: handgrad.Problem, update: Update) -> Planted:
    right = after(problem, update)
    return {n: 2 * problem.parameters[n].array - right[n] for n in right}


def _rateless(problem: handgrad.Problem, update: Update) -> Planted:
    return after(problem, update.scaled(1 / update.rate))


def _of(rules: str, **options: Any) -> Callable[[np.random.Generator], Update]:
    """Updates by some rules; numbers of options are drawn from what is given."""

    def draw(g: np.random.Generator) -> Update:
        rule = str(g.choice(rules.split()))
        chosen = {k: float(g.choice(v)) for k, v in options.items()}
        return Update(rule, float(g.choice([0.05, 0.1, 0.2])), chosen)

    return draw


def _of_own_rates(g: np.random.Generator) -> Update:
    rates = dict(zip(("W1", "b1", "w2", "b2"), g.permutation([0.02, 0.1, 0.3, 0.5]), strict=True))
    return Update("sgd", 0.1, rates={n: float(r) for n, r in rates.items()})


EVERY = " ".join(RULES)
PLANTS: list[tuple[str, str, Callable[..., Update], Callable[..., Planted]]] = [
    ("velocity_forgotten", "nesterov", _of("nesterov", momentum=[0.5, 0.9]), _velocity),
    (
        "clipping_forgotten",
        "by the norm",
        _of("sgd momentum nesterov adagrad", clip_norm=[0.1, 0.5], weight_decay=[0, 0.1]),
        _clipping,
    ),
    (
        "clipping_forgotten",
        "by value",
        _of("sgd momentum nesterov", clip_value=[0.1, 0.2]),
        _clipping,
    ),
    (
        "decay_forgotten",
        "in the gradient",
        _of("sgd momentum nesterov", weight_decay=[0.2, 0.5]),
        _decay,
    ),
    ("decay_forgotten", "beside it", _of("adamw lion", weight_decay=[0.2, 0.5]), _decay),
    (
        "bias_correction_forgotten",
        "adam",
        _of("adam adamw", beta1=[0.8, 0.9], beta2=[0.9, 0.999], weight_decay=[0]),
        _uncorrected,
    ),
    ("rate_of_another", "turned", _of_own_rates, _rates),
    ("sign_forgotten", "lion", _of("lion", beta1=[0.8, 0.9]), _signless),
    ("update_sign", "all", _of(EVERY, weight_decay=[0]), _upwards),
    ("rate_forgotten", "all", _of(EVERY, weight_decay=[0]), _rateless),
]


def told(
    draw: Callable[..., Update], plant: Callable[..., Planted], count: int, seed: int
) -> Iterator[list[str]]:
    """The rules named for each parameter that a mistake changes, in so many problems."""
    g = np.random.default_rng(seed)
    for _ in range(count):
        update = draw(g)
        problem = drawn(g, update)
        right, wrong = after(problem, update), plant(problem, update)
        checker = handgrad.Checker(problem)
        known = {f"d{n}": texts(d, decimals(6)) for n, d in _gradients(problem).items()}
        for name, value in wrong.items():
            # A gradient of 0, or one within the bounds of what clips, shows no mistake.
            if (np.abs(value - right[name]) < 1e-3).any():
                continue
            report = checker.check({**known, "updated": {name: texts(value, decimals(6))}})
            found = report[f"updated.{name}"]
            assert found.verdict == "wrong"
            yield [d.rule for d in found.diagnosis]


@pytest.mark.parametrize(
    ("rule", "draw", "plant"),
    [(r, d, p) for r, _, d, p in PLANTS],
    ids=[f"{r}, {w}" for r, w, _, _ in PLANTS],
)
def test_a_mistake_with_an_update_is_named_first(
    rule: str, draw: Callable[..., Update], plant: Callable[..., Planted]
) -> None:
    every = list(told(draw, plant, COUNT, seed=11))
    first = sum(rules[:1] == [rule] for rules in every)
    assert len(every) >= COUNT / 3
    others = [rules for rules in every if rules[:1] != [rule]]
    assert first >= 0.95 * len(every), others


def test_a_frozen_parameter_that_is_moved() -> None:
    problem = drawn(np.random.default_rng(3), Update("sgd", 0.1, rates={"b2": 0.0}))
    moved = after(problem, Update("sgd", 0.1))["b2"]
    report = handgrad.check(problem, {"updated": {"b2": f"{float(moved):.5f}"}})
    (first, *_) = report["updated.b2"].diagnosis
    assert first.rule == "rate_of_another"


def test_what_cancels_in_an_update_is_0_as_in_the_solution() -> None:
    """∂L/∂X + 0.1 · X is 1.4e-17 in floats at one entry, of which Adagrad makes a whole step; on paper it makes none."""
    problem = handgrad.Problem(
        "m = mean(X, axis=1)\ne = relu(W1 @ m)\ng = sigmoid(W2 @ e)\nO = X * expand_dims(g, axis=1)\nL = mse(O, T)",
        {"X": [[-1.3, 0.6, 0.5], [-0.2, -0.6, 1]], "W1": [[1.1, -1]], "W2": [[-1.5], [-0.2]]},
        {"T": [[-0.2, 0.5, -0.8], [1.3, 1.1, 1.1]]},
        update=Update("adagrad", 0.1, options={"weight_decay": 0.1, "epsilon": 1e-20}),
    )
    new = handgrad.solve(problem).updated["X"]
    assert new[1, 2] == 1
    report = handgrad.Checker(problem).check({"updated.X": texts(new, decimals(4))})
    (judged,) = [j for j in report.steps if j.entry is not None]
    assert judged.verdict == "right"
    assert judged.expected[1, 2] == 1
