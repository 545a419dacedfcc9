"""Relations as rows of `align*`, broken before their signs where they are too wide."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.formats.mathematics.nodes import Node
from handgrad.formats.mathematics.relation import are_given, sides
from handgrad.formats.mathematics.widths import SIGN
from handgrad.formats.tex.measure import Cut, TexWriter
from handgrad.formats.tex.text import content, words
from handgrad.page.blocks import Derivation, Relation

PIECES = (0, 1, 3)
"""Costs at which a line may end, from the least."""


def derivation(block: Derivation, writer: TexWriter) -> str:
    """The relations one under the other; values alone beside each other."""
    relations = block.relations
    if are_given(relations):
        values = " \\qquad\n".join(rf"\hgvalue{{{_whole(r, writer)}}}" for r in relations)
        return f"{{\\raggedright\\lineskip=0.6em\\lineskiplimit=0.4em\n{values}\\par}}"
    written: list[str] = []
    rows: list[str] = []
    for relation in relations:
        if relation.label:
            written += _aligned(rows)
            rows = []
            written.append(rf"\hglabel{{{content(relation.label, writer.style)}}}")
        rows += _rows(relation, writer)
    return "\n".join(written + _aligned(rows))


def _aligned(rows: Sequence[str]) -> list[str]:
    if not rows:
        return []
    body = " \\\\[0.5em]\n".join(rows)
    return [f"\\begin{{align*}}\n{body}\n\\end{{align*}}"]


def _sign(relation: Relation) -> str:
    return r"\leftarrow" if relation.sign == "←" else "="


def _whole(relation: Relation, writer: TexWriter) -> str:
    left = writer.tex(writer.node(relation.left)) if relation.left is not None else ""
    chain = " = ".join(map(writer.tex, sides(relation, writer.formula)))
    return f"{left} {_sign(relation)} {chain}"


def _rows(relation: Relation, writer: TexWriter) -> list[str]:
    left = writer.node(relation.left) if relation.left is not None else None
    chain = [(side, writer.width(side)) for side in sides(relation, writer.formula)]
    remark, remark_width = _remark(relation)
    taken = (writer.width(left) if left else 0.0) + SIGN
    room = writer.line - taken
    head = writer.tex(left) if left else ""
    together = sum(width for _, width in chain) + SIGN * (len(chain) - 1)
    if together + remark_width <= room:
        whole = " = ".join(
            _coloured(writer.tex(side), relation, k == len(chain) - 1)
            for k, (side, _) in enumerate(chain)
        )
        return [f"{head} &{_sign(relation)} {whole}{remark}"]
    rows: list[str] = []
    for position, (side, width) in enumerate(chain):
        sign = _sign(relation) if position == 0 else "="
        for line, part in enumerate(_lines(side, width, room, writer)):
            before = head if position == line == 0 else ""
            shown = f"{sign} " if line == 0 else r"\quad "
            part = _coloured(part, relation, position == len(chain) - 1)
            # A guess at the width decides; what turns out wider is scaled down.
            rows.append(rf"{before} &{shown}\hgrow{{{taken + 1.2:.1f}em}}{{{part}}}")
    if not remark:
        return rows
    if chain[-1][1] + remark_width <= room:
        return [*rows[:-1], rows[-1] + remark]
    return [*rows, "&" + remark.replace("hgremark", "hglongremark", 1)]


def _coloured(tex: str, relation: Relation, last: bool) -> str:
    """A result in the colour of what it is."""
    return rf"\hgof{relation.quantity}{{{tex}}}" if last and relation.quantity else tex


def _lines(side: Node, width: float, room: float, writer: TexWriter) -> list[str]:
    """One side in lines: broken at its outermost signs, and no deeper than it must be."""
    if width <= room:
        return [writer.tex(side)]
    cuts = writer.cuts(side)
    ways = [_filled(cuts, room, cost) for cost in PIECES]
    for lines in ways:
        if all(each <= room for _, each in lines):
            return [tex for tex, _ in lines]
    if width * 0.7 <= room:
        return [writer.tex(side)]
    narrowest = min(ways, key=lambda lines: max(each for _, each in lines))
    return [tex for tex, _ in narrowest]


def _filled(parts: Sequence[Cut], room: float, cost: int) -> list[tuple[str, float]]:
    """Lines as full as they get, ending only before parts of at most that cost."""
    groups: list[tuple[str, float]] = []
    for position, part in enumerate(parts):
        if position and part.cost > cost:
            tex, width = groups[-1]
            groups[-1] = (f"{tex} {part.tex}", width + part.width)
        else:
            groups.append((part.tex, part.width))
    lines: list[tuple[str, float]] = []
    for tex, width in groups:
        if lines and lines[-1][1] + width <= room:
            lines[-1] = (f"{lines[-1][0]} {tex}", lines[-1][1] + width)
        else:
            lines.append((tex, width))
    return lines


def _remark(relation: Relation) -> tuple[str, float]:
    """The remarks about rows of the result, and their width."""
    if not relation.remarks:
        return "", 0.0
    text = "; ".join(relation.told_remarks)
    colour = "hgnew" if relation.tone == "changed" else "hgshut"
    return rf"\hgremark{{{colour}}}{{{words(text)}}}", 2.5 + 0.45 * len(text)
