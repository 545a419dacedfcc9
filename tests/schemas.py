"""The schemas that are published with the package, each read and checked once."""

from __future__ import annotations

import importlib.resources
import json
from functools import cache
from typing import Any

import jsonschema


def validate(document: Any, name: str) -> None:
    """Raises `jsonschema.ValidationError` where what was printed is not as its schema says."""
    _validator(name).validate(document)


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    file = importlib.resources.files("handgrad").joinpath("schema", f"{name}.json")
    loaded = json.loads(file.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(loaded)
    return jsonschema.Draft202012Validator(loaded)
