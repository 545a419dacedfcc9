"""Notes say what they should, where they should."""

from __future__ import annotations

import handgrad


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
