"""A page: a closed set of blocks. Mathematics stays expression trees; renderers only draw.

A renderer is a pure function of a page. It never computes a value: every number on a
page stands in a `Literal`, at full precision, and is rounded only as it is printed. A NaN there
is a place left blank, for the reader to fill in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as OneOf

import numpy as np

from handgrad.expression import Adjoint, Call, Expression, Literal, Name
from handgrad.figures import Empty
from handgrad.record import record

if TYPE_CHECKING:
    # A page of steps alone has no drawing, and does not wait for the shapes of one.
    from handgrad.picture import Drawing

Inline: TypeAlias = str | Expression
"""A piece of running text, or a formula within it."""

Text: TypeAlias = tuple[Inline, ...]

Mark: TypeAlias = OneOf["off", "on", "zeroed", "changed"]
"""What an entry of a result is: a shut gate, an open gate, an entry that a zero factor zeroed, or
one that differs from the solution beside it."""

Quantity: TypeAlias = OneOf["value", "gradient"]
"""What a result is."""

Sign: TypeAlias = Quantity | OneOf["off", "zeroed", "changed"]
"""What colours and marks tell: what a result is, and what is to be pointed out about an entry of it."""


@record
class Heading:
    """A heading: level 1 the page, 2 a phase, 3 a step. `id` is the step's, such as "2.4".

    In print every heading of level 1 begins a page. What stands under an `answer` is the answer to
    what stands before it: a page that can be opened folds it.
    """

    text: Text
    level: int
    id: str = ""
    aside: Text = ()
    answer: bool = False


@record
class Paragraph:
    """Running text."""

    text: Text


@record
class Relation:
    """left = chain[0] = chain[1] = …, the last of them the result.

    Arguments:
        marks: by entry of the result, what to point out about it.
        remarks: by row of the result, a few words to stand beside it.
        counted: what these numbers count: rows, or the channels of an array of more axes.
        shape: the result's shape in words, such as "2×2"; empty for a scalar.
        label: words before the relation, such as "through z⁽²⁾".
        sign: "=", or "←" for an assignment (an update).
        entries: by entry of the result, the same computation written out for that entry alone.
        after: the result is what an update makes of the left side.
        case: of a relation about one of many cases, which, counted from 0.
    """

    left: Expression | None
    chain: tuple[Expression, ...]
    marks: Mapping[tuple[int, ...], Mark] = field(default_factory=dict)
    remarks: Mapping[int, str] = field(default_factory=dict)
    shape: str = ""
    label: Text = ()
    sign: OneOf["=", "←"] = "="
    entries: Mapping[tuple[int, ...], Relation] = field(default_factory=dict)
    counted: OneOf["row", "channel", "part"] = "row"
    after: bool = False
    case: int | None = None

    @property
    def quantity(self) -> Quantity | None:
        """What its result is, told by its colour; None where it is neither a value nor a gradient, or is given."""
        left = self.left
        if isinstance(left, Call) and left.option("at") is not None:
            left = left.arguments[0]
        if not isinstance(left, Name | Adjoint):
            return None
        last = self.chain[-1]
        written = isinstance(last, Literal) and not is_blank(last)
        if len(self.chain) < 2 and not (written and isinstance(left, Adjoint)):
            return None
        return "gradient" if isinstance(left, Adjoint) else "value"

    @property
    def tone(self) -> OneOf["off", "changed"]:
        """What its remarks are about, told by their colour: a gate that is shut, or else what differs."""
        kinds = set(self.marks.values())
        return "changed" if "changed" in kinds and "off" not in kinds else "off"

    @property
    def told_remarks(self) -> tuple[str, ...]:
        """The remarks with the rows that they are about, counted from 1: "rows 1, 3: gate shut".

        What is one number, or one for each case, has a single row.
        """
        if not self.shape and set(self.remarks) <= {0}:
            return tuple(self.remarks.values())
        told: dict[str, list[str]] = {}
        for row, words in self.remarks.items():
            told.setdefault(words, []).append(str(row + 1))
        return tuple(
            f"{self.counted}{'s' if len(rows) > 1 else ''} {', '.join(rows)}: {words}"
            for words, rows in told.items()
        )


def is_blank(literal: Literal) -> bool:
    """Whether it is a place to fill in."""
    value = literal.value
    while isinstance(value, tuple) and value:
        value = value[0]
    return isinstance(value, Empty)


def without_repeats(chain: Sequence[Expression]) -> tuple[Expression, ...]:
    """A chain of equal formulas without those that say the same as the one before."""
    return tuple(e for k, e in enumerate(chain) if k == 0 or not _says_the_same(chain[k - 1], e))


def _says_the_same(a: Expression, b: Expression) -> bool:
    """Whether they are one formula, or numbers that differ in their last digits at most."""
    if not (isinstance(a, Literal) and isinstance(b, Literal)):
        return a == b
    if a == b or (a.shape, a.batched) != (b.shape, b.batched):
        return a == b
    return np.allclose(a.numbers, b.numbers, rtol=1e-12, atol=0, equal_nan=True)


@record
class Derivation:
    """Relations that belong together, one under the other."""

    relations: tuple[Relation, ...]


@record
class Legend:
    """What the colours and marks of a page mean, in a line; a format that has none of them leaves it out.

    `changed` is what an entry is that differs from the solution beside it.
    """

    signs: tuple[Sign, ...]
    changed: str = "changed"

    @property
    def told(self) -> tuple[tuple[Sign, str, str], ...]:
        """By sign, an example of it and what it means, where the example does not say it."""
        meanings = {**MEANINGS, "changed": (self.changed, "")}
        return tuple((sign, *meanings[sign]) for sign in self.signs)

    @staticmethod
    def of(blocks: Sequence[Block], changed: str = "changed") -> list[Block]:
        """The legend of what stands in the derivations and tables of these blocks, if there is anything to tell."""
        found: set[str] = set()
        for relation in relations_in(blocks):
            found |= {relation.quantity or "", *relation.marks.values()}
        for block in blocks:
            if isinstance(block, Table):
                cells = (c for row in block.rows for c in enumerate(row))
                found |= {mark for c in cells for mark in block.marks(*c).values()}
        signs = tuple(sign for sign in MEANINGS if sign in found)
        return [Legend(signs, changed)] if signs else []


MEANINGS: Mapping[Sign, tuple[str, str]] = {
    "value": ("value", ""),
    "gradient": ("gradient", ""),
    "off": ("0", "shut gate"),
    "zeroed": ("0", "gradient of 0"),
    "changed": ("changed", ""),
}
"""By sign, an example of it and what it means, where the example does not say it."""


def relations_in(blocks: Sequence[Block]) -> Iterator[Relation]:
    """Every relation of these blocks, those in notes and columns too."""
    for block in blocks:
        match block:
            case Derivation():
                yield from block.relations
            case Note():
                yield from relations_in(block.derivations)
            case Columns():
                for column in block.columns:
                    yield from relations_in(column)
            case _:
                pass


@record
class Table:
    """A table of inline cells.

    Arguments:
        align: one of "l", "c", "r" for each column.
        results: what the numbers of each column are, as results; None where they are none.
    """

    header: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]
    align: str
    caption: Text = ()
    results: tuple[Quantity | None, ...] = ()

    def result(self, column: int, cell: Text) -> Quantity | None:
        """What a cell of a column is, told by its colour."""
        is_number = len(cell) == 1 and isinstance(cell[0], Literal)
        return self.results[column] if is_number and column < len(self.results) else None

    def marks(self, column: int, cell: Text) -> dict[tuple[int, ...], Mark]:
        """What to point out about the entries of a cell: the zeros of a gradient, as where it is worked out."""
        only = cell[0] if cell else None
        if self.result(column, cell) != "gradient" or not isinstance(only, Literal):
            return {}
        zeros = np.argwhere(np.asarray(only.numbers) == 0)
        return dict.fromkeys((tuple(map(int, at)) for at in zeros), "zeroed")


NoteKind: TypeAlias = OneOf["info", "gate", "warning", "check"]


@record
class Note:
    """A remark set apart. `kind` chooses its sign; "gate" is for gates that are shut."""

    kind: NoteKind
    text: Text
    derivations: tuple[Derivation, ...] = ()


@record
class Figure:
    """A picture with its caption. Where pictures cannot be shown, the caption stands alone.

    At a `scale` of 1 its letters are as large as the text; it is never wider than its place.
    `narrow` says the same in the width of a telephone, for the formats that are read on one; `narrow_caption` is for
    it alone, where it shows less.
    """

    drawing: Drawing
    caption: Text = ()
    scale: float = 1.0
    narrow: Drawing | None = None
    narrow_caption: Text = ()


@record
class Code:
    """A piece of a program, shown as it is written."""

    source: str
    language: OneOf["python", "toml", "shell"] = "python"


@record
class Room:
    """Room to write by hand.

    Arguments:
        fields: what is to be written on lines of their own beside each other, such as
            ("Name", ""), each with what stands there already.
        lines: how many empty lines, on paper; a screen leaves them out.
    """

    fields: tuple[tuple[str, str], ...] = ()
    lines: int = 0


@record
class Columns:
    """Blocks side by side, such as two solutions compared; one under the other where it is narrow.

    `shares` says how wide they are beside each other; all are alike without.
    """

    columns: tuple[tuple[Block, ...], ...]
    shares: tuple[float, ...] = ()


Block: TypeAlias = (
    Heading | Paragraph | Derivation | Legend | Table | Note | Figure | Code | Room | Columns
)

Layout: TypeAlias = OneOf["document", "slides"]
"""How a page is laid out: as a document, or as a slide from each heading of level 1 or 2 to the next."""


@record
class Document:
    """Blocks in reading order, and how numbers and names are printed.

    Arguments:
        decimals: digits shown after the point.
        display: by name, the text shown for it instead of the usual reading of the name.
        error_signals: names whose gradient is written δ.
        loss: the name in the numerator of a gradient.
        losses: by name, the numerator of its gradient where that is another.
        layout: a document, or slides.
        largest: rows and columns of an array that are shown; of a larger one its corners. None for
            as many as a page of the format has room for.
    """

    title: str
    blocks: tuple[Block, ...]
    decimals: int = 4
    display: Mapping[str, str] = field(default_factory=dict)
    error_signals: frozenset[str] = frozenset()
    loss: str = "L"
    losses: Mapping[str, str] = field(default_factory=dict)
    layout: Layout = "document"
    largest: int | None = None
