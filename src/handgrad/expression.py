"""Formula trees: numbers, names, adjoints, and calls of operations.

Equations, backward formulas and the same formulas with numbers put in are all
trees of these four nodes. A call names its operation; what the operation means
stands in the table (`handgrad.operations`). Trees are immutable, hashable and
compare by structure; `span` and `shape` are annotations and take no part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from operator import is_
from typing import Any, TypeAlias, cast

import numpy as np

from handgrad.errors import Span
from handgrad.record import record

Shape: TypeAlias = tuple[int, ...]
"""Lengths of the axes of one case: `()` a scalar, `(n,)` a vector, `(m, n)` a matrix."""

Nested: TypeAlias = "float | tuple[Nested, ...]"
"""A number, or numbers nested as the rows of an array."""


@record
class Slice:
    """start:stop:step in an index, as Python means it; hashable, as Python's own is not."""

    start: int | None = None
    stop: int | None = None
    step: int | None = None

    def positions(self, length: int) -> range:
        """The positions it picks from an axis of `length` entries."""
        return range(*slice(self.start, self.stop, self.step).indices(length))


Rows: TypeAlias = "tuple[tuple[float, ...], ...]"
"""The numbers of a grid."""

Index: TypeAlias = "int | Slice"
Option: TypeAlias = "bool | int | float | str | tuple[int, ...] | tuple[Index, ...] | None"
"""The value of an operation's option, such as `axis=0`, `alpha=0.01` or `padding="same"`."""

Operand: TypeAlias = "Expression | float"

LARGEST = 4096
"""Numbers that a literal holds one by one, at most; of a larger array it holds those near the ends."""

EDGE = 12
"""How many at each end of an axis."""


class Expression:
    """A formula tree. Python's operators build larger trees out of smaller ones."""

    __slots__ = ()

    @property
    def shape(self) -> Shape | None:
        """The shape for one case; None where the tree has not been annotated."""
        raise NotImplementedError

    def __add__(self, other: Operand) -> Call:
        return Call("add", (self, literal(other)))

    def __radd__(self, other: Operand) -> Call:
        return Call("add", (literal(other), self))

    def __sub__(self, other: Operand) -> Call:
        return Call("subtract", (self, literal(other)))

    def __rsub__(self, other: Operand) -> Call:
        return Call("subtract", (literal(other), self))

    def __mul__(self, other: Operand) -> Call:
        return Call("multiply", (self, literal(other)))

    def __rmul__(self, other: Operand) -> Call:
        return Call("multiply", (literal(other), self))

    def __truediv__(self, other: Operand) -> Call:
        return Call("divide", (self, literal(other)))

    def __rtruediv__(self, other: Operand) -> Call:
        return Call("divide", (literal(other), self))

    def __pow__(self, other: Operand) -> Call:
        return Call("power", (self, literal(other)))

    def __matmul__(self, other: Expression) -> Call:
        return Call("matmul", (self, other))

    def __neg__(self) -> Call:
        return Call("negate", (self,))

    def __lt__(self, other: Operand) -> Call:
        return Call("less", (self, literal(other)))

    def __le__(self, other: Operand) -> Call:
        return Call("less_equal", (self, literal(other)))

    def __gt__(self, other: Operand) -> Call:
        return Call("greater", (self, literal(other)))

    def __ge__(self, other: Operand) -> Call:
        return Call("greater_equal", (self, literal(other)))

    def at(self, at: tuple[Index, ...]) -> Call:
        """The entry, or the slice, at the indices."""
        return Call("index", (self,), (("at", at),))

    def entry(self, at: tuple[int, ...]) -> Expression:
        """One entry of an array, a number; the expression itself where it is a number already."""
        return Call("index", (self,), (("at", at),), shape=()) if at else self

    @property
    def T(self) -> Call:  # noqa: N802 - the field's own name for it
        """The transpose."""
        return Call("transpose", (self,))

    @property
    def mT(self) -> Call:  # noqa: N802 - NumPy's and PyTorch's name for it
        """The transpose of each matrix of a stack."""
        return Call("matrix_transpose", (self,))


class _Measured(Expression):
    """Has places for the lengths and the rows of an array, which are asked for wherever it is laid out."""

    __slots__ = ("_lengths", "_rows")
    _lengths: Shape
    _rows: Rows | None


@record
class Literal(_Measured):
    """A number or an array of numbers, written out. `text` keeps the way it was written.

    In many cases (`batched`) the last axis of `value` counts the cases and is no part of the shape.
    A vector with `row` lies along the rows of matrices, and is printed as a row. The numbers of a `gradient` have
    been put in for one.

    Of an array with more than `LARGEST` numbers, `value` has those near its ends alone, `EDGE` at each end of
    an axis, which are more than any page shows; `whole` is the array.
    """

    value: Nested
    batched: bool = False
    row: bool = field(default=False, compare=False)
    text: str = field(default="", compare=False)
    span: Span | None = field(default=None, compare=False, repr=False)
    whole: Any = field(default=None, compare=False, repr=False)
    gradient: bool = field(default=False, compare=False, repr=False)

    @property
    def shape(self) -> Shape:
        lengths = self.lengths
        return lengths[:-1] if self.batched else lengths

    @property
    def lengths(self) -> Shape:
        """The lengths of all axes, that of the cases too."""
        try:
            return self._lengths
        except AttributeError:
            self._lengths = self._measured()
            return self._lengths

    @property
    def rows(self) -> Rows | None:
        """The grid that it is shown as, or None for one that no single grid can show.

        A vector is a column, unless it lies along the rows of matrices; of many cases, a number is a row and a vector a matrix,
        with a column for each case. Matrices of many cases, and arrays with more axes, have no grid.
        """
        try:
            return self._rows
        except AttributeError:
            self._rows = self._as_rows()
            return self._rows

    def _as_rows(self) -> Rows | None:
        value: Any = self.value
        axes = len(self.lengths)
        if axes == 2:
            return cast(Rows, value)
        if axes != 1:
            return None
        return (value,) if self.batched or self.row else tuple([(x,) for x in value])

    def _measured(self) -> Shape:
        if self.whole is not None:
            return tuple(int(n) for n in self.whole.shape)
        lengths: list[int] = []
        value = self.value
        while isinstance(value, tuple):
            lengths.append(len(value))
            if not value:
                break
            value = value[0]
        return tuple(lengths)

    @property
    def numbers(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """All of them, as an array."""
        return np.asarray(self.value if self.whole is None else self.whole, dtype=np.float64)

    def position(self, axis: int, kept: int) -> int:
        """Where in the whole array the entries stand that are at position `kept` along an axis of `value`."""
        if self.whole is None or kept < EDGE:
            return kept
        return kept + max(0, self.lengths[axis] - 2 * EDGE)

    def kept(self, index: tuple[int, ...]) -> tuple[int, ...] | None:
        """The same the other way round: where in `value` an entry of the whole stands, if it is kept."""
        if self.whole is None:
            return index
        found = []
        for i, length in zip(index, self.lengths, strict=True):
            left_out = max(0, length - 2 * EDGE)
            if EDGE <= i < EDGE + left_out:
                return None
            found.append(i if i < EDGE else i - left_out)
        return tuple(found)


@record
class Name(Expression):
    """A named value: a parameter, a datum, or the left side of an equation."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)
    shape: Shape | None = field(default=None, compare=False, repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Name) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


@record
class Adjoint(Expression):
    """The gradient of the loss with respect to a named value.

    `through` names one path's part of it: the share that arrives through that equation.
    `of` names the loss where that is not the one over all the cases: a single case's.
    """

    name: str
    through: str = ""
    of: str = ""
    shape: Shape | None = field(default=None, compare=False, repr=False)

    def __hash__(self) -> int:
        # Not that of the name itself, which lies in the same tables; and a weight that is used in
        # hundreds of equations has a share through each.
        whole = ~hash(self.name)
        return whole ^ hash(self.through) if self.through else whole


class _Remembered(Expression):
    """Has places for what is found out about a tree when it is first asked for."""

    __slots__ = ("_hash", "_leaves")
    _hash: int
    _leaves: tuple[Leaf, ...]


@record
class Call(_Remembered):
    """An operation applied to arguments, with its options in the order given.

    A max(0, z) that is the `hinge` of a loss is marked when the equations are known, and is no gate.
    """

    operation: str
    arguments: tuple[Expression, ...]
    options: tuple[tuple[str, Option], ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)
    shape: Shape | None = field(default=None, compare=False, repr=False)
    hinge: bool = field(default=False, compare=False, repr=False)

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            self._hash = hash((self.operation, self.arguments, self.options))
            return self._hash

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The names and adjoints in its arguments, each once, in order of appearance."""
        try:
            return self._leaves
        except AttributeError:
            found: list[Leaf] = []
            for argument in self.arguments:
                if isinstance(argument, Call):
                    found += argument.leaves
                elif isinstance(argument, Name | Adjoint):
                    found.append(argument)
            self._leaves = tuple(dict.fromkeys(found) if len(found) > 1 else found)
            return self._leaves

    def of(self, arguments: Sequence[Expression]) -> Call:
        """The same operation of other arguments; the call itself where they are its own.

        Its shape is known no longer where an argument's is another.
        """
        if all(map(is_, arguments, self.arguments)):
            return self
        pairs = zip(arguments, self.arguments, strict=True)
        alike = all(new.shape is None or new.shape == old.shape for new, old in pairs)
        shape = self.shape if alike else None
        return Call(self.operation, tuple(arguments), self.options, self.span, shape, self.hinge)

    def option(self, name: str) -> Option:
        """The option's value as given here, or None."""
        return dict(self.options).get(name)


ONE = Literal(1.0)
ZERO = Literal(0.0)

Leaf: TypeAlias = "Name | Adjoint"
"""What a formula refers to, and what a line computes."""


def literal(value: Operand) -> Expression:
    """An expression as it is; a number as a literal."""
    return value if isinstance(value, Expression) else Literal(float(value))


def number(expression: Expression) -> float | None:
    """The value of a scalar literal; None for anything else."""
    if isinstance(expression, Literal) and not isinstance(expression.value, tuple):
        return expression.value
    return None


def walk(expression: Expression) -> Iterator[Expression]:
    """Every node of the tree, arguments before the call that uses them."""
    nodes: list[Expression] = []
    stack = [expression]
    while stack:
        node = stack.pop()
        nodes.append(node)
        if isinstance(node, Call):
            stack.extend(node.arguments)
    return reversed(nodes)


def leaves(expression: Expression) -> tuple[Leaf, ...]:
    """The names and adjoints the tree refers to, each once, in order of appearance."""
    match expression:
        case Call():
            return expression.leaves
        case Name() | Adjoint():
            return (expression,)
        case _:
            return ()


def substitute(
    expression: Expression, replacement: Callable[[Expression], Expression | None]
) -> Expression:
    """The tree with every node for which `replacement` gives an answer replaced by it."""
    new = replacement(expression)
    if new is not None:
        return new
    if isinstance(expression, Call):
        return expression.of([substitute(a, replacement) for a in expression.arguments])
    return expression


def nested(array: object) -> Nested:
    """An array as nested tuples of floats."""
    return _tuples(np.asarray(array, dtype=float).tolist())


def _tuples(value: list[Any] | float) -> Nested:
    if isinstance(value, float):
        return value
    return tuple(map(_tuples, value) if value and isinstance(value[0], list) else value)


def literal_of(
    array: object, batched: bool = False, row: bool = False, gradient: bool = False
) -> Literal:
    """An array, or a number, as a literal; `row` for a vector that lies along the rows of matrices."""
    numbers = np.asarray(array, dtype=float)
    if numbers.size <= LARGEST:
        return Literal(nested(numbers), batched=batched, row=row, gradient=gradient)
    ends = numbers
    for axis, length in enumerate(numbers.shape):
        if length > 2 * EDGE:
            ends = np.take(ends, [*range(EDGE), *range(length - EDGE, length)], axis=axis)
    return Literal(nested(ends), batched=batched, row=row, whole=numbers, gradient=gradient)
