"""Pictures on an HTML page."""

from __future__ import annotations

from handgrad.page.blocks import Figure
from handgrad.render.html.text import Writer
from handgrad.render.mathml import plain


def figure(block: Figure, writer: Writer) -> str:
    """The picture with its caption under it."""
    caption = f"<figcaption>{writer.text(block.caption)}</figcaption>" if block.caption else ""
    drawing = block.drawing
    return (
        f'<figure><div role="img" aria-label="{plain(drawing.title)}. {plain(drawing.description)}">'
        f"</div>{caption}</figure>"
    )
