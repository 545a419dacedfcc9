"""A sentence on a sign of mathematics that readers may not know, where a page first uses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handgrad.expression import Call, Expression, walk
from handgrad.notation import Function
from handgrad.operations import operation_of
from handgrad.operations.ranks import divides_arrays, rank_of, reduced_letter, reduces_each_case
from handgrad.page.blocks import Block, Derivation, Note, Paragraph, Table

DIVISION = "⊘ divides entry by entry, as ⊙ multiplies."
EACH_CASE = "Of numbers with a case in each column, {sign} takes each case by itself."
WAYS = {
    (2, "i"): "down each column",
    (2, "j"): "along each row",
    (3, "i"): "along the first of three axes",
    (3, "j"): "along the second of three axes",
    (3, "k"): "along the third of three axes",
}
"""Which way a reduction with an index goes, by how many axes its argument has."""


def with_signs_explained(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with each such sign explained before the first derivation or table that has it: ⊘, the index of a sum, a helper."""
    explained: list[Block] = []
    known: set[str] = set()
    for block in blocks:
        derivations = block.derivations if isinstance(block, Note) else (block,)
        met = [s for d in derivations for s in _sentences(_formulas(d))]
        new = [s for s in dict.fromkeys(met) if s not in known]
        known.update(new)
        before = explained[-1] if explained else None
        if new and isinstance(before, Paragraph) and not isinstance(block, Note):
            explained[-1] = Paragraph((*before.text, *(f" {s}" for s in new)))
        elif new:
            explained.append(Paragraph((" ".join(new),)))
        explained.append(block)
    return explained


def _formulas(block: Block) -> list[Expression]:
    """The formulas of a derivation, with names and with the numbers put in, or those in the cells of a table."""
    match block:
        case Derivation():
            return [side for relation in block.relations for side in relation.chain]
        case Table():
            cells = (part for row in block.rows for cell in row for part in cell)
            return [part for part in cells if isinstance(part, Expression)]
        case _:
            return []


def _sentences(formulas: Sequence[Expression]) -> Iterator[str]:
    """Of the signs in formulas."""
    for formula in formulas:
        for part in walk(formula):
            if isinstance(part, Call):
                if divides_arrays(part):
                    yield DIVISION
                if defined := operation_of(part).words.defined:
                    yield defined
                notation, letter = operation_of(part).notation, reduced_letter(part)
                way = WAYS[rank_of(part.arguments[0]), letter] if letter else ""
                if isinstance(notation, Function) and way:
                    index = f"with the index {letter}"
                    if notation.symbol == "Σ":
                        yield f"Σ {index} adds {way}."
                    else:
                        yield f"A {notation.symbol} {index} is taken {way}."
                elif isinstance(notation, Function) and reduces_each_case(part):
                    yield EACH_CASE.format(sign=notation.symbol)
