"""The calls of functions that one call of the model makes, as they are foreseen of the next."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import Size, Tensor

from handgrad.watching.internals import is_wrapped
from handgrad.watching.provenance import Made, Provenance
from handgrad.watching.remembering import Remembered

if TYPE_CHECKING:
    from handgrad.watching.gating import AtGate


class Weight(weakref.ref[Tensor]):
    """An argument that is a weight, and whether it learns."""

    __slots__ = ("learns",)

    def __init__(self, tensor: Tensor) -> None:
        super().__init__(tensor)  # type: ignore[call-arg]
        self.learns = tensor.requires_grad


class UnknownData:
    """An argument of which nothing is known but its shape."""

    __slots__ = ("known", "shape")

    def __init__(self, known: Provenance, shape: Size) -> None:
        self.known, self.shape = known, shape

    def is_one(self, value: Any) -> bool:
        """Whether a value is such an argument."""
        return (
            value.__class__ is Tensor
            and value.shape == self.shape
            and not (value.requires_grad or value.is_nested or is_wrapped(value))
            and self.known[value] is None
        )


class Value:
    """An argument that is no tensor."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def is_one(self, value: Any) -> bool:
        """Whether a value is this one."""
        return value.__class__ is self.value.__class__ and value == self.value


Source: TypeAlias = "int | Weight | UnknownData | Value"
"""Where an argument comes from; the number is that of the call whose result it is."""


class Planned:
    """A call of a function as it was made.

    Arguments:
        func: the function.
        sources: of its arguments, those by position and then those by name.
        names: the names.
        what: what it made of units.
    """

    __slots__ = ("count", "func", "gate", "made", "names", "same", "sources")

    def __init__(
        self,
        func: Any,
        sources: tuple[Source, ...],
        names: tuple[str, ...],
        what: Remembered,
    ) -> None:
        self.func, self.sources, self.names = func, sources, names
        self.count = len(sources)
        self.made, self.same = what.made, what.same
        self.gate: AtGate | None = what.gate


END = Planned(None, (), (), Remembered(None, False, None))


def made_by(calls: Sequence[Planned], number: int) -> Made | None:
    """What is known of the result of one of the calls."""
    planned = calls[number]
    while planned.same:
        source = planned.sources[0]
        assert isinstance(source, int)
        planned = calls[source]
    return planned.made
