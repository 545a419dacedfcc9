"""The page of bundled problems."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.page.blocks import Heading, Paragraph, Table
from handgrad.saving import Page


def list_page(problems: Sequence[tuple[str, str, str]]) -> Page:
    """The bundled problems, each with its title."""
    rows = tuple(((name,), (title,)) for name, title, _ in problems)
    return Page(
        title="Bundled problems",
        blocks=(
            Heading(("Bundled problems",), 1),
            Table((("name",), ("about",)), rows, "ll"),
            Paragraph(("handgrad solve NAME works one out.",)),
        ),
    )
