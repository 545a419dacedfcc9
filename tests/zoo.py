"""Networks whose verdicts are known by construction: each unit is planted with one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import handgrad
from handgrad.audit import Verdict
from tests.oracle import Arrays

BOX = 1.0
"""Inputs are drawn from [−1, 1]."""


@dataclass(frozen=True)
class Planted:
    """A problem, its cases, and the verdict on every unit of every layer."""

    problem: handgrad.Problem
    data: Arrays
    verdicts: dict[tuple[str, int], Verdict]


def planted(seed: int) -> Planted:
    """A network x → h1 → h2 → L, its units planted one by one.

    h1 = relu(W1 x + b1) holds units that are alive, dead on the data (the bias is set just below
    what the data reach, though the box reaches further), dead over the box (|W| adds up to less
    than −b) and starved (they lead to gates of h2 that are shut by their bias alone). h2 holds
    gates that are alive (positive weights on the living, positive bias) and off (−b beyond
    anything). A sigmoid layer in between, if there is one, holds saturated units. The output
    logit is negative, and is no gate.
    """
    g = np.random.default_rng(seed)
    inputs, cases = int(g.integers(1, 5)), int(g.integers(2, 40))
    x = g.uniform(-BOX, BOX, (inputs, cases))
    # Nothing at the corners of the box, so that the box reaches further than the data.
    x *= 0.9
    kinds: list[Verdict] = ["alive", "dead_on_data", "provably_dead", "starved"]
    first: list[Verdict] = ["alive", *[kinds[int(k)] for k in g.integers(0, 4, int(g.integers(1, 7)))]]  # fmt: skip
    W1, b1 = np.zeros((len(first), inputs)), np.zeros(len(first))  # noqa: N806
    for i, kind in enumerate(first):
        row = g.normal(size=inputs)
        reach = (row @ x).max()
        W1[i] = row
        match kind:
            case "dead_on_data":
                b1[i] = -reach - g.choice([0.0, 1e-9, 0.05]) * abs(reach)
                # Above what rounding may do to the sum.
                b1[i] -= 1e-12
            case "provably_dead":
                b1[i] = -abs(row).sum() * (1 + g.uniform(0.001, 1))
            case _:
                b1[i] = -reach + 0.5 * (reach - (row @ x).min()) + 1e-6
    second: list[Verdict] = ["alive", *[("alive", "dead")[int(k)] for k in g.integers(0, 2, 3)]]  # type: ignore[list-item]
    if "starved" in first and "dead" not in second:
        second.append("dead")  # type: ignore[arg-type]
    W2, b2 = np.zeros((len(second), len(first))), np.zeros(len(second))  # noqa: N806
    verdicts: dict[tuple[str, int], Verdict] = {("h1", i): k for i, k in enumerate(first)}
    for j, kind2 in enumerate(second):
        for i, kind in enumerate(first):
            if kind2 == "alive" and kind != "starved":
                W2[j, i] = g.uniform(0.1, 1)
            elif kind2 != "alive":
                W2[j, i] = g.normal()
        b2[j] = g.uniform(0.1, 1)
        verdicts["h2", j] = "alive"
        if kind2 != "alive":
            most = np.maximum(W1 @ x + b1[:, None], 0)
            ceiling = abs(W1).sum(axis=1) + abs(b1)
            if g.random() < 0.5:
                b2[j] = -abs(W2[j]) @ ceiling - 0.1
                verdicts["h2", j] = "provably_dead"
            else:
                # Of the first unit alone, which reaches further at a corner of the box.
                W2[j] = 0.0
                W2[j, 0] = g.uniform(0.1, 1)
                b2[j] = -(W2[j] @ most).max() - 1e-9
                verdicts["h2", j] = "dead_on_data"
    lines = ["z1 = W1 @ x + b1", "h1 = relu(z1)", "z2 = W2 @ h1 + b2", "h2 = relu(z2)"]
    parameters: Arrays = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    value, width = "h2", len(second)
    if g.random() < 0.5:
        flat = g.random(3) < 0.5
        W3 = g.normal(0, 0.01, (3, width))  # noqa: N806
        parameters |= {"W3": W3, "b3": np.where(flat, g.choice([-9.0, 9.0], 3), 0.0)}
        # The first unit is always alive: a gradient must reach what is alive before it.
        parameters["b3"][0] = 0.0
        flat[0] = False
        lines += ["z3 = W3 @ h2 + b3", "h3 = sigmoid(z3)"]
        verdicts |= {("h3", k): "saturated" if flat[k] else "alive" for k in range(3)}
        value, width = "h3", 3
    parameters |= {"w": -g.uniform(0.5, 1, width), "c": np.asarray(-5.0)}
    lines += [f"s = w.T @ {value} + c", "yhat = sigmoid(s)", "L = bce(yhat, y)"]
    y = g.integers(0, 2, cases).astype(float)
    y[0] = 1.0
    problem = handgrad.Problem(lines, parameters, {"x": x[:, 0].tolist(), "y": float(y[0])})
    return Planted(problem, {"x": x, "y": y}, verdicts)
