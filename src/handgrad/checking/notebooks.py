"""Figures in a notebook: what is assigned in its cells, read as it is written and never run."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from types import EllipsisType
from typing import Any

from handgrad.checking.remarks import Unused, WorkedInCode

ARRAYS = ("array", "asarray")
"""Functions whose argument is an array written out."""

LARGEST_CELL = 1_000_000
"""Characters of a cell, at most."""


def notebook_tables(text: str) -> tuple[dict[str, Any], list[Unused]]:
    """The figures that the cells of a notebook assign, by variable, as text; what was worked out in code is unused.

    `z1 = np.array([0.6, 0.1])`, `dz3 = -0.3654` and `p = 1/3` are read; `...` is a gap. The last assignment of a variable counts.
    Raises `ValueError` for what is no notebook.
    """
    try:
        notebook = json.loads(text)
        sources = [_source(cell) for cell in notebook["cells"] if cell.get("cell_type") == "code"]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise ValueError("is not a notebook") from None
    table: dict[str, Any] = {}
    code: dict[str, Unused] = {}
    for source in sources:
        for name, value in _assigned(source):
            table.pop(name, None)
            code.pop(name, None)
            try:
                table[name] = _figures(value, source)
            except ValueError:
                code[name] = WorkedInCode(name)
    return table, list(code.values())


def _source(cell: Any) -> str:
    lines = cell["source"]
    return lines if isinstance(lines, str) else "".join(lines)


def _assigned(source: str) -> Iterator[tuple[str, ast.expr]]:
    """The variables that a cell assigns, and what; none of a cell that is no Python."""
    # A magic or a shell command is no line of Python.
    kept = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n")]
    if len(source) > LARGEST_CELL:
        return
    try:
        body = ast.parse("\n".join(kept)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not _is_object(value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def _is_object(value: ast.expr) -> bool:
    """Whether a value is made by a call of something that is called as classes are: otter.Notebook(…)."""
    match value:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name[:1].isupper()
        case _:
            return False


def _figures(value: ast.expr, source: str) -> Any:
    """Nested lists of figures as they are written. Raises `ValueError` for anything else."""
    match value:
        case ast.Constant(value=int() | float()) if not isinstance(value.value, bool):
            return ast.get_source_segment(source, value) or str(value.value)
        case ast.Constant(value=str() as text):
            return text
        case ast.Constant(value=None) | ast.Constant(value=EllipsisType()):
            return ""
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _figures(operand, source)
            if isinstance(inner, str):
                return f"-{inner}"
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _figures(operand, source)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            above, below = _figures(left, source), _figures(right, source)
            if isinstance(above, str) and isinstance(below, str):
                return f"{above}/{below}"
        case ast.List(elts=entries) | ast.Tuple(elts=entries):
            return [_figures(entry, source) for entry in entries]
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[array]) if (
            name in ARRAYS
        ):
            return _figures(array, source)
        case _:
            pass
    raise ValueError("worked out in code")
