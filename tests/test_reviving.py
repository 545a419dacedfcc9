"""Units, what is their own, what revives them: found by structure, judged by PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import handgrad
from handgrad.audit import Audit, Unit
from handgrad.discussion import questions_for
from handgrad.expression import Name
from handgrad.formats.terminal import render_terminal
from handgrad.graph import build
from handgrad.running.reviving import moves_without_gradient
from handgrad.running.units import LayerUnits
from handgrad.solution import GatedOff
from handgrad.text import plain_text
from handgrad.updates import RULES, Update

PENALTY = """
title = "Homework 5, exercise 2"
equations = '''
z1 = W1 @ x + b1
h1 = relu(z1)
z2 = W2 @ h1 + b2
p = softmax(z2)
CE = cross_entropy(p, y)
R = lam/2 * (sum(W1**2) + sum(W2**2))
L = CE + R
'''
[parameters]
W1 = [[0.2, -0.4, 0.5], [0.7, 0.1, -0.3], [-0.6, 0.3, 0.2], [0.1, -0.5, -0.2]]
b1 = [0.1, 0, -0.1, 0.05]
W2 = [[0.3, -0.2, 0.4, 0.6], [-0.1, 0.5, 0.2, -0.3]]
b2 = [0, 0.1]
[data]
x = { cases = [[1, 0, 2], [0.5, 1, -1], [-1, 2, 0]] }
y = { cases = [[1, 0], [0, 1], [0, 1]] }
lam = 0.01
[update]
rate = 0.1
"""

DEAD_OUTPUT = """
title = "Regressor that always says zero"
equations = '''
z1 = W1 @ x + b1
h1 = relu(z1)
z2 = w2 @ h1 + b2
yhat = relu(z2)
L = mse(yhat, y)
'''
[parameters]
W1 = [[0.5,-0.3],[0.2,0.7],[-0.4,0.1]]
b1 = [0,0,0]
w2 = [-0.6,-0.8,0.3]
b2 = -0.1
[data]
x = { cases = [[1,2],[0.5,1],[3,1],[0.2,0.4]] }
y = { cases = [4,2,5,1] }
[update]
rate = 0.01
"""


def problem(tmp_path: Any, text: str) -> handgrad.Problem:
    path = tmp_path / "problem.toml"
    path.write_text(text)
    return handgrad.load(path)


def unit(audit: Audit, layer: str, *at: int) -> Unit:
    (found,) = [u for u in audit.of(layer) if u.unit == at]
    return found


def page(audit: Audit) -> str:
    text = render_terminal(audit.page(), width=160, colour=False, unicode=True)
    return " ".join(text.split())


def units_of(given: handgrad.Problem, pre: str) -> LayerUnits:
    graph = build(given)
    return LayerUnits(graph, Name(pre, shape=graph.nodes[pre].shape))


# -- what a unit is, and what is its own -------------------------------------------------------------


def drawn(*shape: int) -> Any:
    return np.random.default_rng(sum(shape) + len(shape)).normal(size=shape)


UNITS: list[tuple[list[str], dict[str, Any], dict[str, Any], tuple[int, ...], list[Any]]] = [
    (
        ["z = W @ x + b"], {"W": drawn(3, 2), "b": drawn(3)}, {"x": drawn(2)}, (0,),
        [("W", "weight", 2), ("b", "bias", 1)],
    ),
    (
        ["z = X @ W + b"], {"W": drawn(2, 5), "b": drawn(5)}, {"X": drawn(4, 2)}, (1,),
        [("W", "weight", 2), ("b", "bias", 1)],
    ),
    (
        ["z = W @ X + b"], {"W": drawn(5, 2), "b": drawn(5, 1)}, {"X": drawn(2, 1)}, (0,),
        [("W", "weight", 2), ("b", "bias", 1)],
    ),
    (
        ["z = conv2d(X, K) + b"], {"K": drawn(3, 2, 2, 2), "b": drawn(3, 1, 1)}, {"X": drawn(2, 5, 5)}, (0,),
        [("K", "weight", 8), ("b", "bias", 1)],
    ),
    (
        ["z = conv2d(X, K, b)"], {"K": drawn(3, 2, 2, 2), "b": drawn(3)}, {"X": drawn(2, 5, 5)}, (0,),
        [("K", "weight", 8), ("b", "bias", 1)],
    ),
    (["z = conv2d(X, K)"], {"K": drawn(2, 2)}, {"X": drawn(5, 5)}, (), [("K", "weight", 4)]),
    (
        # In a stride's gaps stands the bias alone: a channel is one unit all the same.
        ["z = conv_transpose1d(X, K, b, stride=3)"], {"K": drawn(2, 3, 2), "b": drawn(3)}, {"X": drawn(2, 2)}, (0,),
        [("K", "weight", 4), ("b", "bias", 1)],
    ),
    (["z = layernorm(W @ x)"], {"W": drawn(3, 2)}, {"x": drawn(2)}, (0,), [("W", "weight", 2)]),
    (
        ["a = W @ x", "m = mean(a)", "v = mean((a - m)**2)", "z = g*(a - m)/sqrt(v + 0.1) + c"],
        {"W": drawn(3, 2), "g": drawn(3), "c": drawn(3)}, {"x": drawn(2)}, (0,),
        [("g", "factor", 1), ("W", "weight", 2), ("c", "bias", 1)],
    ),
    (["z = sum(w*x) + b"], {"w": drawn(2), "b": 1.0}, {"x": drawn(2)}, (), [("w", "weight", 2), ("b", "bias", 1)]),
    (["z = w*x + b"], {"w": 2.0, "b": 1.0}, {"x": drawn(3)}, (), [("w", "weight", 1), ("b", "bias", 1)]),
    (["z = 1*w"], {"w": drawn(2, 2, 2)}, {}, (0, 1, 2), [("w", "bias", 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("equations", "parameters", "data", "axes", "own"), UNITS)
def test_units_and_their_own_parameters(
    equations: Any, parameters: Any, data: Any, axes: Any, own: Any
) -> None:
    given = handgrad.Problem(
        [*equations, "h = relu(z)", "L = sum(h) + 0.1*sum(h**2)"], parameters, data
    )
    layer = units_of(given, "z")
    assert layer.axes == axes
    first = layer.own(tuple(0 for _ in axes))
    assert [(o.name, o.role, len(o.entries)) for o in first] == own


def test_what_a_layer_is_given_is_not_its_own() -> None:
    rnn = handgrad.Problem(
        ["s1 = U*x + W @ h0", "h1 = relu(s1)", "s2 = U*x + W @ h1", "h2 = relu(s2)", "L = sum(h2)"],
        {"U": drawn(2), "W": drawn(2, 2)}, {"x": 1.0, "h0": drawn(2)},
    )  # fmt: skip
    assert units_of(rnn, "s1").below == ()
    assert units_of(rnn, "s2").below == ("U", "W")


# -- gates ------------------------------------------------------------------------------------------


def by_torch(given: handgrad.Problem, changed: dict[str, Any]) -> Any:
    """One hidden layer of ReLU: by case, the gradient of row `unit` of W1 and entry of b1 through the gate."""
    t = {n: torch.tensor(np.asarray(changed.get(n, g.array), float), requires_grad=True)
         for n, g in given.parameters.items()}  # fmt: skip
    x = torch.tensor(np.asarray(given.data["x"].array, float))
    z = t["W1"] @ x + t["b1"][:, None]
    z.retain_grad()
    return t, x, z, torch.relu(z)


def through_penalty_unit(given: handgrad.Problem, changed: dict[str, Any], at: int) -> float:
    t, x, z, h = by_torch(given, changed)
    y = torch.tensor(np.asarray(given.data["y"].array, float))
    s = t["W2"] @ h + t["b2"][:, None]
    (-(y * torch.log_softmax(s, dim=0)).sum()).backward()  # type: ignore[no-untyped-call]
    dz = z.grad[at]
    own = torch.cat([dz[None] * x, dz[None]])  # by case, the gradient of the row and of the bias
    return float(own.abs().max())


def test_a_penalty_does_not_hide_a_unit_s_weights(tmp_path: Any) -> None:
    given = problem(tmp_path, PENALTY)
    audit = handgrad.gates(given)
    dead = unit(audit, "h1", 3)
    assert dead.verdict == "dead_on_data"
    assert [(o.name, o.role, o.entries) for o in dead.own] == [
        ("W1", "weight", ((3, 0), (3, 1), (3, 2))), ("b1", "bias", ((3,),)),
    ]  # fmt: skip
    found = {r.kind: r for r in dead.remedies}
    redraw = found["redraw"]
    assert redraw.draws_firing == redraw.draws_working >= 5
    # About 7 of 8: over many draws of our own.
    g = np.random.default_rng(0)
    x = given.data["x"].array
    fires = [(np.sqrt(2 / 3) * g.normal(size=3) @ x).max() > 0 for _ in range(2000)]
    assert np.mean(fires) == pytest.approx(7 / 8, abs=0.06)
    shift = np.array(given.parameters["b1"].array)
    shift[3] += found["bias_shift"].tried
    assert found["bias_shift"].works
    assert through_penalty_unit(given, {"b1": shift}, 3) == pytest.approx(
        found["bias_shift"].own_gradient
    )
    smaller = np.array(given.parameters["W1"].array)
    smaller[3] *= found["shrink"].tried
    assert found["shrink"].amount == pytest.approx(0.2)
    assert found["shrink"].works
    assert through_penalty_unit(given, {"W1": smaller}, 3) > 0
    smaller[3] *= found["shrink"].amount * (1 + 1e-9) / found["shrink"].tried
    assert through_penalty_unit(given, {"W1": smaller}, 3) == 0
    assert dead.revivers is not None
    assert dead.revivers.penalties == ("R",)
    assert not dead.revivers.never
    on = found["go_on"]
    trained = handgrad.Training(given)
    trained.run(on.updates)
    assert on.works
    assert through_penalty_unit(given, trained.parameters, 3) > 0


def test_a_shut_output_is_said_first(tmp_path: Any) -> None:
    audit = handgrad.gates(problem(tmp_path, DEAD_OUTPUT))
    assert audit.silencer is not None
    assert (audit.silencer.name, audit.silencer.silences) == ("yhat", ("h1",))
    text = page(audit)
    assert text.index("every path from h⁽¹⁾ to the loss leads through it") < text.index("Layers")
    off = unit(audit, "h1", 2)
    shift = off.remedies[0]
    assert (shift.kind, shift.parameter, shift.entry) == ("bias_shift", "b1", (2,))
    assert (shift.fired, shift.works, shift.missing) == (1, False, "starved")
    assert "fires on 1 of 4 cases, but no gradient reaches it" in text
    # The output's bias revives it, and the unit that then fires in a case in which it does.
    raised = [r for u in audit.units for r in u.remedies if r.parameter == "b2"]
    assert len(raised) == 4
    assert unit(audit, "yhat").remedies[0].works
    assert unit(audit, "h1", 1).remedies[0].works
    # Nothing moves anything: not one of the four can come back.
    off_ones = [u for u in audit.units if u.revivers is not None]
    assert {(u.layer, u.unit) for u in off_ones} == {("yhat", ()), ("h1", (2,))}
    assert all(u.revivers.never for u in off_ones if u.revivers is not None)
    trained = handgrad.Training(problem(tmp_path, DEAD_OUTPUT))
    trained.run(50)
    for name, array in trained.parameters.items():
        np.testing.assert_array_equal(array, audit.problem.parameters[name].array)


def test_rows_are_sorted_by_how_dead_and_the_alive_are_alive() -> None:
    g = np.random.default_rng(3)
    biases = np.zeros(20)
    biases[[4, 11]] = -50
    biases[7] = -5.2
    given = handgrad.Problem(
        ["z = W @ x + b", "h = relu(z)", "L = mse(v @ h, y)"],
        {"W": g.normal(size=(20, 3)), "b": biases, "v": g.normal(size=20)},
        {"x": [1.0, 2, 3], "y": 1.0},
    )
    x = g.normal(size=(3, 4000))
    audit = handgrad.gates(given, {"x": x, "y": np.ones(4000)})
    fired = ((given.parameters["W"].array @ x + biases[:, None]) > 0).mean(axis=1)
    nearly = {i for i in range(20) if 0 < fired[i] <= 0.01}
    assert nearly
    assert {u.unit[0] for u in audit.units if u.verdict == "nearly_dead"} == nearly
    text = page(audit)
    alive = sorted(f for f in fired if f > 0.01)
    assert f"Those fire on {100 * alive[0]:.3g} % to {100 * alive[-1]:.3g} % of the cases" in text
    table = text[text.index("h = ReLU of z") :]
    assert table.index("dead on this data set") < table.index("nearly dead")


def test_a_convolution_s_unit_is_its_channel() -> None:
    given = handgrad.Problem(
        ["Z = conv2d(X, K) + b", "H = relu(Z)", "P = max_pool2d(H)", "L = sum(w*P)"],
        {"K": np.stack([drawn(2, 2), -np.abs(drawn(2, 2))])[:, None], "b": np.array([0.1, -0.1])[:, None, None],
         "w": drawn(2, 2, 2)},
        {"X": np.abs(drawn(1, 5, 5))}, update=Update(),
    )  # fmt: skip
    audit = handgrad.gates(given)
    assert [(u.unit, u.verdict) for u in audit.units] == [((0,), "alive"), ((1,), "gated_off")]
    k, b, x = (torch.tensor(np.asarray(a, float)) for a in (
        given.parameters["K"].array, given.parameters["b"].array, given.data["X"].array))  # fmt: skip
    z = torch.nn.functional.conv2d(x[None], k)[0] + b
    assert [u.fired_at for u in audit.units] == (z > 0).sum(dim=(1, 2)).tolist()
    (layer,) = audit.layers
    assert (layer.positions, layer.units, layer.dead) == (16, 2, 1)
    text = page(audit)
    assert "channel 2 of Z" in text
    assert "0 of 16" in text
    assert "starved" not in text
    dead = audit.units[1]
    assert dead.revivers is not None
    assert dead.revivers.never
    assert next(r for r in dead.remedies if r.kind == "bias_shift").entry == (1, 0, 0)


# -- what revives a unit -----------------------------------------------------------------------------


class Lion:
    """Chen et al. (2023), algorithm 2, which PyTorch does not have."""

    def __init__(self, parameters: list[torch.Tensor], rate: float, weight_decay: float) -> None:
        self.rate, self.weight_decay = rate, weight_decay
        self.remembered = [(p, torch.zeros_like(p)) for p in parameters]

    @torch.no_grad()
    def step(self) -> None:
        for p, m in self.remembered:
            assert p.grad is not None
            direction = torch.sign(0.9 * m + 0.1 * p.grad)
            p -= self.rate * (direction + self.weight_decay * p)
            m.mul_(0.99).add_(0.01 * p.grad)


def test_which_rules_move_without_a_gradient() -> None:
    """As PyTorch's optimisers do, and Lion as its paper says, with a gradient first, and then none."""
    rules: dict[str, Any] = {
        "sgd": lambda p, d: torch.optim.SGD(p, 0.1, weight_decay=d),
        "momentum": lambda p, d: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=d),
        "nesterov": lambda p, d: torch.optim.SGD(
            p, 0.1, momentum=0.9, nesterov=True, weight_decay=d
        ),
        "adagrad": lambda p, d: torch.optim.Adagrad(p, 0.1, weight_decay=d),
        "rmsprop": lambda p, d: torch.optim.RMSprop(p, 0.1, weight_decay=d),
        "adadelta": lambda p, d: torch.optim.Adadelta(p, 0.1, weight_decay=d),
        "adam": lambda p, d: torch.optim.Adam(p, 0.1, weight_decay=d),
        "adamw": lambda p, d: torch.optim.AdamW(p, 0.1, weight_decay=d),
        "lion": lambda p, d: Lion(p, 0.1, d),
    }
    assert set(rules) == set(RULES)
    for name, make in rules.items():
        found = []
        for gradient, decay in ((1.0, 0.0), (0.0, 0.1)):
            w = torch.tensor([1.0], requires_grad=True)
            optimiser = make([w], decay)
            w.grad = torch.tensor([gradient])
            optimiser.step()
            before = float(w.detach())
            w.grad = torch.zeros(1)
            optimiser.step()
            found.append(float(w.detach()) != before)
        assert moves_without_gradient(Update(name, 0.1, {"weight_decay": 0.1})) == tuple(found)
        assert moves_without_gradient(Update(name, 0.1, {"weight_decay": 0.0})) == (found[0], False)


REVIVERS: list[tuple[str, Update, str]] = [
    ("L = mse(w @ h, y)", Update("sgd"), "never"),
    ("L = mse(w @ h, y)", Update("rmsprop"), "never"),
    ("L = mse(w @ h, y)", Update("momentum"), "coasting"),
    ("L = mse(w @ h, y)", Update("adam"), "coasting"),
    ("L = mse(w @ h, y)", Update("sgd", 0.1, {"weight_decay": 0.1}), "decay"),
    ("L = mse(w @ h, y) + 0.1*sum(W**2)", Update("sgd"), "penalties"),
    ("L = mse(w @ h, y) + 0.1*sum(w**2)", Update("sgd"), "never"),
    ("L = mse(w @ h + sum(W @ x), y)", Update("sgd"), "shared"),
    ("L = mse(w @ h, y) + 0.1*sum(b)", Update("sgd"), "penalties"),
]


@pytest.mark.parametrize(("loss", "update", "expected"), REVIVERS)
def test_what_can_still_move_a_unit(loss: str, update: Update, expected: str) -> None:
    given = handgrad.Problem(
        ["z = W @ x + b", "h = relu(z)", loss],
        {"W": [[1.0, -1], [0.5, 1]], "b": [-9.0, 0.1], "w": [1.0, 1]},
        {"x": {"cases": [[1, 2], [2, 1]]}, "y": {"cases": [1, 2]}}, update=update,
    )  # fmt: skip
    (dead,) = [u for u in handgrad.gates(given, remedies=False).units if u.verdict != "alive"]
    found = dead.revivers
    assert found is not None
    assert found.fixed
    for kind in ("coasting", "decay", "penalties", "shared", "never"):
        assert bool(getattr(found, kind)) == (kind == expected), kind
    if expected == "never":
        assert "never fires again" in page(handgrad.gates(given, remedies=False))
        training = handgrad.Training(given)
        training.run(30)
        np.testing.assert_array_equal(training.parameters["W"][0], [1.0, -1])


def test_above_the_first_layer_the_layers_below_may_revive(tmp_path: Any) -> None:
    lab = handgrad.load("lab9")
    off = unit(handgrad.gates(lab, remedies=False), "h2", 1)
    assert off.revivers is not None
    assert off.revivers.below == ("W1", "b1")
    assert not off.revivers.fixed
    assert not off.revivers.never


def test_the_answer_about_zeros_says_what_revives_here(tmp_path: Any) -> None:
    def said(given: handgrad.Problem) -> str:
        (zeros,) = [
            q for q in questions_for(handgrad.solve(given)) if q.kind == "zero_rows_columns"
        ]
        return " ".join(plain_text(t) for t in zeros.answer())

    lab = said(handgrad.load("lab9"))
    assert "With gradient descent a unit of h1 never fires again on these data" in lab
    assert "one of h2 comes back only if the layers before it change its input" in lab
    penalty = said(problem(tmp_path, PENALTY))
    assert "comes back only if the penalty in R moves its weights far enough" in penalty
    momentum = handgrad.load("lab9")
    momentum = momentum.with_parts(update=Update("momentum", 0.1))
    assert "earlier gradients still move its own weights far enough" in said(momentum)
    assert "never fires again" not in said(momentum)
    assert "By gradient descent" not in said(momentum.with_parts(update=None))


# -- notes -------------------------------------------------------------------------------------------


INSIDE: list[tuple[list[str], dict[str, Any], dict[str, Any]]] = [
    (["L = v*relu(w*x + b)"], {"w": -1.0, "b": 0.5, "v": 2.0}, {"x": 1.0}),
    (["L = v*relu(-w)"], {"w": 1.0, "v": 2.0}, {}),
    (["L = sum(relu(W@x)*relu(V@x))"], {"W": [[1, 2], [-1, -2]], "V": [[-1, 2], [-1, -2]]}, {"x": [1, 1]}),
    (["L = relu(v @ relu(W@x) - 9)"], {"W": [[1, 2], [-1, -2]], "v": [1, 1]}, {"x": [1, 1]}),
    (["L = mse(relu(W@x), y)"], {"W": [[1, 2], [-1, -2]]}, {"x": [1, 1], "y": [1, 1]}),
    (["h = relu(W@x)*m/0.8", "L = sum(h)"], {"W": [[1, 2], [-1, -2]]}, {"x": [1, 1], "m": [1, 1]}),
    (["z = W@x", "L = relu(z[1]) + z[0]"], {"W": [[1, 2], [-1, -2]]}, {"x": [1, 1]}),
    (["L = mse(v @ relu(W@x), y)"], {"W": [[1, 2], [-1, -2]], "v": [1, 1]},
     {"x": {"cases": [[1, 1], [-1, -1]]}, "y": {"cases": [1, 1]}}),
]  # fmt: skip


@pytest.mark.parametrize(("equations", "parameters", "data"), INSIDE)
def test_a_gate_within_a_formula_has_its_note_on_the_way_back_too(
    equations: Any, parameters: Any, data: Any
) -> None:
    trace = handgrad.solve(handgrad.Problem(equations, parameters, data))
    there: dict[str, set[Any]] = {"forward": set(), "backward": set()}
    for step in trace.steps:
        for note in step.notes:
            if isinstance(note, GatedOff):
                assert note.phase == step.phase
                there[step.phase].add((note.pre_activation, note.unit, note.cases))
    assert there["forward"]
    assert there["forward"] == there["backward"]


def test_a_gradient_that_comes_around_a_shut_gate_is_told() -> None:
    trace = handgrad.solve(
        handgrad.Problem(
            ["z = W @ x", "h = 0.5*relu(z) + 0.1*z", "L = sum(v*h)"],
            {"W": [[1, 2], [-1, -2]], "v": [1, 2]}, {"x": [1, 1]},
        )
    )  # fmt: skip
    assert trace.run.gradient("z")[1] == pytest.approx(0.2)
    (note,) = [n for s in trace.steps if s.phase == "backward" for n in s.notes if isinstance(n, GatedOff)]  # fmt: skip
    assert note.around
    assert "comes by another way" in plain_text(note.text())


def test_one_declared_case_with_a_gate_inside() -> None:
    problem = handgrad.Problem(
        ["h = relu(W @ x + b)", "hd = h*mask/0.8", "yhat = v @ hd", "L = (yhat - y)**2"],
        {"W": [[1, 2], [-1, -2]], "b": [0, 0.5], "v": [1, 2]},
        {"x": {"cases": [[1, 0.6]]}, "mask": {"cases": [[1, 1]]}, "y": {"cases": [1]}},
    )
    notes = [n for s in handgrad.solve(problem).steps for n in s.notes if isinstance(n, GatedOff)]
    (back,) = [n for n in notes if n.phase == "backward"]
    # ∂L/∂h₂ = 2(ŷ − y)·v₂·m₂/0.8, with ŷ = 2.2/0.8
    assert back.blocked == pytest.approx(2 * (2.2 / 0.8 - 1) * 2 / 0.8)


def test_entries_of_arrays_with_three_axes() -> None:
    x = [[[1, -1], [2, -2]], [[-1, 1], [1, 1]]]
    problem = handgrad.Problem(["h = relu(x)", "L = sum(h*g)"], {"x": x}, {"g": np.ones((2, 2, 2))})
    page = handgrad.solve(problem).page()
    shown = render_terminal(page, width=80, colour=False, unicode=True)
    assert "channel 1: gate shut at (1, 2), (2, 2)" in shown
    assert "channel 2: gate shut at (1, 1)" in shown
    assert "row 1: gate" not in shown


def test_a_parameter_with_cases_is_asked_about() -> None:
    problem = handgrad.Problem(
        "z = W @ x + b\nh = relu(z)\nL = (v @ h - y)**2 + sum(abs(b))",
        {"W": [[1, 2], [-3, -1]], "b": {"cases": [[0.1, -1], [0.2, -1]]}, "v": [1, 1]},
        {"x": {"cases": [[1, 2], [2, 1]]}, "y": {"cases": [0, 1]}},
        update=handgrad.Update(rate=0.1),
    )
    assert questions_for(handgrad.solve(problem))


@pytest.mark.parametrize("loss", ["max(0, 0.5 - y*s)", "hinge(2*s, y)"])
def test_a_loss_that_is_flat_is_said_first(loss: str) -> None:
    """y s = 1.1 is beyond the margin: no gate of u is the cause of its gradient of 0."""
    flat = handgrad.Problem(
        ["u = relu(W @ q + b)", "s = c @ u", f"L = {loss}"],
        {"W": [[0.5, -1.0], [1.0, 0.05]], "b": [0.0, 0.0], "c": [1.0, 1.0]},
        {"q": [1.0, 2.0], "y": 1.0},
    )
    text = page(handgrad.gates(flat))
    assert "in this example what comes back from the loss is 0 in double precision before" in text
    assert text.index("No gradient arrives at u") < text.index("Layers")
    notes = [n for step in handgrad.solve(flat).steps for n in step.notes]
    told = [plain_text(n.text()) for n in notes]
    assert [t for t in told if "it stops whatever arrives, and what arrives here is 0" in t]


@pytest.mark.parametrize("form", ["named", "written in"])
def test_the_weights_of_attention_are_no_feed_forward_units_own(form: str) -> None:
    """Between its product and theirs lies no activation: a sum of values, heads and a residual."""
    draw = np.random.default_rng(0).normal
    sizes = {"Wq": (3, 3), "Wk": (3, 3), "Wv": (3, 3), "Wo": (3, 3), "W1": (3, 4), "W2": (4, 3)}
    residual = "X + softmax((X @ Wq) @ (X @ Wk).T, axis=1) @ (X @ Wv) @ Wo"
    start = f"R = {residual}\nz = R @ W1 + b1" if form == "named" else f"z = ({residual}) @ W1 + b1"
    problem = handgrad.Problem(
        equations=f"{start}\nh = relu(z)\nL = sum((h @ W2 - Y)**2)",
        parameters={n: draw(size=s).tolist() for n, s in sizes.items()} | {"b1": [0.0, 0, -50, 0]},
        data={"X": draw(size=(5, 3)).tolist(), "Y": draw(size=(5, 3)).tolist()},
    )
    layer = LayerUnits(build(problem), Name("z", shape=(5, 4)))
    assert [(o.name, o.entries, o.role) for o in layer.own((2,))] == [
        ("W1", ((0, 2), (1, 2), (2, 2)), "weight"),
        ("b1", ((2,),), "bias"),
    ]
    assert set(layer.below) == {"Wq", "Wk", "Wv", "Wo"}
    (unit,) = (
        u for u in handgrad.gates(problem).units if u.verdict in ("gated_off", "dead_on_data")
    )
    assert (unit.unit, {o.name for o in unit.own}) == ((2,), {"W1", "b1"})


def test_what_no_data_lead_to_is_given_none() -> None:
    """A gate on parameters alone has no input that could be fixed data."""
    text = (
        'equations = """\ns = sum(outer(u, w) * M)\nh = relu(s + c)\nL = (h - {t})**2\n"""\n'
        "[parameters]\nu = [1, -0.5]\nw = [0.4, 2]\nM = [[0.2, -0.1], [0.5, 0.3]]\nc = 0.1\n"
        "[data]\nt = 1\n[update]\nrate = 0.1\n"
    )
    told = []
    for problem in (text.format(t="t"), text.format(t="1").replace("s + c", "t*s + c")):
        (unit,) = handgrad.gates(handgrad.loads(problem)).units
        assert unit.revivers is not None
        told.append((unit.revivers.never, unit.revivers.fixed))
    assert told == [(True, False), (True, True)]
