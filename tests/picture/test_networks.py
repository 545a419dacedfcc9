"""Pictures of networks: what is recognised, every number, what is off, and nothing on anything."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.arrays import Array
from handgrad.expression import Adjoint, Call, Literal, Name, walk
from handgrad.formats.markup import quantity as quantity_of
from handgrad.page.blocks import Figure
from handgrad.picture import Arrow, Circle, Drawing, Label, Outline
from handgrad.picture.measure import Measure
from handgrad.solution.pictures.figures import figure_of
from handgrad.solution.pictures.layers import network_of
from handgrad.solution.pictures.lines import PicturePhase
from handgrad.solution.pictures.network import network_picture
from handgrad.solution.pictures.network_content import slots
from handgrad.text import plain_text
from tests.picture.shapes import PHASES, faults
from tests.slow import one_in

NETWORKS = [
    "batch", "classes", "dying", "lab9", "leaky", "neuron", "regression", "ridge", "shared", "softmax", "squared", "xor",
]  # fmt: skip
OTHERS = [
    "attention",
    "batchnorm",
    "causal",
    "circuit",
    "conv",
    "convnet",
    "gru",
    "lstm",
    "rnn",
    "sigmoid_circuit",
    "vae",
]


def traced(name: str) -> handgrad.Trace:
    return handgrad.solve(handgrad.load(name))


def measure(trace: handgrad.Trace, *, serif: bool = False) -> Measure:
    signals = frozenset(n for n in trace.graph.activations if n[0] == "z")
    return Measure(trace.decimals, trace.problem.display, signals, serif)


def labels(drawing: Drawing) -> Iterator[Label]:
    return (s for s in drawing.shapes if isinstance(s, Label))


def claimed(trace: handgrad.Trace, quantity: str) -> Array:
    """What a quantity's spelling names, looked up as code would; of a whole that differs from case to case the first."""
    found = re.fullmatch(r"(d?)(\w+?)(?:\[([\d,]+)\])?", quantity)
    assert found is not None, quantity
    numbers = trace.run.gradient(found[2]) if found[1] else trace.run.value(found[2])
    if found[3]:
        return np.asarray(numbers[tuple(map(int, found[3].split(",")))])
    return np.asarray(numbers[..., 0] if trace.graph.nodes[found[2]].batched else numbers)


def test_the_bundled_problems_are_told_apart() -> None:
    names = [name for name, _, _ in handgrad.bundled()]
    assert sorted(NETWORKS + OTHERS) == sorted(names)
    for name in names:
        assert (network_of(traced(name).graph) is not None) == (name in NETWORKS), name


SHAPES: list[tuple[str, dict[str, object], dict[str, object], bool]] = [
    ("r = relu(A @ u + c)\nL = sum(r**2)", {"A": [[1, 2]], "c": [1]}, {"u": [1, 1]}, True),
    ("r = c + u @ A\nL = sum(r**2)", {"A": [[1, 2], [1, 0]], "c": [1, 1]}, {"u": [1, 1]}, True),
    ("r = dot(a, u)\nL = r**2", {"a": [1, 2]}, {"u": [1, 1]}, True),
    ("R = U @ A.T\nL = sum(R**2)", {"A": [[1, 2]]}, {"U": [[1, 1], [2, 0]]}, True),
    ("R = A @ U\nL = sum(R**2)", {"A": [[1, 2]]}, {"U": [[1, 1], [2, 0]]}, True),
    # A product with data only, two products, a skip connection, a hidden value in the loss.
    ("r = M @ u\nL = sum(r**2) + a", {"a": 1}, {"M": [[1, 2]], "u": [1, 1]}, False),
    ("r = A @ u + B @ u\nL = sum(r**2)", {"A": [[1, 2]], "B": [[1, 0]]}, {"u": [1, 1]}, False),
    (
        "r = A @ u\ns = A @ r\nt = s + r\nL = sum(t**2)",
        {"A": [[1, 2], [0, 1]]},
        {"u": [1, 1]},
        False,
    ),
    (
        "r = relu(A @ u)\ns = A @ r\nL = sum(s**2) + sum(r)",
        {"A": [[1, 2], [0, 1]]},
        {"u": [1, 1]},
        False,
    ),
    ("L = a*u", {"a": 1}, {"u": 2}, False),
    # After the only weighted sum with a bias alone comes what has weights of its own.
    (
        "a = sigmoid(U @ x + c)\nm = max(a)\nh = relu(V @ a - t)\ns = q @ h + 0.5*m\nL = s**2",
        {"U": [[1, 2], [0.5, -1]], "c": [0.1, 0.2], "V": [[1, -1], [2, 1]], "q": [1, 2]},
        {"t": [0.1, 0.2], "x": [1, 2]},
        False,
    ),
]


@pytest.mark.parametrize(("equations", "parameters", "data", "is_network"), SHAPES)
def test_a_network_is_known_by_its_operations(
    equations: str, parameters: dict[str, object], data: dict[str, object], is_network: bool
) -> None:
    trace = handgrad.solve(handgrad.Problem(equations, parameters, data))
    assert (network_of(trace.graph) is not None) == is_network
    for phase in PHASES:
        drawing = trace.picture(phase)
        assert drawing.title.startswith("The network" if is_network else "The computation graph")
        check(trace, drawing)
    if not is_network:
        with pytest.raises(handgrad.OptionError, match="not a network"):
            network_picture(trace, "forward")


def check(trace: handgrad.Trace, drawing: Drawing, *, serif: bool = False) -> None:
    """Nothing touches, edge labels lie on their edges, and every number is the trace's."""
    assert faults(drawing, measure(trace, serif=serif)) == []
    edges = [s for s in drawing.shapes if isinstance(s, Outline) and len(s.points) == 2]
    for label in labels(drawing):
        if label.halo:
            assert any(lies_on(label, e) for e in edges if e.quantity == label.quantity)
    rows: dict[str, list[Array]] = {}
    for label in labels(drawing):
        figures = [part for part in label.text if isinstance(part, Literal)]
        named = [quantity_of(p) for p in label.text if not isinstance(p, str | Literal)]
        # The name that stands beside a figure is that under which it is looked up, in the first case.
        if figures and named and label.quantity:
            (name,) = named
            first = f"{name[:-1]},0]" if name.endswith("]") else f"{name}[0]"
            assert label.quantity in (name, first), label
        for part in label.text:
            if not isinstance(part, Literal) or not label.quantity:
                continue
            shown, there = np.asarray(part.value), claimed(trace, label.quantity)
            if "largest" in str(label.text):
                assert abs(shown) == np.abs(there).max()
                assert shown in there
            elif shown.ndim == 1 and there.ndim == 2:
                rows.setdefault(label.quantity, []).append(shown)
            else:
                assert np.array_equal(shown, there), label
    for quantity, written in rows.items():
        assert np.array_equal(written, claimed(trace, quantity)), quantity


def lies_on(label: Label, edge: Outline) -> bool:
    (x0, y0), (x1, y1) = edge.points
    upright = abs(y1 - y0) > abs(x1 - x0)
    share = (label.y - 4 - y0) / (y1 - y0) if upright else (label.x - x0) / (x1 - x0)
    at = (x0 + share * (x1 - x0), y0 + share * (y1 - y0) + 4)
    return 0 < share < 1 and math.dist(at, (label.x, label.y)) < 0.01


@pytest.mark.parametrize(
    ("name", "decimals"), one_in(2, itertools.product(NETWORKS + OTHERS, [2, 4, 9]))
)
def test_nothing_touches_and_every_number_is_the_traces(name: str, decimals: int) -> None:
    trace = handgrad.solve(handgrad.load(name), decimals=decimals)
    for phase in PHASES:
        check(trace, trace.picture(phase))
        narrow = figure_of(trace, phase).narrow
        assert narrow is not None or decimals == 9
        if narrow is not None:
            check(trace, narrow)


def test_pictures_keep_to_the_width_in_which_their_letters_are_legible() -> None:
    for name in NETWORKS + OTHERS:
        trace = handgrad.solve(handgrad.load(name))
        for phase in PHASES:
            assert trace.picture(phase).width <= 760, (name, phase)
            assert narrow_picture(trace, phase).width <= 450, (name, phase)


def narrow_picture(trace: handgrad.Trace, phase: PicturePhase) -> Drawing:
    figure = figure_of(trace, phase)
    assert figure.narrow is not None
    return figure.narrow


def test_a_narrow_picture_says_of_the_lab_what_the_wide_one_says() -> None:
    trace = traced("lab9")
    for phase in PHASES:
        wide, narrow = trace.picture(phase), narrow_picture(trace, phase)
        # All but ∂L/∂b of a unit, which is its δ again.
        assert {s.quantity for s in labels(narrow)} == {s.quantity for s in labels(wide)}
        assert dashed(wide) == dashed(narrow)
        assert wide.description.replace("left to right", "top to bottom") == narrow.description


@pytest.mark.parametrize("phase", ["forward", "backward"])
def test_numbers_of_crossing_edges_stand_clear_of_each_other(phase: PicturePhase) -> None:
    drawing = traced("lab9").picture(phase)
    edges = [s for s in drawing.shapes if isinstance(s, Outline) and s.quantity]
    numbers = [s for s in labels(drawing) if s.halo]
    assert len(numbers) == len(edges) == 10
    for label in numbers:
        others = [e for e in edges if e.quantity != label.quantity]
        for (x1, y1), (x2, y2) in (e.points for e in others):
            if min(x1, x2) <= label.x <= max(x1, x2):
                share = (label.x - x1) / (x2 - x1)
                assert abs(y1 + share * (y2 - y1) - (label.y - 4)) > 40, label


@pytest.mark.parametrize(
    ("count", "most", "wanted", "drawn"),
    [
        (40, 8, (), (0, 1, 2, None, 39)),
        (40, 8, (5, 20), (None, 5, None, 20, None)),
        (8, 4, (3, 7), (None, 3, None, 7)),
        (8, 4, (4, 5), (None, 4, 5, None)),
        (3, 4, (2,), (0, 1, 2)),
    ],
)
def test_units_that_are_wanted_are_drawn(
    count: int, most: int, wanted: tuple[int, ...], drawn: tuple[int | None, ...]
) -> None:
    assert slots(count, most, wanted) == drawn


def test_an_elided_layer_shows_open_and_shut_gates() -> None:
    """On a phone the batch's first layer showed two shut units of its five, and none of the three open ones."""
    drawing = narrow_picture(traced("classes"), "backward")
    rows: dict[float, set[str]] = {}
    for circle in (s for s in drawing.shapes if isinstance(s, Circle)):
        rows.setdefault(circle.y, set()).add(circle.role)
    assert [faces for faces in rows.values() if "off" in faces] == [{"on", "off"}] * 2


@st.composite
def networks(draw: st.DrawFn) -> handgrad.Problem:
    layers = draw(st.integers(1, 6))
    sizes = [draw(st.one_of(st.integers(2, 9), st.integers(10, 40))) for _ in range(layers + 1)]
    hidden = draw(st.sampled_from(["relu", "tanh", "leaky_relu", "identity"]))
    if draw(st.booleans()):
        sizes[-1] = 1
        return handgrad.Problem.mlp(sizes, hidden, seed=draw(st.integers(0, 99)))
    return handgrad.Problem.mlp(
        sizes, hidden, "softmax", "cross_entropy", seed=draw(st.integers(0, 99))
    )


@settings(max_examples=25)
@given(networks(), st.sampled_from(PHASES))
def test_random_networks(problem: handgrad.Problem, phase: PicturePhase) -> None:
    trace = handgrad.solve(problem)
    assert network_of(trace.graph) is not None
    drawing = network_picture(trace, phase)
    check(trace, drawing)
    assert drawing == network_picture(trace, phase)
    narrow = figure_of(trace, phase).narrow
    if narrow is not None:
        check(trace, narrow)


@pytest.mark.sweep
@settings(max_examples=1500)
@given(networks(), st.sampled_from(PHASES))
def test_many_random_networks(problem: handgrad.Problem, phase: PicturePhase) -> None:
    trace = handgrad.solve(problem)
    figure = figure_of(trace, phase)
    for drawing in (figure.drawing, figure.narrow):
        if drawing is not None:
            check(trace, drawing)


def test_the_check_sees_what_it_should() -> None:
    trace = traced("lab9")
    drawing = trace.picture("forward")
    (moved,) = [s for s in labels(drawing) if s.quantity == "W1[0,1]"]
    (other,) = [s for s in labels(drawing) if s.quantity == "W1[1,0]"]

    def changed(label: Label) -> Drawing:
        shapes = tuple(label if s is moved else s for s in drawing.shapes)
        return replace(drawing, shapes=shapes)

    assert faults(changed(replace(moved, y=other.y + 5)), measure(trace))
    assert faults(changed(replace(moved, x=drawing.width)), measure(trace))
    with pytest.raises(AssertionError):
        check(trace, changed(replace(moved, y=moved.y + 3)))
    with pytest.raises(AssertionError):
        check(trace, changed(replace(moved, text=(Literal(-0.30001),))))


def dashed(drawing: Drawing) -> set[str]:
    lines = [s for s in drawing.shapes if isinstance(s, Outline | Arrow)]
    assert all((s.role == "off") == s.dashed for s in lines if s.quantity)
    return {s.quantity for s in lines if s.dashed}


def test_a_gate_that_is_shut_is_seen_by_shape_as_well_as_role() -> None:
    trace = traced("lab9")
    forward, backward = (trace.picture(p) for p in ("forward", "backward"))
    assert dashed(forward) == {"w3[1]"}
    assert dashed(backward) == {"dW2[1,0]", "dW2[1,1]"}
    for drawing, quantity in ((forward, "h2[1]"), (backward, "dz2[1]")):
        (off,) = [s for s in drawing.shapes if isinstance(s, Circle) and s.role == "off"]
        assert off.quantity == quantity
        bars = [s for s in drawing.shapes if isinstance(s, Outline) and not s.quantity]
        assert [bar.role for bar in bars] == ["off"]
        assert bars[0].points[0][0] > off.x + off.radius
        assert ("gate shut",) in [s.text for s in labels(drawing)]
        assert "Unit 2 of hidden layer 2 is gated off." in drawing.description
    # The gradient that arrives at the gate and is stopped there stands at the arrow and below the unit.
    shown = [s.text[-1] for s in labels(backward) if s.quantity == "dh2[1]"]
    blocked = [each for each in shown if isinstance(each, Literal)]
    assert blocked == [Literal(trace.run.gradient("h2")[1])] * 2
    # Before the forward pass nothing is known to be off, and nothing is told.
    before = trace.picture("given")
    assert not dashed(before)
    assert {s.role for s in before.shapes if isinstance(s, Circle)} == {"surface"}
    assert all(s.quantity != "h1[0]" or s.text == (Name("h1").at((0,)),) for s in labels(before))


def test_a_zero_input_silences_no_unit() -> None:
    drawing = traced("lab9").picture("backward")
    roles = {s.quantity: s.role for s in drawing.shapes if isinstance(s, Outline)}
    assert roles["dW1[0,1]"] == roles["dW1[1,1]"] == "faint"
    assert roles["dW1[0,0]"] == "gradient"


def test_no_gate_no_dashes() -> None:
    for phase in PHASES:
        assert not dashed(traced("leaky").picture(phase))


def numbers_of(drawing: Drawing, halo: bool) -> list[float]:
    """The numbers that stand on edges (`halo`), or after an equals sign."""
    return [
        float(s.text[-1].value)
        for s in labels(drawing)
        if s.halo == halo
        and isinstance(s.text[-1], Literal)
        and isinstance(s.text[-1].value, float)
    ]


@pytest.mark.parametrize("name", ["batch", "classes", "xor"])
def test_a_picture_of_many_cases_speaks_of_the_first_throughout(name: str) -> None:
    problem = handgrad.load(name)
    trace, alone = handgrad.solve(problem), handgrad.solve(problem.of_case(0))
    for phase in PHASES:
        drawing, own = (t.picture(phase) for t in (trace, alone))
        assert "Case 1 of" in drawing.description
        for halo in (False, True):
            means = [float(trace.run.value("J"))] if phase == "forward" and not halo else []
            said = sorted(numbers_of(own, halo) + means)
            assert sorted(numbers_of(drawing, halo)) == pytest.approx(said)
    # Off in the case shown, though other cases teach it.
    if name == "batch":
        assert trace.run.gradient("W2")[1].any()
        shapes = trace.picture("backward").shapes
        assert [s for s in shapes if isinstance(s, Outline) and s.dashed]


@pytest.mark.parametrize("name", ["batch", "classes", "convnet", "dying", "xor"])
def test_a_figure_of_one_case_alone_is_that_case_s(name: str) -> None:
    """A gradient of a batch is a mean: what case 1 adds to it has a place in the picture, but no name of its own."""
    problem = handgrad.load(name)
    trace, alone = handgrad.solve(problem), handgrad.solve(problem.of_case(0))
    for phase in PHASES:
        for drawing, own in zip(
            *map(both, (figure_of(trace, phase), figure_of(alone, phase))), strict=True
        ):
            check(alone, own)
            there = {(label.x, label.y): label for label in labels(own)}
            for label in labels(drawing):
                figures = [part for part in label.text if isinstance(part, Literal)]
                if label.quantity or not figures or figures == [Literal(1.0)]:
                    continue  # ∂L/∂L is 1
                same = there[label.x, label.y]
                assert said(same) == said(label)
                # Not the mean's.
                assert all(p.of for p in label.text if isinstance(p, Adjoint))
                assert same.quantity


def said(label: Label) -> str:
    """What it says, whatever loss its gradients are of."""
    return plain_text(tuple(replace(p, of="") if isinstance(p, Adjoint) else p for p in label.text))


def both(figure: Figure) -> tuple[Drawing, ...]:
    return (figure.drawing, *([figure.narrow] if figure.narrow is not None else []))


@pytest.mark.parametrize("rows", [True, False])
def test_of_examples_in_an_array_the_first_ones_part_is_shown(rows: bool) -> None:
    """The parts of the gradients that all examples have, one by one, add up to the gradients."""
    x = np.array([[1.0, 2.0], [3.0, -4.0], [0.5, 0.25]])
    w, v = np.array([[0.5, -1.0], [0.25, 1.0]]), np.array([0.3, -0.2])
    said = []
    for first in range(3):
        order = np.roll(np.arange(3), -first)
        here = x[order] if rows else x[order].T
        equations = ["Z = X @ W.T", "H = relu(Z)", "p = H @ v", "L = mean((p - y)**2)"]
        if not rows:
            equations = ["Z = W @ X", "H = relu(Z)", "p = v @ H", "L = mean((p - y)**2)"]
        data = {"X": here, "y": np.array([1.0, 0.0, 2.0])[order]}
        trace = handgrad.solve(handgrad.Problem(equations, {"W": w, "v": v}, data))
        said.append(numbers_of(trace.picture("backward"), halo=True))
    whole = [*np.asarray(trace.run.gradient("W")).T.ravel(), *trace.run.gradient("v")]
    assert np.allclose(np.sum(said, axis=0), whole)


def test_the_gradient_that_a_gate_stops_ends_in_an_arrow_at_its_bar() -> None:
    trace = traced("lab9")
    drawing = trace.picture("backward")
    (arrow,) = [s for s in drawing.shapes if isinstance(s, Arrow) and s.quantity == "dh2[1]"]
    assert not arrow.dashed
    assert arrow.role == "gradient"
    (bar,) = [s for s in drawing.shapes if isinstance(s, Outline) and s.width == 4.5]
    assert 0 < arrow.points[-1][0] - bar.points[0][0] < 8
    told = [s for s in labels(drawing) if s.quantity == "dh2[1]" and s.bold]
    assert [s.text for s in told] == [(Literal(float(trace.run.gradient("h2")[1])),)]
    # The edge before the bar carries the gradient; its weight learns nothing, and says so quietly.
    (edge,) = [s for s in drawing.shapes if isinstance(s, Outline) and s.quantity == "dw3[1]"]
    assert (edge.role, edge.dashed, edge.points[0]) == ("gradient", False, arrow.points[0])
    assert [s.role for s in labels(drawing) if s.quantity == "dw3[1]"] == ["faint"]
    assert dashed(drawing) == {"dW2[1,0]", "dW2[1,1]"}


@pytest.mark.parametrize("name", NETWORKS)
def test_parts_and_plans_of_networks(name: str) -> None:
    trace = traced(name)
    network = network_of(trace.graph)
    assert network is not None
    whole = {s.quantity for s in labels(network_picture(trace, "backward"))}
    seen: set[str] = set()
    for layer in range(1, len(network.layers) + 1):
        part = network_picture(trace, "backward", layer)
        check(trace, part, serif=True)
        seen |= {s.quantity for s in labels(part)}
    assert seen <= whole
    plan = network_picture(trace, "given", plan=True)
    check(trace, plan, serif=True)
    assert numbers_of(plan, halo=True) == numbers_of(plan, halo=False) == []
    with pytest.raises(handgrad.OptionError, match="there is no layer 9"):
        network_picture(trace, "backward", 9)


@pytest.mark.parametrize(("name", "row"), [("rows", True), ("columns", False)])
def test_examples_in_rows_and_in_columns(name: str, row: bool) -> None:
    x = np.array([[1.0, 2.0], [3.0, -4.0], [0.5, 0.0]])
    w, v = np.array([[0.5, -1.0], [0.25, 1.0]]), np.array([0.3, -0.2])
    equations = ("Z = X @ W.T", "H = relu(Z)", "p = H @ v", "L = mean((p - y)**2)")
    if not row:
        x = x.T
        equations = ("Z = W @ X", "H = relu(Z)", "p = v @ H", "L = mean((p - y)**2)")
    problem = handgrad.Problem(list(equations), {"W": w, "v": v}, {"X": x, "y": [1.0, 0.0, 2.0]})
    trace = handgrad.solve(problem)
    drawing = network_picture(trace, "forward")
    check(trace, drawing)
    assert "Example 1 of 3 is shown." in drawing.description, name
    shown = {s.quantity for s in labels(drawing)}
    entries = {f"H[{'0,1' if row else '1,0'}]", "p[0]", "y[0]", "W[1,0]"}
    assert entries <= shown
    units = [s for s in drawing.shapes if isinstance(s, Circle)]
    assert len(units) == 5


def test_wide_layers_are_elided() -> None:
    problem = handgrad.Problem.mlp([100, 60, 60, 10], output="softmax", loss="cross_entropy")
    trace = handgrad.solve(problem)
    drawing = network_picture(trace, "forward")
    assert len([s for s in drawing.shapes if isinstance(s, Circle)]) == 16
    assert [s.text for s in labels(drawing)].count(("⋮",)) == 4
    off = int((np.asarray(trace.run.value("z1")) <= 0).sum())
    assert any(f"60 units, ReLU, {off} off" in s.text for s in labels(drawing))
    assert f"{off} of the 60 units of hidden layer 1 are gated off." in drawing.description
    assert not any("off" in str(s.text) for s in labels(trace.picture("given")))
    assert drawing.width < 1200


def test_a_deep_network_grows_to_the_right_only() -> None:
    sizes = [2, *[2] * 30, 1]
    trace = handgrad.solve(handgrad.Problem.mlp(sizes))
    deep = network_picture(trace, "backward")
    shallow = network_picture(traced("lab9"), "backward")
    assert deep.height < 1.3 * shallow.height
    assert deep.width > 30 * 100


def test_ensembles_show_the_first_network() -> None:
    problem = handgrad.Problem(
        "z = W @ x\nL = sum(z**2)", {"W": {"cases": [[[1, 2]], [[3, 4]]]}}, {"x": [1, -1]}
    )
    trace = handgrad.solve(problem)
    for phase in PHASES:
        check(trace, network_picture(trace, phase))


def test_widths_are_reckoned_for_whatever_a_label_says() -> None:
    wide = Measure(4)
    for name in NETWORKS + OTHERS:
        for node in traced(name).graph.nodes.values():
            if node.written is not None:
                for part in walk(node.written):
                    width = wide.width((part,), 10.0)
                    assert math.isfinite(width)
                    assert width > 0
    assert wide.width((Adjoint("W2"),), 10) > wide.width((Name("W2"),), 10)
    assert Measure(9).width((Literal(1 / 3),), 10) > wide.width((Literal(1 / 3),), 10)
    assert wide.width((Call("index", (Name("z"),), (("at", (10,)),)),), 10) > wide.width(
        (Name("z"),), 10
    )


def test_units_have_room_for_the_gradients_of_a_loss_with_a_long_name() -> None:
    """They were measured as if every loss were called L."""
    text = """
    equations = '''
    pre1 = W1 @ x
    h1 = relu(pre1)
    out = W2 @ h1
    {loss} = sum((out - y)**2)
    '''
    [parameters]
    W1 = [[1, -1], [0.5, 2]]
    W2 = [[1, 1]]
    [data]
    x = [1, 0.5]
    y = [1]
    """
    short, long = (
        network_picture(
            handgrad.solve(handgrad.loads(text.format(loss=name))), "backward", plan=True
        )
        for name in ("L", "training_cost")
    )
    radii = [max(s.radius for s in d.shapes if isinstance(s, Circle)) for d in (short, long)]
    assert radii[1] > 1.5 * radii[0]
