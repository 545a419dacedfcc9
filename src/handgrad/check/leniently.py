"""Answers in TOML as people write it: bare fractions and words, decimal commas, statements that are broken."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

ATTEMPTS = 40
"""Statements that are left out of a broken file, at most, until the rest can be read."""

_AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")
_STATEMENT = re.compile(r"""^\s*(?:[\w.'"/()^∂⁽⁾⁰¹²³⁴⁵⁶⁷⁸⁹₀-₉\u0302-]+\s*=|\[)""")


def tables_of(text: str) -> tuple[dict[str, Any], list[str]]:
    """The tables of an answers file, and a line about each statement that cannot be read."""
    try:
        return _parsed(text), []
    except ValueError:
        pass
    lenient = _lenient(text)
    try:
        return _parsed(lenient), []
    except ValueError as error:
        return _without_faults(lenient, error)


def _parsed(text: str) -> dict[str, Any]:
    """The tables of a TOML text, figures as they are written. Raises `ValueError`."""
    try:
        return tomllib.loads(text, parse_float=str)
    except RecursionError:
        raise ValueError("it nests too deeply to be read") from None


def _lenient(text: str) -> str:
    """TOML as people write it: 1/3, .5 and words bare in their cells, dL/dW2 without quotes."""
    lines = []
    for line in text.split("\n"):
        if _HEADER.match(line):
            lines.append(line)
            continue
        key = re.match(r"\s*[^\s=\"'\[\]#,][^=\"'\[\]#]*=", line)
        before, after = (line[: key.end()], line[key.end() :]) if key else ("", line)
        before = re.sub(r"^(\s*)(.*?)(\s*=)$", _quoted_key, before)
        if key and (comma := _DECIMAL_COMMA.fullmatch(after)):
            after = f' "{comma[1]}"{comma[2]}'
        lines.append(before + _CELL.sub(_quoted_cell, after))
    return "\n".join(lines)


_HEADER = re.compile(r"\s*\[\s*[A-Za-z_]\w*\s*\]\s*(#.*)?$")
_CELL = re.compile(r""""[^"]*"|'[^']*'|\#.*|[^\s,\[\]"'#{}=]+(?:\s*/\s*\d+)?""")
_DECIMAL_COMMA = re.compile(r"\s*([+−-]?\d+,\d+)(\s*(?:#.*)?)")
_TOML_NUMBER = re.compile(r"[+-]?(?:0|[1-9][\d_]*)(?:\.\d+)?(?:[eE][+-]?\d+)?|[+-]?(?:inf|nan)")


def _quoted_cell(found: re.Match[str]) -> str:
    cell = found[0]
    if cell[0] in "\"'#" or _TOML_NUMBER.fullmatch(cell) or cell in ("cases", "true", "false"):
        return cell
    return json.dumps(cell, ensure_ascii=False)


def _quoted_key(found: re.Match[str]) -> str:
    key = found[2]
    bare = re.fullmatch(r"[A-Za-z0-9_-]+", key) is not None
    return found[0] if bare else f"{found[1]}{json.dumps(key, ensure_ascii=False)}{found[3]}"


def _without_faults(text: str, error: ValueError) -> tuple[dict[str, Any], list[str]]:
    """What can be read, statement by statement, and a line about each that cannot."""
    lines = text.split("\n")
    remarks: list[str] = []
    for _ in range(ATTEMPTS):
        start = _fault(lines, error)
        if start is None:
            break
        remarks.append(f"line {start + 1} cannot be read ({_reason(error)}); the rest is checked")
        after = (k for k in range(start + 1, len(lines)) if _STATEMENT.match(lines[k]))
        stop = next(after, len(lines))
        lines[start:stop] = [""] * (stop - start)
        try:
            return _parsed("\n".join(lines)), remarks
        except ValueError as next_error:
            error = next_error
    return {}, [f"is not valid TOML: {str(error)[:120]}"]


def _reason(error: ValueError) -> str:
    """Why a statement cannot be read, in a student's words where they are known."""
    what = _AT_LINE.sub("", str(error)).strip().rstrip(".:")
    return next((said for start, said in _REASONS.items() if what.startswith(start)), what[:80])


_REASONS = {
    "Cannot overwrite a value": "its name stands there twice",
    "Invalid value": "the figure is missing, or is not a number",
    "Unclosed array": "a bracket or a comma is missing",
    "Expected '=' after a key": "there is no = after a name",
}


def _fault(lines: list[str], error: ValueError) -> int | None:
    """Where the statement begins that cannot be read: everything before it can."""
    found = _AT_LINE.search(str(error))
    stop = min(int(found[1]), len(lines)) if found else len(lines)
    starts = [k for k in range(stop) if _STATEMENT.match(lines[k])][-ATTEMPTS:]
    for start in [stop - 1, *reversed(starts)]:
        try:
            _parsed("\n".join(lines[:start]))
        except ValueError:
            continue
        return start
    return None
