"""What the terminal at hand can show: its width, its characters, its colours."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from handgrad.page import Document


@dataclass(frozen=True, slots=True)
class Terminal:
    """Standard output as it is, with what the options override."""

    width: int | None = None
    plain_ascii: bool = False
    colour: bool | None = None

    def show(self, page: Document) -> None:
        """Prints a page, in ASCII where the console cannot show Unicode."""
        from handgrad.formats.terminal import render_terminal

        text = render_terminal(
            page,
            width=self.width or max(20, _columns()),
            colour=self._colour(),
            unicode=not self.plain_ascii and self._unicode(),
        )
        # The page decides on its colours; click only carries them to old Windows consoles.
        click.echo(text, nl=not text.endswith("\n"), color=True)

    def tell(self, message: str) -> None:
        """Prints one line to standard output."""
        encoding = sys.stdout.encoding or "ascii"
        shown = "".join(c if c.isprintable() else "?" for c in message)
        click.echo(shown.encode(encoding, errors="replace").decode(encoding))

    def complain(self, message: str) -> None:
        """Prints one error to standard error."""
        indented = message.replace("\n", "\n       ")
        self._aside(f"Error: {indented}")

    def remark(self, message: str) -> None:
        """Prints one line to standard error that is no error."""
        self._aside("".join(c if c.isprintable() else "?" for c in message))

    @staticmethod
    def _aside(message: str) -> None:
        encoding = sys.stderr.encoding or "ascii"
        click.echo(message.encode(encoding, errors="replace").decode(encoding), err=True)

    def _colour(self) -> bool:
        if self.colour is not None:
            return self.colour
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return False
        return sys.stdout.isatty()

    @staticmethod
    def _unicode() -> bool:
        """Whether the console's encoding holds the signs a page is drawn with."""
        try:
            "⎡⁽²⁾δ∂⊙ŷᵀ─".encode(sys.stdout.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return False
        return True


def _columns() -> int:
    """How wide the console is; 80 where that is not known. `shutil` says the same, and brings three kinds of compression along."""
    with suppress(ValueError):
        if (told := int(os.environ.get("COLUMNS", ""))) > 0:
            return told
    with suppress(AttributeError, ValueError, OSError):
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    return 80
