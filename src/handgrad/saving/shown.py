"""What shows itself in a notebook and saves itself to a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from pathlib import Path

from handgrad.errors import HandgradError
from handgrad.saving.kinds import Paper, Settings, content, save
from handgrad.saving.report import Report

WIDTH = 100
"""Columns of the plain text that a notebook is given."""


class Shown(ABC):
    """Displays itself in Jupyter, VS Code, Colab and marimo; `to_html` and `save` from Python."""

    __slots__ = ()

    @abstractmethod
    def report(self) -> Report:
        """The page and the other forms that files are made of."""

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """What a notebook asks for: the same page as HTML, Markdown and plain text."""
        return {
            kind: text
            for kind, text in self._bundle().items()
            if (not include or kind in include) and kind not in (exclude or ())
        }

    def _bundle(self) -> dict[str, str]:
        from handgrad.formats.html.fragment import render_fragment
        from handgrad.formats.markdown import render_markdown
        from handgrad.formats.terminal import render_terminal

        try:
            report = self.report()
            page = report.page()
            pictured = page if report.pictured is None else report.pictured()
        except HandgradError as error:
            return {"text/plain": f"{self!r}\n{error}"}
        return {
            "text/html": render_fragment(pictured),
            "text/markdown": render_markdown(page, alerts=False),
            "text/plain": render_terminal(page, width=WIDTH, colour=False, unicode=True),
        }

    def to_html(self) -> str:
        """The page as one self-contained HTML file."""
        return str(content(self.report(), ".html"))

    def save(
        self,
        path: str | Path,
        *,
        slides: bool = False,
        paper: Paper | None = None,
        force: bool = False,
    ) -> None:
        """Writes the page to a file, whole or not at all, of the kind that `path` ends in.

        Arguments:
            path: .html, .pdf, .tex, .md, .ipynb and others: the kinds of `handgrad solve -o`.
            slides: a deck rather than a document.
            paper: "a4" or "letter", of a printed page; A4 by default.
            force: replace a file that exists already.

        Raises `OptionError` where it cannot be written, and
        `MissingExtraError` where a kind needs a library that is not installed.
        """
        save(self.report(), [Path(path)], Settings(slides, paper), force)
