"""ONNX's RNN, GRU and LSTM, written out step by step.

Their equations, and the order of the gates in the weights (RNN: one; GRU: z, r, h; LSTM: i, o, f, c), are those
of the operators' specification, https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handgrad.expression import Expression, Shape
from handgrad.models.formulas import ALL, sliced
from handgrad.models.onnx.entrywise import Rule
from handgrad.models.onnx.node import OnnxNode, Result
from handgrad.operations.activations import relu, sigmoid, tanh
from handgrad.operations.arranging import stack
from handgrad.operations.operation import Operation
from handgrad.operations.structure import transpose

ACTIVATIONS = {operation.name: operation for operation in (tanh, sigmoid, relu)}
"""The activations of cells; ONNX's names for them are the same, in any letters."""


@dataclass
class Direction:
    """One direction of a recurrent operator: its weights, and the rows of each gate in them."""

    node: OnnxNode
    at: int
    size: int
    gates: int

    @property
    def mark(self) -> str:
        return ("", "_reverse")[self.at]

    def weights(self, position: int, name: str) -> Expression:
        """A matrix of all the gates, (gates · hidden, inputs), an equation of its own."""
        return self.node.step(f"{name}{self.mark}", self.node.formula(position).at((self.at,)))

    def biases(self) -> tuple[Expression, Expression] | None:
        if not self.node.has(3):
            return None
        both = self.node.formula(3).at((self.at,))
        width = self.gates * self.size
        shape: Shape = (2 * width,)
        return (
            self.node.step(f"b{self.mark}", sliced(both, shape, 0, 0, width)),
            self.node.step(f"rb{self.mark}", sliced(both, shape, 0, width, 2 * width)),
        )

    def first(self, position: int) -> Expression | None:
        """The state before the first step; None where it is zeros."""
        if not self.node.has(position):
            return None
        known = self.node.known(position)
        if known is not None and not known.any():
            return None
        return self.node.formula(position).at((self.at,))

    def gate(self, row: Expression, number: int) -> Expression:
        """The columns of one gate in rows of all of them."""
        batch = self.node.builder.shape(row)[0]
        shape = (batch, self.gates * self.size)
        return sliced(row, shape, 1, number * self.size, (number + 1) * self.size)


def _activations(node: OnnxNode, plain: Sequence[Operation], directions: int) -> list[Operation]:
    """The activations of a cell, the same in both directions."""
    given = [
        n.decode() if isinstance(n, bytes) else str(n) for n in node.attribute("activations", ())
    ]
    wanted = [n.lower() for n in given] or [o.name for o in plain] * directions
    own = wanted[: len(plain)]
    if wanted != own * directions or any(n not in ACTIVATIONS for n in own):
        node.refuse(
            f"has the activations {', '.join(given)}",
            f"{', '.join(ACTIVATIONS)} are read, the same in both directions",
        )
    return [ACTIVATIONS[n] for n in own]


def _check(node: OnnxNode, directions: int, size: int, gates: int) -> None:
    """Refuses what is not read, and what the specification does not allow."""
    if node.rank(0) != 3:
        node.refuse(f"takes an input of {node.rank(0)} axes", "steps, rows and features are read")
    if node.has(4):
        lengths = node.known(4)
        if lengths is None or (lengths != node.shape(0)[node.attribute("layout", 0)]).any():
            node.refuse("has sequences of different lengths", "sequences of one length are read")
    if node.attribute("clip") is not None:
        node.refuse("cuts its sums off (clip)")
    if node.attribute("input_forget", 0):
        node.refuse("couples its gates (input_forget)")
    if node.has(7):
        node.refuse("has peepholes")
    if node.attribute("layout", 0) and (node.has(5) or node.has(6)):
        node.refuse("has the batch first in its state too (layout)")
    _check_shapes(node, directions, size, gates)


def _check_shapes(node: OnnxNode, directions: int, size: int, gates: int) -> None:
    """Refuses weights and states of other lengths than the specification has.

    PyTorch's exporter writes an LSTM with proj_size so (`findings/exported-lstm-with-projections.sh`).
    """
    batch, inputs = node.shape(0)[1 - node.attribute("layout", 0)], node.shape(0)[2]
    rows = gates * size
    state = directions, batch, size
    wanted = {
        1: ("weight W", (directions, rows, inputs)),
        2: ("weight R", (directions, rows, size)),
        3: ("bias B", (directions, 2 * rows)),
        5: ("first state", state),
        6: ("first cell state", state),
    }
    for position, (what, shape) in wanted.items():
        if node.has(position) and node.shape(position) != shape:
            node.refuse(
                f"has a {what} of {_told(node.shape(position))}, and ONNX wants {_told(shape)} with "
                f"hidden_size {size}",
                "of an LSTM with proj_size PyTorch exports the wrong rows: read it by handgrad.from_torch"
                if position == 6
                else "",
            )


def _told(shape: Shape) -> str:
    return "×".join(map(str, shape))


Cell = Callable[["Direction", str, Expression, "Weights", "State", Sequence[Operation]], "State"]
Weights = tuple[Expression, Expression, "tuple[Expression, Expression] | None"]
State = tuple["Expression | None", ...]


def _recurrent(gates: int, states: int, plain: Sequence[Operation], cell: Cell) -> Rule:
    def rule(node: OnnxNode) -> Result:
        kind = node.attribute("direction", "forward")
        directions = 2 if kind == "bidirectional" else 1
        size = int(node.attribute("hidden_size", node.shape(2)[-1]))
        _check(node, directions, size, gates)
        named = _activations(node, plain, directions)
        layout = int(node.attribute("layout", 0))
        steps = range(node.shape(0)[layout])
        outputs: list[list[Expression]] = []
        ends: list[State] = []
        for at in range(directions):
            way = Direction(node, at, size, gates)
            weights = way.weights(1, "W"), way.weights(2, "R"), way.biases()
            state: State = tuple(way.first(5 + k) for k in range(states))
            found: dict[int, Expression] = {}
            for t in reversed(steps) if kind == "reverse" or at else steps:
                x = node.formula(0).at((ALL, t) if layout else (t,))
                state = cell(way, f"{way.mark}_{t}", x, weights, state, named)
                assert state[0] is not None
                found[t] = state[0]
            outputs.append([found[t] for t in steps])
            ends.append(state)
        axis = 1 if layout else 0
        whole = stack(*[stack(*[o[t] for o in outputs], axis=axis) for t in steps], axis=axis)
        last = [stack(*[e[k] for e in ends], axis=axis) for k in range(states)]  # type: ignore[arg-type]
        asked = [whole, *last]
        return tuple(asked[k] if name else None for k, name in enumerate(node.outputs))

    return rule


def _sums(
    way: Direction, mark: str, x: Expression, weights: Weights, h: Expression | None
) -> Expression:
    """The sums of all gates at a step: x Wᵀ + h Rᵀ + the biases."""
    w, r, biases = weights
    total: Expression = x @ transpose(w)
    if h is not None:
        total = total + h @ transpose(r)
    for bias in biases or ():
        total = total + bias
    return way.node.step(f"z{mark}", total)


def _rnn(
    way: Direction,
    mark: str,
    x: Expression,
    weights: Weights,
    state: State,
    named: Sequence[Operation],
) -> State:
    z = _sums(way, mark, x, weights, state[0])
    return (way.node.step(f"h{mark}", named[0](z)),)


def _lstm(
    way: Direction,
    mark: str,
    x: Expression,
    weights: Weights,
    state: State,
    named: Sequence[Operation],
) -> State:
    f, g, out = named
    h, c = state
    z = _sums(way, mark, x, weights, h)
    i, o, forget = (way.node.step(f"{n}{mark}", f(way.gate(z, k))) for k, n in enumerate("iof"))
    new: Expression = i * g(way.gate(z, 3))
    if c is not None:
        new = forget * c + new
    cell = way.node.step(f"c{mark}", new)
    return way.node.step(f"h{mark}", o * out(cell)), cell


def _gru(
    way: Direction,
    mark: str,
    x: Expression,
    weights: Weights,
    state: State,
    named: Sequence[Operation],
) -> State:
    f, g = named
    (h,) = state
    w, r, biases = weights
    step = way.node.step
    of_x: Expression = x @ transpose(w)
    if biases is not None:
        of_x = of_x + biases[0]
    of_x = step(f"x{mark}", of_x)
    of_h: Expression | None = h @ transpose(r) if h is not None else None
    if biases is not None:
        of_h = biases[1] if of_h is None else of_h + biases[1]
    if of_h is None:
        update, new = (
            step(f"{n}{mark}", a(way.gate(of_x, k))) for n, a, k in (("z", f, 0), ("n", g, 2))
        )
        return (step(f"h{mark}", (1 - update) * new),)
    after = bool(way.node.attribute("linear_before_reset", 0))
    if not after and h is not None:
        return _gru_reset_first(way, mark, of_x, weights, h, named)
    of_h = step(f"s{mark}", of_h)

    def own(k: int) -> Expression:
        if h is None:
            return sliced(of_h, (way.gates * way.size,), 0, k * way.size, (k + 1) * way.size)
        return way.gate(of_h, k)

    update = step(f"z{mark}", f(way.gate(of_x, 0) + own(0)))
    reset = step(f"r{mark}", f(way.gate(of_x, 1) + own(1)))
    new = step(f"n{mark}", g(way.gate(of_x, 2) + (reset * own(2) if after else own(2))))
    mixed: Expression = (1 - update) * new
    return (step(f"h{mark}", mixed if h is None else mixed + update * h),)


def _gru_reset_first(
    way: Direction,
    mark: str,
    of_x: Expression,
    weights: Weights,
    h: Expression,
    named: Sequence[Operation],
) -> State:
    """The reset gate before the product: n = g(x + (r ⊙ h) Rₙᵀ + b), as the paper has it (Cho et al., 2014)."""
    f, g = named
    _, r, biases = weights
    step = way.node.step
    size, inner = way.size, (way.gates * way.size, way.size)

    def rows(k: int) -> Expression:
        return sliced(r, inner, 0, k * size, (k + 1) * size)

    def bias(k: int, total: Expression) -> Expression:
        if biases is None:
            return total
        return total + sliced(biases[1], (way.gates * size,), 0, k * size, (k + 1) * size)

    update = step(f"z{mark}", f(bias(0, way.gate(of_x, 0) + h @ transpose(rows(0)))))
    reset = step(f"r{mark}", f(bias(1, way.gate(of_x, 1) + h @ transpose(rows(1)))))
    new = step(f"n{mark}", g(bias(2, way.gate(of_x, 2) + (reset * h) @ transpose(rows(2)))))
    return (step(f"h{mark}", (1 - update) * new + update * h),)


RECURRENT: dict[str, Rule] = {
    "RNN": _recurrent(1, 1, (tanh,), _rnn),
    "LSTM": _recurrent(4, 2, (sigmoid, tanh, tanh), _lstm),
    "GRU": _recurrent(3, 1, (sigmoid, tanh), _gru),
}
"""By operator, the formulas of its outputs."""
