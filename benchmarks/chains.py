"""Networks of any length."""

from __future__ import annotations

import numpy as np

import handgrad


def chain(equations: int) -> handgrad.Problem:
    """A network of about so many equations."""
    layers = equations // 2
    lines, parameters = ["h0 = x"], {}
    for k in range(1, layers + 1):
        lines += [f"z{k} = W{k} @ h{k - 1} + b{k}", f"h{k} = tanh(z{k})"]
        parameters |= {f"W{k}": np.eye(2) * 0.9, f"b{k}": [0.1, -0.1]}
    lines.append(f"L = sum((h{layers} - y)**2)")
    return handgrad.Problem(lines, parameters, {"x": [1, 2], "y": [0, 1]}, update=handgrad.Update())
