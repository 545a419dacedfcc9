"""Pages that show and save themselves."""

from __future__ import annotations

from handgrad.page.blocks import Document
from handgrad.record import record
from handgrad.saving.report import Report
from handgrad.saving.shown import Shown


@record
class Page(Document, Shown):
    """What an answer's `page()` returns: blocks in reading order, for `handgrad.render`."""

    def report(self) -> Report:
        """The page, with no other forms."""
        return Report(lambda: self)

    def __repr__(self) -> str:
        return f"<Page {self.title!r}: {len(self.blocks)} blocks>"
