"""Notes say what they should, where they should."""

from __future__ import annotations

import handgrad
from handgrad.trace import AtKink


def test_broadcasting_is_explained() -> None:
    problem = handgrad.Problem(
        ["Z = X @ W + b", "L = sum(Z*Z)"],
        {"W": [[1.0, 2.0], [0.0, 1.0]], "b": [1.0, 2.0]},
        {"X": [[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]]},
    )
    page = handgrad.render_terminal(
        handgrad.solution_page(handgrad.solve(problem)), width=100, colour=False, unicode=False
    )
    said = " ".join(page.split())
    assert "Each entry is used 3 times, and its gradient is the sum of the 3" in said
    assert "added up over the examples" in said


def kinks(weights: list[list[float]], bias: list[float]) -> list[tuple[tuple[int, ...], bool]]:
    """The entries of z that are told to lie at the kink of ReLU, and whether exactly."""
    problem = handgrad.Problem(
        ["z = W @ x + b", "h = relu(z)", "L = mse(w @ h, y)"],
        {"W": weights, "b": bias, "w": [1.0, 0.5]},
        {"x": [3.0, 1.0], "y": 1.0},
    )
    notes = [n for step in handgrad.solve(problem).steps for n in step.notes]
    return [(e, n.exactly) for n in notes if isinstance(n, AtKink) for e in n.entries]


def test_a_number_beside_a_kink_by_rounding_alone_is_told() -> None:
    """0.1 · 3 − 0.3 leaves 5.6e-17 in binary, and the gate open; by hand it is 0."""
    assert kinks([[0.1, 0.0], [0.2, 0.1]], [-0.3, -0.5]) == [((0,), False)]
    assert kinks([[0.5, 0.0], [0.2, 0.1]], [-1.5, -0.5]) == [((0,), True)]
    assert kinks([[1e-12, 0.0], [0.2, 0.1]], [0.0, -0.5]) == []
