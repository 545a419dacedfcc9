"""Keras's recurrent layers, written out step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from handgrad.expression import Expression, Slice
from handgrad.models.formulas import (
    ALL,
    sliced,
)
from handgrad.models.keras.layer import KerasLayer, Rule
from handgrad.operations.arranging import stack
from handgrad.operations.reductions import sum_
from handgrad.operations.structure import concat


def _recurrent(cell: Callable[..., tuple[Expression, ...]], states: int) -> Rule:
    def rule(a: KerasLayer) -> Expression:
        layer = a.layer
        if layer.stateful or len(a.inputs) > 1 or layer.return_state:
            a.refuse("keeps, is given or gives its state", "a plain sequence is read")
        state: tuple[Expression | None, ...] = (None,) * states
        steps = range(a.shape[1])
        outputs: dict[int, Expression] = {}
        for t in reversed(steps) if layer.go_backwards else steps:
            state = cell(a, layer.cell, a.x.at((ALL, t)), state, t)
            assert state[0] is not None
            outputs[t] = state[0]
        order = reversed(steps) if layer.go_backwards else steps
        if layer.return_sequences:
            return stack(*[outputs[t] for t in order], axis=1)
        assert state[0] is not None
        return state[0]

    return rule


def _simple_cell(
    a: KerasLayer, cell: Any, x: Expression, state: Sequence[Expression | None], t: int
) -> tuple[Expression, ...]:
    z: Expression = x @ a.weight(cell.kernel, "kernel")
    if cell.use_bias:
        z = z + a.weight(cell.bias, "bias")
    if state[0] is not None:
        z = z + state[0] @ a.weight(cell.recurrent_kernel, "recurrent_kernel")
    z = a.step(f"z_{t}", z)
    return (a.step(f"h_{t}", a.activation(cell.activation)(z)),)


def _gates(a: KerasLayer, row: Expression, count: int) -> list[Expression]:
    batch, width = a.builder.shape(row)
    size = width // count
    return [sliced(row, (batch, width), 1, k * size, (k + 1) * size) for k in range(count)]


def _lstm_cell(
    a: KerasLayer, cell: Any, x: Expression, state: Sequence[Expression | None], t: int
) -> tuple[Expression, ...]:
    f, g = a.activation(cell.recurrent_activation), a.activation(cell.activation)
    h, c = state
    z: Expression = x @ a.weight(cell.kernel, "kernel")
    if h is not None:
        z = z + h @ a.weight(cell.recurrent_kernel, "recurrent_kernel")
    if cell.use_bias:
        z = z + a.weight(cell.bias, "bias")
    i, forget, new, o = _gates(a, a.step(f"z_{t}", z), 4)
    content: Expression = a.step(f"i_{t}", f(i)) * g(new)
    if c is not None:
        content = a.step(f"f_{t}", f(forget)) * c + content
    content = a.step(f"c_{t}", content)
    return a.step(f"h_{t}", a.step(f"o_{t}", f(o)) * g(content)), content


def _gru_cell(
    a: KerasLayer, cell: Any, x: Expression, state: Sequence[Expression | None], t: int
) -> tuple[Expression, ...]:
    f, g = a.activation(cell.recurrent_activation), a.activation(cell.activation)
    (h,) = state
    if not cell.reset_after:
        a.refuse("resets before its product (reset_after=False)")
    bias = a.weight(cell.bias, "bias") if cell.use_bias else None
    of_x: Expression = x @ a.weight(cell.kernel, "kernel")
    if bias is not None:
        of_x = of_x + bias.at((0,))
    xz, xr, xn = _gates(a, a.step(f"x_{t}", of_x), 3)
    if h is None and bias is None:
        update = a.step(f"z_{t}", f(xz))
        return (a.step(f"h_{t}", (1 - update) * g(xn)),)
    own: Expression | None = (
        None if h is None else h @ a.weight(cell.recurrent_kernel, "recurrent_kernel")
    )
    if bias is not None:
        own = bias.at((1,)) if own is None else own + bias.at((1,))
    assert own is not None
    own = a.step(f"s_{t}", own)
    if h is None:
        size = a.builder.shape(own)[0] // 3
        sz, sr, sn = (sliced(own, (3 * size,), 0, k * size, (k + 1) * size) for k in range(3))
    else:
        sz, sr, sn = _gates(a, own, 3)
    update, reset = a.step(f"z_{t}", f(xz + sz)), a.step(f"r_{t}", f(xr + sr))
    new = a.step(f"n_{t}", g(xn + reset * sn))
    mixed: Expression = (1 - update) * new
    return (a.step(f"h_{t}", mixed if h is None else update * h + mixed),)


def _both_ways(a: KerasLayer) -> Expression:
    """The sequence forwards and backwards, each by a layer of its own."""
    layer = a.layer
    ways = [
        CELLS[type(one).__name__](replace(a, layer=one))
        for one in (layer.forward_layer, layer.backward_layer)
    ]
    if layer.return_sequences:
        # The backward layer gives its states from the last step on.
        ways[1] = ways[1].at((ALL, Slice(None, None, -1)))
    match layer.merge_mode:
        case concat.name:
            return concat(*ways, axis=2 if layer.return_sequences else 1)
        case sum_.name:
            return ways[0] + ways[1]
        case "mul":
            return ways[0] * ways[1]
        case "ave":
            return (ways[0] + ways[1]) / 2.0
        case _:
            return a.refuse("gives both ways by themselves (merge_mode=None)")


CELLS: Mapping[str, Rule] = {
    "SimpleRNN": _recurrent(_simple_cell, 1),
    "LSTM": _recurrent(_lstm_cell, 2),
    "GRU": _recurrent(_gru_cell, 1),
}

RECURRENT: Mapping[str, Rule] = {**CELLS, "Bidirectional": _both_ways}
"""By the name of the layer's class."""
