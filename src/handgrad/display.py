"""How problems, traces, steps and pages show themselves in notebooks, and save themselves."""

from __future__ import annotations

from pathlib import Path

from handgrad.errors import HandgradError
from handgrad.formats.html.fragment import render_fragment
from handgrad.formats.markdown import render_markdown
from handgrad.formats.terminal import render_terminal
from handgrad.saving import render, report_of, save
from handgrad.solution import Step

WIDTH = 100
"""Columns of the plain text."""


class Display:
    """The `Presenter` that `handgrad.shown` asks for."""

    def bundle(self, thing: object) -> dict[str, str]:
        """The page by MIME type; what has none, such as a step on its own, is its `repr`."""
        if isinstance(thing, Step) and thing.trace is None:
            return {"text/plain": repr(thing)}
        try:
            report = report_of(thing)
            pictured = report.pictured() if report.pictured is not None else report.page
        except HandgradError as error:
            return {"text/plain": f"{thing!r}\n{error}"}
        page = report.page
        return {
            "text/html": render_fragment(pictured),
            "text/markdown": render_markdown(page, alerts=False),
            "text/plain": render_terminal(page, width=WIDTH, colour=False, unicode=True),
        }

    def html(self, thing: object) -> str:
        """The page as one self-contained HTML file."""
        return render(report_of(thing), ".html").decode("utf-8")

    def save(self, thing: object, path: Path, *, force: bool) -> None:
        """Writes the page to a file of the kind that the path ends in."""
        save(report_of(thing), [path], force=force)


DISPLAY = Display()
