"""A node of an ONNX graph as the table of operators sees it: its inputs as formulas or as known numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from handgrad.equations.place import CodePlace
from handgrad.expression import Expression, Literal, Name, Shape
from handgrad.models.builder import Builder, unreadable
from handgrad.models.formulas import Masked

Known: TypeAlias = NDArray[Any]
"""Numbers that do not depend on any parameter or floating input: they are worked out while reading."""


@dataclass(frozen=True, slots=True)
class Constant:
    """Numbers of the file, or worked out of them, under the name that the file has for them.

    Arguments:
        name: the name.
        array: the numbers.
        learned: whether it is a parameter: nothing is then worked out of it beforehand.
    """

    name: str
    array: Known
    learned: bool = False


@dataclass(frozen=True, slots=True)
class Several:
    """A sequence of arrays, of which nodes take single ones."""

    parts: tuple[Expression, ...]


Value: TypeAlias = "Constant | Expression | Masked | Several"
Result: TypeAlias = "Value | tuple[Value | None, ...]"


@dataclass
class OnnxNode:
    """One node: `inputs` are the values that lead to it, None for one that is left out.

    Arguments:
        kind: its operator, such as "Gemm".
        opset: the version of the operators.
        inputs: its inputs' values.
        outputs: the names of its outputs, "" for one that is not asked for.
        attributes: by name.
        place: where it stands, for errors.
        builder: what equations are written on.
        given: the formula of numbers of the file: a name under which equations have them, perhaps transposed.
    """

    kind: str
    opset: int
    inputs: Sequence[Value | None]
    outputs: Sequence[str]
    attributes: dict[str, Any]
    place: CodePlace
    builder: Builder
    given: Callable[[Constant], Expression]

    def refuse(self, what: str, mend: str = "") -> NoReturn:
        """Raises the error for what cannot be read of this node."""
        raise unreadable(f"{self.kind} {what}", self.place, mend)

    def has(self, position: int) -> bool:
        """Whether there is an input at this position."""
        return position < len(self.inputs) and self.inputs[position] is not None

    def value(self, position: int) -> Value:
        """An input as it came."""
        value = self.inputs[position] if position < len(self.inputs) else None
        if value is None:
            self.refuse(f"lacks its input {position + 1}")
        return value

    def known(self, position: int) -> Known | None:
        """An input's numbers where they are known."""
        value = self.value(position) if self.has(position) else None
        return value.array if isinstance(value, Constant) and not value.learned else None

    def numbers(self, position: int, what: str) -> Known:
        """An input's numbers, which have to be known."""
        array = self.known(position)
        if array is None:
            self.refuse(
                f"has {what} that depend on the data or the parameters", "they have to be fixed"
            )
        return array

    def whole(self, position: int, what: str) -> tuple[int, ...]:
        """An input as whole numbers, which have to be known."""
        return tuple(int(n) for n in self.numbers(position, what).ravel())

    def formula(self, position: int, beside: int | None = None) -> Expression:
        """An input as a formula; known single numbers are written out.

        Arguments:
            position: of the input.
            beside: the position of another that it meets entry by entry: a number in an array of one entry
                is then written as a number.
        """
        value = self.value(position)
        if isinstance(value, Masked):
            self.refuse("takes scores that −∞ leaves out", "only softmax can take these")
        if isinstance(value, Several):
            self.refuse("takes a sequence of arrays", "single ones of it can be taken")
        if isinstance(value, Expression):
            return value
        array = value.array
        if array.dtype.kind not in "iufb":
            self.refuse(f"takes an array of {array.dtype}")
        rank = 0 if beside is None else len(self.shape(beside))
        if not value.learned and array.size == 1 and array.ndim <= rank:
            return Literal(float(array.reshape(())))
        return self.given(value)

    def shape(self, position: int) -> Shape:
        """The shape of an input."""
        value = self.value(position)
        match value:
            case Constant():
                return value.array.shape
            case Masked():
                return self.builder.shape(value.scores)
            case Several():
                return (len(value.parts),)
            case _:
                return self.builder.shape(value)

    def rank(self, position: int) -> int:
        """How many axes an input has."""
        return len(self.shape(position))

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from 0; ONNX counts back from −1 too."""
        if not -rank <= axis < rank:
            self.refuse(f"names axis {axis} of {rank}")
        return axis % rank

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute's value; texts as such."""
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def step(self, after: str, formula: Expression) -> Name:
        """A value on the way to the node's own, as an equation named after its first output."""
        own = next((name for name in self.outputs if name), self.kind)
        return self.builder.equation(f"{own}.{after}", formula, self.place)


def is_mask(array: Known) -> bool:
    """Whether numbers that are added to scores leave some out, with −∞ or the lowest floats, and keep some."""
    if array.dtype.kind != "f":
        return False
    out = array < -1e30
    return bool(out.any() and not out.all() and np.isfinite(array[~out]).all())
