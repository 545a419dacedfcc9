"""What is said of each remark about answers: a line each."""

from __future__ import annotations

from typing import assert_never

from handgrad.checking.remarks import (
    AnotherDerivative,
    Arrangement,
    ArrayFault,
    ArrayUnread,
    AsColumn,
    CasesInRows,
    CasesUnlisted,
    DamagedJson,
    EnteredTwice,
    GivenOtherwise,
    LineFault,
    More,
    NoArray,
    NotANumber,
    NotAsked,
    NotFigures,
    NotReal,
    NoUpdate,
    RaggedArray,
    RaggedMatrix,
    RowWithoutName,
    TableInside,
    TooDeep,
    UnreadLine,
    UnreadRow,
    Unused,
    WorkedInCode,
)

LONG = 40
"""Characters of a name or a cell that are shown."""

_LINES: dict[LineFault, str] = {
    "named_twice": "its name stands there twice",
    "no_number": "the figure is missing, or is not a number",
    "not_closed": "a bracket or a comma is missing",
    "no_equals": "there is no = after a name",
}


def arrangement_text(arrangement: Arrangement) -> str:
    """How figures were read."""
    match arrangement:
        case CasesInRows():
            return "read with a case in each row"
        case AsColumn():
            return "read as a column"
        case _:
            assert_never(arrangement)


def fault_text(fault: ArrayFault) -> str:
    """Why something is no array."""
    match fault:
        case TableInside():
            return "a table holds no figures"
        case CasesUnlisted():
            return "cases is a list with one entry for each case"
        case ArrayUnread():
            return "the array cannot be read"
        case NotReal(dtype):
            return f"an array of {dtype} holds no real numbers"
        case TooDeep(most):
            return f"lists nest deeper than {most}"
        case RaggedMatrix(row, count, first):
            figures = "figure" if count == 1 else "figures"
            return f"a ragged matrix: row {row} has {count} {figures}, row 1 has {first}"
        case RaggedArray(entry):
            return f"a ragged array: entry {entry} is not shaped as entry 1"
        case _:
            assert_never(fault)


def unused_text(remark: Unused, *, rest: bool = True) -> str:
    """What of the answers was not used, and why; `rest` says that there was something that was."""
    match remark:
        case UnreadLine(line, fault, parser):
            why = parser if fault == "other" else _LINES[fault]
            return f"line {line} cannot be read ({why}){'; the rest is checked' if rest else ''}"
        case DamagedJson(line):
            before = "; what stands before is checked" if rest else ""
            return f"the JSON is broken off or damaged at line {line}{before}"
        case RowWithoutName(row):
            return f"row {row} begins with no name and is left out"
        case UnreadRow(row, parser):
            before = "; the rows before it are checked" if rest and row > 1 else ""
            return f"row {row} cannot be read ({parser}){before}"
        case NotFigures(name):
            return f"{_short(name)} is a table, not figures; only [updated] is one"
        case WorkedInCode(name):
            return f"{_short(name)} is worked out in code, which is not run; write its figures"
        case NoArray(name, array_fault):
            return f"{_short(name)}: {fault_text(array_fault)}"
        case NotAsked(name, meant):
            hint = f" (did you mean {meant}?)" if meant else ""
            return f"{_short(name)} is not a quantity of this problem{hint}"
        case AnotherDerivative(name, of, loss, gradient):
            return (
                f"{_short(name)} is a derivative of {of}; the gradients here are those of {loss}, "
                f"and that one is {gradient}"
            )
        case NoUpdate(name):
            return f"{_short(name)}: the problem has no [update]"
        case GivenOtherwise(name, moves):
            short = _short(name)
            new = f" (after the update it is {short}_new, or stands under [updated])"
            return (
                f"{short} is given by the problem, and with other numbers than these"
                f"{new if moves else ''}"
            )
        case NotANumber(name, at, text):
            place = f"[{', '.join(map(str, at))}]" if at else ""
            counted = " (entries counted from 0)" if at else ""
            return f"{_short(name)}{place}: {text.strip()[:LONG]!r} is not a number{counted}"
        case EnteredTwice(name):
            return f"{_short(name)} is entered twice; the first entry is checked"
        case More(count):
            return f"and {count} more remark{'s' if count > 1 else ''}"
        case _:
            assert_never(remark)


def _short(name: str) -> str:
    return name if len(name) <= LONG else f"{name[: LONG - 1]}…"
