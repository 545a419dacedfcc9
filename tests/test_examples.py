"""Every verb has an example in its docstring, which runs."""

from __future__ import annotations

import doctest
import inspect

import pytest

import handgrad

VERBS = [name for name in handgrad.__all__ if inspect.isroutine(getattr(handgrad, name))]


@pytest.mark.parametrize("name", VERBS)
def test_the_example_of_a_verb_runs(name: str) -> None:
    verb = inspect.unwrap(getattr(handgrad, name))
    (found,) = doctest.DocTestFinder(recurse=False).find(verb, name, globs={"handgrad": handgrad})
    assert found.examples, f"{name} has no example"
    assert doctest.DocTestRunner(verbose=False).run(found).failed == 0


def test_the_example_of_the_package_runs() -> None:
    assert doctest.testmod(handgrad).failed == 0
