"""The lets that formulas refer to, numbered in the order in which they are first needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from handgrad.expression import Adjoint, Expression, Leaf, Name, leaves, substitute
from handgrad.graph.structure import Gradient, Let, Line, Shortcut
from handgrad.record import builder


@builder
class Numbering:
    """Gives lets their numbers, wherever they are referred to; what refers to none is kept.

    `lets` are those made on the way and `letter` that of their names; `new` is filled with the new
    names of those that a formula refers to, each after those that it refers to itself. `touched`
    are the names of the lines that have been written anew.
    """

    lets: Mapping[str, Let]
    letter: str
    new: dict[str, str] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    def number(self, lines: Iterable[Line]) -> None:
        """Gives numbers to the lets that lines refer to, in this order."""
        for line in lines:
            self._need([*_names(line.formula), line.leaf.name])

    def line(self, old: Line) -> Line:
        names = [*_names(old.formula), old.leaf.name]
        if self.lets.keys().isdisjoint(names):
            return old
        self.touched.add(old.leaf.name)
        self._need(names)
        return Line(self.leaf(old.leaf), self.formula(old.formula), old.through)

    def leaf(self, old: Leaf) -> Leaf:
        return replace(old, name=self.new[old.name]) if old.name in self.new else old

    def formula(self, old: Expression) -> Expression:
        self._need(_names(old))
        return substitute(old, lambda e: self.leaf(e) if isinstance(e, Name | Adjoint) else None)

    def shortcut(self, old: Shortcut) -> Shortcut:
        short, long = self.line(old.short), tuple([self.line(line) for line in old.long])
        return replace(old, short=short, long=long, pre_activation=short.leaf.name)

    def gradient(self, old: Gradient) -> Gradient:
        if old.name not in self.touched and old.per_case is None:
            return old
        return Gradient(
            old.name,
            tuple([self.line(part) for part in old.parts]),
            self.formula(old.total),
            None if old.per_case is None else self.formula(old.per_case),
        )

    def numbered(self) -> dict[str, Let]:
        """The lets that have got a number, by their new names."""
        return {
            name: replace(self.lets[old], name=name, formula=self.formula(self.lets[old].formula))
            for old, name in self.new.items()
        }

    def _need(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self.lets and name not in self.new:
                self._need(_names(self.lets[name].formula))
                self.new[name] = f"{self.letter}_{len(self.new) + 1}"


def _names(formula: Expression) -> list[str]:
    return [leaf.name for leaf in leaves(formula)]
