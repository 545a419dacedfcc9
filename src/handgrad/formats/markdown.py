"""A page as Markdown, with its mathematics between dollars, as GitHub and notebooks read it.

GitHub reads a page as Markdown before it looks for mathematics, so formulas are written in
such LaTeX that Markdown finds nothing in it to act on: no backslash before a sign, no
underscore that could begin emphasis, no bracket, bar or angle. It also refuses some commands
(`\\operatorname` among them). Notebooks take the formulas as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import assert_never

from handgrad.errors import printable
from handgrad.expression import Expression, Literal
from handgrad.formats.latex import latex
from handgrad.formats.mathematics.arrays import grid
from handgrad.formats.mathematics.relation import are_given
from handgrad.formats.side_by_side import rows_of
from handgrad.formats.style import Style
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
    NoteKind,
    Paragraph,
    Relation,
    Room,
    Table,
    Text,
)

ALERTS: dict[NoteKind, str] = {
    "info": "[!NOTE]",
    "gate": "[!IMPORTANT]",
    "warning": "[!WARNING]",
    "check": "[!TIP]",
}
"""GitHub's names for notes of several kinds."""

SIGNS: dict[NoteKind, str] = {"info": "ⓘ", "gate": "⚠", "warning": "▲", "check": "✓"}
"""What stands before a note where alerts are not known."""

LINE = 14
"""Figures that a line of given values holds; a name counts as two."""

LANGUAGES = {"python": "python", "toml": "toml", "shell": "sh"}

_ACTIVE = re.compile(r"[\\`*_\[\]|~]|<(?=[A-Za-z/!?])|&(?=[#A-Za-z])")
"""Signs of running text that Markdown acts on, wherever they stand."""

_OPENING = re.compile(r"(?=[-+=>#])|(?<=\d)(?=[.)])")
"""Where a line of text would begin a list, a rule, a quotation or a heading."""

_WIDE = {ord(c): ord(c) - 0x21 + 0xFF01 for c in "$`*[]<>|~&#%\\"}
"""Signs without a safe spelling inside formulas, as their full-width likenesses."""


def render_markdown(page: Document, *, alerts: bool = True) -> str:
    """The page as Markdown: formulas between dollars, notes as quotations, tables as tables.

    Pictures stand as their captions, with what they show in words.

    Arguments:
        page: what is written.
        alerts: whether notes are GitHub's alerts, or quotations that begin with a sign.
    """
    return markdown(page.blocks, Style.of(page), alerts=alerts)


def markdown(blocks: Sequence[Block], style: Style, *, alerts: bool = True) -> str:
    """Blocks as Markdown."""
    paragraphs = [p for block in blocks for p in _block(block, style, alerts)]
    return "\n\n".join(paragraphs) + "\n" if paragraphs else ""


def _block(block: Block, style: Style, alerts: bool) -> Iterator[str]:
    match block:
        case Heading():
            yield _heading(block, style)
            if any(block.aside):
                yield f"*{_text(block.aside, style)}*"
        case Paragraph():
            yield _paragraph(block.text, style)
        case Derivation():
            yield from _derivation(block, style)
        case Legend():
            return  # there are neither colours nor marks
        case Table():
            if any(block.caption):
                yield f"**{_text(block.caption, style)}**"
            yield _table(block, style)
        case Note():
            yield _note(block, style, alerts)
        case Figure():
            caption = (*block.caption, " " if block.caption else "", block.drawing.description)
            yield f"*{_text(caption, style)}*"
        case Code():
            yield _code(block)
        case Room():
            if block.fields:
                yield _fields(block)
        case Columns():
            if in_a_table(block):
                yield _columns_table(block, style)
                return
            for column in block.columns:
                for inner in column:
                    yield from _block(inner, style, alerts)
        case _:
            assert_never(block)


def in_a_table(columns: Columns) -> bool:
    """Whether what stands side by side is such as the cells of a table hold."""
    return all(
        isinstance(block, Paragraph | Derivation | Note)
        for column in columns.columns
        for block in column
    )


def _columns_table(block: Columns, style: Style) -> str:
    """Columns as a table; its header is what each begins with, where that is words."""
    columns = block.columns
    if all(len(column) > 1 and isinstance(column[0], Paragraph) for column in columns):
        header: Sequence[Sequence[Block]] = [column[:1] for column in columns]
        rows = rows_of(Columns(tuple(column[1:] for column in columns)))
    else:
        header, rows = [() for _ in columns], rows_of(block)
    lines = [" | ".join(_blocks_in_cell(cell, style) for cell in row) for row in (header, *rows)]
    rule = " | ".join(":--" for _ in columns)
    return "\n".join(f"| {line} |" for line in (lines[0], rule, *lines[1:]))


def _blocks_in_cell(blocks: Sequence[Block], style: Style) -> str:
    return " <br> ".join(part for block in blocks for part in _cell(block, style))


def _cell(block: Block, style: Style) -> Iterator[str]:
    """Paragraphs of a cell, each on one line: mathematics between single dollars."""
    match block:
        case Paragraph():
            yield _text(block.text, style)
        case Derivation():
            for relation in block.relations:
                if any(relation.label):
                    yield _text((*relation.label, ":"), style)
                rows = r" \cr ".join(_rows(relation, style))
                yield rf"$\begin{{aligned}} {rows} \end{{aligned}}$"
        case Note():
            yield f"{SIGNS[block.kind]} {_text(block.text, style)}"
            for derivation in block.derivations:
                yield from _cell(derivation, style)
        case _:
            raise TypeError(f"a {type(block).__name__} is not set in a cell")


def _heading(heading: Heading, style: Style) -> str:
    text: Text = (f"{heading.id} ", *heading.text) if heading.id else heading.text
    return f"{'#' * heading.level} {_text(text, style)}".rstrip()


def _paragraph(text: Text, style: Style) -> str:
    written = _text(text, style)
    beginning = re.match(r"\d*", written)
    assert beginning is not None
    place = _OPENING.match(written, beginning.end())
    return f"{written[: place.start()]}\\{written[place.start() :]}" if place else written


def _note(note: Note, style: Style, alerts: bool) -> str:
    text = _paragraph(note.text, style)
    lines = [ALERTS[note.kind], text] if alerts else [f"{SIGNS[note.kind]} {text}"]
    for derivation in note.derivations:
        for paragraph in _derivation(derivation, style):
            lines += ["", *paragraph.split("\n")]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _fields(room: Room) -> str:
    """What is to be written by hand: lines are escaped, for they would be rules or stress."""
    line = r"\_" * 20
    return " ".join(
        f"{escaped(words)} {escaped(there) if there else line}" for words, there in room.fields
    )


def _code(code: Code) -> str:
    source = code.source.rstrip("\n")
    longest = max((len(run) for run in re.findall("`+", source)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{LANGUAGES[code.language]}\n{source}\n{fence}"


def _table(table: Table, style: Style) -> str:
    rules = {"l": ":--", "c": ":-:", "r": "--:"}
    rows = [[_text(cell, style) for cell in row] for row in (table.header, *table.rows)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"| {' | '.join(rules[a] for a in table.align)} |", *lines[1:]])


# -- running text ---------------------------------------------------------------------------


def _text(text: Text, style: Style) -> str:
    """Running text on one line, its formulas between dollars."""
    formulas = any(not isinstance(part, str) for part in text)
    dollars = sum(part.count("$") for part in text if isinstance(part, str))
    written = ""
    for part in text:
        if isinstance(part, str):
            plain = escaped(part, alone=not formulas and dollars < 2)
            # A dollar that closes mathematics has no letter or figure after it.
            touches = written.endswith("$") and plain[:1].isalnum()
            written += f" {plain}" if touches else plain
        else:
            apart = written and not written[-1].isspace() and written[-1] not in "([“‘"
            written += f"{' ' if apart else ''}${formula(part, style)}$"
    return " ".join(written.split())


def escaped(text: str, *, alone: bool = True) -> str:
    """Running text that Markdown shows as it is.

    A dollar among others, or among formulas, would be taken for one that opens mathematics,
    even after a backslash: unless it is `alone`, its full-width likeness stands for it.
    """
    shown = _ACTIVE.sub(r"\\\g<0>", printable(text))
    return shown.replace("$", r"\$" if alone else "＄")


# -- mathematics ----------------------------------------------------------------------------


def _derivation(derivation: Derivation, style: Style) -> Iterator[str]:
    """Relations as displayed equations, their signs aligned.

    Short ones stand together; a tall one, and one with a label, has a display of its own.
    """
    relations = derivation.relations
    if are_given(relations):
        yield from _side_by_side(relations, style)
        return
    together: list[str] = []
    for relation in relations:
        rows = _rows(relation, style)
        alone = any(relation.label) or any(r"\begin" in row for row in rows)
        if alone and together:
            yield _aligned(together)
            together = []
        if any(relation.label):
            yield _paragraph((*relation.label, ":"), style)
        if alone:
            yield _aligned(rows)
        else:
            together += rows
    if together:
        yield _aligned(together)


def _side_by_side(relations: Sequence[Relation], style: Style) -> Iterator[str]:
    """Values that are given, as many beside each other as a line holds."""
    line: list[str] = []
    taken = 0
    for relation in relations:
        (value,) = relation.chain
        assert isinstance(value, Literal)
        width = 2 + _columns(value)
        if line and taken + width > LINE:
            yield _display([r" \qquad ".join(line)])
            line, taken = [], 0
        (row,) = _rows(relation, style)
        line.append(row.replace("&", "", 1))
        taken += width
    yield _display([r" \qquad ".join(line)])


def _columns(literal: Literal) -> int:
    """How many figures stand beside each other in an array."""
    if not isinstance(literal.value, tuple):
        return 1
    rows = grid(literal)
    return LINE if rows is None else len(rows[0]) if rows else 1


def _aligned(rows: Sequence[str]) -> str:
    lines = [*(f"{row} \\cr" for row in rows[:-1]), rows[-1]]
    return _display([r"\begin{aligned}", *lines, r"\end{aligned}"])


def _display(lines: Sequence[str]) -> str:
    return "\n".join(["$$", *lines, "$$"])


def _rows(relation: Relation, style: Style) -> list[str]:
    """A relation as rows of an alignment, one for each sign."""
    left = formula(relation.left, style) if relation.left is not None else ""
    sign = r"\leftarrow" if relation.sign == "←" else "="
    parts = [formula(e, style) for e in relation.chain]
    if relation.left is None:
        rows = [f"& {part}" if k == 0 else f"&= {part}" for k, part in enumerate(parts)]
    else:
        rows = [
            f"{left if k == 0 else ''} &{sign if k == 0 else '='} {p}" for k, p in enumerate(parts)
        ]
    rows = [row.strip() for row in rows] or [left]
    if relation.remarks:
        rows[-1] += rf" \qquad \text{{{_remarks(relation)}}}"
    return rows


def _remarks(relation: Relation) -> str:
    """What is pointed out about the rows of a result, in words: rows are counted from 1."""
    if not relation.shape:
        return ", ".join(_plain(words) for words in relation.remarks.values())
    return "; ".join(_plain(told) for told in relation.told_remarks)


def _plain(words: str) -> str:
    """Words for `\\text`, without a sign that TeX or Markdown would act on."""
    return words.translate(_WIDE | {ord("{"): "(", ord("}"): ")", ord("_"): " ", ord("^"): " "})


def formula(expression: Expression, style: Style) -> str:
    """The formula as LaTeX in which Markdown finds nothing to act on."""
    return unmarked(latex(expression, style=style))


def unmarked(tex: str) -> str:
    """LaTeX with other spellings for all that Markdown acts on, or that GitHub refuses."""
    written = ""
    for token in _TOKEN.findall(tex):
        spelling = _text_spelling(token) if token.startswith(r"\text{") else _spelling(token)
        # A command's name ends where no letter follows it.
        if spelling[:1].isalpha() and _COMMAND_LAST.search(written):
            spelling = f" {spelling}"
        written += spelling
    # Emphasis begins with an underscore that a sign stands before, unless a space follows.
    return re.sub(r"(?<![A-Za-z0-9])_(?=\S)", "_ ", re.sub(r"\s+", " ", written)).strip()


_TOKEN = re.compile(
    r"\\operatorname\*|\\text\{(?:\{\}|\\.|[^{}\\])*\}|\\[A-Za-z]+|\\.|.", re.DOTALL
)

_COMMAND_LAST = re.compile(r"\\[A-Za-z]+$")
_SIGN = re.compile(r"\\[^A-Za-z]|[$`#%]")

_COMMANDS = {
    r"\\": r"\cr ",
    r"\{": r"\lbrace ",
    r"\}": r"\rbrace ",
    r"\,": r"\thinspace ",
    r"\;": r"\thickspace ",
    r"\!": r"\negthinspace ",
    r"\|": r"\Vert ",
    r"\ ": r"\enspace ",
    r"\operatorname": r"\mathrm",
    r"\operatorname*": r"\mathrm",
    "[": r"\lbrack ",
    "]": r"\rbrack ",
    "<": r"\lt ",
    ">": r"\gt ",
    "|": r"\vert ",
    "*": r"\ast ",
    "~": " ",
    r"\_": r"\text{＿}",
}


def _spelling(token: str) -> str:
    """A command or a sign of mathematics."""
    if token in _COMMANDS:
        return _COMMANDS[token]
    if _SIGN.fullmatch(token):
        return rf"\text{{{token[-1].translate(_WIDE)}}}"
    return token


def _text_spelling(token: str) -> str:
    r"""The words of `\text{…}`; a backslash before a sign is all they may hold of LaTeX."""
    words = token.removeprefix(r"\text{").removesuffix("}")
    words = words.replace(r"\textbackslash{}", "＼").replace(r"\textasciitilde{}", "～")
    words = re.sub(r"\\(.)(?:\{\})?", r"\1", words)
    wide = _WIDE | {ord("{"): "｛", ord("}"): "｝", ord("^"): "＾", ord("_"): "＿"}
    return rf"\text{{{words.translate(wide)}}}"
