"""Records: dataclasses that are quick to build and not to be changed, and how one is written as JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from operator import attrgetter
from reprlib import recursive_repr
from typing import Annotated, Any, TypeAlias, TypeVar, dataclass_transform

T = TypeVar("T")

Proportion: TypeAlias = Annotated[float, "from 0 to 1"]
"""A part of a whole."""


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots that type checkers hold to be frozen: setting a field is an error to them.

    At run time nothing guards the fields. That guard makes an instance take six times as long to
    build, and the worked solution of a thousand equations is made of a hundred thousand. The class
    itself is built in a third of a frozen dataclass's time, which start-up pays once a class:
    only its `__init__` is compiled, where `dataclass` compiles every method.
    """
    made: type[T] = dataclass(slots=True, eq=False, repr=False)(cls)
    told = fields(made)  # type: ignore[arg-type]
    compared = _getter([field.name for field in told if field.compare])

    def equal(self: T, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compared(self) == compared(other)

    def hashed(self: T) -> int:
        return hash(compared(self))

    for name, method in (("__eq__", equal), ("__hash__", hashed), ("__repr__", _written)):
        if name not in vars(cls):
            setattr(made, name, method)
    return made


def _getter(names: list[str]) -> Callable[[object], object]:
    """What returns an object's attributes of these names, as a tuple where there are several."""
    return attrgetter(*names) if names else lambda _: ()


@recursive_repr()
def _written(self: Any) -> str:
    """A record as the call that makes it."""
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


@dataclass(frozen=True, slots=True)
class JsonForm:
    """How a record is written as JSON, where that isn't simply its fields: its class's `json`.

    Arguments:
        schema: the name of its schema, where the record is a whole document.
        without: fields that are left out.
        also: further attributes, such as properties; `title=problem.title` is that of another record under
            a key of its own, null where something on the way is None, and `step=number` renames a field.
        as_text: whether the record is written as its text, `str(record)`.
    """

    schema: str = ""
    without: Collection[str] = ()
    also: Collection[str] = ()
    as_text: bool = False

    @property
    def paths(self) -> dict[str, str]:
        """By key, the path of names that leads to what is written `also`."""
        pairs = [told.partition("=") for told in self.also]
        return {key: path or key for key, _, path in pairs}
