"""The schemas that are published with the package, each read and checked once."""

from __future__ import annotations

import importlib.resources
import json
from contextlib import suppress
from functools import cache
from typing import Any

import jsonschema
import jsonschema_rs


def validate(document: Any, name: str) -> None:
    """Raises `jsonschema.ValidationError` where what was printed is not as its schema says.

    A compiled validator, a hundred times as quick, judges first; the other one words what it refuses, and judges
    numbers that are NumPy's, which it does not know.
    """
    quick, worded = _validators(name)
    with suppress(ValueError):
        if quick.is_valid(document):
            return
    worded.validate(document)


@cache
def _validators(
    name: str,
) -> tuple[jsonschema_rs.Draft202012Validator, jsonschema.Draft202012Validator]:
    file = importlib.resources.files("handgrad").joinpath("schema", f"{name}.json")
    loaded = json.loads(file.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(loaded)
    return jsonschema_rs.Draft202012Validator(loaded), jsonschema.Draft202012Validator(loaded)
