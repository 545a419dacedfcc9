"""What colours and marks mean, as HTML."""

from __future__ import annotations

from handgrad.formats.markup import plain
from handgrad.page.blocks import Legend


def legend(block: Legend) -> str:
    """An example of each sign with its meaning."""
    entries = (
        f'<span><span class="sample {sign}">{plain(example)}</span> {plain(meaning)}</span>'
        for sign, example, meaning in block.told
    )
    return f'<p class="legend">{"".join(entries)}</p>'
