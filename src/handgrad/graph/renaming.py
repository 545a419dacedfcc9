"""The backward pass with its lets under other names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from handgrad.expression import Adjoint, Expression, Leaf, Name, leaves, substitute
from handgrad.graph.structure import Gradient, Let, Line, Shortcut


@dataclass(frozen=True)
class Renaming:
    """Gives lets their new names, wherever they are referred to; what refers to none is kept."""

    new: Mapping[str, str]

    def leaf(self, old: Leaf) -> Leaf:
        return replace(old, name=self.new[old.name]) if old.name in self.new else old

    def formula(self, old: Expression) -> Expression:
        if not any(leaf.name in self.new for leaf in leaves(old)):
            return old
        return substitute(old, lambda e: self.leaf(e) if isinstance(e, Name | Adjoint) else None)

    def line(self, old: Line) -> Line:
        target, written = self.leaf(old.leaf), self.formula(old.formula)
        same = target is old.leaf and written is old.formula
        return old if same else Line(target, written, old.through)

    def let(self, old: Let) -> Let:
        return replace(old, name=self.new[old.name], formula=self.formula(old.formula))

    def shortcut(self, old: Shortcut) -> Shortcut:
        return replace(old, long=(self.line(old.long[0]), self.line(old.long[1])))

    def gradient(self, old: Gradient) -> Gradient:
        return Gradient(
            old.name,
            tuple([self.line(part) for part in old.parts]),
            self.formula(old.total),
            None if old.per_case is None else self.formula(old.per_case),
        )
