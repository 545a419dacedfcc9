"""Relations as HTML: left = symbols = numbers = result, broken before a sign where it is long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from handgrad import expression as tree
from handgrad.expression import Expression
from handgrad.page.blocks import Derivation, Relation
from handgrad.render.html.text import Writer
from handgrad.render.markup import Shown, named_numbers, plain, quantity


def derivation(block: Derivation, writer: Writer) -> str:
    """The relations one under the other, their signs aligned."""
    relations = block.relations
    if len(relations) > 1 and all(_is_given(r) for r in relations):
        return f'<div class="derivation given">{_relations(relations, writer)}</div>'
    labelled = " labelled" if any(r.label for r in relations) else ""
    return f'<div class="derivation{labelled}">{_relations(relations, writer)}</div>'


def _relations(relations: tuple[Relation, ...], writer: Writer) -> str:
    return "".join(_relation(r, writer) for r in relations)


def _is_given(relation: Relation) -> bool:
    """Whether it only says what a value is, in numbers."""
    return (
        len(relation.chain) == 1
        and isinstance(relation.chain[0], tree.Literal)
        and not relation.label
        and not relation.remarks
    )


def _relation(relation: Relation, writer: Writer, entry: str = "") -> str:
    left = writer.display(writer.pen.draw(relation.left)) if relation.left is not None else ""
    label = f'<span class="label">{writer.text(relation.label)}</span>' if relation.label else ""
    links = "".join(_links(relation, writer))
    opens = f' data-entry="{plain(entry)}"' if entry else ""
    return (
        f'<div class="relation"{opens}>{label}<span class="left">{left}</span>'
        f'<span class="chain">{links}</span>{_entries(relation, writer)}</div>'
    )


def _links(relation: Relation, writer: Writer) -> list[str]:
    """The sides of a relation after the left one, each behind its sign; the last is the result."""
    chain, last = relation.chain, len(relation.chain) - 1
    name = quantity(relation.left) if relation.left is not None else ""
    links: list[str] = []
    for k, side in enumerate(chain):
        sign = relation.sign if k == 0 else "="
        names = named_numbers(chain[0], side)
        result = k == last and (k > 0 or _is_number(side))
        drawn, after = _side(side, relation, writer, names, name if k == last else "", k == last)
        value = f'<mrow class="value">{drawn}</mrow>' if result else drawn
        kind = "link result" if result and k > 0 else "link"
        math = writer.display(f"<mo>{sign}</mo>{value}")
        links.append(f'<span class="{kind}">{math}{after}</span>')
    return links


def _is_number(side: Expression) -> bool:
    return isinstance(side, tree.Literal)


def _side(
    side: Expression,
    relation: Relation,
    writer: Writer,
    names: Mapping[int, str],
    name: str,
    is_last: bool,
) -> tuple[str, str]:
    """One side as mathematics, and the words after it."""
    pen = replace(writer.pen, names=names)
    if not isinstance(side, tree.Literal) or not (is_last or side.cased):
        return pen.draw(side), ""
    shown = Shown(relation.marks, relation.remarks) if is_last else Shown()
    drawn, left_out = pen.result(side, name or names.get(id(side), ""), shown)
    if not (left_out and is_last and relation.shape):
        return drawn, ""
    words = f"{relation.shape} entries" if relation.shape.isdigit() else relation.shape
    return drawn, f'<span class="aside">{plain(words)}</span>'


def _entries(relation: Relation, writer: Writer) -> str:
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
