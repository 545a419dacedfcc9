"""The file around a page: its head, its controls, its fonts, styles and scripts, all within it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib import resources

from handgrad.formats.markup import plain
from handgrad.record import record
from handgrad.text import Text, plain_text

FONTS = (
    ("Handgrad Math", "math", "normal", 400),
    ("Handgrad Text", "regular", "normal", 400),
    ("Handgrad Text", "italic", "italic", 400),
    ("Handgrad Text", "bold", "normal", 700),
)

ARROW_LEFT, ARROW_RIGHT = (
    f'<svg viewBox="0 0 16 16" aria-hidden="true"><path d="{path}"/></svg>'
    for path in ("M10 3 5 8l5 5", "M6 3l5 5-5 5")
)
THEME = (
    '<svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="5.5"/>'
    '<path class="half" d="M8 2.5a5.5 5.5 0 0 1 0 11z"/></svg>'
)

MANY = 400
"""Entries of a list of contents above which it has no formulas: they would be a third of all that a browser opens."""


@record
class Contents:
    """A section that a reader may go to.

    Arguments:
        place: its id.
        level: of its heading.
        number: a step's.
        text: its heading, as markup.
        heading: its heading.
    """

    place: str
    level: int
    number: str
    text: str
    heading: Text


def document(title: str, main: str, contents: Sequence[Contents]) -> str:
    """The file of a worked solution or any other page that is read from top to bottom."""
    steps = [c for c in contents if c.level > 2]
    answers = '<section class="step answer"' in main
    predicts = 'class="link result"' in main and not answers
    pins = "<figure" in main and bool(steps)
    body = (
        '<a class="skip" href="#main">Skip to the page</a>'
        f"{_bar(stepped=len(steps) > 1, predicts=predicts, pins=pins)}"
        f'<div class="frame">{_contents(contents) if steps else ""}'
        f'<main id="main" tabindex="-1">{main}</main></div>'
        '<p class="spoken" id="spoken" aria-live="polite"></p>'
    )
    scripts = ["page.js"]
    if pins:
        scripts.append("pinned.js")
    if '<template class="later">' in main:
        scripts.append("later.js")
    return _file(title, "document", body, ("page.css",), scripts)


def deck(title: str, slides: Sequence[str]) -> str:
    """The file of a deck: a slide after the other, 16 to 9."""
    count = len(slides)
    body = "".join(
        f'<section class="slide" id="slide-{k}" aria-roledescription="slide" '
        f'aria-label="{k} of {count}"><div class="content">{slide}</div>'
        f'<span class="place" aria-hidden="true">{k} / {count}</span></section>'
        for k, slide in enumerate(slides, 1)
    )
    controls = (
        '<div class="controls" hidden>'
        f'<button type="button" data-do="back" aria-label="Previous slide">{ARROW_LEFT}</button>'
        f'<button type="button" data-do="on" aria-label="Next slide">{ARROW_RIGHT}</button>'
        '<button type="button" data-do="overview" aria-pressed="false">Overview</button>'
        f'<button type="button" data-do="theme" aria-label="Light or dark">{THEME}</button></div>'
    )
    main = (
        f'<main id="main" tabindex="-1">{body}</main>{controls}'
        '<p class="spoken" id="spoken" aria-live="polite"></p>'
    )
    return _file(title, "deck", main, ("page.css", "slides.css"), ("slides.js",))


def _bar(stepped: bool, predicts: bool, pins: bool) -> str:
    """What the reader may do; JavaScript shows it. Results are hidden on request where there are any."""
    stepping = (
        '<div class="stepping" role="group" aria-label="Steps">'
        f'<button type="button" data-do="back" aria-label="Step back">{ARROW_LEFT}</button>'
        '<span class="progress"><span id="place">Start</span><progress id="progress" value="0" '
        'max="1" aria-label="Steps gone through"></progress></span>'
        f'<button type="button" data-do="on" aria-label="Step forward">{ARROW_RIGHT}</button></div>'
    )
    predicting = (
        '<button type="button" data-do="predict" aria-pressed="false" '
        'title="Hide every result until you have guessed it">Predict</button>'
        if predicts
        else ""
    )
    pin = (
        '<button type="button" data-do="pin" aria-pressed="false" '
        'title="Keep the picture in view">Picture</button>'
        if pins
        else ""
    )
    return (
        f'<header class="bar" hidden>{stepping + predicting if stepped else ""}{pin}'
        f'<button type="button" class="theme" data-do="theme" aria-label="Light or dark">{THEME}'
        "</button></header>"
    )


def _contents(contents: Sequence[Contents]) -> str:
    if len(contents) > MANY:
        contents = [replace(c, text=plain(plain_text(c.heading))) for c in contents]
    sheets: list[list[Contents]] = [[]]
    for entry in contents:
        if entry.level == 1:
            sheets.append([])
        sheets[-1].append(entry)
    items = "".join(map(_entry, sheets[0]))
    for number, (title, *rest) in enumerate(sheets[1:]):
        within = "".join(map(_entry, rest))
        items += (
            f'<li class="level-1"><details{" open" if number == 0 else ""}><summary>'
            f'<a href="#{title.place}">{title.text}</a></summary><ol>{within}</ol></details></li>'
        )
    return f'<nav class="contents" aria-label="Contents"><ol>{items}</ol></nav>'


def _entry(entry: Contents) -> str:
    number = f'<span class="number">{plain(entry.number)}</span> ' if entry.number else ""
    return f'<li class="level-{min(entry.level, 3)}"><a href="#{entry.place}">{number}{entry.text}</a></li>'


def stylesheet(*sheets: tuple[str, str]) -> str:
    """The styles and the fonts of pages as one sheet, for a page that is served; after them other sheets.

    Arguments:
        sheets: the package and the name of each further sheet.
    """
    own = _asset("svg.css", "handgrad.formats"), _asset("page.css")
    return "".join((_fonts(), *own, *(_asset(name, package) for package, name in sheets)))


def _file(title: str, kind: str, body: str, styles: Sequence[str], scripts: Sequence[str]) -> str:
    pictures = (_asset("svg.css", "handgrad.formats"),) if "<figure" in body else ()
    style = "".join((_fonts(), *pictures, *map(_asset, styles)))
    before, after = _asset("theme.js"), "".join(map(_asset, scripts))
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in (before, after))
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; font-src data:; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="generator" content="handgrad">'
        f"<title>{plain(title)}</title><script>{before}</script><style>{style}</style></head>"
        f'<body class="{kind}">{body}<script>{after}</script></body></html>\n'
    )


_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLANK = re.compile(r"(?<=[{;:,]) +|;? +(?=})| +(?={)|(?<=[\s:,(-])0(?=\.\d)")


@cache
def _asset(name: str, package: str = "handgrad.formats.html") -> str:
    """A style or a script, without its comments, indents, and blanks, semicolons and zeros that say nothing."""
    text = resources.files(package).joinpath(name).read_text("utf-8")
    text = _BLANK.sub("", _COMMENT.sub("", text)) if name.endswith(".css") else text
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


@cache
def _fonts() -> str:
    folder = resources.files("handgrad.formats.html").joinpath("fonts")
    return "".join(
        f'@font-face{{font-family:"{family}";font-style:{style};font-weight:{weight};'
        "src:url(data:font/woff2;base64,"
        f'{base64.b64encode(folder.joinpath(f"{file}.woff2").read_bytes()).decode()}) format("woff2")}}\n'
        for family, file, style, weight in FONTS
    )


@cache
def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
