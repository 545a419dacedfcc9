"""What a problem is once it has been read: named nodes in order, shapes, and the backward formulas."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import field
from typing import Literal, TypeAlias

from handgrad.expression import Call, Expression, Leaf, Shape, walk
from handgrad.expression import Literal as Number
from handgrad.operations import operation_of
from handgrad.operations.gates import activation_in
from handgrad.record import record

NodeKind: TypeAlias = Literal["parameter", "data", "given", "upstream", "value"]
"""What a node is: learned, given to start from, given instead of computed, a gradient that arrives, computed."""


@record
class Node:
    """A named value.

    `shape` is that of one case; `batched` says that it differs from case to case.
    `written` is the equation's right side as the problem has it, `computed` the formula
    whose value it takes: the same, or a stable operation recognised in it.
    """

    name: str
    kind: NodeKind
    shape: Shape
    batched: bool
    written: Expression | None = None
    computed: Expression | None = None
    equation: int = 0

    @property
    def losses(self) -> tuple[Call, ...]:
        """The losses in it, as it is written and as it is computed: one written out is known for what it is."""
        return tuple(call for call in self._calls if operation_of(call).family == "loss")

    @property
    def held(self) -> tuple[Call, ...]:
        """The calls whose arguments are held to their domain though the value is a number: losses, and what picks."""
        return tuple(
            call
            for call in self._calls
            if operation_of(call).family == "loss" or operation_of(call).picks
        )

    @property
    def _calls(self) -> list[Call]:
        forms = [form for form in dict.fromkeys((self.written, self.computed)) if form is not None]
        return [call for form in forms for call in walk(form) if isinstance(call, Call)]


@record
class Let:
    """A part of an equation that the backward formulas refer to, under a name of its own.

    `written` is the part as the equation has it, `formula` the same in terms of other lets.
    """

    name: str
    written: Expression
    formula: Expression
    shape: Shape
    batched: bool
    equation: str


@record
class Line:
    """One formula of a pass: what it computes, and from what.

    `through` is the equation that a backward formula leads through.
    """

    leaf: Leaf
    formula: Expression
    through: str = ""


@record
class Gradient:
    """How the gradient of one named value is computed.

    `chain` are the adjoints of the parts of equations that lead to it; `parts` its shares,
    one for each equation that uses the value; `total` is its formula (of the parts, where there
    are several). `per_case` is the formula of one case's gradient, where `total` reduces over cases.
    """

    name: str
    parts: tuple[Line, ...]
    total: Expression
    per_case: Expression | None = None

    @property
    def reached(self) -> bool:
        """Whether any path leads from the value to the loss."""
        return bool(self.parts)


@record
class Shortcut:
    """A loss and the activation that feeds it, differentiated as one operation.

    `inner` is the activation's value (ŷ), empty where it has no name of its own, and
    `pre_activation` what it is applied to: a value, or a part of an equation. `aside` are the
    equations that the short way passes by; `long` are the lines of the long way, through them, and
    `short` is the one line in their place. `fused` is the operation that computes both, of the
    scores and the target; `plain` is the loss's formula with its activation apart;
    `whole` says that the targets add up to 1, so that the short way's formula is p − y.
    """

    loss: str
    inner: str
    pre_activation: str
    activation: str
    operation: str
    aside: tuple[str, ...]
    long: tuple[Line, ...]
    short: Line
    fused: Call
    plain: Expression
    whole: bool


def is_batched(expression: Expression, batched_leaves: Set[Leaf]) -> bool:
    """Whether a formula's value differs from case to case, given the leaves that do."""
    match expression:
        case Call():
            if operation_of(expression).reduces_cases is not None:
                return False
            for argument in expression.arguments:  # noqa: SIM110 - half the time of any(…)
                if is_batched(argument, batched_leaves):
                    return True
            return False
        case Number():
            return expression.batched
        case _:
            return bool(batched_leaves) and expression in batched_leaves


def activation_of(expression: Expression | None) -> Call | None:
    """The activation that an equation applies at its root, if it does."""
    return activation_in(expression)


@record
class Graph:
    """A shape-checked computational graph with its backward formulas.

    `nodes` are in topological order, givens first. `forward` and `backward` are the lines of
    the two passes in the order in which they are computed. `cost` names the value that is
    differentiated: the loss, or its mean (or sum) over the cases. `consumers` are the equations
    that use a value, in order; `activations` the name of the activation by that of its pre-activation.
    `rows` are the vectors that lie along the rows of matrices, as b does in X W + b.

    `upstream` has, by the value at which a gradient arrives, the node of that gradient. The loss then has a
    stand-in, the sum of each such value's entries times their gradients, and no value of its own: `beyond`
    are the nodes that stand for what the problem does not have.
    """

    nodes: Mapping[str, Node]
    equations: tuple[str, ...]
    loss: str
    cost: str
    lets: Mapping[str, Let]
    gradients: Mapping[str, Gradient]
    forward: tuple[Line, ...]
    backward: tuple[Line, ...]
    shortcuts: tuple[Shortcut, ...]
    batched_leaves: frozenset[Leaf]
    consumers: Mapping[str, tuple[str, ...]]
    activations: Mapping[str, str]
    rows: frozenset[str] = frozenset()
    upstream: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_loss(self) -> bool:
        """Whether the loss has a value; where gradients are given upstream it is only a letter."""
        return not self.upstream

    @property
    def beyond(self) -> frozenset[str]:
        """The nodes that stand for what the problem does not have; its gradients are none to show."""
        return frozenset((*self.upstream.values(), self.loss, self.cost) if self.upstream else ())

    @property
    def named(self) -> tuple[str, ...]:
        """The names that the problem has, and the loss over the cases."""
        beyond = self.beyond
        return tuple(n for n in self.nodes if n not in beyond)

    @property
    def way(self) -> tuple[str, ...]:
        """The equations in order, up to the loss: its stand-in is the last of them."""
        return self.equations if self.has_loss else (*self.equations, self.loss)

    @property
    def asked(self) -> tuple[str, ...]:
        """The names whose gradients are asked for: parameters and given values; data where there are none."""
        wanted = [n.name for n in self.nodes.values() if n.kind in ("parameter", "given")]
        return tuple(wanted) or tuple(n.name for n in self.nodes.values() if n.kind == "data")

    def shape(self, leaf: Leaf) -> Shape:
        """The shape, for one case, of a value or of its gradient."""
        if leaf.name in self.nodes:
            return self.nodes[leaf.name].shape
        return self.lets[leaf.name].shape if leaf.name in self.lets else ()

    def batched(self, expression: Expression) -> bool:
        """Whether a formula's value differs from case to case."""
        return is_batched(expression, self.batched_leaves)
