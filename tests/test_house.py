"""The house: no name twice, no circle of imports, and floors that hold."""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

import handgrad

ROOT = Path(__file__).parents[1] / "src"
FILES = {
    ".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f
    for f in sorted((ROOT / "handgrad").rglob("*.py"))
}


@cache
def trees() -> dict[str, ast.Module]:
    """By module, its syntax tree."""
    return {module: ast.parse(file.read_text("utf-8")) for module, file in FILES.items()}


def test_no_circle_of_imports() -> None:
    graph = grimp.build_graph("handgrad", exclude_type_checking_imports=True, cache_dir=None)
    imports = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError with the circle


def test_no_class_name_twice() -> None:
    places = defaultdict(list)
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_the_front_door_has_one_list() -> None:
    """Every name is where the list says it is, completion shows it, and type checkers read the same."""
    assert set(handgrad.__all__) == {
        n for names in handgrad.CONTENTS.values() for n in names.split()
    }
    for name in handgrad.__all__:
        assert getattr(handgrad, name) is not None
    hidden = set(dir(handgrad)) - set(handgrad.__all__)
    assert all(name.startswith("__") for name in hidden)
    stub = ast.parse((ROOT / "handgrad" / "__init__.pyi").read_text("utf-8"))
    typed = {
        alias.name: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    listed = {
        name: f"handgrad.{room}"
        for room, names in handgrad.CONTENTS.items()
        for name in names.split()
    }
    assert typed == listed, "run python -m tools.front_door"
