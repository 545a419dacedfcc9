"""Pages too long to open at once: what is far down waits packed, until a reader comes near it."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from itertools import groupby

from handgrad.formats.html.relation import Written, together
from handgrad.formats.html.table import WrittenTable, boxed
from handgrad.page.blocks import Block, Derivation
from handgrad.record import record

LONG = 4_000_000
"""Characters of a page that a browser opens in half a second; a longer one is packed."""

NEAR = 200_000
"""Characters at the beginning of a longer page that are there at once."""

ROWS = 40
"""Relations, or rows of a table, that are put in together where one outside of the steps has more."""

ROW = 2.4
"""Rems, about, that a relation or a row which waits takes."""

TOGETHER = 16
"""Steps that are packed as one text: what they have in common is then packed once."""

BETWEEN = "\0"
"""What stands between them in that text, and in no markup."""

WITHOUT_SCRIPTS = (
    "<noscript><p>The rest of this page waits, packed, for a script of the page to put it in: "
    "JavaScript is off.</p></noscript>"
)


WITH_THE_LAST = '<template class="later"></template>'
"""A place whose content is packed with that of a place before it."""


@record
class Stretch:
    """A stretch of a page.

    Arguments:
        step: that which it lies in, below its heading; 0 outside of them.
        block: what it shows, where it is one.
        relations: of a derivation, each of its relations.
        table: of a table, its head and each of its rows.
    """

    html: str
    step: int = 0
    block: Block | None = None
    relations: Sequence[Written] = ()
    table: WrittenTable | None = None


def joined(parts: Sequence[Stretch]) -> str:
    """The parts one after the other; of a long page those that are far down packed, a step at a time."""
    if sum(len(part.html) for part in parts) <= LONG:
        return "".join(part.html for part in parts)
    written: list[str] = []
    packs: list[list[tuple[int, str]]] = [[]]  # of each the places of the steps, and what they are
    near = NEAR
    for step, group in groupby(parts, key=lambda part: part.step):
        together = list(group)
        whole = "".join(part.html for part in together)
        if step and near <= 0:
            if len(packs[-1]) == TOGETHER:
                packs.append([])
            packs[-1].append((len(written), whole))
            written.append("")
        elif step:
            written.append(whole)
        else:
            outside = [_outside(part) for part in together]
            written += outside
            if "".join(outside) != whole:
                packs.append([])  # What stands packed by itself ends the pack before it.
        near -= len(whole)
    for pack in filter(None, packs):
        (first, _), *others = pack
        written[first] = _packed(*[whole for _, whole in pack])
        for place, _ in others:
            written[place] = WITH_THE_LAST
    return WITHOUT_SCRIPTS + "".join(written)


def _outside(part: Stretch) -> str:
    if part.table is not None and len(part.table.rows) > 2 * ROWS:
        return _long_table(part.table)
    if not isinstance(part.block, Derivation) or len(part.relations) <= 2 * ROWS:
        return part.html
    relations, written = part.block.relations, part.relations
    first, *others = [
        (relations[k : k + ROWS], written[k : k + ROWS]) for k in range(0, len(relations), ROWS)
    ]
    waiting = [
        f'<div style="min-height: {ROW * len(each):g}rem">{_packed(together(each, markup))}</div>'
        for each, markup in others
    ]
    return together(*first) + "".join(waiting)


def _long_table(table: WrittenTable) -> str:
    """A table whose later rows wait, in bodies of their own that are as high as what they wait for."""
    head, rows = table
    first, *others = [rows[k : k + ROWS] for k in range(0, len(rows), ROWS)]
    waiting = [
        f'<tbody style="height: {ROW * len(each):g}rem">{_packed("".join(each))}</tbody>'
        for each in others
    ]
    return boxed(head, f"<tbody>{''.join(first)}</tbody>{''.join(waiting)}")


def _packed(*html: str) -> str:
    """What waits, packed: the content of the place, then those of the places after it that are `WITH_THE_LAST`."""
    packed = zlib.compress(BETWEEN.join(html).encode("utf-8"), 9)
    text = base64.b64encode(packed).decode("ascii")
    return f'<template class="later">{text}</template>'
