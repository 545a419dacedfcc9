"""Room to write by hand, as HTML: lines for names on a screen too, empty lines on paper alone."""

from __future__ import annotations

from handgrad.formats.markup import plain
from handgrad.page.blocks import Room


def room(block: Room) -> str:
    """The fields beside each other, and the empty lines."""
    fields = "".join(
        f'<span class="field"><span class="asked">{plain(words)}</span> '
        f'<span class="line">{plain(there)}</span></span>'
        for words, there in block.fields
    )
    written = f'<p class="fields">{fields}</p>' if fields else ""
    if block.lines > 0:
        written += f'<div class="room" style="height: {1.6 * block.lines:.1f}em"></div>'
    return written
