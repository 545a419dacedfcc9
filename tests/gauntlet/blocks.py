"""Definitions and repeats written out by text alone, as the documents say; nothing here imports handgrad."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Lines = list[tuple[int, str]]


@dataclass(frozen=True)
class Function:
    """A definition: its arguments, the lines before its results, and those."""

    arguments: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]
    results: tuple[str, ...]


def has_blocks(text: str) -> bool:
    return re.search(r"(?m)^\s*(def|for)\s|\{", text) is not None


def written_out(text: str, numbers: Mapping[str, int]) -> list[str]:
    """The equations that a text with blocks stands for; `numbers` are those given that may count."""
    bare = (line.split("#", 1)[0].rstrip() for line in text.splitlines())
    lines = [(len(line) - len(line.lstrip()), line.strip()) for line in bare if line.strip()]
    functions: dict[str, Function] = {}
    rest: Lines = []
    while lines:
        indent, line = lines.pop(0)
        if not line.startswith("def "):
            rest.append((indent, line))
            continue
        under = _under(lines, indent)
        name, function = _function(line, [inner for _, inner in under])
        functions[name] = function
    equations: list[str] = []
    for line in _repeated(rest, dict(numbers), set()):
        equations += _called(line, functions)
    return equations


def _under(lines: Lines, indent: int) -> Lines:
    found: Lines = []
    while lines and lines[0][0] > indent:
        found.append(lines.pop(0))
    return found


def _function(header: str, under: Sequence[str]) -> tuple[str, Function]:
    found = re.fullmatch(r"def (\w+)\(([^)]*)\)\s*(?:=\s*(.+)|:)", header)
    assert found is not None, header
    arguments = tuple(a.strip() for a in found[2].split(","))
    if found[3]:
        return found[1], Function(arguments, (), (found[3],))
    *body, last = under
    if not last.startswith("return "):
        body, last = list(under), f"return {under[-1].partition('=')[0]}"
    pairs = tuple((t.strip(), f.strip()) for t, _, f in (line.partition("=") for line in body))
    return found[1], Function(arguments, pairs, tuple(_split(last.removeprefix("return "))))


def _split(text: str) -> list[str]:
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [p.strip() for p in parts]


def _repeated(lines: Lines, numbers: dict[str, int], steps: set[str]) -> Iterator[str]:
    lines = list(lines)
    while lines:
        indent, line = lines.pop(0)
        found = re.fullmatch(r"for (\w+) in (.+)\.\.(.+):", line)
        if found is None:
            yield _counted(line, numbers, steps)
            continue
        under = _under(lines, indent)
        for value in range(_whole(found[2], numbers), _whole(found[3], numbers) + 1):
            yield from _repeated(under, {**numbers, found[1]: value}, steps | {found[1]})


def _whole(text: str, numbers: Mapping[str, int]) -> int:
    return int(eval(text, {"__builtins__": {}}, dict(numbers)))


def _counted(line: str, numbers: Mapping[str, int], steps: set[str]) -> str:
    """The line with ranges, numbers in names, and steps put in."""

    def ranged(found: re.Match[str]) -> str:
        function, name, first, last = found.groups()
        names = [f"{name}{k}" for k in range(_whole(first, numbers), _whole(last, numbers) + 1)]
        if function == "sum":
            return f"({' + '.join(names)}"
        if function == "mean":
            return f"(1/{len(names)})*({' + '.join(names)}"
        return f"{function}({', '.join(names)}"

    line = re.sub(r"(\w+)\((\w+)\{([^{}]+)\.\.([^{}]+)\}", ranged, line)
    line = re.sub(r"\{([^{}]*)\}", lambda braces: str(_whole(braces[1], numbers)), line)
    for step in steps:
        line = re.sub(rf"\b{step}\b", str(numbers[step]), line)
    index = re.compile(r"\[([\d\s+*-]+)\]")
    return index.sub(lambda i: f"[{_whole(i[1], {})}]", line)


def _called(line: str, functions: Mapping[str, Function]) -> list[str]:
    """The equations of a line: those of the call that it is, or itself with short definitions put in."""
    left, _, right = (part.strip() for part in line.partition("="))
    whole = re.fullmatch(r"(\w+)\((.*)\)", right)
    function = functions.get(whole[1]) if whole else None
    if whole is None or function is None or not function.lines:
        return [f"{left} = {_put_in(right, functions)}"]
    targets = _split(left)
    number = re.sub(r"^[^\W\d_]+", "", targets[0])
    put = {a: f"({e})" for a, e in zip(function.arguments, _split(whole[2]), strict=True)}
    direct = dict(zip(function.results, targets, strict=True))
    own = {local: direct.get(local, local + number) for local, _ in function.lines}
    put |= own

    def renamed(formula: str) -> str:
        return re.sub(r"[A-Za-z]\w*", lambda name: put.get(name[0], name[0]), formula)

    made = [f"{own[local]} = {_put_in(renamed(f), functions)}" for local, f in function.lines]
    return made + [
        f"{target} = {_put_in(renamed(result), functions)}"
        for result, target in direct.items()
        if result not in own
    ]


def _put_in(formula: str, functions: Mapping[str, Function]) -> str:
    """The formula with the definitions of one formula put in for their calls."""
    if not any(re.search(rf"\b{name}\(", formula) for name in functions):
        return formula
    return ast.unparse(_PutIn(functions).visit(ast.parse(formula, mode="eval")))


class _PutIn(ast.NodeTransformer):
    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.functions = functions

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Name) or node.func.id not in self.functions:
            return node
        function = self.functions[node.func.id]
        given = dict(zip(function.arguments, node.args, strict=True))
        (result,) = function.results
        body = self.visit(ast.parse(result, mode="eval").body)
        made: ast.expr = _Given(given).visit(body)
        return ast.fix_missing_locations(made)


class _Given(ast.NodeTransformer):
    def __init__(self, given: Mapping[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.given.get(node.id, node)
