"""Ten exam questions that start from the middle, each with its answers by PyTorch's autograd and a student's slip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from handgrad.arrays import Array

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class ExamQuestion:
    """A question as a problem file.

    Arguments:
        asked: the names whose gradients are asked for.
        backward: the passes in PyTorch, from tensors of all that is given; cases lie along the last axis,
            and what arrives at z is called upstream_z.
        slip: the gradient that a student gets wrong, what is written, from all the right ones, and the rule
            that a check names.
    """

    name: str
    text: str
    asked: tuple[str, ...]
    backward: Callable[[Tensors], None]
    slip: tuple[str, Callable[[Mapping[str, Array]], Array], str]

    def answers(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The gradients asked for, at these numbers."""
        tensors = {
            n: torch.tensor(np.array(a, float), requires_grad=True) for n, a in inputs.items()
        }
        self.backward(tensors)
        found: dict[str, Array] = {}
        for name in self.asked:
            gradient = tensors[name].grad
            assert gradient is not None
            found[name] = gradient.numpy()
        return found


def _arrives(t: Tensors, **values: torch.Tensor) -> None:
    """Starts the backward pass at values, each with what arrives there."""
    arriving = [t[f"upstream_{name}"].detach() for name in values]
    torch.autograd.backward(list(values.values()), arriving)


def _two_layers(t: Tensors) -> None:
    _arrives(t, z2=t["W2"] @ torch.relu(t["z1"]) + t["b2"])


def _batch(t: Tensors) -> None:
    z = t["W"] @ t["x"] + t["b"][:, None]
    torch.autograd.backward([z], [t["upstream_z"].detach() / z.shape[-1]])


def _skip(t: Tensors) -> None:
    h1 = torch.relu(t["z1"])
    _arrives(t, h1=h1, z2=t["W2"] @ h1)


def _given_with_a_loss(t: Tensors) -> None:
    torch.autograd.backward([(t["w2"] @ torch.tanh(t["z1"]) + t["b2"] - t["y"]) ** 2])


def _cell(t: Tensors) -> None:
    forget, write, new = torch.sigmoid(t["zf"]), torch.sigmoid(t["zi"]), torch.tanh(t["zg"])
    _arrives(t, c=forget * t["c0"] + write * new)


EXAM = (
    ExamQuestion(
        "through a gate",
        """
equations = "h1 = relu(z1)"
[given]
z1 = [3, -2]
[upstream]
h1 = [0.5, -1]
""",
        ("z1",),
        lambda t: _arrives(t, h1=torch.relu(t["z1"])),
        ("z1", lambda g: np.array([0.5, -1]), "gate_forgotten"),
    ),
    ExamQuestion(
        "through a sigmoid",
        """
equations = "a = sigmoid(z)"
[given]
z = 0
[upstream]
a = 2
""",
        ("z",),
        lambda t: _arrives(t, a=torch.sigmoid(t["z"])),
        ("z", lambda g: np.array(2.0), "slope_forgotten"),
    ),
    ExamQuestion(
        "an affine layer",
        """
equations = "z = W @ x + b"
[parameters]
W = [[1, 2], [3, -1]]
b = [0, 1]
[data]
x = [2, -1]
[upstream]
z = [-3, 1]
""",
        ("W", "b"),
        lambda t: _arrives(t, z=t["W"] @ t["x"] + t["b"]),
        ("W", lambda g: g["W"].T, "outer_transposed"),
    ),
    ExamQuestion(
        "from a vector back to given pre-activations",
        '''
equations = """
z1 = W1 @ x + b1
h1 = relu(z1)
z2 = W2 @ h1 + b2
h2 = relu(z2)
L = mse(h2, y)
"""
[parameters]
W2 = [[1, 2], [3, 4]]
b2 = [0, 1]
[given]
z1 = [3, -2]
[upstream]
z2 = [-3, 1]
''',
        ("W2", "b2", "z1"),
        _two_layers,
        ("z1", lambda g: np.array([0.0, -2.0]), "gate_forgotten"),
    ),
    ExamQuestion(
        "through a softmax",
        """
equations = "p = softmax(z)"
[given]
z = [1, 0, -1]
[upstream]
p = [1, 0, 0]
""",
        ("z",),
        lambda t: _arrives(t, p=torch.softmax(t["z"], 0)),
        ("z", lambda g: g["z"] * [1, 0, 0], "softmax_diagonal"),
    ),
    ExamQuestion(
        "declared cases",
        """
equations = "z = W @ x + b"
[parameters]
W = [[1, 2], [3, -1]]
b = [0, 1]
[data]
x = { cases = [[2, -1], [0, 1], [1, 1]] }
[upstream]
z = { cases = [[-3, 1], [2, 0.5], [1, -1]] }
""",
        ("W", "b"),
        _batch,
        ("W", lambda g: 3 * g["W"], "mean_forgotten"),
    ),
    ExamQuestion(
        "a batch in rows",
        """
equations = "Z = X @ W + b"
[parameters]
W = [[1, 2], [3, -1]]
b = [0, 1]
[data]
X = [[2, -1], [0, 1], [1, 1]]
[upstream]
Z = [[-3, 1], [2, 0.5], [1, -1]]
""",
        ("W", "b"),
        lambda t: _arrives(t, Z=t["X"] @ t["W"] + t["b"]),
        ("W", lambda g: g["W"].T, "result_transposed"),
    ),
    ExamQuestion(
        "a skip connection",
        '''
equations = """
h1 = relu(z1)
z2 = W2 @ h1
"""
[parameters]
W2 = [[1, 2], [3, 4]]
[given]
z1 = [3, 2]
[upstream]
h1 = [0.5, -1]
z2 = [-3, 1]
''',
        ("W2", "z1"),
        _skip,
        ("z1", lambda g: g["z1"] - [0.5, -1], "path_left_out"),
    ),
    ExamQuestion(
        "given pre-activations and a loss",
        '''
equations = """
h1 = tanh(z1)
yhat = w2 @ h1 + b2
L = (yhat - y)**2
"""
[parameters]
w2 = [0.5, -1]
b2 = 0.1
[data]
y = 1
[given]
z1 = [0.3, -0.2]
''',
        ("w2", "b2", "z1"),
        _given_with_a_loss,
        ("b2", lambda g: g["b2"] / 2, "factor_half"),
    ),
    ExamQuestion(
        "a cell of an LSTM",
        '''
equations = """
f = sigmoid(zf)
i = sigmoid(zi)
g = tanh(zg)
c = f*c0 + i*g
"""
[data]
c0 = [1, -0.5]
[given]
zf = [0, 1]
zi = [0.5, -1]
zg = [1, 0.2]
[upstream]
c = [1, -2]
''',
        ("zf", "zi", "zg"),
        _cell,
        ("zf", lambda g: np.array([1.0, 1.0]), "slope_forgotten"),
    ),
)
"""The questions."""
