"""Pictures on an HTML page."""

from __future__ import annotations

import re

from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.svg import render_svg
from handgrad.page.blocks import Figure

_STYLE = re.compile("<style>.*?</style>\n?", re.DOTALL)


def figure(block: Figure, writer: HtmlWriter) -> str:
    """The picture with its caption under it; its styles stand once, in the head of the file."""
    caption = f"<figcaption>{writer.text(block.caption)}</figcaption>" if block.caption else ""
    drawing = _STYLE.sub("", render_svg(block.drawing, writer.pen.style), count=1)
    # Letters as large as the text where there is room: a drawing's are 14 pixels high.
    widest = f"{block.scale * block.drawing.width / 14:.1f}em"
    return (
        f'<figure style="--widest: {widest}"><div class="picture">{drawing}</div>{caption}</figure>'
    )
