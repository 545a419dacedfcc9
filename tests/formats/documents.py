"""What the tests of printed pages share: the numbers of a page, and hostile pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import handgrad
from handgrad.expression import Literal, Name
from handgrad.figures import figure
from handgrad.formats.terminal import render_terminal
from handgrad.page.blocks import (
    Block,
    Code,
    Columns,
    Derivation,
    Figure,
    Heading,
    Note,
    Paragraph,
    Relation,
    Table,
)
from handgrad.picture import Arrow, Circle, Drawing, Label, Outline, Rectangle
from handgrad.saving import Page

PROBLEMS = sorted(name for name, _, _ in handgrad.bundled())

HOSTILE = (
    '#read("/etc/passwd")',
    '$x$ ] } { [ " \' \\ #import "@preview/x:0.1.0" `raw` <label> @ref // /* = - + _a_ *b*',
    r"\input{/etc/passwd} % # & ~ ^ _ ^^5cinput \end{document} \write18{id}",
    "\x1b[31mred\x07 \u202eright to left \u200f\ufeff",
    "a" * 400,
    "日本語 עברית 🙂 é ü ß ½ x² Kᵀ",
    "",
)


def decimals(text: str) -> set[str]:
    """The figures with a decimal point in a text."""
    return set(re.findall(r"-?\d+\.\d+", text.replace("−", "-")))


def unsigned(text: str) -> set[str]:
    """The same without their signs."""
    return {figure.removeprefix("-") for figure in decimals(text)}


def terminal(page: Page) -> str:
    """The page in a terminal as wide as it may need."""
    return render_terminal(page, width=700, colour=False, unicode=True)


def given_figures(part: Any, places: int = 4) -> set[str]:
    """Every figure of the page's literals without its sign: a terminal leaves more of them out."""
    if isinstance(part, Literal):
        found: set[str] = set()
        rest = [part.value]
        while rest:
            value = rest.pop()
            if isinstance(value, tuple):
                rest.extend(value)
            else:
                found |= unsigned(figure(value, places))
        return found
    if isinstance(part, Mapping):
        return given_figures(tuple(part.values()), places)
    if isinstance(part, tuple):
        return set().union(*(given_figures(each, places) for each in part))
    if is_dataclass(part):
        return given_figures(tuple(getattr(part, f.name) for f in fields(part)), places)
    return set()


def step_ids(page: Page) -> list[str]:
    """The numbers of the page's steps, in order."""
    return [b.id for b in page.blocks if isinstance(b, Heading) and b.id]


def drawing(words: str = "a unit") -> Drawing:
    """One of every shape."""
    shapes = (
        Rectangle(0, 0, 180, 120, "faint", 6, 0.3),
        Circle(40, 60, 24),
        Circle(140, 60, 24, "off"),
        Arrow(((64, 60), (116, 60)), "gradient", dashed=True),
        Outline(((10, 100), (60, 80), (110, 110)), "series1", curved=True),
        Outline(((120, 100), (160, 100), (140, 90)), "series2", closed=True),
        Label(40, 64, (Name("h1"), " = ", Literal(0.42))),
        Label(140, 64, (words[:12],), "off", size=11, bold=True),
    )
    return Drawing(180, 120, shapes, words, f"{words} in a picture")


def every_block(text: str) -> Page:
    """A page with every kind of block, the text wherever a text may stand."""
    said = (text,)
    relation = Relation(
        Name("z"),
        (Literal((0.25, -1.5)),),
        marks={(1,): "off", (0,): "changed"},
        remarks={1: text},
        label=said,
    )
    blocks: tuple[Block, ...] = (
        Heading(said, 1),
        Paragraph(said),
        Heading(said, 2),
        Heading(said, 3, "1.1", said),
        Paragraph((text, Name("z"), text)),
        Derivation((relation,)),
        Note("gate", said, (Derivation((Relation(None, (Literal(2.0),)),)),)),
        Note("warning", said),
        Table((said, said), ((said, (Literal(0.5),)), ((Name("z"),), said)), "lr", said),
        Figure(drawing(text), said),
        Code(f"{text}\nprint('two lines')"),
        Columns(((Paragraph(said),), (Heading(said, 3), Derivation((relation,))))),
    )
    return Page(text, blocks, display={"z": text or "z"})
