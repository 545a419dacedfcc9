"""The kinds of file, by their endings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from handgrad.errors import OptionError, nearest
from handgrad.files import check_writable, write_files
from handgrad.formats.style import Style
from handgrad.page import Page
from handgrad.page.blocks import Figure
from handgrad.picture import Drawing
from handgrad.saving.report import Form, Report

Paper: TypeAlias = Literal["a4", "letter"]

PRINTED = (".pdf", ".typ")
"""What is laid out on paper of some size."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """How files are laid out.

    Arguments:
        slides: a deck rather than a document.
        paper: the size of a printed page; A4 by default.
        width: columns of a text file.
        unicode: whether a text file may use more than ASCII.
    """

    slides: bool = False
    paper: Paper | None = None
    width: int = 80
    unicode: bool = True


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: what it is in a few words, and how a report becomes one."""

    words: str
    content: Callable[[Report, Settings], bytes]
    slides: bool = False


def render(report: Report, kind: str, settings: Settings | None = None) -> bytes:
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
    also: Mapping[Path, bytes] | None = None,
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
    with ThreadPoolExecutor() as pool:
        made = pool.map(partial(_content, settings), reports.items())
        contents = dict(zip(reports, made, strict=True))
    contents.update(also or {})
    write_files(contents, force)
    return {path: len(content) for path, content in contents.items()}


def _content(settings: Settings, file: tuple[Path, Report]) -> bytes:
    path, report = file
    try:
        return render(report, path.suffix, settings)
    except OptionError as error:
        raise error.at(str(path)) from None


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
    if settings.paper is not None and not any(p.suffix.lower() in PRINTED for p in paths):
        raise OptionError(f"only {_listed(PRINTED)} have a size of paper", where="--paper")
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


# -- one function a kind --------------------------------------------------------------------


def _renderer(module: str, name: str) -> Callable[..., Any]:
    """A renderer, imported when its kind is asked for."""
    found: Callable[..., Any] = getattr(import_module(f"handgrad.formats.{module}"), name)
    return found


def _form(report: Report, form: Form, made: Callable[[], T] | None) -> T:
    if made is None:
        what, mend = report.why_not(form)
        raise OptionError(what, mend=mend)
    return made()


def _laid_out(report: Report, settings: Settings) -> Page:
    """The page for a kind that shows pictures, as a document or as slides."""
    if settings.slides:
        return _form(report, "slides", report.slides)
    return report.pictured() if report.pictured is not None else report.page


def _html(report: Report, settings: Settings) -> bytes:
    page = _laid_out(report, settings)
    text: str = _renderer("html", "render_html")(page)
    return text.encode("utf-8")


def _pdf(report: Report, settings: Settings) -> bytes:
    page = _laid_out(report, settings)
    content: bytes = _renderer("typst", "render_pdf")(page, settings.paper or "a4")
    return content


def _typst(report: Report, settings: Settings) -> bytes:
    page = _laid_out(report, settings)
    text: str = _renderer("typst", "render_typst")(page, settings.paper or "a4")
    return text.encode("utf-8")


def _tex(report: Report, settings: Settings) -> bytes:
    page = _laid_out(report, settings)
    text: str = _renderer("tex", "render_tex")(page)
    return text.encode("utf-8")


def _markdown(report: Report, settings: Settings) -> bytes:
    text: str = _renderer("markdown", "render_markdown")(report.page)
    return text.encode("utf-8")


def _notebook(report: Report, settings: Settings) -> bytes:
    page = report.program() if report.program is not None else report.page
    text: str = _renderer("notebook", "render_notebook")(page)
    return text.encode("utf-8")


def _drawing(report: Report) -> Drawing:
    figures = [block for block in report.page.blocks if isinstance(block, Figure)]
    if report.picture is None and figures:
        return figures[0].drawing
    return _form(report, "picture", report.picture)


def _svg(report: Report, settings: Settings) -> bytes:
    drawing = _drawing(report)
    text: str = _renderer("svg", "render_svg")(drawing, Style.of(report.page))
    return text.encode("utf-8")


def _png(report: Report, settings: Settings) -> bytes:
    drawing = _drawing(report)
    content: bytes = _renderer("png", "render_png")(drawing, Style.of(report.page))
    return content


def _json(report: Report, settings: Settings) -> bytes:
    import json

    value = _form(report, "json", report.json)
    return f"{json.dumps(value, allow_nan=False)}\n".encode("ascii")


def _text(report: Report, settings: Settings) -> bytes:
    text: str = _renderer("terminal", "render_terminal")(
        report.page, width=settings.width, colour=False, unicode=settings.unicode
    )
    return text.encode("utf-8")


KINDS: dict[str, Kind] = {
    ".html": Kind("a web page", _html, slides=True),
    ".pdf": Kind("a printed page", _pdf, slides=True),
    ".tex": Kind("a LaTeX document", _tex, slides=True),
    ".typ": Kind("a Typst document", _typst, slides=True),
    ".md": Kind("a Markdown page", _markdown),
    ".ipynb": Kind("a notebook", _notebook),
    ".svg": Kind("a picture", _svg),
    ".png": Kind("a picture", _png),
    ".json": Kind("a JSON object", _json),
    ".txt": Kind("a text file", _text),
}
"""The kinds of file, by their endings."""
