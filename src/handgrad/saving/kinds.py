"""The kinds of file, by their endings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from handgrad.errors import OptionError, nearest
from handgrad.files import Content, check_writable, write_files
from handgrad.formats.style import Style
from handgrad.page import Document
from handgrad.page.blocks import Figure
from handgrad.record import record
from handgrad.saving.report import Form, Report

if TYPE_CHECKING:
    from handgrad.picture import Drawing

Paper: TypeAlias = Literal["a4", "letter"]

T = TypeVar("T")


@record
class Settings:
    """How files are laid out.

    Arguments:
        slides: a deck rather than a document.
        paper: the size of a printed page; A4 by default.
        width: columns of a text file.
        unicode: whether a text file may use more than ASCII.
        colour: whether a text file has a terminal's colours.
    """

    slides: bool = False
    paper: Paper | None = None
    width: int = 80
    unicode: bool = True
    colour: bool = False


# -- what of a report a file is made of ------------------------------------------------------


def _page(report: Report, settings: Settings) -> tuple[Document]:
    """The page as the terminal shows it."""
    return (report.page(),)


def _pictured(report: Report, settings: Settings) -> tuple[Document]:
    """The page with its pictures, or the slides that are asked for."""
    if settings.slides:
        return (_form(report, "slides", report.slides),)
    return ((report.pictured or report.page)(),)


def _program(report: Report, settings: Settings) -> tuple[Document]:
    """The page with its code."""
    return ((report.program or report.page)(),)


def _picture(report: Report, settings: Settings) -> tuple[Drawing, Style]:
    """The picture alone, or the first of the page."""
    page = report.page()
    figures = [block for block in page.blocks if isinstance(block, Figure)]
    if report.picture is None and figures:
        drawing = figures[0].drawing
    else:
        drawing = _form(report, "picture", report.picture)
    return drawing, Style.of(page)


def _object(report: Report, settings: Settings) -> tuple[dict[str, Any]]:
    """The object that `--json` prints."""
    return (_form(report, "json", report.json),)


def _form(report: Report, form: Form, made: Callable[[], T] | None) -> T:
    if made is None:
        what, mend = report.why_not(form)
        raise OptionError(what, mend=mend)
    return made()


# -- the kinds ------------------------------------------------------------------------------


@record
class Kind:
    """A kind of file.

    Arguments:
        words: what it is, in a few words.
        renderer: a module of `handgrad.formats`, imported when the kind is asked for, and its
            function that returns the content as a text or bytes.
        made_of: what of a report the function is called with.
        settings: those that it takes besides, by name.
        slides: whether it can be a deck of slides.
    """

    words: str
    renderer: str
    made_of: Callable[[Report, Settings], tuple[Any, ...]] = _page
    settings: tuple[str, ...] = ()
    slides: bool = False

    def content(self, report: Report, settings: Settings) -> str | bytes:
        """The content of a file; raises `OptionError` where the report has nothing for it."""
        module, _, name = self.renderer.partition(":")
        render = getattr(import_module(f"handgrad.formats.{module}"), name)
        given = {each: getattr(settings, each) for each in self.settings}
        options = {name: value for name, value in given.items() if value is not None}
        content: str | bytes = render(*self.made_of(report, settings), **options)
        return content


KINDS: dict[str, Kind] = {
    ".html": Kind("a web page", "html:render_html", _pictured, slides=True),
    ".pdf": Kind("a printed page", "typst:render_pdf", _pictured, ("paper",), slides=True),
    ".tex": Kind("a LaTeX document", "tex:render_tex", _pictured, slides=True),
    ".typ": Kind("a Typst document", "typst:render_typst", _pictured, ("paper",), slides=True),
    ".md": Kind("a Markdown page", "markdown:render_markdown"),
    ".ipynb": Kind("a notebook", "notebook:render_notebook", _program),
    ".svg": Kind("a picture", "svg:render_svg", _picture),
    ".png": Kind("a picture", "png:render_png", _picture),
    ".json": Kind("a JSON object", "json:render_json", _object),
    ".txt": Kind(
        "a text file", "terminal:render_terminal", settings=("width", "unicode", "colour")
    ),
}
"""The kinds of file, by their endings."""


def content(report: Report, kind: str, settings: Settings | None = None) -> str | bytes:
    """The content of a file of the kind with this ending, such as ".html".

    Raises `OptionError` where there is no such kind, or the report has nothing for it, and
    `MissingExtraError` where a library is not installed.
    """
    return KINDS[_known(kind, "")].content(report, settings or Settings())


def save(
    report: Report, paths: Sequence[Path], settings: Settings | None = None, force: bool = False
) -> dict[Path, int]:
    """Writes the report to files of the kinds that they end in; their sizes in bytes.

    All of them are made before the first is written. Raises `OptionError` for a file that
    cannot be made or written; no file is then changed.
    """
    return save_each(dict.fromkeys(paths, report), settings, force)


def save_each(
    reports: Mapping[Path, Report],
    settings: Settings | None = None,
    force: bool = False,
    also: Mapping[Path, Content] | None = None,
) -> dict[Path, int]:
    """Writes several reports, each to a file of its own, as `save` does.

    Arguments:
        reports: by the file that each is written to.
        settings: how files are laid out; as a document by default.
        force: replace files that exist already.
        also: other files, by their contents, to be written at the same time or not at all.

    The files are made at the same time: Typst sets pages outside Python.
    """

    settings = settings or Settings()
    check_files(list(reports), settings, force)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda file: bytes_of(file[1], file[0], settings), reports.items())
        contents: dict[Path, Content] = dict(zip(reports, made, strict=True))
    contents.update(also or {})
    return write_files(contents, force)


def bytes_of(report: Report, path: Path, settings: Settings) -> bytes:
    """What a file of the report has in it, of the kind that it ends in. Raises `OptionError`, naming the file."""
    try:
        made = content(report, path.suffix, settings)
    except OptionError as error:
        raise error.at(str(path)) from None
    return made.encode("utf-8") if isinstance(made, str) else made


def with_arrays_apart(report: Report, path: Path) -> dict[Path, Content]:
    """A .json whose larger arrays are left to an .npz of its name, and that file: both by their contents.

    Raises `OptionError`, naming the file, where the report is not written as JSON.
    """
    import numpy as np

    from handgrad.formats.json import render_json

    arrays: dict[str, Any] = {}
    try:
        (whole,) = _object(
            replace(report, json=report.json and partial(report.json, arrays)), Settings()
        )
    except OptionError as error:
        raise error.at(str(path)) from None
    written = render_json(whole).encode()
    return {path: written, path.with_suffix(".npz"): partial(np.savez, **arrays)}


def check_files(paths: Sequence[Path], settings: Settings, force: bool) -> None:
    """Raises `OptionError` for the first file that cannot be written with these settings.

    That is all that can be told from its name alone, before anything is worked out.
    """
    for path in paths:
        kind = KINDS[_known(path.suffix, str(path))]
        if settings.slides and not kind.slides:
            able = [ending for ending, each in KINDS.items() if each.slides]
            raise OptionError(
                f"{kind.words} is not made of slides",
                where=str(path),
                mend=f"slides are {_listed(able)}",
            )
    printed = [ending for ending, each in KINDS.items() if "paper" in each.settings]
    if settings.paper is not None and not any(p.suffix.lower() in printed for p in paths):
        raise OptionError(f"only {_listed(printed)} have a size of paper", where="--paper")
    if settings.paper is not None and settings.slides:
        raise OptionError("slides are 16:9, on no paper", where="--paper", mend="leave it out")
    check_writable(paths, force)


def _known(ending: str, where: str) -> str:
    lower = ending.lower()
    if lower not in KINDS:
        what = (
            f"there is no kind {ending}"
            if ending
            else "the name's ending does not say what kind of file it is"
        )
        mend = nearest(lower, KINDS) or f"the kinds are {_listed(list(KINDS))}"
        raise OptionError(what, where=where, mend=mend)
    return lower


def _listed(endings: Sequence[str]) -> str:
    return f"{', '.join(endings[:-1])} and {endings[-1]}"
