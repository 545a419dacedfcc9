"""Pictures of any equations: boxes that do not touch, lines round them, shut gates, large graphs."""

from __future__ import annotations

from itertools import pairwise
from math import dist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.expression import Literal, Name
from handgrad.picture import Arrow, Drawing, Label, Outline, Rectangle
from handgrad.picture.layout import BETWEEN, laid_out, least_extent
from handgrad.picture.measure import Measure
from handgrad.picture.strokes import stroke
from handgrad.solution.pictures.figures import figure_of
from handgrad.solution.pictures.graph import graph_picture
from handgrad.solution.pictures.lines import PicturePhase
from tests.exam_questions import EXAM, ExamQuestion
from tests.graphs import random_graph
from tests.picture.shapes import PHASES, faults


def check(trace: handgrad.Trace, drawing: Drawing) -> None:
    """Nothing touches, and no line runs through a box."""
    assert faults(drawing, Measure(trace.decimals, trace.problem.display)) == []
    boxes = [s for s in drawing.shapes if isinstance(s, Rectangle)]
    for line in drawing.shapes:
        if isinstance(line, Outline | Arrow):
            for x, y in line.points:
                assert not any(
                    b.x + 1 < x < b.x + b.width - 1 and b.y + 1 < y < b.y + b.height - 1
                    for b in boxes
                )


@pytest.mark.parametrize("name", [name for name, _, _ in handgrad.bundled()])
def test_every_problem_has_a_graph(name: str) -> None:
    trace = handgrad.solve(handgrad.load(name))
    for phase in PHASES:
        check(trace, graph_picture(trace, phase))
        check(trace, graph_picture(trace, phase, narrow=True))


@given(
    st.lists(st.tuples(st.floats(20, 90), st.floats(20, 90)), min_size=2, max_size=12),
    st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20),
)
def test_a_tight_layout_is_as_high_as_its_highest_column(
    sizes: list[tuple[float, float]], pairs: set[tuple[int, int]]
) -> None:
    edges = sorted((a, b) for a, b in pairs if a < b < len(sizes))
    loose, tight = laid_out(sizes, edges), laid_out(sizes, edges, tight=True)
    assert tight.height <= loose.height + 1e-9
    columns: dict[float, list[tuple[float, float]]] = {}
    for (x, y), (_, height) in zip(tight.middles, sizes, strict=True):
        columns.setdefault(x, []).append((y - height / 2, y + height / 2))
    ends = [sorted(column) for column in columns.values()]
    assert all(b[0] - a[1] >= BETWEEN - 1e-9 for column in ends for a, b in pairwise(column))
    assert all(low >= -1e-9 and high <= tight.height + 1e-9 for c in ends for low, high in c)
    if not edges:
        assert tight.height == pytest.approx(sum(h for _, h in sizes) + BETWEEN * (len(sizes) - 1))


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from(PHASES))
def test_random_graphs(seed: int, phase: PicturePhase) -> None:
    trace = handgrad.solve(random_graph(seed).problem())
    drawing = graph_picture(trace, phase)
    check(trace, drawing)
    assert drawing == graph_picture(trace, phase)


def boxes(drawing: Drawing) -> dict[str, Rectangle]:
    return {s.quantity: s for s in drawing.shapes if isinstance(s, Rectangle)}


def test_the_circuit_shows_values_and_gradients() -> None:
    trace = handgrad.solve(handgrad.load("circuit"))
    drawing = graph_picture(trace, "backward")
    said = {s.quantity: s.text[-1] for s in drawing.shapes if isinstance(s, Label)}
    assert said["df"] == Literal(1.0)
    for name in "xyzwqr":
        assert said[f"d{name}"] == Literal(float(trace.run.gradient(name)))
    arrows = [s for s in drawing.shapes if isinstance(s, Arrow)]
    # The larger of two sends nothing to the smaller.
    assert {a.quantity for a in arrows if a.dashed} == {"dz"}
    assert {a.role for a in arrows if a.dashed} == {"faint"}
    # Red is a shut gate's alone.
    assert not any(s.role == "off" for s in drawing.shapes)
    # Backward the arrows arrive where forward they leave.
    forward = [s for s in graph_picture(trace, "forward").shapes if isinstance(s, Arrow)]
    assert all(a.points[0][0] < a.points[-1][0] for a in forward)
    assert all(a.points[0][0] > a.points[-1][0] for a in arrows)


def test_gates_in_an_array_are_counted() -> None:
    trace = handgrad.solve(handgrad.load("conv"))
    drawing = graph_picture(trace, "forward")
    assert "7 of the 16 gates of H are shut." in drawing.description
    assert ("7 of 16 gates shut",) in [s.text for s in drawing.shapes if isinstance(s, Label)]
    assert boxes(drawing)["H"].role == "on"
    shut = handgrad.solve(handgrad.load("conv").with_values({"b": -50}))
    closed = graph_picture(shut, "forward")
    assert boxes(closed)["H"].role == "off"
    onward = [s for s in closed.shapes if isinstance(s, Arrow) and s.quantity == "H"]
    assert [(a.role, a.dashed) for a in onward] == [("off", True)]
    bars = [s for s in closed.shapes if isinstance(s, Outline) and s.role == "off"]
    assert len(bars) == 1


def test_shares_of_a_gradient_are_drawn_one_by_one() -> None:
    trace = handgrad.solve(handgrad.load("rnn"))
    arrows = [s for s in graph_picture(trace, "backward").shapes if isinstance(s, Arrow)]
    # The first state is zero: that use of the matrix adds nothing, the two others do. No gate has shut it.
    uses = [a for a in arrows if a.quantity == "dW_h"]
    assert sorted(a.role for a in uses) == ["faint", "gradient", "gradient"]
    assert not any(a.dashed for a in arrows)


def chain(length: int) -> handgrad.Trace:
    lines = [f"a{k} = tanh(a{k - 1} + b{k})" for k in range(1, length + 1)]
    parameters = {f"b{k}": 0.1 for k in range(1, length + 1)}
    return handgrad.solve(handgrad.Problem(lines, parameters, {"a0": 0.5}))


def test_forty_equations_stay_readable() -> None:
    drawing = graph_picture(chain(28), "backward")
    assert len(boxes(drawing)) == 57
    assert drawing.width < 960
    assert "left out" not in drawing.description


@pytest.mark.parametrize(("length", "drawn"), [(40, 40), (60, 60), (61, 49), (300, 49)])
def test_large_graphs_are_elided_with_a_note(length: int, drawn: int) -> None:
    trace = chain(length)
    for phase in PHASES:
        drawing = graph_picture(trace, phase)
        check(trace, drawing)
        assert len([s for s in drawing.shapes if isinstance(s, Rectangle)]) == drawn
        assert "Parameters and data are left out" in drawing.description
        said = [s.text for s in drawing.shapes if isinstance(s, Label)]
        assert ((f"{length - 48} equations more",) in said) == (length > 60)


def test_nothing_flows_back_from_what_the_loss_does_not_use() -> None:
    trace = handgrad.solve(handgrad.Problem("a = w**2\nb = 3*a\nL = a + 1", {"w": 2}, loss="L"))
    shapes = graph_picture(trace, "backward").shapes
    arrows = [s for s in shapes if isinstance(s, Arrow)]
    assert sorted(a.quantity for a in arrows) == ["da", "dw"]
    assert [s.role for s in shapes if isinstance(s, Outline)] == ["faint"]


def test_boxes_stand_in_the_columns_of_their_longest_path() -> None:
    sizes = [(40.0, 30.0)] * 5
    laid = laid_out(sizes, [(0, 1), (1, 2), (0, 2), (3, 2), (2, 4)])
    xs = [x for x, _ in laid.middles]
    assert xs[0] < xs[1] < xs[2] < xs[4]
    assert xs[3] == xs[1]
    for line, (a, b) in zip(laid.lines, [(0, 1), (1, 2), (0, 2), (3, 2), (2, 4)], strict=True):
        assert line[0][0] == laid.middles[a][0] + 20
        assert line[-1][0] == laid.middles[b][0] - 20
    assert laid.turned().middles == tuple((y, x) for x, y in laid.middles)


def test_crossings_that_can_be_avoided_are() -> None:
    # Two chains given crosswise.
    laid = laid_out([(40.0, 30.0)] * 4, [(0, 3), (1, 2)])
    ys = [y for _, y in laid.middles]
    assert (ys[0] < ys[1]) == (ys[3] < ys[2])


@pytest.mark.parametrize("question", EXAM, ids=lambda q: q.name)
def test_every_arrow_has_a_head(question: ExamQuestion) -> None:
    """Also where two boxes are equally wide, so that the last stretch of a line has no length."""
    trace = handgrad.solve(handgrad.loads(question.text))
    drawings = [graph_picture(trace, phase) for phase in PHASES]
    for drawing in (*drawings, graph_picture(trace, "given", plan=True)):
        for arrow in drawing.shapes:
            if isinstance(arrow, Arrow):
                _, left, right = stroke(arrow).head
                assert dist(left, right) > 2


def given_in(drawing: Drawing) -> set[str]:
    return {s.quantity for s in drawing.shapes if isinstance(s, Rectangle) and s.rounding > 5}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    ("name", "kept", "note"),
    [
        ("rnn", {"w_x", "W_h", "w_o"}, "Data are left out."),
        ("circuit", {"x", "y", "z", "w"}, ""),
        ("conv", {"K", "b", "w"}, "Data are left out."),
    ],
)
def test_a_narrow_graph_keeps_what_is_learned_before_it_keeps_data(
    name: str, kept: set[str], note: str, phase: PicturePhase
) -> None:
    """What is shared over time, and the gradients that are asked for, were not to be seen on a telephone."""
    trace = handgrad.solve(handgrad.load(name))
    drawing = graph_picture(trace, phase, narrow=True)
    assert drawing.width <= 430
    assert kept <= given_in(drawing)
    whole = given_in(drawing) == set(trace.problem.parameters) | set(trace.problem.data)
    assert whole or note in drawing.description
    if phase == "backward":
        written = {s.quantity for s in drawing.shapes if isinstance(s, Label)}
        assert all(any(q.startswith(f"d{each}") for q in written) for each in kept)
    caption = str(figure_of(trace, phase, narrow_screen=True).caption)
    assert whole or "very value and what" not in caption
    assert whole or "gradient of every value" not in caption


def test_of_what_is_given_weights_that_are_shared_stay_longest() -> None:
    """Eight weights beside each other have no room; the one that all equations use does. The others stand below."""
    equations = ["a0 = s*(" + " + ".join(f"u{k}" for k in range(8)) + ")"]
    equations += [f"a{k} = tanh(s*a{k - 1})" for k in range(1, 4)]
    parameters = {"s": 0.5} | {f"u{k}": 0.25 for k in range(8)}
    trace = handgrad.solve(handgrad.Problem(equations, parameters))
    drawing = graph_picture(trace, "backward", narrow=True)
    assert given_in(drawing) == set(parameters)
    arrows = {s.quantity for s in drawing.shapes if isinstance(s, Arrow)}
    assert {f"d{name}" for name in parameters} & arrows == {"ds"}
    said = [s.text for s in drawing.shapes if isinstance(s, Label)]
    assert said.count(("in ", Name("a0"))) == 8
    check(trace, drawing)


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_weights_of_every_time_step_are_drawn_below_with_where_they_are_used(
    name: str, narrow: bool
) -> None:
    trace = handgrad.solve(handgrad.load(name))
    drawing = graph_picture(trace, "backward", narrow=narrow)
    assert given_in(drawing) == set(trace.problem.parameters)
    shown = {s.quantity: s for s in drawing.shapes if isinstance(s, Label)}
    assert all(f"d{each}" in shown for each in trace.problem.parameters)
    used = [s.text for s in drawing.shapes if isinstance(s, Label) and s.text[0] == "in "]
    three = [tuple(p.name for p in t if isinstance(p, Name)) for t in used]
    assert len(three) == len(trace.problem.parameters)
    assert all([n[-1] for n in names] == ["1", "2", "3"] for names in three if len(names) > 1)


def test_a_plan_leaves_out_what_would_make_it_too_small_for_a_slide() -> None:
    drawing = graph_picture(handgrad.solve(handgrad.load("lstm")), "given", plan=True)
    assert not given_in(drawing)
    assert drawing.width <= 1200
    assert drawing.height <= 675
    assert "Parameters and data are left out." in drawing.description


@given(
    st.lists(st.tuples(st.floats(20, 90), st.floats(20, 90)), min_size=2, max_size=12),
    st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20),
)
def test_the_extent_of_a_layout_is_known_before_it_is_made(
    sizes: list[tuple[float, float]], pairs: set[tuple[int, int]]
) -> None:
    edges = sorted((a, b) for a, b in pairs if a < b < len(sizes))
    width, height = least_extent(sizes, edges)
    for tight in (False, True):
        laid = laid_out(sizes, edges, tight=tight)
        assert laid.width == pytest.approx(width)
        assert laid.height >= height - 1e-9
