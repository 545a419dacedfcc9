"""A page as a LaTeX document for a plain TeX installation."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import assert_never

from handgrad.expression import Expression
from handgrad.formats.mathematics.relation import in_cell
from handgrad.formats.side_by_side import rows_of
from handgrad.formats.style import Style
from handgrad.formats.tex.measure import TexWriter
from handgrad.formats.tex.relation import derivation
from handgrad.formats.tex.text import ascii_only, content, words
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
    Room,
    Sign,
    Table,
    Text,
)
from handgrad.text import plain_text

LONG_TABLE = 20
"""A table with more rows goes on over pages."""

COLUMN = 0.96
"""The part of a line that columns take; the rest is the room between them."""

ACROSS, MARGIN = 64.0, 1.5
"""The longer side of the paper in em, and what of a column is to spare."""

_SAMPLES: dict[Sign, str] = {
    "value": r"\hgofvalue", "gradient": r"\hgofgradient", "off": r"\hgoff",
    "zeroed": r"\hgzeroed", "changed": r"\hgchanged",
}  # fmt: skip

SIGNS: dict[NoteKind, tuple[str, str]] = {
    "gate": ("hgshut", r"\fbox{\bfseries !}"),
    "warning": ("hgwarning", r"$\triangle$"),
    "check": ("hgcheck", r"$\surd$"),
    "info": ("hgaccent", r"$\bullet$"),
}


def render_tex(page: Document) -> str:
    """The page as a complete LaTeX document in ASCII.

    pdfLaTeX sets it with the packages of a plain TeX installation (amsmath, booktabs, geometry,
    graphicx, hyperref, longtable, xcolor). Slides become a document. Pictures are described in
    words.
    """
    writer = TexWriter(Style.of(page))
    title = rf"\hypersetup{{pdftitle={{{_plain(page.title)}}},pdflang={{en-GB}}}}"
    body = _blocks(page.blocks, writer)
    across = [r"\geometry{landscape}"] if any(isinstance(b, Columns) for b in page.blocks) else []
    parts = [_look(), *across, title, r"\begin{document}", *body, r"\end{document}", ""]
    return ascii_only("\n".join(parts))


@cache
def _look() -> str:
    return Path(__file__).with_name("look.tex").read_text("utf-8").rstrip("\n")


def _plain(text: str) -> str:
    """Text for a bookmark or a document's properties: what of it is ASCII."""
    decomposed = unicodedata.normalize("NFKD", text).replace("−", "-").replace("∂", "d")
    return words("".join(c for c in decomposed if c.isascii()))


def _blocks(blocks: Sequence[Block], writer: TexWriter) -> list[str]:
    """Blocks one under the other, the words and tables of a step set in under its title."""
    written: list[str] = []
    within = False
    for block in blocks:
        if isinstance(block, Heading):
            within = block.level > 2
            written.append(_heading(block, writer))
        elif within and not isinstance(block, Derivation | Note):
            written.append(f"\\begin{{hgbody}}\n{_block(block, writer)}\n\\end{{hgbody}}")
        else:
            written.append(_block(block, writer))
    return written


def _heading(heading: Heading, writer: TexWriter) -> str:
    text = content(heading.text, writer.style)
    aside = content(heading.aside, writer.style)
    name = _plain(f"{heading.id} {plain_text(heading.text)}".strip())
    level = min(heading.level, 3)
    mark = rf"\pdfbookmark[{level}]{{{name}}}{{hg.{_anchor(name)}}}"
    match level:
        case 1:
            return f"{mark}\n\\hgtitle{{{text}}}"
        case 2 if not heading.id:
            return f"\\hgphase{{{mark}{text}}}"
        case _:
            return f"\\hgstep{{{mark}{words(heading.id)}}}{{{text}}}{{{aside}}}"


def _anchor(name: str) -> str:
    return "".join(c for c in name if c.isalnum() or c == ".")


def _block(block: Block, writer: TexWriter) -> str:
    match block:
        case Heading():
            return _heading(block, writer)
        case Paragraph():
            return f"{content(block.text, writer.style)}\\par"
        case Derivation():
            return derivation(block, writer)
        case Legend():
            shown = [
                rf"{_SAMPLES[sign]}{{\text{{{example}}}}} {words(meaning)}"
                for sign, example, meaning in block.told
            ]
            line = r"\quad ".join(shown)
            return rf"{{\small\color{{hgquiet}}{line}\par}}"
        case Table():
            return _table(block, writer)
        case Note():
            colour, sign = SIGNS[block.kind]
            body = [
                content(block.text, writer.style),
                *[derivation(d, writer) for d in block.derivations],
            ]
            inside = "\n".join(body)
            return f"\\begin{{hgnote}}{{{colour}}}{{{sign}}}\n{inside}\n\\end{{hgnote}}"
        case Figure():
            said = f"{block.drawing.title}. {block.drawing.description}"
            caption = content(block.caption, writer.style)
            return f"\\textit{{Picture: {words(said)}}}\\par\n{caption}\\par"
        case Code():
            return _code(block.source)
        case Room():
            return _room(block)
        case Columns():
            return "\n".join(_side_by_side(row, block.shares, writer) for row in rows_of(block))
        case _:
            assert_never(block)


def _side_by_side(
    row: Sequence[Sequence[Block]], shares: Sequence[float], writer: TexWriter
) -> str:
    """Blocks beside each other, each in its part of the longer side of the paper."""
    whole = sum(shares) if shares else float(len(row))
    parts = [COLUMN * share / whole for share in shares or [1.0] * len(row)]
    boxes = [
        f"\\begin{{hgcolumn}}{{{part:.3f}\\linewidth}}\n"
        + "\n".join(_blocks(each, TexWriter(writer.style, part * ACROSS - MARGIN)))
        + "\n\\end{hgcolumn}"
        for each, part in zip(row, parts, strict=True)
    ]
    # Words stay with what they lead to.
    leads = all(isinstance(b, Paragraph) for each in row for b in each)
    return "\\noindent" + "\\hfill\n".join(boxes) + ("\\par\\nopagebreak" if leads else "\\par")


def _room(room: Room) -> str:
    fields = r"\quad ".join(
        rf"{words(' '.join(filter(None, field)))} \hrulefill" for field in room.fields
    )
    below = rf"\vspace{{{1.4 * room.lines:.1f}em}}" if room.lines > 0 else ""
    return "\n".join(filter(None, (rf"\noindent {fields}\par" if fields else "", below)))


def _code(source: str) -> str:
    lines = [
        words(line.expandtabs(4)).replace(" ", "~") for line in source.rstrip("\n").split("\n")
    ]
    body = "\\\\\n".join(rf"\mbox{{{line}}}" for line in lines)
    return f"\\begin{{hgcode}}\n{body}\n\\end{{hgcode}}"


def _table(table: Table, writer: TexWriter) -> str:
    count = len(table.header)
    aligns = "".join(a if a in "lcr" else "l" for a in table.align.ljust(count, "l")[:count])
    header = " & ".join(rf"{{\bfseries {content(h, writer.style)}}}" for h in table.header)
    rows = [" & ".join(_cell(table, k, c, writer) for k, c in enumerate(row)) for row in table.rows]
    caption = rf"{{\bfseries {content(table.caption, writer.style)}}}\par" if table.caption else ""
    ruled = f"\\toprule\n{header} \\\\\n\\midrule\n"
    body = " \\\\[0.3em]\n".join(rows)
    if len(rows) > LONG_TABLE:
        return (
            f"{caption}\n\\begin{{longtable}}[l]{{{aligns}}}\n{ruled}\\endhead\n"
            f"{body} \\\\\n\\bottomrule\n\\end{{longtable}}"
        )
    whole = f"\\begin{{tabular}}{{{aligns}}}\n{ruled}{body} \\\\\n\\bottomrule\n\\end{{tabular}}"
    return f"{caption}\n\\hgfit{{\\linewidth}}{{{whole}}}\\par"


def _cell(table: Table, k: int, cell: Text, writer: TexWriter) -> str:
    kind = table.result(k, cell)
    if len(cell) == 1 and isinstance(only := cell[0], Expression):
        drawn = writer.tex(in_cell(only, writer.formula, table.marks(k, cell)))
        drawn = rf"\hgof{kind}{{{drawn}}}" if kind else drawn
        return rf"$\displaystyle {drawn}$"
    return content(cell, writer.style)
