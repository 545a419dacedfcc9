"""Which equations are losses written out, and which activations are computed as one with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

import numpy as np

from handgrad.arrays import Array
from handgrad.expression import Call, Expression, Leaf, Literal, Name, Shape, leaves
from handgrad.graph.structure import Node
from handgrad.operations import operation_of
from handgrad.operations.annotate import annotated
from handgrad.operations.exponentials import log_softmax
from handgrad.operations.operation import normal_axes
from handgrad.operations.recognise import Recogniser, may_hold_loss
from handgrad.operations.recognised import Looking, Recognised, Two
from handgrad.operations.written_out import Sight
from handgrad.record import builder


@builder
class Recognition:
    """The losses found in a problem's equations.

    Arguments:
        nodes: the named values; what they are computed by is changed here.
        order: the equations that reach the loss, each after those that it uses.
        values: the numbers of the data: targets are looked at.
        found: by equation, the losses in it that are computed as one with an activation.
        plain: by equation, its formula with those losses and activations apart.
        aside: the equations that are passed by: on the long way, but not on the short one.
        direct: by equation passed by, the operation that it is differentiated as, where that is not
            how it is written.
    """

    nodes: dict[str, Node]
    order: Sequence[str]
    values: Mapping[str, Array]
    found: dict[str, tuple[Recognised, ...]] = field(default_factory=dict)
    plain: dict[str, Expression] = field(default_factory=dict)
    aside: set[str] = field(default_factory=set)
    direct: dict[str, Expression] = field(default_factory=dict)

    def recognise(self) -> None:
        """Puts the operation that computes it stably where a loss is found."""
        self._users: dict[str, set[str]] = {}
        holding: set[str] = set()
        for name in self.order:
            written = self._written(name)
            used = {leaf.name for leaf in leaves(written)}
            for leaf in used:
                self._users.setdefault(leaf, set()).add(name)
            if may_hold_loss(written) or not holding.isdisjoint(used):
                holding.add(name)
        for name in self.order:
            if name in holding:
                self._in_equation(name)

    def _written(self, name: str) -> Expression:
        written = self.nodes[name].written
        assert written is not None
        return written

    def _in_equation(self, name: str) -> None:
        """Looks through whatever other equations are used for this one alone."""
        definitions = {
            n: self._written(n)
            for n in self.order
            if n != name and n not in self.found and n not in self.aside
        }
        written = self._written(name)
        while True:
            looking = Looking(definitions, self._is_whole)
            two = Recogniser(looking).rewritten(written)
            if two.fused is written:
                return
            passed = {n for f in looking.found for n in f.passed}
            bars = self._in_the_way(name, passed, two)
            if not bars:
                break
            for bar in bars:
                del definitions[bar]
        self._take(name, two, tuple(looking.found))

    def _in_the_way(self, name: str, passed: set[str], two: Two) -> set[str]:
        """Which of the equations passed by are used elsewhere too, so that they are on the way."""
        still = {leaf.name for leaf in leaves(two.fused)}
        return {n for n in passed if n in still or not self._users[n] <= passed | {name}}

    def _take(self, name: str, two: Two, found: tuple[Recognised, ...]) -> None:
        fused = annotated(two.fused, self._shape)
        self.nodes[name] = replace(self.nodes[name], computed=fused)
        if not found:
            return
        self.found[name] = tuple(
            [
                replace(
                    f,
                    fused=self._annotated_call(f.fused),
                    plain=annotated(f.plain, self._shape),
                    scores=annotated(f.scores, self._shape),
                    shifts=tuple([annotated(s, self._shape) for s in f.shifts]),
                )
                for f in found
            ]
        )
        self.plain[name] = annotated(two.plain, self._shape)
        for one in self.found[name]:
            self.aside.update(one.passed)
            for passed in one.passed:
                self._computed_as_known(passed, one)

    def _computed_as_known(self, name: str, one: Recognised) -> None:
        """Computes an equation that is passed by as the operation that it writes out.

        A softmax written out in one equation is differentiated as one, too; the logarithm of a
        softmax is differentiated as it is written, step by step.
        """
        written = self._written(name)
        computed: Call | None = None
        if name == one.name and one.name not in self.direct:
            if {leaf.name for leaf in leaves(written)}.isdisjoint(one.passed):
                computed = self._annotated_call(one.value)
                self.direct[name] = computed
        elif isinstance(written, Call) and operation_of(written).logarithm and one.axis is not None:
            definitions = {n: self._written(n) for n in one.passed if n != name}
            known = Sight(definitions).log_softmax(written)
            if known is not None and known.axis == one.axis:
                options = one.value.options
                computed = self._annotated_call(Call(log_softmax.name, (known.of,), options))
        if computed is not None:
            self.nodes[name] = replace(self.nodes[name], computed=computed)

    def _annotated_call(self, call: Call) -> Call:
        known = annotated(call, self._shape)
        assert isinstance(known, Call)
        return known

    def _shape(self, leaf: Leaf) -> Shape:
        return self.nodes[leaf.name].shape

    # -- targets ----------------------------------------------------------------------------------

    def _is_whole(self, target: Expression, scores: Expression, axis: int) -> bool:
        """Whether a target's numbers, or the operation that makes it, add up to 1 along the axis."""
        if isinstance(target, Name) and target.name in self.values:
            return _adds_up(self.values[target.name], axis)
        if isinstance(target, Literal):
            return _adds_up(target.numbers, axis)
        made = self.nodes[target.name].written if isinstance(target, Name) else target
        if not isinstance(made, Call) or not operation_of(made).distribution:
            return False
        rank = len(made.shape or ())
        given = made.option("axis")
        return normal_axes(-1 if given is None else given, rank) == (axis,)


def _adds_up(target: Array, axis: int) -> bool:
    return bool((abs(np.asarray(target).sum(axis=axis) - 1) < 1e-9).all())


def contains(expression: Expression, parts: Sequence[Expression]) -> bool:
    """Whether one of the parts stands in a formula."""
    if expression in parts:
        return True
    return isinstance(expression, Call) and any(contains(a, parts) for a in expression.arguments)
