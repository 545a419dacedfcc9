"""Any result as one JSON object at full precision: what its record declares, under the same names.

A record is written as its fields; what its class declares as `json` says otherwise, and views have what
only the room of a result knows, such as the words of its records. The schemas in `handgrad/schema` are made from the same declarations (`python -m tools.schemas`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from operator import attrgetter
from types import NoneType
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from handgrad.arrays import Array
from handgrad.collector import paused
from handgrad.equations import Writer
from handgrad.expression import Expression
from handgrad.finite import all_finite
from handgrad.formats.style import Style
from handgrad.record import JsonForm

T = TypeVar("T")

AS_IT_IS = frozenset([NoneType, bool, int, str])

VERSION = 2
"""Of the schemas; it counts up when a key changes its name or its meaning."""


class Place:
    """Where in a document a record stands.

    Arguments:
        above: the records around it, the outermost first.
        style: how formulas are written.
    """

    def __init__(self, style: Style) -> None:
        self.above: list[Any] = []
        self.style = style
        self._made: dict[Callable[[Style], Any], Any] = {}

    def once(self, make: Callable[[Style], T]) -> T:
        """What `make` makes of the style: one for the whole document."""
        if make not in self._made:
            self._made[make] = make(self.style)
        made: T = self._made[make]
        return made


View: TypeAlias = Callable[[Any, Place], Any]
"""A key's value, of a record and its place. It is a text where the function declares no other type."""

Views: TypeAlias = Mapping[type, Mapping[str, View]]
"""By kind of record and by key, what is written beside what the record declares, or instead."""


@paused()
def to_json(
    record: Any,
    views: Views | None = None,
    style: Style | None = None,
    arrays: dict[str, Array] | None = None,
) -> dict[str, Any]:
    """A result as plain objects, lists, texts and numbers.

    Arguments:
        record: the result.
        views: what its room says of its records.
        style: how formulas are written.
        arrays: where arrays of more than `FEW` numbers are put, by name; in their places is an object that says which.

    Raises `TypeError` for a record whose class declares no schema.
    """
    name = form_of(record.__class__).schema
    if not name:
        raise TypeError(f"{record.__class__.__name__} is no result that is written as JSON")
    writing: Callable[[Views, Style], Writing] = (
        Writing if arrays is None else partial(WritingApart, arrays)
    )
    return {"schema": schema_id(name), **writing(views or {}, style or Style()).record(record)}


@paused()
def render_json(value: Mapping[str, Any]) -> str:
    """An object that `to_json` made, on one line, in ASCII so that every console takes it."""
    import json

    # What was made of records holds nothing that it is held by.
    return f"{json.dumps(value, allow_nan=False, check_circular=False)}\n"


def schema_id(name: str) -> str:
    """What the key `schema` of a document holds."""
    return f"handgrad/{name}/{VERSION}"


class Key(NamedTuple):
    """A key of an object, and where its value is found: along the path of names, or by a view."""

    name: str
    path: tuple[str, ...]
    view: View | None = None

    def value(self, record: Any, place: Place) -> Any:
        """What stands under the key."""
        if self.view is not None:
            return self.view(record, place)
        for name in self.path:
            record = None if record is None else getattr(record, name)
        return record

    @property
    def getter(self) -> Callable[[Any, Place], Any]:
        """The same for many records."""
        if self.view is None and len(self.path) == 1:
            attribute = attrgetter(self.path[0])
            return lambda record, place: attribute(record)
        return self.value


def keys_of(record: type, views: Views) -> tuple[Key, ...]:
    """What is written of a kind of record. Raises `TypeError` for what is no record."""
    form, viewed = form_of(record), views.get(record, {})
    if is_dataclass(record):
        names = [f.name for f in fields(record) if not f.name.startswith("_")]
    elif issubclass(record, tuple) and hasattr(record, "_fields"):
        names = [*record._fields]
    else:
        raise TypeError(f"{record.__name__} is no record")
    if "kind" not in names and hasattr(record, "kind"):
        names.insert(0, "kind")
    hidden = {*form.without, *form.paths.values()}
    paths = {n: n for n in names if n not in hidden} | form.paths | dict.fromkeys(viewed, "")
    return tuple(Key(n, tuple(path.split(".")), viewed.get(n)) for n, path in paths.items())


class Writing(Place):
    """One document as it is written."""

    def __init__(self, views: Views, style: Style) -> None:
        super().__init__(style)
        self._views = views
        # Functions of the writing, not its methods: it goes when nobody holds it.
        self._keys: dict[type, list[tuple[str, Callable[[Any, Place], Any]]]] = {}
        self._ways: dict[type, Callable[[Writing, Any], Any]] = {}
        self.words = Writer()

    def record(self, record: Any) -> dict[str, Any]:
        """A record as an object."""
        kind = record.__class__
        keys = self._keys.get(kind)
        if keys is None:
            keys = [(key.name, key.getter) for key in keys_of(kind, self._views)]
            self._keys[kind] = keys
        told = [(name, get(record, self)) for name, get in keys]
        self.above.append(record)
        written = {
            name: value if value.__class__ in AS_IT_IS else self.under(name, value)
            for name, value in told
        }
        self.above.pop()
        return written

    def under(self, name: object, value: Any) -> Any:
        """What stands under a key, or at a place of a list."""
        kind = value.__class__
        if kind in AS_IT_IS:
            return value
        way = self._ways.get(kind)
        if way is None:
            way = self._ways[kind] = _way(kind)
        return way(self, value)


def _way(kind: type) -> Callable[[Writing, Any], Any]:
    """How a value of this class is written."""
    if issubclass(kind, float):
        return lambda at, value: value + 0.0 if math.isfinite(value) else None  # −0 as 0
    if issubclass(kind, np.ndarray | np.generic):
        return lambda at, value: numbers(np.asarray(value))
    if issubclass(kind, Expression):
        return lambda at, value: at.words.source(value)
    if issubclass(kind, tuple) and not hasattr(kind, "_fields"):
        return lambda at, value: [at.under(k, v) for k, v in enumerate(value)]
    if issubclass(kind, Mapping):
        return lambda at, value: {name: at.under(name, v) for name, v in value.items()}
    return (lambda at, value: str(value)) if form_of(kind).as_text else Writing.record


class WritingApart(Writing):
    """One document whose larger arrays are put into `arrays`, each once, named by its first place in the document."""

    def __init__(self, arrays: dict[str, Array], views: Views, style: Style) -> None:
        super().__init__(views, style)
        self._arrays, self._path = arrays, [""]
        self._known: dict[int, tuple[Array, str]] = {}

    def under(self, name: object, value: Any) -> Any:
        self._path.append(f"{self._path[-1]}.{name}".lstrip("."))
        large = isinstance(value, np.ndarray) and value.dtype != object and value.size > FEW
        written = self._apart(value) if large else super().under(name, value)
        self._path.pop()
        return written

    def _apart(self, array: Array) -> dict[str, Any]:
        # The array is kept with its name, for its number not to be another's.
        _, name = self._known.setdefault(id(array), (array, self._path[-1]))
        self._arrays[name] = array
        return {"array": name, "shape": [*array.shape]}


FEW = 64
"""Numbers of an array that stand in the document even where arrays are put apart."""


def numbers(array: Array) -> Any:
    """Nested lists of numbers, null for what isn't finite; of objects, how they are spelled."""
    if array.dtype == object:
        return [numbers(np.asarray(row)) for row in array] if array.ndim else str(array[()])
    if not array.ndim:
        value = array.item() + 0.0
        return value if math.isfinite(value) else None
    values = np.add(array, 0.0)  # −0 as 0
    if all_finite(values):
        return values.tolist()
    return [numbers(row) for row in values]


def form_of(record: type) -> JsonForm:
    """What a class declares of how it is written."""
    declared = getattr(record, "json", None)
    return declared if isinstance(declared, JsonForm) else JsonForm()
