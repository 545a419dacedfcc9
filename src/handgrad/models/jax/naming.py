"""What a jaxpr's values are called: by the statement of the user's code that computes them.

The last value of a statement has the name that it assigns. A statement that runs again (in a loop, or in a helper that is
called twice) is told apart by where in its bytecode the program was: it does not go back within one run.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax

from handgrad.equations.place import CodeLine, CodePlace

_OWN = tuple(
    str(Path(module.__file__).parent) for module in (jax, __import__("handgrad")) if module.__file__
)
"""Where JAX's own code lies, and handgrad's."""


@dataclass(frozen=True, slots=True)
class CodeFrame:
    """A call on the stack: where in whose code the program was.

    Arguments:
        file: the file.
        line: the line in it.
        function: the function's name.
        offset: the place in its bytecode.
    """

    file: str
    line: int
    function: str
    offset: int


Stack = tuple[CodeFrame, ...]
"""The user's calls, the outermost first."""


def stack_of(equation: Any) -> Stack:
    """The user's calls that led to an equation of a jaxpr."""
    traceback = equation.source_info.traceback
    if traceback is None:
        return ()
    codes, offsets = traceback.raw_frames()
    found: list[CodeFrame] = []
    for code, offset, frame in zip(codes, offsets, traceback.frames, strict=True):
        if code.co_filename.startswith(_OWN):
            if found and "handgrad" in code.co_filename:
                break
            continue
        found.append(CodeFrame(code.co_filename, frame.line_num, code.co_name, offset))
    return tuple(reversed(found))


def place_of(stack: Stack) -> CodePlace:
    """The line of the user's code at the end of a stack."""
    if not stack:
        return CodePlace()
    frame = stack[-1]
    text = linecache.getline(frame.file, frame.line).strip()
    return CodePlace("", CodeLine(frame.file, frame.line, text))


@lru_cache(maxsize=256)
def _statements(file: str) -> dict[int, tuple[int, str]]:
    """By line, the first line of the smallest statement around it, and the name that it assigns."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return {}
    found: dict[int, tuple[int, str]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return | ast.Expr):
            continue
        name = ""
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case ast.AugAssign(target=ast.Name(id=name)):
                pass
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
            found[line] = (node.lineno, name)
    return found


Run = tuple[Any, ...]
"""One run of a statement: what called it, where it stands, and which run it is."""


@dataclass
class Naming:
    """Tells the runs of statements apart, instruction by instruction."""

    seen: dict[Run, tuple[int, int]] = field(default_factory=dict)
    targets: dict[Run, tuple[str, str]] = field(default_factory=dict)

    def runs(self, stack: Stack) -> tuple[Run, ...]:
        """The runs of statements that an instruction belongs to, the outermost first."""
        return tuple(self._each(stack))

    def _each(self, stack: Stack) -> Iterator[Run]:
        before: Run = ()
        for frame in stack:
            first, name = _statements(frame.file).get(frame.line, (frame.line, ""))
            where = (before, frame.file, first)
            run, offset = self.seen.get(where, (0, -1))
            if frame.offset < offset:
                run += 1
            self.seen[where] = (run, frame.offset)
            before = (*where, run)
            self.targets[before] = (name, frame.function)
            yield before
