"""A page as a piece of HTML that other pages can hold, such as a notebook's output.

It brings its styles and its mathematical font, and leaves everything around it alone: its
styles reach nothing outside, and those of the page around it are undone inside. Colours are
mixed from the text's own, so that they suit light and dark pages alike. It has no scripts,
and may stand on a page many times.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import assert_never

from handgrad.formats.html.legend import legend
from handgrad.formats.html.relation import derivation
from handgrad.formats.html.room import room
from handgrad.formats.html.table import table
from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.markup import plain
from handgrad.formats.style import Style
from handgrad.formats.svg import render_svg
from handgrad.page.blocks import (
    Block,
    Code,
    Columns,
    Derivation,
    Document,
    Figure,
    Heading,
    Legend,
    Note,
    NoteKind,
    Paragraph,
    Room,
    Table,
)

SIGNS: dict[NoteKind, tuple[str, str]] = {
    "gate": ("⊘", "Gate shut"),
    "warning": ("!", "Take care"),
    "check": ("✓", "Checked"),
    "info": ("i", "Note"),
}
"""The sign of a note, and what it says to whoever cannot see it."""


def render_fragment(page: Document) -> str:
    """The page as one element with all that it needs."""
    writer = HtmlWriter.of(Style.of(page))
    return (
        f'<div class="handgrad" lang="en"><style>{_styles()}</style>'
        f"{_blocks(page.blocks, writer)}</div>"
    )


def _blocks(blocks: Sequence[Block], writer: HtmlWriter) -> str:
    return "".join(_block(block, writer) for block in blocks)


def _block(block: Block, writer: HtmlWriter) -> str:
    match block:
        case Heading():
            return _heading(block, writer)
        case Paragraph():
            return f"<p>{writer.text(block.text)}</p>"
        case Derivation():
            return derivation(block, writer)
        case Table():
            return table(block, writer)
        case Note():
            sign, words = SIGNS[block.kind]
            inner = "".join(derivation(d, writer) for d in block.derivations)
            return (
                f'<div class="note {block.kind}"><span class="sign" role="img" '
                f'aria-label="{words}">{sign}</span><p>{writer.text(block.text)}</p>{inner}</div>'
            )
        case Legend():
            return legend(block)
        case Figure():
            words = writer.text(block.caption)
            caption = f"<figcaption>{words}</figcaption>" if words else ""
            # With its styles, which name nothing but its own shapes.
            return f"<figure>{render_svg(block.drawing, writer.pen.style)}{caption}</figure>"
        case Code():
            return f"<pre><code>{plain(block.source.rstrip())}</code></pre>"
        case Room():
            return room(block)
        case Columns():
            columns = (f'<div class="column">{_blocks(c, writer)}</div>' for c in block.columns)
            return f'<div class="columns">{"".join(columns)}</div>'
        case _:
            assert_never(block)


def _heading(heading: Heading, writer: HtmlWriter) -> str:
    """A heading that keeps out of the notebook's own table of contents."""
    number = f'<span class="number">{plain(heading.id)}</span> ' if heading.id else ""
    aside = f'<span class="uses">{writer.text(heading.aside)}</span>' if heading.aside else ""
    return (
        f'<div class="heading level-{min(heading.level, 3)}" role="heading" '
        f'aria-level="{heading.level}"><span>{number}{writer.text(heading.text)}</span>{aside}</div>'
    )


@cache
def _styles() -> str:
    here = resources.files("handgrad.formats.html")
    font = base64.b64encode(here.joinpath("fonts", "math.woff2").read_bytes()).decode()
    return (
        '@font-face{font-family:"Handgrad Math";src:url(data:font/woff2;base64,'
        f'{font}) format("woff2")}}{here.joinpath("fragment.css").read_text("utf-8")}'
    )
