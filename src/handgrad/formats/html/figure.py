"""Pictures on an HTML page."""

from __future__ import annotations

import re

from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.svg import render_svg
from handgrad.page.blocks import Figure
from handgrad.picture import Drawing

LEGIBLE = 0.85
"""A drawing whose smallest letters are 12 is not drawn smaller than so much for the sake of its height."""

_NAMESPACE = ' xmlns="http://www.w3.org/2000/svg"'
_STYLE = re.compile("<style>.*?</style>\n?", re.DOTALL)


def figure(block: Figure, writer: HtmlWriter) -> str:
    """The picture with its caption under it; its styles stand once, in the head of the file."""
    live = writer.pen.style.live
    if live is not None and live.narrow is not None and block.narrow is not None:
        return _one_of_two(block, writer, narrow=live.narrow)
    caption = writer.text(block.caption)
    if block.narrow_caption:
        below = writer.text(block.narrow_caption)
        caption = f'<span class="wide">{caption}</span><span class="narrow">{below}</span>'
    caption = f"<figcaption>{caption}</figcaption>" if block.caption else ""
    wide = _picture(block.drawing, block.scale, writer, "" if block.narrow is None else " wide")
    narrow = "" if block.narrow is None else _picture(block.narrow, 1.0, writer, " narrow")
    return f"<figure>{wide}{narrow}{caption}</figure>"


def _one_of_two(block: Figure, writer: HtmlWriter, *, narrow: bool) -> str:
    """The picture for the one kind of screen that the page is drawn for."""
    drawing = block.narrow if narrow and block.narrow is not None else block.drawing
    words = block.narrow_caption if narrow and block.narrow_caption else block.caption
    caption = f"<figcaption>{writer.text(words)}</figcaption>" if words else ""
    return (
        f"<figure>{_picture(drawing, 1.0 if narrow else block.scale, writer, '')}{caption}</figure>"
    )


def _picture(drawing: Drawing, scale: float, writer: HtmlWriter, kind: str) -> str:
    # Letters as large as the text where there is room: a drawing's are 14 pixels high. What is tall may
    # be higher than the screen, where its letters would be too small.
    size = f"--widest: {scale * drawing.width / 14:.1f}em; --tall: {LEGIBLE * drawing.height:.0f}px"
    svg = _STYLE.sub("", render_svg(drawing, writer.pen.style), count=1)
    svg = svg.replace(_NAMESPACE, "", 1).replace("\n", "")
    return f'<div class="picture{kind}" style="{size}">{svg}</div>'
