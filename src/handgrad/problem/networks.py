"""The usual networks as equations and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from handgrad.errors import ProblemError, nearest
from handgrad.operations import BY_NAME
from handgrad.operations.activations import relu, sigmoid
from handgrad.operations.exponentials import softmax
from handgrad.operations.losses import bce, cross_entropy

WRITTEN = 4096
"""Numbers of an array that are kept as they are written, at most."""


def usual(sizes: Sequence[int]) -> tuple[str, str, str]:
    """The hidden activation, the output and the loss of a network where nothing else is asked for."""
    if sizes[-1] > 1:
        return relu.name, softmax.name, cross_entropy.name
    return relu.name, sigmoid.name, bce.name


def network(
    sizes: Sequence[int], hidden: str, output: str, loss: str, seed: int
) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """Equations, parameters and plausible data of a multilayer perceptron; see `Problem.mlp`."""
    if len(sizes) < 2 or any(not isinstance(n, int) or n < 1 for n in sizes):
        raise ProblemError(
            f"sizes = {list(sizes)} are not a network", mend="write at least [inputs, outputs]"
        )
    activations = [o.name for o in BY_NAME.values() if o.family == "activation"]
    for name in (hidden, output):
        if name not in (*activations, "identity", "linear"):
            raise ProblemError(f"there is no activation {name}", mend=nearest(name, activations))
    losses = [o.name for o in BY_NAME.values() if o.family == "loss"]
    if loss not in losses:
        raise ProblemError(
            f"there is no loss {loss}", mend=nearest(loss, losses) or f"losses: {', '.join(losses)}"
        )
    generator = np.random.default_rng(seed)
    equations: list[str] = []
    parameters: dict[str, Any] = {}
    layers = len(sizes) - 1
    scalar = sizes[-1] == 1 and BY_NAME[loss].target != "class"
    value = "x"
    for layer in range(1, layers + 1):
        inputs, units = sizes[layer - 1], sizes[layer]
        last = layer == layers
        # Adding 0 makes 0 of −0.
        weights = generator.normal(0, np.sqrt(2 / inputs), (units, inputs))
        np.round(weights, 1, out=weights)
        weights += 0.0
        biases = np.round(generator.normal(0, 0.1, units), 1) + 0.0
        if last and scalar:
            parameters[f"w{layer}"] = weights[0].tolist()
            parameters[f"b{layer}"] = float(biases[0])
            equations.append(f"z{layer} = w{layer}.T @ {value} + b{layer}")
        else:
            # So many numbers are worked out in floats alone, and keeping how each is written takes ten times their room.
            parameters[f"W{layer}"] = weights if weights.size > WRITTEN else weights.tolist()
            parameters[f"b{layer}"] = biases.tolist()
            equations.append(f"z{layer} = W{layer} @ {value} + b{layer}")
        activation = output if last else hidden
        value = f"z{layer}"
        if activation not in ("identity", "linear"):
            value = "yhat" if last else f"h{layer}"
            equations.append(f"{value} = {activation}(z{layer})")
    compared = [value, "y"] if BY_NAME[loss].target_at == 1 else ["y", value]
    equations.append(f"L = {loss}({', '.join(compared)})")
    x = (np.round(generator.normal(0, 1, sizes[0]), 1) + 0.0).tolist()
    y = 1 if scalar else [1 if k == 0 else 0 for k in range(sizes[-1])]
    return equations, parameters, {"x": x, "y": y}
