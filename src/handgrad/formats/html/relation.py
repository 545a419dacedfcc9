"""Relations as HTML: left = symbols = numbers = result, broken before a sign where it is long."""

from __future__ import annotations

from dataclasses import replace

from handgrad.expression import Literal
from handgrad.formats.html.text import HtmlWriter
from handgrad.formats.markup import named_numbers, plain, quantity
from handgrad.formats.mathematics.arrays import grid, slices
from handgrad.formats.mathematics.nodes import Array, Evaluated, Named, arrays, columns
from handgrad.formats.mathematics.relation import are_given, side
from handgrad.page.blocks import Derivation, Relation

WHOLE = 5
"""A side whose arrays have no more columns than this is never broken."""


def derivation(block: Derivation, writer: HtmlWriter) -> str:
    """The relations one under the other, their signs aligned."""
    relations = block.relations
    if are_given(relations):
        return f'<div class="derivation given">{_relations(relations, writer)}</div>'
    labelled = " labelled" if any(r.label for r in relations) else ""
    return f'<div class="derivation{labelled}">{_relations(relations, writer)}</div>'


def _relations(relations: tuple[Relation, ...], writer: HtmlWriter) -> str:
    return "".join(_relation(r, writer) for r in relations)


def _relation(relation: Relation, writer: HtmlWriter, entry: str = "") -> str:
    left = writer.display(writer.pen.draw(relation.left)) if relation.left is not None else ""
    label = f'<span class="label">{writer.text(relation.label)}</span>' if relation.label else ""
    links = "".join(_links(relation, writer))
    opens = f' data-entry="{plain(entry)}"' if entry else ""
    return (
        f'<div class="relation"{opens}>{label}<span class="left">{left}</span>'
        f'<span class="chain">{links}</span>{_entries(relation, writer)}</div>'
    )


def _links(relation: Relation, writer: HtmlWriter) -> list[str]:
    """The sides of a relation after the left one, each behind its sign; the last is the result."""
    last = len(relation.chain) - 1
    name = quantity(relation.left) if relation.left is not None else ""
    links: list[str] = []
    for k, expression in enumerate(relation.chain):
        names = dict(named_numbers(relation.chain[0], expression))
        if k == last and name and isinstance(expression, Literal):
            names[id(expression)] = name
        pen = replace(writer.pen, names=names)
        node = side(relation, k, pen.formula())
        result = node.part if isinstance(node, Named) else node
        after = ""
        if isinstance(result, Evaluated) and result.shape and pen.leaves_out(result):
            after = f'<span class="aside">{plain(result.shape)}</span>'
        kind = "link result" if k == last and k > 0 else "link"
        wide = sum(map(_columns, arrays(node))) > WHOLE
        parts = pen.pieces(node) if wide else [str(pen.math(node))]
        kind += " broken" if len(parts) > 1 else ""
        if k == last and (k > 0 or isinstance(expression, Literal)):
            parts = [f'<mrow class="value">{part}</mrow>' for part in parts]
        sign = f"<mo>{relation.sign if k == 0 else '='}</mo>"
        math = "".join(map(writer.display, (sign + parts[0], *parts[1:])))
        links.append(f'<span class="{kind}">{math}{after}</span>')
    return links


def _columns(array: Array) -> int:
    """The columns of an array; of one that is shown as several beside each other, of all of them."""
    if grid(array.literal, array.orientation) is not None:
        return columns(array)
    return sum(_columns(Array(part)) for part in slices(array.literal))


def _entries(relation: Relation, writer: HtmlWriter) -> str:
    """The same computation for every entry, to be opened."""
    if not relation.entries:
        return ""
    lines = "".join(
        _relation(each, writer, quantity(each.left) if each.left is not None else "")
        for each in relation.entries.values()
    )
    return (
        '<details class="entries"><summary>entry by entry</summary>'
        f'<div class="derivation">{lines}</div></details>'
    )
