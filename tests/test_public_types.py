"""The types of the public door: no array is an `Any`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin, get_overloads, get_type_hints

import numpy as np
import pytest

import handgrad

ANY = {
    "to_json return": "an object of JSON",
    "json_views return": "what JSON has besides a record's fields",
    "report options": "options of a result's page",
    "check_code function": "a student's function, whose arguments are the problem's",
    "born_dead_table options": "options passed on to born_dead",
    "compare_training options": "options passed on to train",
}
"""What may be anything, by the name of a function or a method, and why."""


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions and methods, by name; overloaded ones as their overloads."""
    for name in handgrad.__all__:
        found = getattr(handgrad, name)
        members = {name: found}
        if inspect.isclass(found):
            members = {
                f"{name}.{n}": getattr(m, "__func__", getattr(m, "fget", getattr(m, "func", m)))
                for each in reversed(found.__mro__)
                if each.__module__.startswith("handgrad")
                for n, m in vars(each).items()
                if not n.startswith("_") or n in ("__init__", "__call__")
            }
        for full, function in members.items():
            if inspect.isfunction(function):
                for each in get_overloads(function) or [function]:
                    yield full, each


def any_in(hint: Any) -> bool:
    """Whether a type has an `Any` that isn't a detail of one of NumPy's, such as an array's rank."""
    if isinstance(hint, str):
        return re.search(r"\bAny\b", hint) is not None
    if get_origin(hint) in (np.ndarray, np.dtype, np.floating):
        return False
    parts = [p for a in get_args(hint) for p in (a if isinstance(a, list) else [a])]
    return hint is Any or any(map(any_in, parts))


def hints(of: Any) -> dict[str, Any]:
    try:
        return get_type_hints(of)
    except NameError:  # a name that is imported for type checkers alone
        return dict(inspect.get_annotations(of))


def bare() -> list[str]:
    found = [f"{n} {p}" for n, f in functions() for p, hint in hints(f).items() if any_in(hint)]
    for name in handgrad.__all__:
        record = getattr(handgrad, name)
        if inspect.isclass(record):
            found += [f"{name}.{f}" for f, hint in hints(record).items() if any_in(hint)]
    return found


def test_no_array_is_any() -> None:
    assert [each for each in bare() if each.rpartition(".")[2] not in ANY] == []


@pytest.mark.parametrize("hint", [Any, list[Any], dict[str, tuple[Any, int]], "Mapping[str, Any]"])
def test_a_bare_any_is_seen(hint: Any) -> None:
    assert any_in(hint)


def test_an_array_is_none() -> None:
    assert not any_in(get_type_hints(handgrad.Run.value)["return"])
