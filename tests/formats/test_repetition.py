"""Numbers that are repeated to a shape, in products of matrices: written so that the shapes fit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import handgrad
from handgrad.expression import Call, Expression, Literal, Name, nested
from handgrad.formats.mathematics.repetition import written_out
from handgrad.formats.terminal import render_terminal
from tests.gauntlet.facts import terms

X = [[1, 2], [3, -1], [0.5, 2]]
W = [[1, 2], [0.5, -1]]

VECTOR, NUMBER = np.array([2.0, 3.0, 5.0]), np.array(7.0)


def filled(inner: Expression, shape: tuple[int, ...], axis: int | None = None) -> Call:
    options = (("shape", shape), *((("axis", axis),) if axis is not None else ()))
    return Call("fill", (inner,), options, shape=shape)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("array", "shape", "axis"),
    [
        (VECTOR, (2, 3), 0),
        (VECTOR, (2, 3), None),
        (VECTOR, (3, 2), 1),
        (VECTOR, (3, 2), -1),
        (NUMBER, (4,), None),
        (NUMBER, (2, 3), None),
    ],
)
@pytest.mark.parametrize("turned", [True, False])
def test_what_is_written_out_has_the_shape_and_the_numbers(
    named: bool, array: NDArray[np.float64], shape: tuple[int, ...], axis: int | None, turned: bool
) -> None:
    inner: Expression = Name("a", shape=array.shape) if named else Literal(nested(array))
    repeated: Expression = filled(inner, shape, axis)
    if turned:
        repeated = Call("transpose", (repeated,), shape=shape[::-1])
    written = written_out(repeated)
    found = terms.value(written, lambda leaf, case: array)
    assert not any(c.operation == "fill" for c in terms.calls_of(written))
    np.testing.assert_array_equal(found, terms.value(repeated, lambda leaf, case: array))


def test_what_is_not_repeated_stays() -> None:
    for part in (Name("a", shape=(2, 3)), Call("transpose", (Name("a", shape=(2, 3)),))):
        assert written_out(part) is part


@pytest.mark.parametrize(
    ("equations", "line"),
    [
        ("s = sum(X @ W, axis=1)\nL = sum((s - y)**2)", "∂L/∂W = Xᵀ ∂L/∂s [1  1] ="),
        ("A = X @ W\ns = sum(A, axis=1)\nL = sum((s - y)**2)", "∂L/∂A = ∂L/∂s [1  1] ="),
        ("L = sum(sum(X @ W, axis=1)*y)", "∂L/∂W = Xᵀ y [1  1] ="),
        ("m = sum(X @ W, axis=0)\nL = sum((m - c)**2)", "⎢1⎥ (∂L/∂m)ᵀ ="),
        ("L = sum(W @ c)", "∂L/∂W = ⎡1⎤ cᵀ = ⎡1⎤ [1  0.5]"),
    ],
)
def test_the_shapes_of_a_weight_gradient_fit(equations: str, line: str) -> None:
    data = {"X": X, "y": [1, 0, 2], "c": [1.0, 0.5]}
    used = {n: v for n, v in data.items() if n in equations}
    trace = handgrad.solve(handgrad.Problem(equations.split("\n"), {"W": W}, used))
    page = render_terminal(trace.page(), width=80, colour=False, unicode=True)
    assert line in page


def test_a_number_stands_for_all_entries_where_no_product_asks_for_a_shape() -> None:
    trace = handgrad.solve(
        handgrad.Problem(["a = w*x", "L = sum(a)"], {"w": [1, 2]}, {"x": [3, 4]})
    )
    page = render_terminal(trace.page(), width=80, colour=False, unicode=True)
    assert "∂L/∂a = 1 =" in page or "∂L/∂w = x =" in page
