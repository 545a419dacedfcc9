"""The judges' many digits agree with their PyTorch where floats do not cancel."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gauntlet.oracle import Oracle
from tests.gauntlet.precise import _FUNCTIONS, Precise
from tests.oracle import TORCH

PROBLEM = """
equations = '''
R = {}
L = sum(R*R*R + R)
'''

[parameters]
X = [[0.3, -1.2, 0.7, 1.5], [-0.4, 0.9, -2.1, 0.2]]
x = [0.5, -0.3, 1.1, 0.8]
G = [[1.2, 0.4, -0.1], [0.6, -1.3, 0.9], [0.2, 0.7, -0.8], [1.4, -0.6, 0.1]]

[data]
M = [[1, 0, 1, 1], [1, 1, 1, 0]]
ids = [1, 0, 1]
"""


def test_every_function_has_many_digits() -> None:
    own_syntax = {"power"}
    assert set(TORCH) - set(_FUNCTIONS) == own_syntax


@pytest.mark.parametrize(
    "formula",
    [
        *("prod(X)", "prod(X, axis=1)", "cumsum(X)", "cumsum(X, axis=1)", "gelu_tanh(X)"),
        *("norm(X, axis=0)", "norm1(X, axis=0)", "norm_inf(X, axis=1, keepdims=True)"),
        *("masked_softmax(X, M)", "masked_softmax(X, M, axis=0)", "std(X, axis=1)", "X[ids]"),
        *("rmsnorm(X)", "groupnorm(G, groups=2)", "broadcast_to(x, shape=(2, 4))"),
        *("expand_dims(X, axis=1)", "permute(X, axes=(1, 0))", "swapaxes(X, axes=(0, 1))"),
        *("pad(X, before=(1, 0), after=(0, 2), value=0.5)", "squeeze(expand_dims(x, axis=0))"),
    ],
)
def test_many_digits_say_what_torch_says(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = PROBLEM.format(formula)
    floats = Oracle(problem).run()
    # Without PyTorch's floats to fall back to.
    monkeypatch.setattr(Oracle, "_one", lambda self, *_: ({}, {}))
    digits = Precise(problem).run()
    for name in floats.values:
        np.testing.assert_allclose(digits.values[name], floats.values[name], rtol=1e-12)
        np.testing.assert_allclose(digits.gradients[name], floats.gradients[name], rtol=1e-12, atol=1e-14)  # fmt: skip
