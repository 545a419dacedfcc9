"""What shows itself in a notebook and saves itself to a file.

How that is done is known on the floors above: the door says once where it is found, and it is
looked up when something is first shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol


class Presenter(Protocol):
    """Knows how things are shown and saved."""

    def bundle(self, thing: object) -> dict[str, str]:
        """The thing by MIME type."""

    def html(self, thing: object) -> str:
        """The thing as a web page of its own."""

    def save(self, thing: object, path: Path, *, force: bool) -> None:
        """Writes the thing to a file of the kind that the path ends in."""


_found: list[Callable[[], Presenter]] = []


def shown_by(find: Callable[[], Presenter]) -> None:
    """Says how to find what shows things; it is called only when something is shown."""
    _found[:] = [find]


class Shown:
    """Displays itself in Jupyter, VS Code, Colab and marimo; `to_html` and `save` from Python."""

    __slots__ = ()

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """What a notebook asks for: the same page as HTML, Markdown and plain text."""
        bundle = _found[0]().bundle(self)
        return {
            kind: text
            for kind, text in bundle.items()
            if (not include or kind in include) and kind not in (exclude or ())
        }

    def to_html(self) -> str:
        """The page as one self-contained HTML file."""
        return _found[0]().html(self)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Writes the page to a file, whole or not at all, of the kind that `path` ends in.

        The kinds are those of `handgrad solve -o`: .html, .pdf, .tex, .md, .ipynb and others.
        An existing file needs `force`. Raises `OptionError` where it cannot be written, and
        `MissingExtraError` where a kind needs a library that is not installed.
        """
        _found[0]().save(self, Path(path), force=force)
