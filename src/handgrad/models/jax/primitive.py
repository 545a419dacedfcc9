"""An instruction of a jaxpr as the rules see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import numpy as np

from handgrad.equations.place import CodePlace
from handgrad.expression import Expression, Literal, Shape
from handgrad.models.builder import Builder, unreadable
from handgrad.models.formulas import (
    Masked,
)
from handgrad.operations.extending import broadcast_to


@dataclass(frozen=True, slots=True)
class Spread:
    """A value that is repeated along axes: `formula` has length 1 there, and none in front.

    Where it meets others entry by entry, nothing needs to be repeated.
    """

    formula: Expression
    shape: Shape


Value: TypeAlias = "Expression | Spread | Masked"


@dataclass
class Primitive:
    """An instruction as the rules see it.

    Arguments:
        name: the primitive's.
        params: its parameters.
        values: its arguments as formulas; None where they are known.
        numbers: the arguments' numbers.
        fixed: whether an argument is known.
        out: the shapes of its results.
        place: the line of code.
        builder: what equations are written on.
        given: the formula of known numbers.
        places: the formula of numbers of entries, and what to call them.
    """

    name: str
    params: Mapping[str, Any]
    values: Sequence[Value | None]
    numbers: Sequence[Any]
    fixed: Sequence[bool]
    out: Sequence[Shape]
    place: CodePlace
    builder: Builder
    given: Callable[[int], Expression]
    places: Callable[[np.ndarray[Any, Any], str], Expression]

    def refuse(self, what: str, mend: str = "") -> NoReturn:
        """Raises the error for what cannot be read."""
        raise unreadable(f"{self.name} {what}", self.place, mend)

    def shape(self, k: int = 0) -> Shape:
        """The shape of an argument."""
        return tuple(int(n) for n in np.shape(self.numbers[k]))

    def known(self, k: int) -> np.ndarray[Any, Any]:
        """An argument's numbers, which have to be known."""
        if not self.fixed[k]:
            self.refuse("is given places that depend on the parameters or the data")
        return np.asarray(self.numbers[k])

    def __call__(self, k: int = 0) -> Expression:
        """An argument in its own shape."""
        value = self.values[k]
        if value is None:
            array = np.asarray(self.numbers[k])
            return Literal(float(array)) if array.ndim == 0 else self.given(k)
        if isinstance(value, Masked):
            self.refuse("takes scores that −∞ leaves out", "only softmax can take these")
        if isinstance(value, Spread):
            return broadcast_to(value.formula, shape=value.shape)
        return value

    def entrywise(self, k: int) -> Expression:
        """An argument that meets others entry by entry: NumPy's rule repeats it."""
        value = self.values[k]
        if value is None:
            array = np.asarray(self.numbers[k])
            if array.size and (array == array.reshape(-1)[0]).all() and np.isfinite(array).all():
                # Others have the shape already, unless all of them are known.
                return Literal(float(array.reshape(-1)[0]))
            return self.given(k)
        return value.formula if isinstance(value, Spread) else self(k)


Rule: TypeAlias = "Callable[[Primitive], Value | tuple[Value, ...]]"
