"""Writes the JSON Schemas of all that `--json` prints, made from the records that are printed.

    python -m tools.schemas

A record is an object with a key for each of its fields and nothing else; types, texts and choices come
from the annotations, descriptions from the docstrings. A test fails where a file is not what this makes.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import handgrad
from handgrad.discussion import KINDS
from handgrad.expression import Expression
from handgrad.formats.json import Views, form_of, keys_of, schema_id
from handgrad.record import Proportion
from handgrad.saving import Result
from handgrad.solution import NOTES

FOLDER = Path(handgrad.__file__).parent / "schema"

RESULTS: tuple[type[Result], ...] = tuple(
    each
    for each in map(handgrad.__getattr__, handgrad.__all__)
    if inspect.isclass(each) and issubclass(each, Result)
)
"""What is printed: the results in the list of the front door. Results of one name are alternatives of one schema."""

Schema = dict[str, Any]


class _Numbers:
    """Stands for an array of numbers, which annotations call Any."""


class _Texts:
    """Stands for texts nested as the entries of an array."""


STANDS_FOR = {
    "Array": _Numbers,
    "Leaf": Expression,
    "Spelled": _Texts,
    "Cells": _Texts,
    "Question": reduce(or_, KINDS),
    "TraceNote": reduce(or_, NOTES),
}
"""Names in annotations whose types do not say what JSON holds."""

SHARED: dict[Any, tuple[str, Schema]] = {
    float: (
        "number",
        {"description": "A number; null for what isn't finite.", "type": ["number", "null"]},
    ),
    Proportion: (
        "proportion",
        {"description": "A part of a whole.", "type": "number", "minimum": 0, "maximum": 1},
    ),
    _Numbers: (
        "numbers",
        {
            "description": "A number, or numbers nested as the rows of an array; many cases lie along the last axis.",
            "anyOf": [
                {"$ref": "#/$defs/number"},
                {"type": "array", "items": {"$ref": "#/$defs/numbers"}},
                {
                    "description": "An array that is left to a file: its name there, and its shape.",
                    "type": "object",
                    "properties": {
                        "array": {"type": "string"},
                        "shape": {"type": "array", "items": {"type": "integer"}},
                    },
                    "required": ["array", "shape"],
                    "additionalProperties": False,
                },
            ],
        },
    ),
    _Texts: (
        "texts",
        {
            "description": "A number as a text, or such texts nested as the rows of an array.",
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"$ref": "#/$defs/texts"}},
            ],
        },
    ),
    Expression: (
        "formula",
        {
            "description": "A formula in the language of equations; dz2 is the gradient of the loss with respect to z2.",
            "type": "string",
        },
    ),
}
"""By type, the name of its definition and the definition."""

PLAIN = {int: "integer", str: "string", bool: "boolean", NoneType: "null"}


def schemas() -> dict[str, Schema]:
    """By name, the schema of everything that is printed."""
    names = dict.fromkeys(form_of(result).schema for result in RESULTS)
    return {
        name: document(alike, alike[0].json_views())
        for name in names
        if (alike := [r for r in RESULTS if form_of(r).schema == name])
    }


def written(schema: Schema) -> str:
    """The text of a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def document(results: Sequence[type], views: Views) -> Schema:
    """The schema of a document that is one of some results with the same name."""
    name = schema_id(form_of(results[0]).schema)
    definitions = _Definitions(views)
    roots = [definitions.object(result, {"schema": {"const": name}}) for result in results]
    definitions.fill()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": name,
        **(roots[0] if len(roots) == 1 else {"anyOf": roots}),
        "$defs": dict(sorted(definitions.made.items())),
    }


class _Definitions:
    """The definitions of one document, made as they are referred to."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self.made: dict[str, Schema] = {}
        self._classes: dict[str, type] = {}

    def fill(self) -> None:
        """Makes those that others refer to."""
        while waiting := self._classes.keys() - self.made.keys():
            for name in waiting:
                self.made[name] = self.object(self._classes[name])

    def object(self, record: type, first: Mapping[str, Schema] | None = None) -> Schema:
        """A record as an object, with further keys first."""
        text, arguments = _documented(record)
        properties = dict(first or {})
        for key in keys_of(record, self._views):
            kind, about = _returned(key.view) if key.view else _led(record, key.path)
            schema = self.of(kind)
            about = about or arguments.get(key.name, "")
            properties[key.name] = {"description": about, **schema} if about else schema
        return {
            "description": text,
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def of(self, kind: Any) -> Schema:
        """The schema of a type. Raises `TypeError` for one that JSON has no form for."""
        origin, arguments = get_origin(kind), get_args(kind)
        if kind in SHARED or (inspect.isclass(kind) and issubclass(kind, Expression)):
            name, self.made[name] = SHARED[kind if kind in SHARED else Expression]
            if kind is _Numbers:
                self.of(float)
            return {"$ref": f"#/$defs/{name}"}
        if kind in PLAIN:
            return {"type": PLAIN[kind]}
        if origin is Literal:
            return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
        if origin in (Union, UnionType):
            return self._either([self.of(each) for each in arguments])
        if origin is tuple and arguments[-1] is Ellipsis:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is tuple:
            items = [self.of(each) for each in arguments]
            return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
        if inspect.isclass(origin) and issubclass(origin, Mapping) and arguments[0] is str:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if inspect.isclass(kind) and form_of(kind).as_text:
            return {"type": "string"}
        if inspect.isclass(kind):
            if self._classes.setdefault(kind.__name__, kind) is not kind:
                raise TypeError(f"two records of one document are called {kind.__name__}")
            return {"$ref": f"#/$defs/{kind.__name__}"}
        raise TypeError(f"JSON has no form for {kind!r}")

    def _either(self, schemas: list[Schema]) -> Schema:
        """One of several; a type or an enumeration where that says it all."""
        number = {"$ref": "#/$defs/number"}
        if number in schemas:
            schemas = [s for s in schemas if s != {"type": "null"}]
        if len(schemas) == 1:
            return schemas[0]
        if all(s.keys() == {"type"} for s in schemas):
            return {"type": [s["type"] for s in schemas]}
        if all(s.keys() <= {"enum", "const"} for s in schemas):
            return {"enum": [v for s in schemas for v in s.get("enum", [s.get("const")])]}
        return {"anyOf": schemas}


def _led(record: type, path: Sequence[str]) -> tuple[Any, str]:
    """The type at the end of a path of names, and what is said of it."""
    kind, about = _attribute(record, path[0])
    if len(path) == 1:
        return kind, about
    records = [each for each in get_args(kind) or (kind,) if each is not NoneType]
    end, about = _led(records[0], path[1:])
    return (end if len(records) == len(get_args(kind) or (kind,)) else end | None), about


def _attribute(record: type, name: str) -> tuple[Any, str]:
    """The type of an attribute, and what a docstring says of it."""
    found = next((vars(each)[name] for each in record.__mro__ if name in vars(each)), None)
    if isinstance(found, property):
        return _returned(found.fget)
    about = _documented(record)[1].get(name, "")
    if name == "kind" and isinstance(found, str):
        return Literal[found], about
    return get_type_hints(record, localns=STANDS_FOR, include_extras=True)[name], about


def _returned(function: Any) -> tuple[Any, str]:
    """What a function returns, and its docstring; a view is a text where it doesn't say."""
    returned = function.__annotations__.get("return", "str")
    annotated = SimpleNamespace(__annotations__={"return": returned})
    hints = get_type_hints(annotated, function.__globals__, STANDS_FOR, include_extras=True)
    return hints["return"], _joined(inspect.getdoc(function) or "")


def _documented(record: type) -> tuple[str, dict[str, str]]:
    """What a docstring says of a record, and of each of its fields."""
    text, _, arguments = (inspect.getdoc(record) or "").partition("\nArguments:\n")
    return _joined(text), dict(_fields(arguments))


def _fields(arguments: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"^    (\w[\w, ]*): (.*(?:\n {5,}.*)*)", arguments, re.MULTILINE):
        for name in found[1].split(", "):
            yield name, _joined(found[2])


def _joined(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Writes the files, and removes those of which nothing is printed any more."""
    made = schemas()
    for file in FOLDER.glob("*.json"):
        if file.stem not in made:
            file.unlink()
    for name, schema in made.items():
        (FOLDER / f"{name}.json").write_text(written(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
