"""The schemas that are published are those of the records that are printed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jsonschema
import numpy as np
import pytest

from handgrad.arrays import Array
from handgrad.expression import Literal, Name
from handgrad.formats.json import to_json
from handgrad.record import JsonForm, Proportion
from tests.schemas import validate
from tests.test_json import printed
from tools.schemas import FOLDER, document, schemas, written

SCHEMAS = schemas()


def test_the_files_are_what_is_generated() -> None:
    """After a change of what is printed: `python -m tools.schemas`."""
    made = {name: written(schema) for name, schema in SCHEMAS.items()}
    assert {file.stem: file.read_text("utf-8") for file in FOLDER.glob("*.json")} == made


def test_every_result_has_a_schema() -> None:
    """Whatever declares that it is a document is one of those that are generated."""
    declared = {
        name
        for file in FOLDER.parent.rglob("*.py")
        for name in re.findall(r'\bJsonForm\(\s*"([\w-]+)"', file.read_text("utf-8"))
    }
    assert declared == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_object_is_closed(name: str) -> None:
    """No object may have other keys than those of its record, and nothing is left open."""

    def look(schema: Any) -> None:
        if isinstance(schema, list):
            for each in schema:
                look(each)
        elif isinstance(schema, dict):
            if "properties" in schema:
                assert schema["additionalProperties"] is False
                assert schema["required"] == list(schema["properties"])
                assert all(set(s) - {"description"} for s in schema["properties"].values())
            for each in schema.values():
                look(each)

    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    look(SCHEMAS[name])


@dataclass(frozen=True)
class Inner:
    """One of several kinds."""

    kind: ClassVar = "inner"
    name: str


@dataclass(frozen=True)
class Plain:
    """All that may stand in a record.

    Arguments:
        number, count: a number, and how often.
        at: where,
            and where not.
    """

    number: float
    count: int | None
    at: tuple[tuple[int, ...], ...]
    pair: tuple[str, float]
    array: Array
    formula: Name | Literal
    share: Proportion
    inside: Inner | None
    by_name: dict[str, Inner]
    hidden: object
    json: ClassVar = JsonForm(
        "plain", without=("hidden",), also=("double", "times=count", "name=inside.name")
    )

    @property
    def double(self) -> float:
        """Twice the number."""
        return 2 * self.number


PLAIN = Plain(
    np.inf, 3, ((0, 1), ()), ("a", 1.5), np.array([[1, -0.0], [np.nan, 2]]), Name("dot"), 0.5, Inner("b"), {"c": Inner("d")}, object(),
)  # fmt: skip


def test_a_record_is_written_as_it_declares() -> None:
    assert to_json(PLAIN) == {
        "schema": "handgrad/plain/2",
        "number": None,
        "at": [[0, 1], []],
        "pair": ["a", 1.5],
        "array": [[1, 0], [None, 2]],
        "formula": "dot",
        "share": 0.5,
        "inside": {"kind": "inner", "name": "b"},
        "by_name": {"c": {"kind": "inner", "name": "d"}},
        "double": None,
        "times": 3,
        "name": "b",
    }


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("number", "1"),
        ("times", 1.5),
        ("at", [[0.5]]),
        ("at", [0]),
        ("pair", ["a"]),
        ("pair", ["a", 1, 2]),
        ("array", [["1"]]),
        ("formula", 1),
        ("name", 1),
        ("share", 1.5),
        ("share", None),
        ("inside", {"kind": "outer", "name": "b"}),
        ("inside", {"kind": "inner"}),
        ("by_name", {"c": 1}),
        ("more", 1),
    ],
)
def test_a_schema_refuses_what_the_record_cannot_hold(key: str, wrong: Any) -> None:
    right = to_json(PLAIN)
    validator = jsonschema.Draft202012Validator(document([Plain], {}))
    validator.validate(right)
    validator.validate({**right, "name": None, "inside": None})
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**right, key: wrong})
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({k: v for k, v in right.items() if k != "number"})


def test_what_a_path_leads_to_is_null_where_something_on_it_is_none() -> None:
    assert to_json(replace(PLAIN, inside=None))["name"] is None


def test_descriptions_are_the_docstrings() -> None:
    schema = document([Plain], {})
    assert schema["description"] == "All that may stand in a record."
    about = {k: s.get("description", "") for k, s in schema["properties"].items()}
    assert about["number"] == about["times"] == "a number, and how often."
    assert about["at"] == "where, and where not."
    assert about["double"] == "Twice the number."


@pytest.mark.parametrize("thing", [1, "text", None, PLAIN.inside, Name("x"), object()])
def test_only_results_are_written(thing: Any) -> None:
    with pytest.raises(TypeError, match="is no result that is written as JSON"):
        to_json(thing)


def test_a_type_without_a_form_is_named() -> None:
    @dataclass
    class Odd:
        by_place: dict[tuple[int, ...], int]

    with pytest.raises(TypeError, match="JSON has no form for dict"):
        document([Odd], {})


def test_one_of_two_results(capsys: pytest.CaptureFixture[str]) -> None:
    answer = printed(["why", "lab9", "L"], capsys)
    validate(answer, "why")
    assert answer["of"] == "value"
    assert not {"paths", "cases"} & answer.keys()
