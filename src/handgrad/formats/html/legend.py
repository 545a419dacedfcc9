"""What colours and marks mean, as HTML."""

from __future__ import annotations

from handgrad.formats.markup import plain
from handgrad.page.blocks import MEANINGS, Legend


def legend(block: Legend) -> str:
    """An example of each sign with its meaning."""
    entries = (
        f'<span><span class="sample {sign}">{plain(MEANINGS[sign][0])}</span> {plain(MEANINGS[sign][1])}</span>'
        for sign in block.signs
    )
    return f'<p class="legend">{"".join(entries)}</p>'
