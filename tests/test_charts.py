"""Charts: everything within the drawing, nothing by colour alone, what is left out is said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handgrad.expression import Name
from handgrad.formats.terminal import render_terminal
from handgrad.page.blocks import Figure
from handgrad.picture import Arrow, Circle, Drawing, Label, Outline, Rectangle
from handgrad.picture.charts import (
    Axis,
    Bar,
    Series,
    bar_chart,
    figure_text,
    gate_map,
    heat_map,
    line_chart,
)
from handgrad.picture.charts.axes import drawable, log_ticks, span, ticks
from handgrad.saving import Page

anything = st.floats(allow_nan=True, allow_infinity=True)


def corners(drawing: Drawing) -> list[tuple[float, float]]:
    """Points that no shape goes beyond; a label counts where it is anchored."""
    found: list[tuple[float, float]] = []
    for shape in drawing.shapes:
        match shape:
            case Circle(x, y, r):
                found += [(x - r, y - r), (x + r, y + r)]
            case Rectangle(x, y, width, height):
                assert width >= 0
                assert height >= 0
                found += [(x, y), (x + width, y + height)]
            case Outline() | Arrow():
                found += shape.points
            case Label(x, y):
                found.append((x, y))
    return found


def within(drawing: Drawing) -> bool:
    return all(
        -0.5 <= x <= drawing.width + 0.5 and -0.5 <= y <= drawing.height + 0.5
        for x, y in corners(drawing)
    )


def texts(drawing: Drawing) -> list[str]:
    return ["".join(map(str, s.text)) for s in drawing.shapes if isinstance(s, Label)]


@given(st.lists(st.lists(anything, min_size=1, max_size=40), max_size=7), st.booleans())
def test_any_lines_stay_within_the_drawing(lines: list[list[float]], logarithmic: bool) -> None:
    series = [Series(f"line {k}", range(len(y)), y) for k, y in enumerate(lines)]
    drawing = line_chart(
        series, title="Lines", x=Axis("update"), y=Axis("loss", logarithmic=logarithmic)
    )
    assert within(drawing)
    assert all(math.isfinite(c) for point in corners(drawing) for c in point)
    for one in series:
        if any(drawable(v, logarithmic=logarithmic) for v in one.y):
            # A line that does not reach the right edge has the reason after its name.
            assert any(t == one.name or t.startswith(f"{one.name},") for t in texts(drawing))
        assert str(one.name) in drawing.description


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e12), st.booleans())
def test_ticks_are_few_round_and_inside(low: float, length: float, whole: bool) -> None:
    if whole:
        low, length = float(round(low)), float(round(length))
    high = low + length
    if not high > low or length < 1e-9 * abs(low):
        return
    found = ticks(low, high, whole=whole)
    assert len(found) <= 8
    assert all(low - 1e-6 * length <= t <= high + 1e-6 * length for t in found)
    steps = {round((b - a) / (found[1] - found[0]), 3) for a, b in zip(found, found[1:])}  # noqa: B905, RUF007
    assert steps <= {1.0}
    if whole:
        assert all(t == int(t) for t in found)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.1, 1.0, (0.1, 0.2, 0.5, 1.0)), (1e-6, 1.0, (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0))],
)
def test_logarithmic_ticks(low: float, high: float, expected: tuple[float, ...]) -> None:
    assert log_ticks(low, high) == pytest.approx(expected)


def test_an_axis_starts_at_zero_where_nothing_is_negative() -> None:
    low, high = span([0.2, 0.9], logarithmic=False)
    assert low == 0
    assert 0.9 < high < 1.0


def test_figures_are_written_as_mathematics_writes_them() -> None:
    assert figure_text(-0.25) == "−0.25"
    assert figure_text(3e-9) == "3×10⁻⁹"


def test_lines_differ_without_their_colours() -> None:
    series = [Series(str(k), [0, 1], [k, k]) for k in range(6)]
    drawing = line_chart(series, title="Six", x=Axis("x"), y=Axis("y"))
    kinds = set()
    for number in range(1, 7):
        own = [s for s in drawing.shapes if s.role == f"series{number}"]
        line = next(s for s in own if isinstance(s, Outline) and not s.closed)
        mark = next(s for s in own if not (isinstance(s, Outline) and not s.closed))
        place = drawing.shapes.index(mark)
        ring = isinstance(drawing.shapes[place + 1], Circle) and isinstance(mark, Circle)
        shape = (
            tuple(
                (round(x - mark.points[0][0], 3), round(y - mark.points[0][1], 3))
                for x, y in mark.points
            )
            if isinstance(mark, Outline)
            else (type(mark).__name__, ring)
        )
        kinds.add((line.dashed, shape))
    assert len(kinds) == 6


def test_names_at_the_ends_keep_apart() -> None:
    series = [Series(f"name {k}", [0, 1], [1, 0.5 + 0.001 * k]) for k in range(6)]
    drawing = line_chart(series, title="Close", x=Axis("x"), y=Axis("y"))
    heights = sorted(
        s.y for s in drawing.shapes if isinstance(s, Label) and str(s.text[0]).startswith("name")
    )
    assert min(np.diff(heights)) >= 15


BLOWN = [3.0, 6.0, 30.0, 1e5, 1e128, math.inf, math.inf]
CALM = [3.0, 12.0, 2.0] + [2.0] * 18


def blown(loss: list[float], width: float = 640.0) -> Drawing:
    """A loss that blows up, beside one that stays on the chart for twenty updates."""
    series = [Series("calm", range(21), CALM), Series("wild", range(len(loss)), loss)]
    return line_chart(
        series, title="t", x=Axis("update"), y=Axis("loss", most=24.0), width=width
    )  # fmt: skip


def label(drawing: Drawing, start: str) -> Label:
    (found,) = [
        s for s in drawing.shapes if isinstance(s, Label) and str(s.text[0]).startswith(start)
    ]
    return found


@pytest.mark.parametrize("width", [320.0, 640.0])
def test_a_line_that_blows_up_leaves_the_chart_and_says_when(width: float) -> None:
    drawing = blown(BLOWN, width)
    assert within(drawing)
    (arrow,) = [s for s in drawing.shapes if isinstance(s, Arrow)]
    line = next(s for s in drawing.shapes if isinstance(s, Outline) and s.role == "series2")
    assert arrow.points[0] == line.points[-1]
    calm = next(s for s in drawing.shapes if isinstance(s, Outline) and s.role == "series1")
    (x0, _), (x1, tip) = arrow.points
    assert tip < min(y for _, y in calm.points)
    # Between the updates 1 and 2, where it goes from 6 to 30, and not at the right edge.
    assert x0 <= x1 <= calm.points[2][0] + 0.5
    name = label(drawing, "wild")
    assert "".join(map(str, name.text)) == "wild, not finite from update 5"
    assert name.y < tip
    assert name.x - x1 < 20
    assert label(drawing, "calm").x > calm.points[-1][0]
    assert "not finite from update 5" in drawing.description
    assert str(drawing.compact[1]).endswith("3 → not finite from update 5")


def test_a_line_that_comes_back_has_its_name_at_its_end() -> None:
    drawing = blown([3.0, 30.0, 1e9, 3.0, *[1.0] * 17])
    assert "wild" in texts(drawing)
    assert len([s for s in drawing.shapes if isinstance(s, Arrow)]) == 1


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ([3.0, 2.0, 1.0], "wild, ends at update 2"),
        ([3.0, 2.0, math.nan], "wild, not finite from update 2"),
        ([3.0, 30.0, 40.0], "wild, beyond the chart from update 1"),
        ([50.0, 60.0], "wild, beyond the chart from update 0"),
        ([3.0, -math.inf], "wild, not finite from update 1"),
    ],
)
def test_a_line_that_ends_early_has_its_name_where_it_ends(loss: list[float], told: str) -> None:
    drawing = blown(loss)
    assert within(drawing)
    name = label(drawing, "wild")
    assert "".join(map(str, name.text)) == told
    calm = next(s for s in drawing.shapes if isinstance(s, Outline) and s.role == "series1")
    assert abs(name.x - calm.points[2][0]) < 80


def test_names_of_lines_that_leave_keep_apart() -> None:
    series = [Series("calm", range(21), CALM)]
    series += [
        Series(f"wild {k}", range(21), [1.0] * k + [math.inf] * (21 - k)) for k in (1, 2, 2, 19)
    ]
    drawing = line_chart(series, title="t", x=Axis("update"), y=Axis("loss"), width=320)
    assert within(drawing)
    heights = sorted(
        s.y for s in drawing.shapes if isinstance(s, Label) and str(s.text[0]).startswith("wild")
    )
    assert len(heights) == 4
    assert min(np.diff(heights)) >= 15


def test_a_gap_breaks_the_line() -> None:
    nan = float("nan")
    drawing = line_chart(
        [Series("a", range(5), [1, 2, nan, 3, 4])], title="Gap", x=Axis("x"), y=Axis("y")
    )
    assert len([s for s in drawing.shapes if isinstance(s, Outline) and s.role == "series1"]) == 2


def test_a_long_line_is_thinned_and_keeps_its_peaks() -> None:
    y = np.zeros(100_000)
    y[54_321] = 7.0
    y[12_345] = -3.0
    drawing = line_chart(
        [Series("a", range(len(y)), y.tolist())], title="Long", x=Axis("x"), y=Axis("y")
    )
    (line,) = [s for s in drawing.shapes if isinstance(s, Outline) and s.role == "series1"]
    assert len(line.points) < 500
    heights = [p[1] for p in line.points]
    common = max(set(heights), key=heights.count)
    assert min(heights) < common < max(heights)
    assert "between −3 and 7" in drawing.description


def test_layers_under_a_line() -> None:
    drawing = line_chart(
        [Series("gradient", [0, 1, 2], [1e-9, 1e-3, 1])],
        title="Flow", x=Axis("layer", names=["W1", "W2", "W3"]), y=Axis("norm", logarithmic=True),
    )  # fmt: skip
    assert {"W1", "W2", "W3", "10⁻⁸", "1"} <= set(texts(drawing))


@given(st.lists(anything, min_size=1, max_size=50))
def test_any_bars_stay_within_the_drawing(values: list[float]) -> None:
    bars = [Bar((f"unit {k}",), v) for k, v in enumerate(values)]
    drawing = bar_chart(bars, title="Bars", length=Axis("rate"), most=20)
    assert within(drawing)
    assert ("… " in " ".join(texts(drawing))) == (len(values) > 20)


def test_a_dead_units_bar() -> None:
    bars = [Bar(("unit 1",), 0.5), Bar(("unit 2",), 0.0, "dead", "off")]
    drawing = bar_chart(
        bars, title="Rates", length=Axis("fires on", style="percent", limits=(0, 1))
    )
    assert {"50 %", "0 % (dead)"} <= set(texts(drawing))
    assert "unit 2: 0 % (dead)." in drawing.description


def test_open_and_shut_gates() -> None:
    drawing = gate_map([[True, False], [True, False], [False, False]], title="Gates")
    squares = [s for s in drawing.shapes if isinstance(s, Outline) and len(s.points) > 2]
    crosses = [s for s in drawing.shapes if isinstance(s, Outline) and len(s.points) == 2]
    key = 1
    assert [s.closed for s in squares].count(True) == 2 + key
    assert all(s.closed == (s.role == "on") for s in squares)
    assert len(squares) == 6 + 2 * key
    assert len(crosses) == 4 + key
    assert "2 of 6 gates are open; unit 2 never." in drawing.description


def test_a_large_map_leaves_out_the_middle() -> None:
    gates = np.random.default_rng(0).random((1000, 600)) > 0.5
    drawing = gate_map(gates.tolist(), title="Gates", groups=[("h1", 512), ("h2", 88)])
    assert within(drawing)
    assert len(drawing.shapes) < 2500
    assert {"⋮", "…", "1", "1000"} <= set(texts(drawing))
    # The layers as symbols, h⁽¹⁾.
    labels = [s.text for s in drawing.shapes if isinstance(s, Label)]
    assert {(Name("h1"),), (Name("h2"),)} <= set(labels)


def test_numbers_in_cells() -> None:
    drawing = heat_map(
        [[0.0, 1.0], [float("nan"), 0.25]],
        title="Shares", rows=Axis("width", names=["2", "3"]),
        columns=Axis("layers", names=["1", "10"]), style="percent",
    )  # fmt: skip
    assert within(drawing)
    assert {"0 %", "100 %", "25 %", ""} <= set(texts(drawing))
    least, most, between = (s.strength for s in drawing.shapes if isinstance(s, Rectangle))
    assert 0 < least < between < most <= 0.5  # ink stays readable on every cell
    assert "width 3:  at 1, 25 % at 10." in drawing.description


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=80),
    st.booleans(),
)
def test_a_chart_in_characters_has_a_bar_for_every_number_that_can_be_drawn(
    values: list[float], logarithmic: bool
) -> None:
    chart = line_chart(
        [Series("loss", range(len(values)), values), Series("a longer name", [0, 1], [1.0, 0.5])],
        title="t", x=Axis("x"), y=Axis("y", logarithmic=logarithmic),
    )  # fmt: skip
    *first, last = map(str, chart.compact)
    assert last.startswith("a longer name  ")
    assert last.endswith("1 → 0.5" if len(values) <= 2 else "1 → 0.5, ends at x 1")
    assert len(first) == bool(values)
    for line in first:
        drawn = sum(drawable(v, logarithmic=logarithmic) for v in values)
        assert sum(c in "▁▂▃▄▅▆▇█" for c in line) <= min(drawn, 32)


def test_a_loss_that_falls_falls_in_characters() -> None:
    chart = line_chart(
        [Series("loss", range(8), [7.0, 6, 5, 4, 3, 2, 1, 0])],
        title="t", x=Axis("x"), y=Axis("y", limits=(0.0, 7.0)),
    )  # fmt: skip
    assert chart.compact == ("loss  █▇▆▅▄▃▂▁  7 → 0",)


def test_gates_in_characters() -> None:
    gates = [[True, False, True], [False, False, True]]
    drawing = gate_map(gates, title="t", groups=[("h1", 2), ("h2", 1)])
    page = Page("t", (Figure(drawing),))
    lines = render_terminal(page, width=80, colour=False, unicode=True).split("\n")
    assert [x.rstrip() for x in lines if x.strip()] == [
        "        h⁽¹⁾  h⁽²⁾",
        "case 1  █░    █",
        "case 2  ░░    █",
    ]
    plain = render_terminal(page, width=80, colour=False, unicode=False).split("\n")
    assert plain[0].split() == ["h1", "h2"]
    assert plain[0].index("h2") == plain[1].rindex(" ") + 1
    assert gate_map([[True] * 100], title="t").compact == ()
    assert len(gate_map([[True]] * 100, title="t").compact) == 13


def test_a_peak_between_two_bars_is_drawn_and_told() -> None:
    """Of three hundred numbers on 32 bars the greatest of each bar's own is drawn."""
    values = [1.0] * 300
    values[131] = 9.0
    (line,) = line_chart(
        [Series("loss", range(300), values)], title="t", x=Axis("x"), y=Axis("y")
    ).compact
    assert "█" in str(line)
    assert str(line).endswith("1 → 1, at most 9")
