"""A page as Typst source, and the source as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import assert_never

from handgrad.errors import OptionError
from handgrad.expression import Expression
from handgrad.formats.mathematics.relation import are_given, in_cell
from handgrad.formats.side_by_side import rows_of
from handgrad.formats.style import Style
from handgrad.formats.typst.drawing import figure, waiting_figure
from handgrad.formats.typst.pen import ROWS, TypstPen
from handgrad.formats.typst.placing import Paper, pictures_first
from handgrad.formats.typst.relation import derivation, derived
from handgrad.formats.typst.source import array, string, words
from handgrad.formats.typst.text import content, formula
from handgrad.page.blocks import (
    Block,
    Code,
    Columns,
    Derivation,
    Document,
    Figure,
    Heading,
    Legend,
    Note,
    Paragraph,
    Room,
    Table,
    Text,
)
from handgrad.page.sizes import GAP, Sizes
from handgrad.text import plain_text

PAPERS: dict[Paper, str] = {"a4": "a4", "letter": "us-letter"}

LOOK = ("mathematics", "blocks", "drawings", "documents", "slides")
"""The files that say what a page looks like."""

NEW_LINE = '"\\n"'

WHOLE = 20.0
"""Ems, about, up to which a step stands on one page."""

LONGEST_WHOLE = 50.0
"""Ems, about, of the longest step that is kept on one page where the page before is nearly full."""

WHOLE_TABLE = 34.0
"""The same of a table that belongs to no step."""

SIZES = Sizes(ROWS)

LAST_PAGE = 53.0
"""Ems, about, that the last page of a worksheet holds."""

SURELY_WHOLE = 36.0
"""Ems, about, of what surely stands on a page, which holds 70: it is not measured."""

SHORT = 180
"""A paragraph of fewer letters, which take two lines, stays with the formula or the table after it."""

LONGEST_CODE = 60
"""Characters of a program without a blank that surely fit a line."""

LONG_CELL = 24
"""A cell with more characters is running text, which may take several lines."""


def render_typst(page: Document, paper: Paper = "a4") -> str:
    """The page as the source of a Typst document that needs nothing beside itself.

    Arguments:
        page: what is written.
        paper: what a document is set on; slides are 16:9.

    Raises `OptionError` for a paper it does not know.
    """
    if paper not in PAPERS:
        raise OptionError(f"there is no paper {paper!r}", mend=f"use {' or '.join(PAPERS)}")
    pen = TypstPen(Style.of(page))
    title = words(page.title)
    if page.layout == "slides":
        body = [f"#show: slides.with(title: {title})", *_slides(page.blocks, pen)]
    else:
        # What stands side by side needs the longer side of the paper.
        across = str(any(isinstance(block, Columns) for block in page.blocks)).lower()
        sheet = f"paper: {string(PAPERS[paper])}, across: {across}"
        opening = f"#show: pages.with(title: {title}, {sheet})"
        body = [opening, *_blocks(pictures_first(page.blocks, paper), pen, floating=True)]
    return "\n".join([_look(), *body, ""])


@cache
def _look() -> str:
    folder = Path(__file__).with_name("look")
    return "\n".join(folder.joinpath(f"{name}.typ").read_text("utf-8") for name in LOOK)


def _blocks(blocks: Sequence[Block], pen: TypstPen, *, floating: bool = False) -> list[str]:
    """Blocks one under the other, a step's body set in under its title.

    Pictures that are `floating` stand before the first step of their pass that there is room above, or at its end.
    """
    if any(isinstance(block, Room) and block.lines for block in blocks):
        return _worksheets(blocks, pen)
    written: list[str] = []
    step: list[Block] = []
    before: Block | None = None
    # Pictures that wait for room, with the number of the places at which they might have stood.
    count = 0
    waiting: dict[int, int] = {}
    # Typst gives up after five attempts to settle where all stands: where pictures look for their places, steps do not.
    settled = floating
    for block, after in zip_longest(blocks, blocks[1:]):
        if isinstance(block, Heading):
            written += _step(step, pen, settled)
            step = []
            part = block.level < 3
            settled = floating and (part or settled)
            written += [_picture_at(name, k, end=part) for name, k in waiting.items()]
            waiting = {} if part else {name: k + 1 for name, k in waiting.items()}
        elif floating and isinstance(block, Figure) and _before_step(after):
            count += 1
            waiting[count] = 0
            settled = False
            written.append(f"#let picture-{count} = {waiting_figure(block, pen)}")
            continue
        if step or (isinstance(block, Heading) and block.level > 2):
            step.append(block)
        elif isinstance(block, Paragraph) and isinstance(before, Heading) and not _is_part(after):
            written.append(_lead_in(block, pen))
        elif floating and _is_whole(block):
            written.append(f"#block(width: 100%, breakable: false)[{_block(block, pen)}]")
        else:
            written.append(_block(block, pen))
        before = block
    written += _step(step, pen, settled)
    return written + [_picture_at(name, k, end=True) for name, k in waiting.items()]


def _picture_at(name: int, place: int, *, end: bool) -> str:
    return f"#picture-at({name}, {place}, picture-{name}, end: {str(end).lower()})"


def _is_whole(block: Block) -> bool:
    """Whether what belongs to no step stands on one page."""
    match block:
        case Derivation():
            return _height(block) <= WHOLE
        case Table():
            return _height(block) <= WHOLE_TABLE
        case _:
            return False


def _before_step(block: Block | None) -> bool:
    """Whether a step begins, or a picture of it."""
    return isinstance(block, Figure) or (isinstance(block, Heading) and block.level > 2)


def _is_part(block: Block | None) -> bool:
    """Whether a part begins: what is above its heading may stay on the page before."""
    return isinstance(block, Heading) and block.level < 3


def _lead_in(block: Paragraph, pen: TypstPen) -> str:
    return f"#lead-in{content(block.text, pen)}"


def _worksheets(blocks: Sequence[Block], pen: TypstPen) -> list[str]:
    """Steps with room below each: it fills the pages, and the last page has more than one step on it."""
    sheets: list[list[list[Block]]] = []
    for block in blocks:
        if not sheets or (isinstance(block, Heading) and block.level == 1):
            sheets.append([])
        if not sheets[-1] or isinstance(block, Heading):
            sheets[-1].append([])
        sheets[-1][-1].append(block)
    written: list[str] = []
    for sheet in sheets:
        last = _begin_of_end(sheet)
        written += [_worksheet_part(part, pen, "working") for part in sheet[:last]]
        end = [_worksheet_part(part, pen, "work") for part in sheet[last:]]
        low = sum(map(_part_height, sheet[last:])) <= SURELY_WHOLE
        written += [f"#together(low: {str(low).lower()})[", *end, "]", "#v(4fr)"]
    return written


def _begin_of_end(sheet: Sequence[Sequence[Block]]) -> int:
    """From where on a worksheet stands on its last page: two steps at least, where they fit on one."""
    sizes = [_part_height(part) for part in sheet]
    steps = [k for k, part in enumerate(sheet) if any(isinstance(b, Room) for b in part[1:])]
    begin = len(sheet)
    for k in reversed(steps[-2:]):
        # Its phase's heading stays with a step.
        first = k - 1 if k > 1 and len(sheet[k - 1]) == 1 else k
        if sum(sizes[first:]) > LAST_PAGE:
            break
        begin = first
    return begin


def _part_height(part: Sequence[Block]) -> float:
    return sum(SIZES.height(block) + GAP for block in part)


def _worksheet_part(part: Sequence[Block], pen: TypstPen, function: str) -> str:
    """A heading with what is under it, and the empty lines."""
    plain = [replace(b, lines=0) if isinstance(b, Room) else b for b in part]
    lines = sum(b.lines for b in part if isinstance(b, Room))
    drawn = "\n".join(_blocks(plain, pen))
    low = str(_part_height(part) <= SURELY_WHOLE).lower()
    return f"#{function}({lines}, low: {low})[{drawn}]" if lines else drawn


def _step(blocks: Sequence[Block], pen: TypstPen, settled: bool) -> list[str]:
    """A step under its title, kept on one page where that leaves no large gap; else its parts are.

    Where all before it is `settled`, one that is not much longer is kept so too near a page's end.
    """
    if not blocks:
        return []
    height = sum(_height(block) + GAP for block in blocks)
    if height <= WHOLE:
        parts = [_part_of_step(block, pen) for block in blocks]
        return [f"#step({', '.join(f'[{part}]' for part in parts)})"]
    parts = [part for pair in zip_longest(blocks, blocks[1:]) for part in _parts(*pair, pen)]
    if not settled or height > LONGEST_WHOLE:
        return [f"#{part}" for part in parts]
    return [f"#kept({', '.join(parts)})"]


def _parts(block: Block, after: Block | None, pen: TypstPen) -> list[str]:
    """What of a longer step stays on one page."""
    if isinstance(block, Derivation):
        values = str(are_given(block.relations)).lower()
        return [
            f"hung(opens: {str(stays).lower()}, long: {values})[{part}]"
            for part, stays in derived(block, pen)
        ]
    if isinstance(block, Columns):
        return [f"hung[{_side_by_side(row, pen, block.shares)}]" for row in rows_of(block)]
    leads = isinstance(block, Paragraph) and _leads(block, after)
    opens = isinstance(block, Heading) or leads
    long = isinstance(block, Table) and _height(block) > WHOLE
    how = f"opens: {str(opens).lower()}, long: {str(long).lower()}"
    hung = "title-of" if isinstance(block, Heading) else "hung"
    return [f"{hung}({how})[{_part_of_step(block, pen)}]"]


def _leads(block: Paragraph, after: Block | None) -> bool:
    """Whether a paragraph stays on the page of what it leads to: a short one, before a formula or a table."""
    return len(plain_text(block.text)) < SHORT and not isinstance(after, Paragraph | None)


def _part_of_step(block: Block, pen: TypstPen) -> str:
    return _lead_in(block, pen) if isinstance(block, Paragraph) else _block(block, pen)


def _height(block: Block) -> float:
    # In columns a line breaks so many times sooner.
    return SIZES.height(block) * (len(block.columns) if isinstance(block, Columns) else 1)


def _slides(blocks: Sequence[Block], pen: TypstPen) -> list[str]:
    """A slide from each heading of level 1 or 2 to the next."""
    slides: list[list[Block]] = []
    for block in blocks:
        if not slides or (isinstance(block, Heading) and block.level < 3):
            slides.append([])
        slides[-1].append(block)
    written: list[str] = []
    for number, slide in enumerate(slides, 1):
        first = slide[0]
        heading = _heading(first, pen, "slide-title") if isinstance(first, Heading) else "#none"
        rest = slide[1:] if isinstance(first, Heading) else slide
        cover = "true" if isinstance(first, Heading) and first.level == 1 else "false"
        body = "\n".join(_blocks(rest, pen))
        written.append(f"#slide({number}, cover: {cover}, [{heading}], [{body}])")
    return written


def _heading(heading: Heading, pen: TypstPen, function: str = "heading-of") -> str:
    aside = content(heading.aside, pen) if heading.aside else "none"
    text = content(heading.text, pen)
    return f"#{function}({min(heading.level, 3)}, {string(heading.id)}, {text}, {aside})"


def _block(block: Block, pen: TypstPen) -> str:
    match block:
        case Heading():
            return _heading(block, pen)
        case Paragraph():
            return f"#par{content(block.text, pen)}"
        case Derivation():
            return derivation(block, pen)
        case Legend():
            shown = [
                f"(sign-{sign}({words(example)}), {words(meaning)})"
                for sign, example, meaning in block.told
            ]
            return f"#legend({array(shown)})"
        case Table():
            return _table(block, pen)
        case Note():
            more = [f"[{derivation(d, pen)}]" for d in block.derivations]
            return f"#note({', '.join([string(block.kind), content(block.text, pen), *more])})"
        case Figure():
            return figure(block, pen)
        case Code():
            return f"#code({_code(block.source)}, {string(block.language)})"
        case Room():
            fields = array([array([words(a), words(b)]) for a, b in block.fields])
            return f"#room({fields}, {max(block.lines, 0)})"
        case Columns():
            return "\n".join(_side_by_side(row, pen, block.shares) for row in rows_of(block))
        case _:
            assert_never(block)


def _side_by_side(
    row: Sequence[Sequence[Block]], pen: TypstPen, shares: Sequence[float] = ()
) -> str:
    columns = ["\n".join(_blocks(each, pen)) for each in row]
    # Words stay with what they lead to.
    leads = str(all(isinstance(b, Paragraph) for each in row for b in each)).lower()
    widths = array(f"{share:.3f}fr" for share in shares or [1.0] * len(columns))
    inside = ", ".join(f"[{each}]" for each in columns)
    return f"#side-by-side(sticky: {leads}, widths: {widths}, {inside})"


def _code(source: str) -> str:
    lines = source.expandtabs(4).rstrip("\n").split("\n")
    # Long lines end at blanks; a word longer than a line must be broken to fit.
    too_long = any(len(word) > LONGEST_CODE for line in lines for word in line.split())
    written = [words(line) if too_long else string(line) for line in lines]
    return f"{array(written)}.join({NEW_LINE})"


# -- tables ---------------------------------------------------------------------------------


def _table(table: Table, pen: TypstPen) -> str:
    caption = content(table.caption, pen) if table.caption else "none"
    header = array([content(h, pen) for h in table.header])
    rows = array(
        array(_cell(table, k, cell, pen) for k, cell in enumerate(row)) for row in table.rows
    )
    sides = {"l": "left", "c": "center", "r": "right"}
    aligns = array([sides.get(a, "left") for a in table.align.ljust(len(table.header), "l")])
    columns = [[head, *(row[k] for row in table.rows)] for k, head in enumerate(table.header)]
    loose = array([_unbroken(c) if any(map(_is_long, c[1:])) else "none" for c in columns])
    return f"#table-of({caption}, {header}, {rows}, {aligns}, {loose})"


def _unbroken(column: Sequence[Text]) -> str:
    """The rows of a column whose cell is a formula: it takes no second line."""
    return array([str(row) for row, cell in enumerate(column) if _is_formula(cell)])


def _is_long(cell: Text) -> bool:
    return sum(len(string(part)) if isinstance(part, str) else 4 for part in cell) > LONG_CELL


def _is_formula(cell: Text) -> bool:
    return len(cell) == 1 and isinstance(cell[0], Expression)


def _cell(table: Table, k: int, cell: Text, pen: TypstPen) -> str:
    kind = table.result(k, cell)
    if len(cell) == 1 and isinstance(only := cell[0], Expression):
        drawn = f"shown({formula(pen.draw(in_cell(only, pen.formula(), table.marks(k, cell))))})"
        return f"coloured({string(kind)}, {drawn})" if kind else drawn
    return content(cell, pen)
