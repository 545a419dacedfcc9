"""The table of operations is the one place that knows an operation by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from handgrad.operations import BY_NAME

SOURCE = Path(__file__).parent.parent / "src" / "handgrad"

NOT_OF_THE_TABLE = {
    "expression.py": "Python's operators: a + b makes a call of add",
    "models/onnx/entrywise.py": "attributes of ONNX's Clip",
    "models/onnx/recurrent.py": "an attribute of ONNX's RNN",
    "models/pytorch": "arguments and options of PyTorch's own operations",
    "numbers/symbolic.py": "SymPy's functions",
    "problem/problem.py": "the defaults of Problem.mlp, which are values",
    "solution/programs": "functions of array libraries, and their operators",
    "quizzes/maxima.py": "Maxima's functions",
    "running/program.py": "functions of array libraries, and their operators",
    "running/regrouping.py": "functions of array libraries",
    "running/scalars.py": "functions of array libraries, in C",
    "running/tracing.py": "functions of array libraries",
    "watching": "PyTorch's functions",
}
"""Files, or folders, whose strings name something else than operations of the table."""

HOMONYMS = {
    "dot": "a sign between factors",
    "dropout": "a name of a number that is set beforehand",
    "index": "a field of JSON, a group of a pattern",
    "larger": "a side of an interval",
    "mean": "how a problem reduces over its cases",
    "one_hot": "what given numbers are",
    "stack": "a learning system",
    "ratio": "a field of JSON",
    "sign": "a kind of token, and of type face; what a loss's target is",
    "sqrt": "√ where a terminal has no such character",
    "step": "a step of a solution, a setting of an update",
    "sum": "how a problem reduces over its cases",
    "trace": "a worked solution, in JSON",
    "transpose": "a kind of token",
    "where": "a place in a file, a level of hints",
}
"""Names of operations that are words for other things too: these are looked for where operations are named."""


def named(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each string that names an operation."""
    aside = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        for part in ast.walk(node) if _names_operations(node) else [node]:
            if isinstance(part, ast.Constant) and part.value in BY_NAME and id(part) not in aside:
                name = str(part.value)
                if name not in HOMONYMS or part is not node:
                    yield part.lineno, name


def _names_operations(node: ast.AST) -> bool:
    """Whether strings in it are names of operations: Call("sum", …), call.operation == "sum", BY_NAME["sum"]."""
    match node:
        case ast.Call(func=ast.Name(id="Call" | "noun_of" | "is_spoken")):
            return True
        case ast.Subscript(value=ast.Name(id="BY_NAME")):
            return True
        case ast.Compare():
            parts = [node.left, *node.comparators]
            return any(isinstance(p, ast.Attribute) and p.attr == "operation" for p in parts)
        case ast.Match(subject=ast.Attribute(attr="operation")):
            return True
    return False


def test_no_operation_is_named_outside_the_table() -> None:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE).as_posix()
        if not where.startswith(("operations/", *NOT_OF_THE_TABLE)):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found += sorted({f"{where}:{line}: {name}" for line, name in named(tree)})
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'GATES = ("relu", "gelu")',
        'x = {"conv1d": 1}',
        'f = Call("sum", (a,))',
        'if call.operation == "mean": pass',
        'if call.operation in ("sum", "mean"): pass',
        'o = BY_NAME["step"]',
        'match call.operation:\n    case "where":\n        pass',
    ],
)
def test_the_search_finds_a_planted_name(code: str) -> None:
    assert list(named(ast.parse(code)))


@pytest.mark.parametrize("path", NOT_OF_THE_TABLE)
def test_allowances_are_still_needed(path: str) -> None:
    files = SOURCE / path
    every = files.rglob("*.py") if files.is_dir() else [files]
    assert any(list(named(ast.parse(p.read_text(encoding="utf-8")))) for p in every)
