"""The pictures of a worked solution, with their captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handgrad.page.blocks import Figure
from handgrad.picture import Arrow, Drawing, Label, Outline, Shape
from handgrad.solution.pictures.choosing import narrow_picture_of, picture_of
from handgrad.solution.pictures.graph import LEFT
from handgrad.solution.pictures.graph_boxes import LARGEST
from handgrad.solution.pictures.layers import Network, network_of
from handgrad.solution.pictures.lines import PicturePhase
from handgrad.solution.pictures.numbers import ShownNumbers, case_count
from handgrad.text import Text, listed, plain_text

if TYPE_CHECKING:
    from handgrad.solution.trace import Trace

_NETWORK: dict[PicturePhase, str] = {
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
_OF_DRAWN: dict[PicturePhase, str] = {
    "given": "What is computed from what",
    "forward": "The forward pass: the values of the equations, and which lead to which",
    "backward": "The backward pass: the gradients of the values that are drawn, beside them",
}
"""Where some of the values are left out, nothing is said of every value."""
_WITH_LARGEST = (
    "The backward pass: beside every value{drawn} its gradient, or the entry of it that is "
    "largest in size"
)
_DASHED: dict[PicturePhase, str] = {
    "given": "",
    "forward": "what is dashed is shut off and passes on zeros",
    "backward": "no gradient flows back along dashed lines",
}
_BARS = "the gradient stops at a bar, and none flows back along dashed lines"
_QUIET = "a grey 0 on a solid line is the gradient of that weight alone"


def figure_of(
    trace: Trace,
    phase: PicturePhase,
    narrow_screen: bool | None = None,
    shown: ShownNumbers | None = None,
) -> Figure:
    """The picture of what is given, or of one pass, with a sentence below it.

    For a screen that is known to be narrow, or to be wide, it is drawn in that width alone.
    `shown` are the trace's numbers, where there are other pictures of them.
    """
    shown = shown or ShownNumbers(trace)
    if narrow_screen is not None:
        one = narrow_picture_of(trace, phase, shown) if narrow_screen else None
        one = one or picture_of(trace, phase, shown)
        return Figure(one, _caption(trace, phase, one))
    drawing, narrow = picture_of(trace, phase, shown), narrow_picture_of(trace, phase, shown)
    caption = _caption(trace, phase, drawing)
    if narrow is None:
        return Figure(drawing, caption)
    below = _caption(trace, phase, narrow)
    return Figure(drawing, caption, narrow=narrow, narrow_caption=() if below == caption else below)


def _caption(trace: Trace, phase: PicturePhase, drawing: Drawing) -> Text:
    """A sentence on what a drawing shows; what it leaves out, it says itself."""
    network = network_of(trace.graph)
    # Only a graph of equations leaves anything out in words.
    labels = [s for s in drawing.shapes if isinstance(s, Label)] if network is None else []
    words = [plain_text(label.text) for label in labels]
    partial = any(LEFT in w for w in words)
    if network is not None:
        what = _network(network, phase, drawing) + _on_edges(drawing, phase)
    elif phase == "backward" and any(LARGEST in w for w in words):
        what = _WITH_LARGEST.format(drawn=" that is drawn" if partial else "")
    else:
        what = (_OF_DRAWN if partial else _GRAPH)[phase]
    said = [what + _of(trace, network, phase)]
    # A line of words on gates within a box is no dash.
    dashes = [
        s
        for s in drawing.shapes
        if not isinstance(s, Label) and (s.role == "off" or (isinstance(s, Arrow) and s.dashed))
    ]
    if dashes and phase != "given":
        bars = any(isinstance(each, Outline) and not each.dashed for each in dashes)
        said.append(_BARS if phase == "backward" and bars else _DASHED[phase])
        if phase == "backward" and bars and network is not None and not _numbered(drawing):
            said.append("lines that end at a bar have one width")
    if phase == "backward" and any(map(_is_quiet, drawing.shapes)):
        said.append(_QUIET)
    return (f"{'; '.join(said)}.",)


def _network(network: Network, phase: PicturePhase, drawing: Drawing) -> str:
    """What of a network a drawing has numbers of."""
    if phase != "given":
        return _NETWORK[phase]
    spelled = [s.quantity for s in drawing.shapes if isinstance(s, Label)]
    told = {each.partition("[")[0] for each in spelled}
    kinds = {
        "inputs": network.source in told,
        # A matrix alone is a heading.
        "weights": any(
            s.startswith(f"{each.sum.weights}[") for each in network.layers for s in spelled
        ),
        "biases": any(layer.sum.bias in told for layer in network.layers),
    }
    drawn = [kind for kind, there in kinds.items() if there]
    return f"The network: {listed(drawn)} as they are given" if drawn else "The network"


def _is_quiet(shape: Shape) -> bool:
    """Whether a shape is the number of an edge whose weight learns nothing, though its line is not shut off."""
    return isinstance(shape, Label) and shape.halo and shape.role == "faint"


def _numbered(drawing: Drawing) -> bool:
    """Whether its edges have numbers."""
    return any(isinstance(s, Label) and s.halo for s in drawing.shapes)


def _on_edges(drawing: Drawing, phase: PicturePhase) -> str:
    """What the edges show: numbers, or their thickness."""
    if _numbered(drawing):
        return "" if phase == "given" else f", the {_EDGES[phase]} on the edges"
    lines = [s for s in drawing.shapes if isinstance(s, Outline)]
    # What is silenced is thin, whatever its size.
    thick = len({edge.width for edge in lines if edge.role in ("value", "gradient")}) > 1
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
