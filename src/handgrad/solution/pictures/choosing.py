"""Which picture suits a problem: the network where there is one, else the graph of equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.picture.drawing import Drawing
from handgrad.solution.pictures.layers import network_of
from handgrad.solution.pictures.lines import PicturePhase
from handgrad.solution.pictures.network import network_picture

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace


def picture_of(trace: Trace, phase: PicturePhase = "forward") -> Drawing:
    """The picture of what is given, or of one pass: units and weights of a network of layers, else boxes and arrows."""
    if network_of(trace.graph) is not None:
        return network_picture(trace, phase)
    from handgrad.solution.pictures.graph import graph_picture

    return graph_picture(trace, phase)


def narrow_picture_of(trace: Trace, phase: PicturePhase) -> Drawing | None:
    """The same for a narrow screen, from top to bottom; None where it has no room there."""
    if network_of(trace.graph) is not None:
        from handgrad.solution.pictures.upright import upright_picture

        return upright_picture(trace, phase)
    from handgrad.solution.pictures.graph import graph_picture

    return graph_picture(trace, phase, narrow=True)
