"""Relations as HTML: left = symbols = numbers = result, broken before a sign where it is long."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from handgrad.expression import Adjoint, Expression, Literal, Nested
from handgrad.formats.html.text import NARROW, HtmlWriter
from handgrad.formats.markup import named_numbers, plain, quantity, remark_class
from handgrad.formats.mathematics.arrays import grid, slices
from handgrad.formats.mathematics.nodes import Array, Evaluated, Named, arrays, columns
from handgrad.formats.mathematics.printed import printed, printed_text
from handgrad.formats.mathematics.relation import are_given, side
from handgrad.formats.mathematics.widths import SIGN
from handgrad.formats.memo import Memo
from handgrad.formats.templates import MOST, FiguresFound, Holes, Template
from handgrad.page.blocks import Derivation, Relation

WHOLE, LINE = 5, 18.0
"""A side whose arrays have no more columns, and that is no wider in ems, is never broken."""

LEFT = 8.0
"""A left side that is wider in ems stands on the line of what it is equal to."""

Side: TypeAlias = tuple[list[tuple[str, float]], str]
"""A side in the pieces between which a line may end, each with its width in ems, and what stands after it."""

Written: TypeAlias = tuple[str, float]
"""The markup of a relation, and how many ems what has numbers put in is wide."""

REMARK = 0.42
"""The width in ems of a letter of a remark."""

SHORT = 12
"""A remark of more letters stands below its rows on a phone, and beside them elsewhere."""


def derivation(block: Derivation, writer: HtmlWriter) -> str:
    """The relations one under the other, their signs aligned."""
    return together(block.relations, written(block, writer))


def written(block: Derivation, writer: HtmlWriter) -> list[Written]:
    """The relations, each by itself."""
    return [_relation(relation, writer, "") for relation in block.relations]


def together(relations: Sequence[Relation], each: Sequence[Written]) -> str:
    """Relations that have been written, one under the other."""
    if are_given(relations):
        return _derivation("derivation given", each)
    labelled = " labelled" if any(r.label for r in relations) else ""
    return _derivation(f"derivation{labelled}", each)


def _derivation(classes: str, each: Sequence[Written]) -> str:
    """What has numbers put in is all as large as the widest of it can be."""
    widest = max((width for _, width in each), default=0.0)
    sized = f' fitted" style="--ems: {widest:.1f}' if widest > NARROW else ""
    return f'<div class="{classes}{sized}">{"".join(markup for markup, _ in each)}</div>'


def _relation(relation: Relation, writer: HtmlWriter, entry: str) -> Written:
    """A relation, by a template where one with as many digits in its numbers was written before."""
    markup, widest = _without_entries(relation, writer, entry)
    return f"{markup}{_entries(relation, writer)}</div>", widest


def _without_entries(relation: Relation, writer: HtmlWriter, entry: str) -> Written:
    memo, numbers = writer.pen.memo, FiguresFound(writer.pen.style.decimals)
    key = "relation", _printed(relation, numbers.shapes), entry
    if len(numbers.found) > MOST:
        key = "relation", _printed(relation, None), entry
        return memo.of(key, lambda: _written(relation, writer, entry))
    known = memo.of(key, _Pattern)
    if known.template is None:
        if not known.met:
            known.met = True
            return _written(relation, writer, entry)
        known.template = _template(relation, writer, entry)
    template, widest = known.template
    return template.filled(numbers.found), widest


@dataclass(slots=True)
class _Pattern:
    """What is known of relations with one key: whether there was one, and of the second on their template."""

    met: bool = False
    template: tuple[Template, float] | None = None


def _template(relation: Relation, writer: HtmlWriter, entry: str) -> tuple[Template, float]:
    holes = Holes(writer.pen.style.decimals)
    left = None if relation.left is None else holes.of(relation.left)
    with_holes = replace(relation, left=left, chain=tuple(map(holes.of, relation.chain)))
    # No markup with holes may be remembered as that of numbers.
    apart = replace(writer, pen=replace(writer.pen, memo=Memo()))
    markup, widest = _written(with_holes, apart, entry)
    return Template.of(markup), widest


def _printed(relation: Relation, numbers: Callable[[Nested], Hashable] | None) -> Hashable:
    """All that the markup of a relation depends on, but for the style, its numbers by `numbers`, and its entries."""
    left = relation.left
    return (
        None if left is None else printed(left, numbers),
        tuple([printed(each, numbers) for each in relation.chain]),
        tuple(relation.marks.items()),
        tuple(relation.remarks.items()),
        relation.shape,
        printed_text(relation.label),
        relation.sign,
        relation.counted,
        relation.after,
        relation.case,
    )


def _written(relation: Relation, writer: HtmlWriter, entry: str) -> Written:
    """A relation but for its entries, still open, and how many ems what has numbers put in is wide."""
    sides = [_pieces(relation, k, writer) for k in range(len(relation.chain))]
    widest = max((w for parts, _ in sides[1:] for _, w in parts), default=0.0)
    left, long = "", ""
    if (formula := relation.left) is not None:
        key = "left", printed(formula)
        left, long = writer.pen.memo.of(key, lambda: _left(formula, writer))
    label = f'<span class="label">{writer.text(relation.label)}</span>' if relation.label else ""
    links = "".join(_links(sides, writer, relation.quantity is not None))
    opens = f' data-entry="{plain(entry)}"' if entry else ""
    return (
        f'<div class="relation"{opens}>{label}<span class="left">{left}</span>'
        f'<span class="chain">{long}{links}</span>'
    ), widest


def _left(formula: Expression, writer: HtmlWriter) -> tuple[str, str]:
    """A left side; one that is a formula and no name takes lines like the others, before their signs."""
    pen = writer.pen
    node = pen.formula().node(formula)
    if pen.width(node) <= LEFT:
        return writer.display(pen.text(node)), ""
    parts = "".join(writer.display(part, width) for part, width in pen.pieces(node))
    return "", f'<span class="link first broken">{parts}</span>'


def _links(sides: Sequence[Side], writer: HtmlWriter, result: bool) -> list[str]:
    """The sides of a relation after the left one, each behind its sign; the last is the result.

    One that stands alone is where it is a `result`. The first is as large as it can be, whatever the others are.
    """
    last = len(sides) - 1
    links: list[str] = []
    for k, (parts, after) in enumerate(sides):
        kind = "link result" if k == last and (k > 0 or result) else "link"
        kind += "" if k else " first"
        kind += " broken" if len(parts) > 1 else ""
        math = "".join(writer.display(part, 0.0 if k else width) for part, width in parts)
        links.append(f'<span class="{kind}">{math}{after}</span>')
    return links


def _pieces(relation: Relation, k: int, writer: HtmlWriter) -> Side:
    """A side in the pieces between which a line may end, each with its width, and what stands after it."""
    first = relation.chain[0]
    if k or isinstance(first, Literal):
        return _side(relation, k, writer)
    # A formula in names is the same whatever its numbers are.
    key = "first", printed(first), relation.sign
    return writer.pen.memo.of(key, lambda: _side(relation, 0, writer))


def _side(relation: Relation, k: int, writer: HtmlWriter) -> Side:
    expression, last = relation.chain[k], k == len(relation.chain) - 1
    # A formula in names has no numbers that stand for one.
    names = named_numbers(relation.chain[0], expression) if k else {}
    if last and relation.left is not None and isinstance(expression, Literal):
        names[id(expression)] = quantity(relation.left)
    each = last and isinstance(relation.left, Adjoint) and relation.left.of != ""
    pen = writer.pen.calling(names, after=last and relation.after, case=relation.case, each=each)
    node = side(relation, k, pen.formula())
    result = node.part if isinstance(node, Named) else node
    after = ""
    if isinstance(result, Evaluated) and result.shape and pen.leaves_out(result):
        after = f'<span class="aside">{plain(result.shape)}</span>'
    width = pen.width(node)
    wide = width > LINE or sum(map(_columns, arrays(node))) > WHOLE
    parts = pen.pieces(node) if wide else [(pen.text(node), width)]
    if last and (k > 0 or isinstance(expression, Literal)):
        kind = relation.quantity or "value"
        parts = [(f'<mrow class="{kind}">{part}</mrow>', each) for part, each in parts]
    sign = f"<mo>{relation.sign if k == 0 else '='}</mo>"
    (first, own), *others = parts
    remarks = relation.remarks if last and isinstance(result, Evaluated) else {}
    longest = max(map(len, remarks.values()), default=0)
    hidden = isinstance(result, Evaluated) and not set(remarks) <= set(pen.rows_shown(result))
    beside = REMARK * longest if longest <= SHORT else 0.0
    if longest > SHORT or hidden:
        told = "; ".join(f"◁ {remark}" for remark in relation.told_remarks)
        classes = f"{remark_class(relation.tone)} {'all' if hidden else 'told'}"
        after += f'<span class="{classes}">{plain(told)}</span>'
    return [(sign + first, own + SIGN + beside), *others], after


def _columns(array: Array) -> int:
    """The columns of an array; of one that is shown as several beside each other, of all of them."""
    if grid(array.literal, array.orientation) is not None:
        return columns(array)
    return sum(_columns(Array(part)) for part in slices(array.literal))


def _entries(relation: Relation, writer: HtmlWriter) -> str:
    """The same computation for every entry, to be opened."""
    if not relation.entries:
        return ""
    entries = list(relation.entries.values())
    names = [quantity(each.left) if each.left is not None else "" for each in entries]
    each = list(map(_relation, entries, [writer] * len(entries), names))
    lines = _derivation("derivation", each)
    return f'<details class="entries"><summary>entry by entry</summary>{lines}</details>'
