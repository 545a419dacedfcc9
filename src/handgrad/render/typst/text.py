"""Running text with formulas in it."""

from __future__ import annotations

from dataclasses import replace

from handgrad.page.blocks import Text
from handgrad.render.typst.pen import LISTED, TypstPen
from handgrad.render.typst.source import words


def content(text: Text, pen: TypstPen) -> str:
    """The text as a Typst content block: its words as strings, its formulas on one line."""
    linear = replace(pen, linear=True, columns_shown=LISTED)
    parts = [
        f"#{words(part)}" if isinstance(part, str) else f"#${linear.draw(part)}$" for part in text
    ]
    return f"[{''.join(parts)}]"
