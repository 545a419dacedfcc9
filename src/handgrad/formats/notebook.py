"""A page as a Jupyter notebook (nbformat 4.5): its text in Markdown cells, its code in code cells."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from handgrad.formats.markdown import in_a_table, markdown
from handgrad.formats.style import Style
from handgrad.page.blocks import Block, Code, Columns, Document, Heading


def render_notebook(page: Document) -> str:
    """The page as the JSON text of a notebook for Python.

    Every step, and every piece of Python, has a cell of its own; other code stands in the text.
    """
    style = Style.of(page)
    cells: list[dict[str, Any]] = []
    for group in _groups(page.blocks):
        first = group[0]
        if isinstance(first, Code) and first.language == "python":
            cell: dict[str, Any] = {"cell_type": "code", "execution_count": None, "outputs": []}
            source = first.source.rstrip("\n")
        else:
            cell = {"cell_type": "markdown"}
            source = markdown(group, style, alerts=False).rstrip("\n")
        lines = source.splitlines(keepends=True)
        cells.append({**cell, "id": f"cell-{len(cells) + 1}", "metadata": {}, "source": lines})
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "title": page.title,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1) + "\n"


def _groups(blocks: Sequence[Block]) -> Iterator[Sequence[Block]]:
    """The blocks of each cell: a cell begins at a heading, and at code and after it."""
    group: list[Block] = []
    for block in _in_line(blocks):
        code = isinstance(block, Code) and block.language == "python"
        # A heading right below another stands in the same cell.
        heading = isinstance(block, Heading) and not isinstance(
            group[-1] if group else None, Heading
        )
        if group and (code or heading):
            yield group
            group = []
        group.append(block)
        if code:
            yield group
            group = []
    if group:
        yield group


def _in_line(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks, with those side by side that no table holds one under the other."""
    for block in blocks:
        if isinstance(block, Columns) and not in_a_table(block):
            for column in block.columns:
                yield from _in_line(column)
        else:
            yield block
