"""The verb `render`: what shows itself as a text or as bytes."""

from __future__ import annotations

from typing import Literal, overload

from handgrad.errors import OptionError
from handgrad.saving.kinds import Paper, Settings, content
from handgrad.saving.shown import Shown

TextKind = Literal["html", "tex", "typ", "md", "ipynb", "svg", "json", "txt"]


@overload
def render(
    shown: Shown,
    kind: TextKind = "txt",
    *,
    slides: bool = False,
    paper: Paper | None = None,
    width: int = 80,
    unicode: bool = True,
    colour: bool = False,
) -> str: ...


@overload
def render(
    shown: Shown,
    kind: Literal["pdf", "png"],
    *,
    slides: bool = False,
    paper: Paper | None = None,
    width: int = 80,
    unicode: bool = True,
    colour: bool = False,
) -> bytes: ...


@overload
def render(
    shown: Shown,
    kind: str,
    *,
    slides: bool = False,
    paper: Paper | None = None,
    width: int = 80,
    unicode: bool = True,
    colour: bool = False,
) -> str | bytes: ...


def render(
    shown: Shown,
    kind: str = "txt",
    *,
    slides: bool = False,
    paper: Paper | None = None,
    width: int = 80,
    unicode: bool = True,
    colour: bool = False,
) -> str | bytes:
    """A page, a result or a problem in one of the kinds of file that `handgrad solve -o` writes.

    Arguments:
        shown: what a verb returns, or a page of it.
        kind: "html", "pdf", "tex", "typ", "md", "ipynb", "svg", "png", "json" or "txt".
        slides: a deck rather than a document.
        paper: "a4" or "letter", of a printed page; A4 by default.
        width: columns of "txt".
        unicode: whether "txt" may use more than ASCII.
        colour: whether "txt" has a terminal's colours.

    Returns a text; bytes for "pdf" and "png". Raises `OptionError` where there is no such kind or
    nothing to show in it, and `MissingExtraError` where a kind needs a library that is not installed.

        >>> import handgrad
        >>> trace = handgrad.solve(handgrad.load("lab9"))
        >>> print(handgrad.render(trace.page(step="1.1"), width=60).splitlines()[0])
        1.1  Layer 1: z⁽¹⁾, then ReLU
    """
    if not isinstance(shown, Shown):
        raise OptionError(
            f"a {type(shown).__name__} has no page",
            mend="give what a verb returns, or a page of it",
        )
    ending = f".{kind.removeprefix('.')}"
    settings = Settings(slides, paper, width, unicode, colour)
    return content(shown.report(), ending, settings)
