"""Typst mathematics in parts: what a pen puts together, and where a line may end within it."""

from __future__ import annotations

from dataclasses import dataclass

SUM_BREAK, PRODUCT_BREAK, DEEPER = 0, 1, 2
"""What it costs to end a line before a sum's sign, a product's, and within parentheses."""

TALL = 1.05
"""More rows than this stand in brackets that grow; so a matrix of one row counts for."""

LINE = 1.2
"""The height of a row of a matrix, in em."""


@dataclass(frozen=True, slots=True)
class Typ:
    """Typst mathematics with the scripts of its last symbol still open.

    Arguments:
        sub, sup: below and above the last symbol: W⁽²⁾ may yet become W⁽²⁾ᵀ.
        cuts: the same in parts, each with the cost of ending a line before it; empty where
            no line may end within.
        rows: its height, in rows of a matrix.
    """

    base: str
    sub: str = ""
    sup: str = ""
    cuts: tuple[tuple[int, str], ...] = ()
    rows: float = 1.0

    def __str__(self) -> str:
        if not self.sub and not self.sup:
            return self.base
        above = f", t: {self.sup}" if self.sup else ""
        below = f", b: {self.sub}" if self.sub else ""
        return f"attach({self.base}{above}{below})"

    @property
    def parts(self) -> tuple[tuple[int, str], ...]:
        """The parts between which a line may end; one where there are none."""
        return self.cuts or ((SUM_BREAK, str(self)),)


def joined(left: Typ, sign: str, cost: int, right: Typ, *, sign_first: bool = True) -> Typ:
    """Two parts with a sign between them, on which a line may end or begin."""
    *before, (last_cost, last) = left.parts
    (_, first), *after = right.parts
    if sign_first:
        middle = ((last_cost, last), (cost, f"{sign} {first}"))
    else:
        middle = ((last_cost, f"{last} {sign}".rstrip()), (cost, first))
    return Typ(
        f"{left} {sign} {right}" if sign else f"{left} {right}",
        cuts=(*before, *middle, *after),
        rows=max(left.rows, right.rows),
    )


def after(head: Typ, part: Typ) -> Typ:
    """What stands before a part, never parted from its beginning."""
    (_, first), *rest = part.parts
    cuts = ((SUM_BREAK, f"{head} {first}"), *rest) if rest else ()
    return Typ(f"{head} {part}", cuts=cuts, rows=part.rows)


def fenced(left: str, part: Typ, right: str) -> Typ:
    """The part between signs as tall as it is; breaks within cost more."""
    base = f"lr({left} {part} {right})"
    if len(part.parts) < 2:
        return Typ(base, rows=part.rows)
    size = f"{LINE * part.rows:.1f}em"
    tall = [f"lr(size: #{size}, {sign})" if part.rows > 1 else sign for sign in (left, right)]
    (_, first), *rest = [(cost + DEEPER, shown) for cost, shown in part.parts]
    cuts = [(SUM_BREAK, f"{tall[0]} {first}"), *rest]
    cuts[-1] = (cuts[-1][0], f"{cuts[-1][1]} {tall[1]}")
    return Typ(base, cuts=tuple(cuts), rows=part.rows)


def square(part: Typ) -> Typ:
    return fenced("bracket.l", part, "bracket.r")
