"""The pictures of a worked solution, with their captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.page.blocks import Figure
from handgrad.picture import Drawing
from handgrad.solution.pictures.choosing import picture_of
from handgrad.solution.pictures.layers import Network, network_of
from handgrad.solution.pictures.lines import PicturePhase
from handgrad.solution.pictures.numbers import case_count

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

_NETWORK: dict[PicturePhase, str] = {
    "given": "The network: inputs, weights and biases as they are given",
    "forward": "The forward pass: values in the units, weights on the edges",
    "backward": "The backward pass: error signals in the units, the gradients of the weights on the edges",
}
_GRAPH: dict[PicturePhase, str] = {
    "given": "What is computed from what",
    "forward": "The forward pass: every value and what it is computed from",
    "backward": "The backward pass: the gradient of every value beside it",
}
_DASHED: dict[PicturePhase, str] = {
    "given": "",
    "forward": "what is dashed is shut off and passes on zeros",
    "backward": "the gradient stops at a bar, and what is dashed gets none",
}


def figure_of(trace: Trace, phase: PicturePhase) -> Figure:
    """The picture of what is given, or of one pass, with a sentence below it."""
    drawing = picture_of(trace, phase)
    network = network_of(trace.graph)
    said = [(_NETWORK if network is not None else _GRAPH)[phase] + _of(trace, network, phase)]
    if _DASHED[phase] and _has_dashes(drawing):
        said.append(_DASHED[phase])
    return Figure(drawing, (f"{'; '.join(said)}.",))


def _of(trace: Trace, network: Network | None, phase: PicturePhase) -> str:
    """Which example a picture shows, where there are several."""
    cases = case_count(trace)
    together = "mean" if trace.problem.reduction == "mean" else "sum"
    if cases > 1:
        alone = f" alone, before the {together} over the cases" if phase == "backward" else ""
        return f", for case 1 of {cases}{alone}"
    if network is not None and network.examples != "none":
        alone = " alone: its part of each gradient" if phase == "backward" else ""
        return f", for the first example{alone}"
    return ""


def _has_dashes(drawing: Drawing) -> bool:
    return any(shape.role == "off" for shape in drawing.shapes)
