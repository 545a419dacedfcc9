"""Which picture suits a problem: the network where there is one, else the graph of equations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from handgrad.picture.drawing import Drawing, Label
from handgrad.solution.pictures.layers import network_of
from handgrad.solution.pictures.lines import PicturePhase
from handgrad.solution.pictures.network import network_picture
from handgrad.solution.pictures.numbers import ShownNumbers, case_count

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace


def picture_of(
    trace: Trace, phase: PicturePhase = "forward", shown: ShownNumbers | None = None
) -> Drawing:
    """The picture of what is given, or of one pass: units and weights of a network of layers, else boxes and arrows.

    Of several cases it shows the first, and says so. `shown` are the trace's numbers, where there are other pictures of them.
    """
    if network_of(trace.graph) is not None:
        return _of_case(trace, network_picture(trace, phase, shown=shown))
    from handgrad.solution.pictures.graph import graph_picture

    return _of_case(trace, graph_picture(trace, phase, shown=shown))


def narrow_picture_of(
    trace: Trace, phase: PicturePhase, shown: ShownNumbers | None = None
) -> Drawing | None:
    """The same for a narrow screen, from top to bottom; None where it has no room there."""
    if network_of(trace.graph) is not None:
        from handgrad.solution.pictures.upright import upright_picture

        drawing = upright_picture(trace, phase, shown)
    else:
        from handgrad.solution.pictures.graph import graph_picture

        drawing = graph_picture(trace, phase, narrow=True, shown=shown)
    return None if drawing is None else _of_case(trace, drawing)


def _of_case(trace: Trace, drawing: Drawing) -> Drawing:
    """The drawing with the case that it is of below it, for where it stands without its caption."""
    cases = case_count(trace)
    if cases < 2:
        return drawing
    at = drawing.width - 10, drawing.height + 8
    label = Label(*at, (f"case 1 of {cases}",), "faint", "end", 12.0)
    return replace(drawing, height=drawing.height + 16, shapes=(*drawing.shapes, label))
