"""A drawing as a PNG picture, in light colours; set by Typst, which draws SVG and brings its fonts."""

from __future__ import annotations

from handgrad.errors import MissingExtraError
from handgrad.formats.style import Style
from handgrad.formats.svg import render_svg
from handgrad.picture import Drawing

PIXELS = 72.0
"""Pixels an inch at which one length of the drawing is one pixel."""

_PAGE = b"""#set page(width: auto, height: auto, margin: 0pt)
#image(bytes(sys.inputs.drawing), format: "svg", width: float(sys.inputs.width) * 1pt)
"""


def render_png(drawing: Drawing, style: Style, scale: float = 2) -> bytes:
    """The drawing as PNG with `scale` pixels to each of its own.

    Raises `MissingExtraError` where Typst is not installed.
    """
    try:
        import typst
    except ImportError:
        raise MissingExtraError(
            "a PNG picture needs Typst", mend="pip install 'handgrad[pdf]'"
        ) from None
    inputs = {"drawing": render_svg(drawing, style), "width": str(drawing.width)}
    picture: bytes = typst.compile(_PAGE, format="png", ppi=PIXELS * scale, sys_inputs=inputs)
    return picture
