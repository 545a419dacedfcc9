"""Records: dataclasses that are quick to build and not to be changed, and how one is written as JSON.

Builders are such that may be changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from sys import modules
from types import CellType, CodeType, FunctionType
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
    made, told = _with_init(cls, slots=True)
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


@dataclass_transform(eq_default=False)
def builder(cls: type[T]) -> type[T]:
    """A class with an `__init__` of its fields, for what works something out and changes as it does.

    Nothing is compiled for it either. It has no slots, and is equal to nothing but itself.
    """
    return _with_init(cls, slots=False)[0]


def _with_init(cls: type[T], *, slots: bool) -> tuple[type[T], tuple[Field[Any], ...]]:
    """A dataclass that can be made, and its fields."""
    plain = not any(map(_is_special, _fields_of(cls)))
    # `dataclass` writes the arguments into a missing docstring, and reads Python to find them.
    cls.__doc__ = cls.__doc__ or cls.__name__
    made: type[T] = dataclass(slots=slots, eq=False, repr=False, init=not plain)(cls)
    told = fields(made)  # type: ignore[arg-type]
    if plain:
        setattr(made, "__init__", _init(made, told))  # noqa: B010 - a slot of the class that mypy guards
    return made, told


def _fields_of(cls: type) -> Iterator[Field[Any]]:
    """The fields that are told as such before a class is a dataclass, and those that it inherits."""
    for base in cls.__mro__[1:]:
        yield from vars(base).get("__dataclass_fields__", {}).values()
    yield from (value for value in vars(cls).values() if isinstance(value, Field))


def _is_special(field: Field[Any]) -> bool:
    """Whether a field is not simply one of the arguments of `__init__`."""
    return not field.init or field.kw_only is True


class _Factory:
    """What an argument is by default whose value is made anew each time."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


def _init(cls: type, told: tuple[Field[Any], ...]) -> Callable[..., None]:
    """The `__init__` of a dataclass with these fields, each with a default, a factory of one, or neither.

    One for each number of fields, and for each place of a factory among them, is compiled; a class's own is its code with the
    fields' names in it.
    """
    made = [n for n, field in enumerate(told) if field.default_factory is not MISSING]
    optional = [n for n, field in enumerate(told) if n in made or field.default is not MISSING]
    if optional != [*range(len(told) - len(optional), len(told))]:
        raise TypeError(f"a field of {cls.__name__} without a default follows one that has one")
    names = tuple([field.name for field in told])
    code, beside = _template(len(names), tuple(made), hasattr(cls, "__post_init__"))
    code = code.replace(
        co_varnames=("self", *names),
        co_names=(*names, *beside),
        co_qualname=f"{cls.__qualname__}.__init__",
    )
    defaults = tuple([_FACTORY if n in made else told[n].default for n in optional])
    cells = (_FACTORY, *(told[n].default_factory for n in made)) if made else ()
    closure = tuple(map(CellType, cells))
    own = FunctionType(code, vars(modules[cls.__module__]), "__init__", defaults, closure)
    own.__annotations__ = {**{field.name: field.type for field in told}, "return": None}
    return own


@cache
def _template(count: int, made: tuple[int, ...], post: bool) -> tuple[CodeType, tuple[str, ...]]:
    """The code that sets so many attributes of `self`, some of them `made` by factories, and the names that it uses beside
    them. The factories are its free names, in their order, after the one of `_FACTORY`."""
    given = [f"a{n}" for n in range(count)]
    lines = [
        f"self.a{n} = f{n:03}() if a{n} is f else a{n}" if n in made else f"self.a{n} = a{n}"
        for n in range(count)
    ]
    lines += ["self.__post_init__()"] if post else []
    body = "\n  ".join(lines or ["pass"])
    free = ", ".join(["f", *(f"f{n:03}" for n in made)])
    source = f"def made({free}):\n def __init__({', '.join(['self', *given])}):\n  {body}\n return __init__"
    scope: dict[str, Any] = {}
    exec(source, scope)
    return scope["made"](*[None] * (len(made) + 1)).__code__, ("__post_init__",) if post else ()


def _getter(names: list[str]) -> Callable[[object], object]:
    """What returns an object's attributes of these names, as a tuple where there are several."""
    return attrgetter(*names) if names else lambda _: ()


@recursive_repr()
def _written(self: Any) -> str:
    """A record as the call that makes it."""
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


@record
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
