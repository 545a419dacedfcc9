"""A sentence on a sign of mathematics that readers may not know, where a page first uses it."""

from __future__ import annotations

from collections.abc import Sequence

from handgrad.expression import Call, walk
from handgrad.operations.ranks import divides_arrays
from handgrad.page.blocks import Block, Derivation, Note, Paragraph

DIVISION = "⊘ divides entry by entry, as ⊙ multiplies."


def with_signs_explained(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with ⊘ explained before the first derivation that has it."""
    explained: list[Block] = list(blocks)
    for k, block in enumerate(explained):
        derivations = block.derivations if isinstance(block, Note) else (block,)
        if any(isinstance(d, Derivation) and _divides(d) for d in derivations):
            before = explained[k - 1] if k else None
            if isinstance(before, Paragraph) and not isinstance(block, Note):
                explained[k - 1] = Paragraph((*before.text, f" {DIVISION}"))
            else:
                explained.insert(k, Paragraph((DIVISION,)))
            break
    return explained


def _divides(derivation: Derivation) -> bool:
    """Whether a formula in it, or one with the numbers put in, divides arrays."""
    return any(
        isinstance(part, Call) and divides_arrays(part)
        for relation in derivation.relations
        for side in relation.chain
        for part in walk(side)
    )
