"""What there is to say of answers beside the verdicts: figures read in another arrangement, and what was not used.

Each is a record of facts; `handgrad.checking.remark_words` says it.
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from handgrad.record import record

# -- how figures were read ------------------------------------------------------------------------


@record
class CasesInRows:
    """Figures that were entered with a case in each row; there are `count` cases."""

    kind: ClassVar[str] = "cases_in_rows"
    count: int


@record
class AsColumn:
    """A list of figures that was taken as a matrix of one column, with `rows` rows."""

    kind: ClassVar[str] = "as_column"
    rows: int


Arrangement: TypeAlias = CasesInRows | AsColumn

# -- what is no array -----------------------------------------------------------------------------


@record
class TableInside:
    """A table stands where figures should."""

    kind: ClassVar[str] = "table_inside"


@record
class CasesUnlisted:
    """`cases` is no list."""

    kind: ClassVar[str] = "cases_unlisted"


@record
class ArrayUnread:
    """An object of a program that gives no array."""

    kind: ClassVar[str] = "array_unread"


@record
class NotReal:
    """An array of a program whose numbers are of a type that is not real."""

    kind: ClassVar[str] = "not_real"
    dtype: str


@record
class TooDeep:
    """Lists that nest deeper than `most`."""

    kind: ClassVar[str] = "too_deep"
    most: int


@record
class RaggedMatrix:
    """Row `row`, counted from 1, has `count` figures, and the first has `first`."""

    kind: ClassVar[str] = "ragged_matrix"
    row: int
    count: int
    first: int


@record
class RaggedArray:
    """Entry `entry`, counted from 1, has another shape than the first."""

    kind: ClassVar[str] = "ragged_array"
    entry: int


ArrayFault: TypeAlias = (
    TableInside | CasesUnlisted | ArrayUnread | NotReal | TooDeep | RaggedMatrix | RaggedArray
)

# -- what was not used ----------------------------------------------------------------------------

LineFault: TypeAlias = Literal["named_twice", "no_number", "not_closed", "no_equals", "other"]


@record
class UnreadLine:
    """The statement of a TOML file that begins in a line, counted from 1, and cannot be read.

    `parser` are the parser's own words where the fault is another one.
    """

    kind: ClassVar[str] = "unread_line"
    line: int
    fault: LineFault
    parser: str = ""


@record
class DamagedJson:
    """A JSON file is broken off or damaged at a line, counted from 1."""

    kind: ClassVar[str] = "damaged_json"
    line: int


@record
class RowWithoutName:
    """A row of a CSV file, counted from 1, has figures, and neither it nor one before it has a name."""

    kind: ClassVar[str] = "row_without_name"
    row: int


@record
class UnreadRow:
    """A row of a CSV file, counted from 1, cannot be read, nor what stands after it."""

    kind: ClassVar[str] = "unread_row"
    row: int
    parser: str


@record
class NotFigures:
    """A table stands under a name, and it is not that of the parameters after the update."""

    kind: ClassVar[str] = "not_figures"
    name: str


@record
class WorkedInCode:
    """A notebook works a quantity out, and does not write its figures down."""

    kind: ClassVar[str] = "worked_in_code"
    name: str


@record
class NoArray:
    """What stands under a name is no array of figures."""

    kind: ClassVar[str] = "no_array"
    name: str
    fault: ArrayFault


@record
class NotAsked:
    """A name that no quantity has. `meant` is the name nearest to it, where one is near."""

    kind: ClassVar[str] = "not_asked"
    name: str
    meant: str = ""


@record
class AnotherDerivative:
    """A name that is the derivative of `of`, and not of the loss, `loss`; `gradient` is the loss's by the same."""

    kind: ClassVar[str] = "another_derivative"
    name: str
    of: str
    loss: str
    gradient: str


@record
class NoUpdate:
    """A parameter after the update, and the problem has none."""

    kind: ClassVar[str] = "no_update"
    name: str


@record
class GivenOtherwise:
    """A number that the problem gives, copied down as another; `moves` says whether the update changes it."""

    kind: ClassVar[str] = "given_otherwise"
    name: str
    moves: bool = False


@record
class NotANumber:
    """The text of a cell that holds no number; its place is counted from 0."""

    kind: ClassVar[str] = "not_a_number"
    name: str
    at: tuple[int, ...]
    text: str


@record
class EnteredTwice:
    """A name of a quantity for which figures stand under another name before it."""

    kind: ClassVar[str] = "entered_twice"
    name: str


@record
class More:
    """So many more remarks are not listed."""

    kind: ClassVar[str] = "more"
    count: int


Unused: TypeAlias = (
    UnreadLine
    | DamagedJson
    | RowWithoutName
    | UnreadRow
    | NotFigures
    | WorkedInCode
    | NoArray
    | NotAsked
    | AnotherDerivative
    | NoUpdate
    | GivenOtherwise
    | NotANumber
    | EnteredTwice
    | More
)
