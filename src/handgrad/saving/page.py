"""Pages that show and save themselves."""

from __future__ import annotations

from dataclasses import dataclass

from handgrad.page.blocks import Document
from handgrad.saving.report import Report
from handgrad.saving.shown import Shown


@dataclass(frozen=True, slots=True, repr=False)
class Page(Document, Shown):
    """What an answer's `page()` returns: blocks in reading order, for `handgrad.render`."""

    def report(self) -> Report:
        """The page, with no other forms."""
        return Report(self)

    def __repr__(self) -> str:
        return f"<Page {self.title!r}: {len(self.blocks)} blocks>"
