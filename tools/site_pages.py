"""A Sphinx extension: the pages that come from the code, and what the theme leaves out for a screen reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tools.house_picture import picture
from tools.operations_page import page
from tools.python_page import page as python_page

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MENDED = (
    (r'<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    (r'<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="Site">'),
    (r'<aside class="toc-drawer">', '<aside class="toc-drawer" aria-label="On this page">'),
    # What may be wider than a phone scrolls, by the keyboard too.
    (r"<pre>", '<pre tabindex="0">'),
    (r'<div class="(table-wrapper|formulas)', r'<div tabindex="0" class="\1'),
    (r'(<article role="main" id="furo-main-content">)(?=\s*<noscript>)', r"\1<h1>Search</h1>"),
    # A table without a header has an empty one in Markdown.
    (r"<thead>\s*<tr[^>]*>(\s*<th[^>]*><p></p></th>)+\s*</tr>\s*</thead>", ""),
    (r"<th([^>]*)><p></p></th>", r"<td\1></td>"),
)
"""Markup of the theme and of Markdown, and what stands in its place."""


def write(app: Sphinx) -> None:
    """Writes each page that comes from the code beside the others, unless it is there as it would be written."""
    pages = {
        "operations.md": page(),
        "python_reference.md": python_page(),
        "house.svg": picture(),
    }
    for name, text in pages.items():
        file = Path(app.srcdir) / name
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")


def mend(app: Sphinx, failed: Exception | None) -> None:
    """Mends the pages that were built."""
    for file in () if failed else Path(app.outdir).glob("*.html"):
        text = found = file.read_text("utf-8")
        for pattern, instead in MENDED:
            text = re.sub(pattern, instead, text)
        if text != found:
            file.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.connect("builder-inited", write)
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
