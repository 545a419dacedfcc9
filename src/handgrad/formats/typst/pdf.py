"""Typst source as PDF, compiled in process."""

from __future__ import annotations

import unicodedata

from handgrad.errors import HandgradError, MissingExtraError
from handgrad.formats.typst.page import render_typst
from handgrad.formats.typst.placing import Paper
from handgrad.page.blocks import Document


def render_pdf(page: Document, paper: Paper = "a4") -> bytes:
    """The page as PDF: a document on `paper`, or slides of 16:9.

    Raises `MissingExtraError` where Typst is not installed.
    """
    try:
        import typst
    except ImportError as error:
        raise MissingExtraError(
            "PDF needs the typst package, which is not installed",
            mend="pip install 'handgrad[pdf]'",
        ) from error
    source = render_typst(page, paper)
    # The fonts that come with Typst have no East Asian letters, say; those of the system may.
    compiler = typst.Compiler(b"", ignore_system_fonts=not needs_system_fonts(source))
    try:
        document = compiler.compile(source.encode(), format="pdf")
    except typst.TypstError as error:
        raise HandgradError(f"Typst could not set the page: {error}") from error
    assert isinstance(document, bytes)
    return document


def needs_system_fonts(text: str) -> bool:
    """Whether it has letters of other scripts than Latin, Greek and Cyrillic, or pictographs."""
    return any(ord(c) >= PICTOGRAPHS or _is_foreign(c) for c in set(text) if not c.isascii())


def _is_foreign(c: str) -> bool:
    return c.isalpha() and not unicodedata.name(c, "").startswith(_OWN_SCRIPTS)


PICTOGRAPHS = 0x1F000

_OWN_SCRIPTS = (
    "LATIN",
    "GREEK",
    "CYRILLIC",
    "MODIFIER",
    "SUPERSCRIPT",
    "SUBSCRIPT",
    "MATHEMATICAL",
)
