"""Pieces of MathML, and what code calls the quantities in a formula."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from html import escape

from handgrad import expression as tree
from handgrad.equations import source
from handgrad.errors import printable
from handgrad.expression import Adjoint, Call, Expression, Name
from handgrad.figures import mantissa_and_power
from handgrad.formats.mathematics.arrays import Orientation
from handgrad.formats.mathematics.reading import is_entry
from handgrad.notation import Fence as Brackets
from handgrad.record import record

POINT, POWER_OF_TEN, SMALL = 0.5, 3.2, 0.75
"""Widths beside a digit's: of a decimal point, of "·10", and of a digit in the exponent."""

Index = tuple[int, ...]

_SPECIAL = re.compile("[&<>\"']")
_LEAF = re.compile(r"<(\w+)[^<>]*>[^<>]*</\1>")
_TALL = re.compile("<(?:mtable|mfrac|msqrt)")
_SUBSCRIPT = re.compile(r"[^\W\d_]{2,}|[^\W\d_]|\d+|.")


def plain(text: str) -> str:
    """Text that means nothing but itself, in markup and in quotation marks."""
    if text.isprintable() and not _SPECIAL.search(text):
        return text
    return escape(printable(text))


def quantity(expression: Expression) -> str:
    """What code calls a name, a gradient or an entry of one; empty for any other formula."""
    match expression:
        case Name() | Adjoint():
            return source(expression)
        case Call(arguments=(Name() | Adjoint() as of,)) if is_entry(expression):
            at, shape = expression.option("at"), of.shape
            if isinstance(at, tuple) and shape is not None and len(at) <= len(shape):
                # From the front, and -0 is 0: one spelling for each entry.
                places = zip(at, shape, strict=False)
                at = tuple(k % n if isinstance(k, int) and n else k for k, n in places)
                expression = replace(expression, options=(("at", at),))
            return source(expression).replace(" ", "")
        case _:
            return ""


def named_numbers(formula: Expression, numbers: Expression) -> dict[int, str]:
    """What the numbers put in for names are called: by the identity of the literal."""
    names: dict[int, str] = {}
    pairs = [(formula, numbers)]
    while pairs:
        symbols, figures = pairs.pop()
        if isinstance(figures, tree.Literal):
            if name := quantity(symbols):
                names[id(figures)] = name
        elif (
            isinstance(symbols, Call)
            and isinstance(figures, Call)
            and symbols.operation == figures.operation
        ):
            pairs += zip(symbols.arguments, figures.arguments, strict=False)
    return names


@record
class Math:
    """Markup with the scripts of its last symbol still open: W⁽²⁾ may yet become W⁽²⁾ᵀ.

    Arguments:
        quantity: what code calls it.
        said: what a page that is edited says of it besides (`handgrad.formats.live`).
    """

    base: str
    sub: str = ""
    sup: str = ""
    quantity: str = ""
    said: str = ""

    def __str__(self) -> str:
        match bool(self.sub), bool(self.sup):
            case True, True:
                whole = f"<msubsup>{one(self.base)}{one(self.sub)}{one(self.sup)}</msubsup>"
            case True, False:
                whole = f"<msub>{one(self.base)}{one(self.sub)}</msub>"
            case False, True:
                whole = f"<msup>{one(self.base)}{one(self.sup)}</msup>"
            case _:
                whole = self.base
        if not self.quantity:
            return whole
        single = one(whole) if whole is self.base else whole
        return single.replace(">", f' data-q="{plain(self.quantity)}"{self.said}>', 1)


def one(markup: str) -> str:
    """The markup as a single element."""
    leaf = markup.count("<") == 2 and _LEAF.fullmatch(markup)
    return markup if leaf else f"<mrow>{markup}</mrow>"


def fenced(inside: str, brackets: Brackets) -> str:
    """Markup in brackets that grow with it where it is taller than a line; bars always do."""
    left, right = plain(brackets.left), plain(brackets.right)
    if left not in "([":
        bars = [
            f'<mo form="{form}" fence="true" stretchy="true">{sign}</mo>'
            for form, sign in (("prefix", left), ("postfix", right))
        ]
        return f"<mrow>{bars[0]}{inside}{bars[1]}</mrow>"
    tall = _TALL.search(inside)
    fixed, kind = ("", ' class="tall"') if tall else (' stretchy="false"', "")
    return f"<mrow{kind}><mo{fixed}>{left}</mo>{inside}<mo{fixed}>{right}</mo></mrow>"


def relation_after(relation: str) -> str:
    """`> 0` after an entry."""
    sign, _, number = relation.strip().partition(" ")
    return f"<mo>{escape(sign)}</mo><mn>{escape(number)}</mn>"


def remark_beside(text: str, tone: str) -> str:
    return f'<mtext class="{remark_class(tone)}">◁ {plain(text)}</mtext>'


def remark_class(tone: str) -> str:
    """The class of a remark: one about a shut gate has the colour of all."""
    return "remark" if tone == "off" else f"remark {tone}"


def attributes_of(name: str, mark: str) -> str:
    marked = f' class="{mark}"' if mark and mark != "on" else ""
    return f'{marked} data-q="{plain(name)}"' if name else marked


def entry_names(
    literal: tree.Literal, orientation: Orientation, name: str, prefix: Index
) -> Callable[[int, int], str]:
    """What code calls the entries of a grid, by row and column; all cases of one have the same name."""
    axes = len(literal.shape)
    if not name or not (axes or prefix):
        return lambda i, j: name
    as_stored = orientation == "upright" and not literal.row
    before = f"{name}[{''.join(f'{k},' for k in prefix)}"
    position = literal.position

    def entry(i: int, j: int) -> str:
        row, column = (i, j) if as_stored else (j, i)
        if axes == 0:
            return f"{before[:-1]}]"
        if axes == 1:
            return f"{before}{position(0, row)}]"
        return f"{before}{position(0, row)},{position(1, column)}]"

    return entry


def blank_space(digits: float) -> str:
    """A blank as wide as so many digits."""
    return f'<mspace width="{digits:g}ch"/>' if digits else ""


@lru_cache(maxsize=4096)
def tail_width(text: str) -> float:
    """How far a figure reaches beyond its decimal point, in widths of a digit."""
    mantissa, e, exponent = mantissa_and_power(text)
    _, point, after = mantissa.partition(".")
    power = POWER_OF_TEN + SMALL * len(exponent) if e else 0.0
    return len(after) + (POINT if point else 0.0) + power


def subscript(text: str) -> str:
    """Letters and figures as they are, words upright."""
    return "".join(
        f"<mn>{part}</mn>"
        if part.isdigit()
        else f"<mi>{plain(part)}</mi>"
        if len(part) == 1 and part.isalpha()
        else f"<mtext>{plain(part)}</mtext>"
        for part in _SUBSCRIPT.findall(text)
    )
