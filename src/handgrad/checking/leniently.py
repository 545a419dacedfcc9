"""Answers in TOML as people write it: bare fractions and words, decimal commas, statements that are broken."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from handgrad.checking.remarks import LineFault, UnreadLine

ATTEMPTS = 40
"""Statements that are left out of a broken file, at most, until the rest can be read."""

_AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")
_STATEMENT = re.compile(r"""^\s*(?:[\w.'"/()^∂⁽⁾⁰¹²³⁴⁵⁶⁷⁸⁹₀-₉\u0302-]+\s*=|\[)""")


def tables_of(text: str) -> tuple[dict[str, Any], list[UnreadLine]]:
    """The tables of an answers file, and the statements that cannot be read.

    Raises `ValueError` where nothing can be read.
    """
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


def _without_faults(text: str, error: ValueError) -> tuple[dict[str, Any], list[UnreadLine]]:
    """What can be read, statement by statement, and each that cannot."""
    lines = text.split("\n")
    unread: list[UnreadLine] = []
    for _ in range(ATTEMPTS):
        start = _fault(lines, error)
        if start is None:
            break
        stop, closed = _end(lines, start)
        unread.append(_unread(start + 1, error, closed))
        lines[start:stop] = [""] * (stop - start)
        try:
            return _parsed("\n".join(lines)), unread
        except ValueError as next_error:
            error = next_error
    raise ValueError(f"is not valid TOML: {str(error)[:120]}")


def _end(lines: list[str], start: int) -> tuple[int, bool]:
    """The line after a statement, and whether its brackets are closed there: else the next one begins."""
    depth = 0
    for k in range(start, len(lines)):
        if k > start and (_HEADER.match(lines[k]) or _NAMED.match(lines[k])):
            return k, False
        plain = _QUOTED.sub("", lines[k])
        depth += plain.count("[") + plain.count("{") - plain.count("]") - plain.count("}")
        if depth <= 0:
            return k + 1, True
    return len(lines), False


_NAMED = re.compile(r"""^\s*[^\s=\[,#][^=\[#]*=""")
_QUOTED = re.compile(r""""[^"]*"|'[^']*'|#.*""")


def _unread(line: int, error: ValueError, closed: bool) -> UnreadLine:
    """What is wrong with the statement of a line, by the beginning of the parser's words."""
    what = _AT_LINE.sub("", str(error)).strip().rstrip(".:")
    fault: LineFault = next((f for start, f in _FAULTS.items() if what.startswith(start)), "other")
    if fault in ("no_number", "other") and not closed:
        # What stands after an open bracket is no number.
        fault = "not_closed"
    return UnreadLine(line, fault, what[:80] if fault == "other" else "")


_FAULTS: dict[str, LineFault] = {
    "Cannot overwrite a value": "named_twice",
    "Cannot declare": "named_twice",
    "Invalid value": "no_number",
    "Unclosed array": "not_closed",
    "Expected '=' after a key": "no_equals",
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
