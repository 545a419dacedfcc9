"""Random computational graphs, as a problem and as the same computation in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import handgrad
from tests.oracle import TORCH, Arrays

UNARY = [
    "relu",
    "leaky_relu",
    "elu",
    "softplus",
    "gelu",
    "gelu_tanh",
    "silu",
    "sigmoid",
    "tanh",
    "hardtanh",
    "relu6",
    "hardswish",
    "mish",
    "selu",
    "celu",
    "log_sigmoid",
    "erf",
    "square",
    "sin",
    "cos",
    "abs",
    "negate",
]
BINARY = ["add", "subtract", "multiply", "maximum", "minimum"]
INFIX = {"add": "+", "subtract": "-", "multiply": "*"}


@dataclass(frozen=True)
class Line:
    """target = operation(arguments), and how it is spelled."""

    target: str
    operation: str
    arguments: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class RandomGraph:
    """Lines over given arrays; the last line's target is the loss."""

    lines: tuple[Line, ...]
    parameters: Arrays

    def problem(self) -> handgrad.Problem:
        return handgrad.Problem([f"{e.target} = {e.text}" for e in self.lines], self.parameters)

    def torch_loss(self, tensors: dict[str, Any]) -> Any:
        values = dict(tensors)
        for line in self.lines:
            values[line.target] = TORCH[line.operation](*[values[a] for a in line.arguments])
        return values[self.lines[-1].target]


def random_graph(seed: int, most: int = 40) -> RandomGraph:
    """Up to `most` lines over scalars, vectors and matrices of side 3; any line may use any before it."""
    g = np.random.default_rng(seed)
    parameters: Arrays = {
        "A": g.normal(0, 0.6, (3, 3)),
        "B": g.normal(0, 0.6, (3, 3)),
        "v": g.normal(0, 1, 3),
        "w": g.normal(0, 1, 3),
        "s": np.asarray(g.normal()),
    }
    shapes = {n: a.shape for n, a in parameters.items()}
    lines: list[Line] = []

    def pick(*ranks: int) -> str:
        recent = [n for n in shapes if len(shapes[n]) in ranks]
        return str(g.choice(recent[-8:] if g.random() < 0.6 else recent))

    for number in range(int(g.integers(3, most))):
        target = f"t{number}"
        kind = g.random()
        if kind < 0.3:
            a = pick(0, 1, 2)
            operation = str(g.choice(UNARY))
            text = f"-{a}" if operation == "negate" else f"{operation}({a})"
            line, shape = Line(target, operation, (a,), text), shapes[a]
        elif kind < 0.6:
            a, b = pick(0, 1, 2), pick(0, 1, 2)
            operation = str(g.choice(BINARY))
            text = f"{a} {INFIX[operation]} {b}" if operation in INFIX else f"{operation}({a}, {b})"
            line, shape = Line(target, operation, (a, b), text), max(shapes[a], shapes[b], key=len)
        elif kind < 0.85:
            a = pick(1, 2)
            b = pick(1, 2)
            shape = shapes[a][:-1] + shapes[b][1:]
            line = Line(target, "matmul", (a, b), f"{a} @ {b}")
        elif kind < 0.9:
            a, b = pick(1), pick(1)
            line, shape = Line(target, "outer", (a, b), f"outer({a}, {b})"), (3, 3)
        elif kind < 0.95:
            a = pick(1, 2)
            line, shape = Line(target, "softmax", (a,), f"softmax({a})"), shapes[a]
        else:
            a = pick(1, 2)
            operation = str(g.choice(["sum", "mean", "norm"]))
            line, shape = Line(target, operation, (a,), f"{operation}({a})"), ()
        lines.append(line)
        shapes[target] = shape
        # Keep magnitudes tame, so that 1e-12 relative means something.
        if shape:
            squashed = f"q{number}"
            lines.append(Line(squashed, "tanh", (target,), f"tanh({target})"))
            shapes[squashed] = shape
    lines = lines[: most - 1]
    used: dict[str, None] = {}
    for line in lines:
        used.update(dict.fromkeys(line.arguments))
    ends = [e.target for e in lines if e.target not in used][-1:] or [lines[-1].target]
    lines.append(Line("loss", "sum", (ends[0],), f"sum({ends[0]})"))
    return RandomGraph(tuple(lines), parameters)
