"""The pictures of a worked solution, with their captions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from handgrad.page.blocks import Figure
from handgrad.picture import Drawing, Label, Outline, Shape
from handgrad.solution.pictures.choosing import narrow_picture_of, picture_of
from handgrad.solution.pictures.layers import Network, network_of
from handgrad.solution.pictures.lines import PicturePhase
from handgrad.solution.pictures.numbers import case_count

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

_NETWORK: dict[PicturePhase, str] = {
    "given": "The network: inputs, weights and biases as they are given",
    "forward": "The forward pass: values in the units",
    "backward": "The backward pass: error signals in the units",
}
_EDGES: dict[PicturePhase, str] = {
    "given": "weights",
    "forward": "weights",
    "backward": "gradients of the weights",
}
_GRAPH: dict[PicturePhase, str] = {
    "given": "What is computed from what",
    "forward": "The forward pass: every value and what it is computed from",
    "backward": "The backward pass: the gradient of every value beside it",
}
_DASHED: dict[PicturePhase, str] = {
    "given": "",
    "forward": "what is dashed is shut off and passes on zeros",
    "backward": "no gradient flows back along dashed lines",
}
_BARS = "the gradient stops at a bar, and none flows back along dashed lines"
_QUIET = "a grey 0 on a solid line is the gradient of that weight alone"


def figure_of(trace: Trace, phase: PicturePhase) -> Figure:
    """The picture of what is given, or of one pass, with a sentence below it."""
    drawing, narrow = picture_of(trace, phase), narrow_picture_of(trace, phase)
    network = network_of(trace.graph)
    drawings = [drawing] if narrow is None else [drawing, narrow]
    what = _GRAPH[phase] if network is None else _NETWORK[phase] + _on_edges(drawings, phase)
    said = [what + _of(trace, network, phase)]
    # A line of words on gates within a box is no dash.
    dashes = [s for s in drawing.shapes if s.role == "off" and not isinstance(s, Label)]
    if dashes and phase != "given":
        bars = any(isinstance(each, Outline) and not each.dashed for each in dashes)
        said.append(_BARS if phase == "backward" and bars else _DASHED[phase])
        if phase == "backward" and bars and network is not None and not _numbered(drawing):
            said.append("lines that end at a bar are all as thick")
    if phase == "backward" and any(map(_is_quiet, drawing.shapes)):
        said.append(_QUIET)
    return Figure(drawing, (f"{'; '.join(said)}.",), narrow=narrow)


def _is_quiet(shape: Shape) -> bool:
    """Whether a shape is the number of an edge whose weight learns nothing, though its line is not shut off."""
    return isinstance(shape, Label) and shape.halo and shape.role == "faint"


def _numbered(drawing: Drawing) -> bool:
    """Whether its edges have numbers."""
    return any(isinstance(s, Label) and s.halo for s in drawing.shapes)


def _on_edges(drawings: Sequence[Drawing], phase: PicturePhase) -> str:
    """What the edges show, so far as it holds of each drawing: numbers, or their thickness."""
    numbered = [*map(_numbered, drawings)]
    lines = [s for d in drawings for s in d.shapes if isinstance(s, Outline)]
    # What is silenced is thin, whatever its size.
    edges = [s for s in lines if s.role in ("value", "gradient")]
    if all(numbered) and phase != "given":
        return f", the {_EDGES[phase]} on the edges"
    thick = len({edge.width for edge in edges}) > 1
    if any(numbered) and phase != "given":
        return f", the {_EDGES[phase]} on the edges{' or as their thickness' if thick else ''}"
    return f", edges thicker where the {_EDGES[phase]} are larger in size" if thick else ""


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
