"""Attention, and layers that go through a sequence step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch

from handgrad.expression import Expression, Slice
from handgrad.models.formulas import repeated
from handgrad.models.pytorch.entrywise import Rule
from handgrad.models.pytorch.values import Arguments, NotRead, TorchValue
from handgrad.operations.activations import relu, sigmoid, tanh
from handgrad.operations.arranging import stack
from handgrad.operations.exponentials import masked_softmax, softmax
from handgrad.operations.functions import dropout
from handgrad.operations.structure import concat


def _attention(a: Arguments) -> Expression:
    """softmax(Q Kᵀ / √d) V, as PyTorch's scaled_dot_product_attention is documented."""
    query, key = a.shape("query"), a.shape("key")
    keys, values = a.formula("key"), a.formula("value")
    if a.given.get("enable_gqa") and query[-3] != key[-3]:
        # Heads that share keys: each is taken so many times, one after the other.
        keys, values = (
            repeated(f, a.shape(n), len(key) - 3, query[-3] // key[-3])
            for f, n in ((keys, "key"), (values, "value"))
        )
    scale = a.given.get("scale")
    factor = 1 / math.sqrt(query[-1]) if scale is None else float(scale)
    product = a.formula("query") @ keys.mT if len(key) > 2 else a.formula("query") @ keys.T
    scores = a.name("scores", product / math.sqrt(query[-1]) if scale is None else product * factor)
    mask: TorchValue | None = a.given.get("attn_mask")
    keeps = None
    if a["is_causal"]:
        keeps = torch.ones(query[-2], key[-2], dtype=torch.bool).tril()
    if mask is not None:
        if mask.computed:
            scores = scores + mask.formula
        elif mask.tensor.dtype == torch.bool:
            keeps = mask.tensor
        else:
            shut = torch.isinf(mask.tensor)
            keeps = ~shut if shut.any() else None
            if torch.where(shut, 0.0, mask.tensor).any():
                scores = scores + a.data("mask_scores", torch.where(shut, 0.0, mask.tensor))
    shares = softmax(scores) if keeps is None else masked_softmax(scores, a.data("mask", keeps))
    weights = a.name("weights", shares)
    if "mask" in a.drawn:
        share = float(a["dropout_p"])
        weights = a.name(
            "dropped", dropout(weights, a.data("dropout_mask", a.drawn["mask"]), p=share)
        )
    return weights @ values


# -- recurrent layers ------------------------------------------------------------------------------

State = tuple[Expression, ...]


class _RecurrentLayer:
    """One direction of one layer: its weights, and how it goes from step to step."""

    def __init__(self, a: Arguments, weights: Sequence[TorchValue], told: str) -> None:
        self.a, self.told = a, told
        # Where the state is projected, it is shorter than what the gates are of.
        self.projection = weights[-1].formula if len(weights) in (3, 5) else None
        self.rows = weights[1].shape[0]
        self.hidden = weights[1].shape[1] if self.projection is None else weights[-1].shape[1]
        self.w_in, self.w_state = (w.formula for w in weights[:2])
        biases: list[Expression | None] = (
            [w.formula for w in weights[2:4]] if len(weights) > 3 else []
        )
        self.b_in = biases[0] if biases else None
        self.b_state = biases[1] if biases else None

    def input_part(self, x: Expression) -> Expression:
        found = x @ self.w_in.T
        return found if self.b_in is None else found + self.b_in

    def state_part(self, h: Expression) -> Expression:
        found = h @ self.w_state.T
        return found if self.b_state is None else found + self.b_state

    def name(self, what: str, formula: Expression, step: int) -> Expression:
        return self.a.name(f"{what}_{self.told}_{step}" if self.told else what, formula)

    def gates(self, whole: Expression, rank: int) -> list[Expression]:
        """The parts of a pre-activation, as long as the hidden state each."""
        before = [Slice()] * (rank - 1)
        edges = range(0, self.rows, self.hidden)
        return [whole.at((*before, Slice(edge, edge + self.hidden))) for edge in edges]


def _simple(
    activation: Callable[[Expression], Expression],
) -> Callable[[_RecurrentLayer, Expression, State, int, int], State]:
    def step(layer: _RecurrentLayer, x: Expression, state: State, t: int, rank: int) -> State:
        z = layer.name("z", layer.input_part(x) + layer.state_part(state[0]), t)
        return (layer.name("h", activation(z), t),)

    return step


def _lstm_step(layer: _RecurrentLayer, x: Expression, state: State, t: int, rank: int) -> State:
    z = layer.name("z", layer.input_part(x) + layer.state_part(state[0]), t)
    i, f, g, o = layer.gates(z, rank)
    i, f, o = (layer.name(n, sigmoid(gate), t) for n, gate in (("i", i), ("f", f), ("o", o)))
    g = layer.name("g", tanh(g), t)
    c = layer.name("c", f * state[1] + i * g, t)
    h = layer.name("h" if layer.projection is None else "whole", o * tanh(c), t)
    if layer.projection is not None:
        h = layer.name("h", h @ layer.projection.T, t)
    return h, c


def _gru_step(layer: _RecurrentLayer, x: Expression, state: State, t: int, rank: int) -> State:
    h = state[0]
    of_x = layer.gates(layer.name("x", layer.input_part(x), t), rank)
    of_h = layer.gates(layer.name("s", layer.state_part(h), t), rank)
    r = layer.name("r", sigmoid(of_x[0] + of_h[0]), t)
    z = layer.name("z", sigmoid(of_x[1] + of_h[1]), t)
    n = layer.name("n", tanh(of_x[2] + r * of_h[2]), t)
    return (layer.name("h", (1 - z) * n + z * h, t),)


Step = Callable[[_RecurrentLayer, Expression, State, int, int], State]


def _recurrent(step: Step, states: int) -> Rule:
    """A recurrent network of one kind, every step of every layer an equation of its own."""

    def rule(a: Arguments) -> tuple[Expression | TorchValue, ...]:
        if "data" in a.given:
            raise NotRead("a packed sequence", "give the padded sequence itself")
        given = a["hx"]
        starts: list[TorchValue] = list(given) if isinstance(given, list | tuple) else [given]
        shape = a.shape("input")
        first = bool(a.given.get("batch_first")) and len(shape) == 3
        steps = shape[1] if first else shape[0]
        rank = len(shape) - 1
        sides = 2 if a["bidirectional"] else 1
        each = 4 if a["has_biases"] else 2
        params = list(a.values("params"))
        each += len(params) != int(a["num_layers"]) * sides * each
        x = a.formula("input")
        inputs: list[Expression] = [
            x.at((Slice(), t)) if first else x.at((t,)) for t in range(steps)
        ]
        ends: list[State] = []
        for layer in range(int(a["num_layers"])):
            outputs: list[list[Expression]] = []
            for side in range(sides):
                position = layer * sides + side
                weights = params[position * each : (position + 1) * each]
                told = f"l{layer}{'_reverse' if side else ''}"
                made = _RecurrentLayer(a, weights, told)
                state = tuple(
                    _start(a, s, position, f"{n}_{told}_0")
                    for s, n in zip(starts, "hc", strict=False)
                )
                order = range(steps - 1, -1, -1) if side else range(steps)
                found: dict[int, Expression] = {}
                for t in order:
                    state = step(made, inputs[t], state, t + 1, rank)
                    found[t] = state[0]
                outputs.append([found[t] for t in range(steps)])
                ends.append(state)
            inputs = [
                outputs[0][t]
                if sides == 1
                else a.name(
                    f"h_l{layer}_both_{t + 1}", concat(outputs[0][t], outputs[1][t], axis=rank - 1)
                )
                for t in range(steps)
            ]
            mask = a.drawn.get(f"mask_l{layer}")
            if mask is not None:
                inputs = [
                    a.name(
                        f"dropped_l{layer}_{t + 1}",
                        dropout(
                            h, a.data(f"mask_l{layer}_{t + 1}", mask[t]), p=float(a["dropout"])
                        ),
                    )
                    for t, h in enumerate(inputs)
                ]
        whole = stack(*inputs, axis=1 if first else 0)
        lasts = tuple(stack(*[state[k] for state in ends], axis=0) for k in range(states))
        return (whole, *lasts)

    return rule


def _start(a: Arguments, start: TorchValue, position: int, path: str) -> Expression:
    if start.computed:
        return start.formula.at((position,))
    return a.data(path, start.tensor[position])


def _cell(step: Step) -> Rule:
    """One step of a recurrent network."""

    def rule(a: Arguments) -> Expression | tuple[Expression, ...]:
        biases = [a[n] for n in ("b_ih", "b_hh") if a.given.get(n) is not None]
        layer = _RecurrentLayer(a, [a.value("w_ih"), a.value("w_hh"), *biases], "")
        given = a["hx"]
        state = tuple(v.formula for v in (given if isinstance(given, list | tuple) else [given]))
        found = step(layer, a.formula("input"), state, 0, len(a.shape("input")))
        return found if len(found) > 1 else found[0]

    return rule


RULES: Mapping[str, Rule] = {
    "aten::scaled_dot_product_attention": _attention,
    "aten::rnn_tanh": _recurrent(_simple(tanh), 1),
    "aten::rnn_relu": _recurrent(_simple(relu), 1),
    "aten::lstm": _recurrent(_lstm_step, 2),
    "aten::lstm_cell": _cell(_lstm_step),
    "aten::gru_cell": _cell(_gru_step),
    "aten::rnn_tanh_cell": _cell(_simple(tanh)),
    "aten::rnn_relu_cell": _cell(_simple(relu)),
    "aten::gru": _recurrent(_gru_step, 1),
}
"""By the name of ATen's operation."""
