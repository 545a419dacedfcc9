"""Pictures on an HTML page."""

from __future__ import annotations

from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.svg import svg_within
from handgrad.page.blocks import Figure
from handgrad.picture import Drawing

LEGIBLE = 0.85
"""A drawing whose smallest letters are 12 is not drawn smaller than so much for the sake of its height."""


def figure(block: Figure, writer: HtmlWriter) -> str:
    """The picture with its caption under it; its styles stand once, in the head of the file."""
    caption = writer.text(block.caption)
    if block.narrow_caption:
        below = writer.text(block.narrow_caption)
        caption = f'<span class="wide">{caption}</span><span class="narrow">{below}</span>'
    caption = f"<figcaption>{caption}</figcaption>" if block.caption else ""
    wide = _picture(block.drawing, block.scale, writer, "" if block.narrow is None else " wide")
    narrow = "" if block.narrow is None else _picture(block.narrow, 1.0, writer, " narrow")
    return f"<figure>{wide}{narrow}{caption}</figure>"


def _picture(drawing: Drawing, scale: float, writer: HtmlWriter, kind: str) -> str:
    # Letters as large as the text where there is room: a drawing's are 14 pixels high. What is tall may
    # be higher than the screen, where its letters would be too small.
    size = f"--widest: {scale * drawing.width / 14:.1f}em; --tall: {LEGIBLE * drawing.height:.0f}px"
    svg = svg_within(drawing, writer.pen.style)
    return f'<div class="picture{kind}" style="{size}">{svg}</div>'
