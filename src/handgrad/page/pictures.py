"""The pictures of a worked solution, with their captions."""

from __future__ import annotations

from handgrad.page.blocks import Figure
from handgrad.picture import Drawing
from handgrad.picture.choosing import picture_of
from handgrad.picture.layers import Network, network_of
from handgrad.picture.lines import PicturePhase
from handgrad.picture.numbers import Shown
from handgrad.trace import Trace

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
    "backward": "what is dashed lets no gradient through",
}


def figure_of(trace: Trace, phase: PicturePhase) -> Figure:
    """The picture of what is given, or of one pass, with a sentence below it."""
    drawing = picture_of(trace, phase)
    network = network_of(trace.graph)
    said = [(_NETWORK if network is not None else _GRAPH)[phase] + _of(trace, network)]
    if _DASHED[phase] and _has_dashes(drawing):
        said.append(_DASHED[phase])
    return Figure(drawing, (f"{'; '.join(said)}.",))


def _of(trace: Trace, network: Network | None) -> str:
    """Which example a picture shows, where there are several."""
    cases = Shown(trace).cases
    if cases > 1:
        return f", of case 1 of {cases}"
    if network is not None and network.examples != "none":
        return ", of the first example"
    return ""


def _has_dashes(drawing: Drawing) -> bool:
    return any(shape.role == "off" for shape in drawing.shapes)
