"""Drawings that are too high for a page, in parts."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import dist

import pytest

import handgrad
from handgrad.formats.typst.placing import HIGHEST
from handgrad.picture import Arrow, Circle, Drawing, Label, Outline, Rectangle
from handgrad.picture.measure import Measure
from handgrad.picture.parts import in_parts
from handgrad.solution.pictures.graph import graph_picture
from tests.picture.shapes import faults


def length(drawing: Drawing) -> float:
    lines = [s for s in drawing.shapes if isinstance(s, Outline | Arrow)]
    return sum(dist(a, b) for line in lines for a, b in pairwise(line.points))


@pytest.mark.parametrize("name", ["gru", "lstm"])
@pytest.mark.parametrize("most", [*HIGHEST.values(), 500.0])
def test_parts_have_every_box_every_text_and_all_of_the_lines(name: str, most: float) -> None:
    trace = handgrad.solve(handgrad.load(name))
    drawing = graph_picture(trace, "backward")
    assert drawing.height > most
    parts = in_parts(drawing, most)
    assert sum(part.height for part in parts) == pytest.approx(drawing.height)
    for part in parts:
        assert part.height <= most
        assert faults(part, Measure(trace.decimals, trace.problem.display)) == []
        for shape in part.shapes:
            if isinstance(shape, Outline | Arrow):
                assert all(-1e-6 <= y <= part.height + 1e-6 for _, y in shape.points)
    for kind in (Rectangle, Label):
        whole, cut = (
            Counter(s.quantity for d in drawings for s in d.shapes if isinstance(s, kind))
            for drawings in ((drawing,), parts)
        )
        assert whole == cut
    assert sum(map(length, parts)) == pytest.approx(length(drawing))
    heads = sum(isinstance(s, Arrow) for p in parts for s in p.shapes)
    assert heads == sum(isinstance(s, Arrow) for s in drawing.shapes)


def test_a_drawing_that_cannot_be_cut_stays_whole() -> None:
    shapes = (Circle(50, 300, 290), Label(50, 300, ("one",)))
    drawing = Drawing(600, 600, shapes, "a circle", "A circle.")
    assert in_parts(drawing, 400) == (drawing,)
    assert in_parts(drawing, 600) == (drawing,)
