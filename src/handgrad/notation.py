"""How an operation is written: a closed set of notations, drawn by every printer.

`source` is the spelling in the equation language; `symbol` is the mathematical
one; `latex` is the command for it. Precedence: comparisons 0, sums 1, products 2, signs 3,
powers 4, atoms 5; a part that binds less tightly than its place is put in parentheses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from handgrad.expression import Expression
from handgrad.record import record

COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = 0, 1, 2, 3, 4, 5


@record
class Sum:
    """a + b or a − b."""

    source: str
    symbol: str


@record
class Inequality:
    """a < b: 1 where it holds, 0 elsewhere."""

    source: str
    symbol: str


@record
class Product:
    """Elementwise product: a · b for scalars, a ⊙ b for arrays."""


@record
class MatrixProduct:
    """Matrix product: the factors side by side."""


@record
class Fraction:
    """a over b."""


@record
class Power:
    """a with the superscript b."""


@record
class Negation:
    """−a."""


@record
class Transposition:
    """aᵀ."""


@record
class Subscript:
    """An entry or slice, a[i, j]; mathematics counts from 1, code from 0."""


@record
class Picked:
    """a[y]: the entries that numbers y pick, which count from 0 in mathematics too."""


@record
class Fence:
    """An argument between bars: |a|, ‖a‖, with what stands `below` at the right: ‖a‖₁. In source it is a function call."""

    left: str
    right: str
    latex_left: str
    latex_right: str
    below: str = ""


@record
class Indicator:
    """1[a > 0]: one where the relation holds, zero elsewhere."""

    relation: str


@record
class Compared:
    """1[a > b]: one where the relation holds between the two arguments, zero elsewhere."""

    symbol: str


@record
class Inside:
    """1[low < a < high]: one between the options `low` and `high`, zero elsewhere; one of them may be none."""

    symbol: str


@record
class Function:
    """name(arguments); `index` is the letter that stands below where it runs along one axis: Σⱼ.

    Options that are numbers are written after the arguments, and of those that are several the ones `shown`.
    """

    symbol: str
    latex: str
    index: str = ""
    shown: tuple[str, ...] = ()


@record
class Letter:
    """A number that has a letter of its own, such as π; `source` is its spelling, which no name of a problem is."""

    name: str
    source: str


@record
class As:
    """Written as another formula, such as outer(a, b) as a bᵀ. In source it is a function call."""

    formula: Callable[..., Expression]


@record
class Unwritten:
    """An operation that mathematics leaves unwritten, such as filling a shape with a scalar."""


Notation: TypeAlias = (
    Sum
    | Inequality
    | Product
    | MatrixProduct
    | Fraction
    | Power
    | Negation
    | Transposition
    | Subscript
    | Picked
    | Fence
    | Indicator
    | Compared
    | Inside
    | Function
    | Letter
    | As
    | Unwritten
)
