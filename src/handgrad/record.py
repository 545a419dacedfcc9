"""Records: dataclasses that are quick to build and not to be changed, and how one is written as JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from sys import modules
from types import CodeType, FunctionType
from typing import Annotated, Any, TypeAlias, TypeVar, dataclass_transform

T = TypeVar("T")

Proportion: TypeAlias = Annotated[float, "from 0 to 1"]
"""A part of a whole."""


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots that type checkers hold to be frozen: setting a field is an error to them.

    At run time nothing guards the fields. That guard makes an instance take six times as long to
    build, and the worked solution of a thousand equations is made of a hundred thousand. The class
    itself is built in a tenth of a frozen dataclass's time, which start-up pays once a class:
    nothing is compiled for it, where `dataclass` compiles every method.
    """
    plain = not any(map(_is_made_anew, _fields_of(cls)))
    # `dataclass` writes the arguments into a missing docstring, and reads Python to find them.
    cls.__doc__ = cls.__doc__ or cls.__name__
    made: type[T] = dataclass(slots=True, eq=False, repr=False, init=not plain)(cls)
    told = fields(made)  # type: ignore[arg-type]
    if plain:
        setattr(made, "__init__", _init(made, told))  # noqa: B010 - a slot of the class that mypy guards
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


def _fields_of(cls: type) -> Iterator[Field[Any]]:
    """The fields that are told as such before a class is a dataclass, and those that it inherits."""
    for base in cls.__mro__[1:]:
        yield from vars(base).get("__dataclass_fields__", {}).values()
    yield from (value for value in vars(cls).values() if isinstance(value, Field))


def _is_made_anew(field: Field[Any]) -> bool:
    return field.default_factory is not MISSING


def _init(cls: type, told: tuple[Field[Any], ...]) -> Callable[..., None]:
    """The `__init__` of a dataclass with these fields, each with a plain default or none.

    One for each number of fields is compiled; a class's own is its code with the fields' names in it.
    """
    optional = [field for field in told if field.default is not MISSING]
    if optional and told[-len(optional) :] != (*optional,):
        raise TypeError(f"a field of {cls.__name__} without a default follows one that has one")
    names = tuple([field.name for field in told])
    code, beside = _template(len(names), hasattr(cls, "__post_init__"))
    code = code.replace(
        co_varnames=("self", *names),
        co_names=(*names, *beside),
        co_qualname=f"{cls.__qualname__}.__init__",
    )
    defaults = tuple([field.default for field in optional])
    own = FunctionType(code, vars(modules[cls.__module__]), "__init__", defaults)
    own.__annotations__ = {**{field.name: field.type for field in told}, "return": None}
    return own


@cache
def _template(count: int, post: bool) -> tuple[CodeType, tuple[str, ...]]:
    """The code that sets so many attributes of `self`, and the names that it uses beside them."""
    given = [f"a{n}" for n in range(count)]
    lines = [f"self.{name} = {name}" for name in given]
    lines += ["self.__post_init__()"] if post else []
    source = f"def __init__({', '.join(['self', *given])}):\n " + "\n ".join(lines or ["pass"])
    scope: dict[str, Any] = {}
    exec(source, scope)
    return scope["__init__"].__code__, ("__post_init__",) if post else ()


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
